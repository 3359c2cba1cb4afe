"""Share groups (KIP-932) with confluent-kafka's ShareConsumer: the same script on pylog and on Apache Kafka, and crashes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import AcknowledgeType

from harness.brokers import create, missing_reason
from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_groups.share_members import EXPECTED, SCRIPT, Desk, poll_until

SETTINGS = {"group.share.min.heartbeat.interval.ms": "200", "group.share.heartbeat.interval.ms": "300"}
TEXTS = [f"{name}={value}" for name, value in SETTINGS.items()]


@pytest.fixture(scope="module")
def pylog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("pylog") / "data", *TEXTS) as process:
        yield process
        assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


@pytest.fixture(scope="module")
def kafka_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    reason = missing_reason("kafka")
    if reason is not None:
        pytest.skip(reason)
    kafka = create("kafka", root=tmp_path_factory.mktemp("kafka"))
    try:
        yield f"127.0.0.1:{kafka.start(tier='D1', settings=SETTINGS).port}"
    finally:
        kafka.stop()


@pytest.mark.parametrize("step", SCRIPT)
def test_what_members_see(step: str, pylog: BrokerProcess) -> None:
    assert SCRIPT[step](pylog.address, f"share-{step}") == EXPECTED[step]


@pytest.mark.thorough
@pytest.mark.parametrize("step", SCRIPT)
def test_members_of_apache_kafka_see_the_same(step: str, kafka_address: str) -> None:
    assert SCRIPT[step](kafka_address, f"share-{step}") == EXPECTED[step]


def test_what_was_acknowledged_survives_kill_9_and_so_do_delivery_counts(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", *TEXTS) as broker:
        desk = Desk(broker.address, "crash")
        desk.produce([str(number) for number in range(100)], **{"batch.num.messages": 10})
        with desk.member(**{"share.acknowledgement.mode": "explicit"}) as consumer:
            found = poll_until([consumer], lambda rows: len(rows) >= 100)
            assert len(found) == 100
            for message in found:
                is_even = int(message.value()) % 2 == 0
                consumer.acknowledge(message, AcknowledgeType.ACCEPT if is_even else AcknowledgeType.RELEASE)
            assert all(error is None for error in consumer.commit_sync(10).values())
            broker.kill()
            broker.start()
        with desk.member() as consumer:
            again = poll_until([consumer], lambda rows: len(rows) >= 50)
        assert sorted(int(row.value()) for row in again) == list(range(1, 100, 2))
        assert {row.delivery_count() for row in again} == {2}
        assert broker.stop() == 0
