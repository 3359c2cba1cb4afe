"""The parity ledger's word of what a product does unless told otherwise, held against the product itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource

from harness.brokers import REGISTRY, create
from harness.brokers.products import java
from harness.study.server_defaults import DEFAULTS

PROGRAM = Path(__file__).with_name("Shipped.java")
IN_ITS_START_SCRIPT = {"jvm.heap"}
IN_ITS_ACTIVEMQ_XML = {"memoryUsage", "storeUsage", "tempUsage", "low.memoryLimit"}


@pytest.mark.broker("kafka")
def test_apache_kafka_names_them_itself(tmp_path: Path) -> None:
    broker = create("kafka", root=tmp_path)
    info = broker.start(tier="D2", settings={})
    try:
        node = ConfigResource("broker", "1")
        admin = AdminClient({"bootstrap.servers": info.address, "log_level": 0})
        told = admin.describe_configs([node])[node].result(20)
    finally:
        broker.stop()
        broker.wipe()
    default = ConfigSource.DEFAULT_CONFIG.value
    shipped = {
        name: word.value
        for name, entry in told.items()
        for word in entry.synonyms.values()
        if word.source == default and name in DEFAULTS["kafka"]
    }
    assert shipped == {name: value for name, value in DEFAULTS["kafka"].items() if name not in IN_ITS_START_SCRIPT}


@pytest.mark.broker("activemq")
def test_activemq_has_them_in_its_classes() -> None:
    found = java.find_java()
    assert found is not None
    libraries = REGISTRY["activemq"].locate().home / "libs"
    argv = [str(found.program), "-cp", f"{libraries}/*", str(PROGRAM)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    shipped = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    left_out = IN_ITS_START_SCRIPT | IN_ITS_ACTIVEMQ_XML
    assert shipped == {name: value for name, value in DEFAULTS["activemq"].items() if name not in left_out}


@pytest.mark.broker("rabbitmq")
def test_rabbitmq_has_them_in_its_application_file() -> None:
    (resource,) = (REGISTRY["rabbitmq"].locate().home / "usr/lib/rabbitmq/lib").glob(
        "rabbitmq_server-*/plugins/rabbit-*/ebin/rabbit.app"
    )
    text = resource.read_text(encoding="utf-8")
    assert DEFAULTS["rabbitmq"]["disk_free_limit.absolute"] == "50MB"
    assert "{disk_free_limit, 50000000}" in text
    assert DEFAULTS["rabbitmq"]["loopback_users.guest"] == "true"
    assert '{loopback_users, [<<"guest">>]}' in text
