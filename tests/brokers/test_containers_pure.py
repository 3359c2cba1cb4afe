"""Names, limits, owners and files of containers: what needs no engine to be checked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness import __version__
from harness.brokers import images
from harness.brokers.base_image import mirror
from harness.brokers.compose import files
from harness.brokers.identity import ProcessIdentity
from harness.brokers.limits import Limits, limit_settings, parse_limits
from harness.brokers.owner import Owner
from harness.brokers.places import compose_folder
from harness.brokers.products import activemq, kafka
from harness.brokers.registry import UNDER_TEST, product
from harness.errors import BrokerMissing, UsageError


def test_compose_s_settings_are_what_the_products_say() -> None:
    folder = compose_folder() / "settings"
    there = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert there == files(), "run: python -m harness.brokers.compose"


def test_compose_publishes_on_loopback_only() -> None:
    text = (compose_folder() / "compose.yaml").read_text()
    published = re.findall(r'"([\d.:]+:\d+)"', text)
    assert len(published) >= 10
    assert all(port.startswith("127.0.0.1:") for port in published)
    mounted = re.findall(r"\./settings/([^:]+):", text)
    assert {path for path in mounted if not (compose_folder() / "settings" / path).exists()} == set()
    used = set(re.findall(r"\$\{(\w+)\}", text))
    assert used <= set(images.names({}))


def test_names_stand_in_one_place_and_the_environment_goes_before() -> None:
    assert images.names({})["HARNESS_RABBITMQ_IMAGE"] == "rabbitmq:4-management"
    assert images.names({"HARNESS_RABBITMQ_IMAGE": "mine:1"})["HARNESS_RABBITMQ_IMAGE"] == "mine:1"
    built = {name: images.split(images.names({})[f"HARNESS_{name.upper()}_BUILT"])[1] for name in UNDER_TEST}
    assert built["kafka"] == kafka.VERSION
    assert built["activemq"] == activemq.VERSION
    assert built["pylog"] == __version__
    with pytest.raises(BrokerMissing):
        images.official_name("memory")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("rabbitmq", ("rabbitmq", "latest")),
        ("rabbitmq:4", ("rabbitmq", "4")),
        ("127.0.0.1:5000/a/b", ("127.0.0.1:5000/a/b", "latest")),
        ("127.0.0.1:5000/a/b:1.2", ("127.0.0.1:5000/a/b", "1.2")),
        ("a/b@sha256:0123", ("a/b@sha256:0123", "")),
    ],
)
def test_an_image_s_name_in_two_parts(name: str, parts: tuple[str, str]) -> None:
    assert images.split(name) == parts


def test_limits() -> None:
    assert parse_limits({}) == Limits(0, 0.0)
    assert parse_limits(limit_settings("2g", 1.5)) == Limits(2 << 30, 1.5)
    assert parse_limits(limit_settings("512MiB", None)) == Limits(512 << 20, 0.0)
    assert Limits(512 << 20, 0.5).settings() == {"container.memory": "512 MiB", "container.cpus": "0.5"}
    assert Limits().settings() == {"container.memory": "unlimited", "container.cpus": "unlimited"}


@pytest.mark.parametrize(("memory", "cpus"), [("much", None), ("1m", None), ("-2g", None), (None, 0.0), (None, -1.0)])
def test_limits_that_are_none(memory: str | None, cpus: float | None) -> None:
    with pytest.raises(UsageError):
        limit_settings(memory, cpus)


def test_an_owner_is_judged_only_where_its_pid_means_something() -> None:
    mine = Owner.mine()
    assert Owner.parse(mine.label()) == mine
    assert not mine.gone()
    process = mine.process
    dead = ProcessIdentity(process.pid, process.started_ticks + 1, process.boot_id)
    rebooted = ProcessIdentity(process.pid, process.started_ticks, "another-boot")
    assert Owner(dead, mine.pid_namespace, mine.host).gone()
    assert Owner(rebooted, mine.pid_namespace, mine.host).gone()
    assert not Owner(dead, "pid:[1]", mine.host).gone()
    assert not Owner(dead, mine.pid_namespace, "another-host").gone()
    assert [Owner.parse(text) for text in ("", "{}", "[]", "null", '{"process": 1}')] == [None] * 5


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "sources.list",
            "# deb http://old.example/debian x main\ndeb [arch=amd64] http://mirror.example/debian trixie main\n",
        ),
        ("sources.list.d/debian.sources", "Types: deb\nURIs: http://mirror.example/debian\nSuites: trixie\n"),
    ],
)
def test_the_mirror_is_apt_s_own(tmp_path: Path, file: str, text: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert mirror(tmp_path) == "http://mirror.example/debian"
    path.write_text("deb http://other.example/something-else stable main\n")
    with pytest.raises(BrokerMissing):
        mirror(tmp_path)


@pytest.mark.parametrize("name", UNDER_TEST)
def test_the_same_settings_inside_as_outside(name: str) -> None:
    """A container differs from a process in addresses and folders, and in who may log in; not in what it is tuned to."""
    subject = product(name)
    settings = subject.server_settings("D2")
    inside = subject.contain(5_000, settings)
    assert {key: inside.settings[key] for key in settings if key != "loopback_users.guest"} == {
        key: value for key, value in settings.items() if key != "loopback_users.guest"
    }
    text = "\n".join([*inside.files.values(), *inside.command])
    assert "5000" in text
    assert "0.0.0.0" in text
