"""What a durability tier means on each server, and the configuration files that come of it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from harness.brokers import REGISTRY, UNDER_TEST, product
from harness.brokers.products import java, kafka, rabbitmq
from harness.brokers.products.activemq import ActiveMQ, document
from harness.brokers.products.base import Installation
from harness.errors import UsageError

CORE = "{http://activemq.apache.org/schema/core}"


@pytest.mark.parametrize("name", UNDER_TEST)
def test_settings_are_text_and_do_not_depend_on_earlier_calls(name: str) -> None:
    first = REGISTRY[name].server_settings("D1")
    first["planted"] = "x"
    again = REGISTRY[name].server_settings("D1")
    assert "planted" not in again
    assert all(isinstance(value, str) for value in again.values())


@pytest.mark.parametrize("name", ["pylog", "kafka"])
def test_only_d2_flushes_in_the_append(name: str) -> None:
    flush = {
        tier: REGISTRY[name].server_settings(tier).get("log.flush.interval.messages") for tier in ("D0", "D1", "D2")
    }
    assert flush == {"D0": None, "D1": None, "D2": "1"}


def test_activemq_s_journal_is_synced_before_the_acknowledgement_where_a_kill_must_not_lose_it() -> None:
    strategy = {tier: ActiveMQ().server_settings(tier)["journalDiskSyncStrategy"] for tier in ("D0", "D1", "D2")}
    assert strategy == {"D0": "periodic", "D1": "always", "D2": "always"}


def test_no_tier_changes_rabbitmq_s_server() -> None:
    assert len({str(REGISTRY["rabbitmq"].server_settings(tier)) for tier in ("D0", "D1", "D2")}) == 1


def test_the_java_brokers_have_the_same_fixed_heap() -> None:
    heaps = {REGISTRY[name].server_settings("D1")[java.HEAP_SETTING] for name in ("kafka", "activemq")}
    assert heaps == {"1g"}


def test_activemq_s_document_is_well_formed_whatever_the_folder_is_called(tmp_path: Path) -> None:
    settings = ActiveMQ().server_settings("D2")
    broker = ET.fromstring(document(str(tmp_path / 'a "quoted" & <odd> name'), "127.0.0.1", 61613, settings)).find(
        f"{CORE}broker"
    )
    assert broker is not None
    store = broker.find(f"{CORE}persistenceAdapter/{CORE}kahaDB")
    assert store is not None
    assert store.get("journalDiskSyncStrategy") == "always"
    connectors = [node.get("uri") for node in broker.iter(f"{CORE}transportConnector")]
    assert connectors == ["stomp://127.0.0.1:61613"]
    policies = {node.get("queue"): node for node in broker.iter(f"{CORE}policyEntry") if node.get("queue")}
    assert (policies["PRIO.>"].get("maxPageSize"), policies[">"].get("maxPageSize")) == ("1", "2000")
    assert list(policies)[-1] == ">"


def test_activemq_without_a_store_has_none(tmp_path: Path) -> None:
    text = document(str(tmp_path), "127.0.0.1", 61613, ActiveMQ().server_settings("D0") | {"persistent": "false"})
    assert "kahaDB" not in text
    assert 'persistent="false"' in text


def test_an_unknown_activemq_setting_names_the_nearest(tmp_path: Path) -> None:
    installation = Installation("1", tmp_path, "")
    settings = ActiveMQ().server_settings("D1") | {"memoryUsag": "1"}
    with pytest.raises(UsageError, match="did you mean memoryUsage"):
        ActiveMQ().prepare(installation, tmp_path, [1], settings)


def test_an_unknown_broker_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="did you mean rabbitmq"):
        product("rabitmq")


def formatted(home: Path, folder: Path) -> dict[str, str]:
    """Format ``folder`` from a template that is there already (so no Java runs)."""
    template = home / "format"
    if not template.exists():
        template.mkdir(parents=True)
        (template / "meta.properties").write_text("#made\nversion=1\ncluster.id=old\nnode.id=1\ndirectory.id=old\n")
        (template / "bootstrap.checkpoint").write_bytes(b"records")
    kafka.format_storage(Installation("4.3.1", home, ""), java.Java(Path("/none"), "17", 17), folder, folder / "none")
    lines = (folder / "meta.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def test_each_kafka_node_gets_identities_of_its_own(tmp_path: Path) -> None:
    one, two = formatted(tmp_path / "home", tmp_path / "a"), formatted(tmp_path / "home", tmp_path / "b")
    assert one["version"] == two["version"] == "1"
    assert one["node.id"] == "1"
    assert len({one["cluster.id"], two["cluster.id"], one["directory.id"], two["directory.id"], "old"}) == 5
    assert all(len(one[name]) == 22 for name in ("cluster.id", "directory.id"))
    assert (tmp_path / "a" / "bootstrap.checkpoint").read_bytes() == b"records"


def test_a_formatted_kafka_folder_is_left_alone(tmp_path: Path) -> None:
    before = formatted(tmp_path / "home", tmp_path / "a")
    assert formatted(tmp_path / "home", tmp_path / "a") == before


def erlang_application(folder: Path, name: str, lists: str) -> None:
    ebin = folder / f"{name}-1.0" / "ebin"
    ebin.mkdir(parents=True)
    (ebin / f"{name}.app").write_text(f"{{application,'{name}',[{{vsn,\"1.0\"}},{lists}]}}.")


def test_rabbitmq_sees_just_the_applications_it_needs(tmp_path: Path) -> None:
    every = tmp_path / "plugins"
    erlang_application(every, "rabbit", "{applications,[kernel,stdlib,\n  ra,'rabbit_common']}")
    erlang_application(every, "ra", "{applications, [ kernel ]},{optional_applications,[gen_batch_server]}")
    erlang_application(every, "rabbit_common", "{applications,[]}")
    erlang_application(every, "gen_batch_server", "{applications,[kernel]}")
    erlang_application(every, "rabbitmq_management", "{applications,[rabbit]}")
    view = rabbitmq._applications(every, tmp_path / "view", ["rabbit"])
    assert sorted(entry.name for entry in view.iterdir()) == [
        "gen_batch_server-1.0",
        "ra-1.0",
        "rabbit-1.0",
        "rabbit_common-1.0",
    ]
    with pytest.raises(UsageError, match="no plugin 'rabbitmq_x'"):
        rabbitmq._applications(every, tmp_path / "view", ["rabbit", "rabbitmq_x"])


def test_each_rabbitmq_node_has_a_secret_that_only_its_user_can_read(tmp_path: Path) -> None:
    cookies = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        for _ in range(2):  # written once
            rabbitmq._write_configuration(folder, 5672, {"heartbeat": "60", "plugins": "p q"}, ["p", "q"])
        cookies.append((folder / "conf" / ".erlang.cookie").read_text())
        assert (folder / "conf" / ".erlang.cookie").stat().st_mode & 0o777 == 0o400
    assert cookies[0] != cookies[1]
    text = (tmp_path / "a" / "conf" / "rabbitmq.conf").read_text()
    assert "listeners.tcp.1 = 127.0.0.1:5672\n" in text
    assert "heartbeat = 60\n" in text
    assert "plugins" not in text
    assert (tmp_path / "a" / "conf" / "enabled_plugins").read_text() == "[p,q].\n"


def test_java_is_found_by_its_release_file(tmp_path: Path) -> None:
    def fake(folder: str, version: str) -> Path:
        (tmp_path / folder / "bin").mkdir(parents=True)
        (tmp_path / folder / "bin" / "java").touch()
        (tmp_path / folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{version}"\n')
        return tmp_path / folder

    new, old = fake("new", "21.0.4"), fake("old", "11.0.2")
    found = java.find_java({"JAVA_HOME": str(new), "PATH": ""})
    assert found is not None
    assert (found.major, found.version, found.program) == (21, "21.0.4", new / "bin" / "java")
    too_old = java.find_java({"JAVA_HOME": str(old), "PATH": ""})
    assert too_old is None or too_old.major >= java.OLDEST_MAJOR


def test_another_java_gets_another_archive(tmp_path: Path) -> None:
    one = java.archive_path(tmp_path, java.Java(Path("/a"), "17.0.1", 17))
    two = java.archive_path(tmp_path, java.Java(Path("/a"), "17.0.2", 17))
    assert one != two
