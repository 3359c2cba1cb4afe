"""Consumer-protocol groups (KIP-848) through librdkafka: sharing, a killed broker, a killed member, changes of protocol."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.integration.pylog_core.broker_process import BrokerProcess

PARTITIONS = 4
SECONDS_MAX = 40
SETTINGS = (
    "group.consumer.min.heartbeat.interval.ms=100",
    "group.consumer.heartbeat.interval.ms=200",
    "group.consumer.min.session.timeout.ms=2000",
    "group.consumer.session.timeout.ms=3000",
    "group.initial.rebalance.delay.ms=0",
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path_factory.mktemp("pylog") / "data", *SETTINGS) as process:
        yield process
        assert process.stop() == 0
    assert "Traceback" not in process.log.read_text()


class Member:
    """One consumer; `moves` is every rebalance that it was told of, `values` what it has read."""

    def __init__(self, broker: BrokerProcess, topic: str, *, protocol: str = "consumer", **how: Any) -> None:
        settings = {"bootstrap.servers": broker.address, "group.id": topic, "group.protocol": protocol, "log_level": 0}
        settings |= {
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "reconnect.backoff.max.ms": 200,
            **how,
        }
        self.consumer = Consumer(settings)
        self.moves: list[tuple[str, set[int]]] = []
        self.values: set[bytes] = set()
        self.commits = False
        self._owes_commit = False
        self.consumer.subscribe([topic], on_assign=self._note("assigned"), on_revoke=self._note("revoked"))

    def _note(self, what: str) -> Callable[[Any, Any], None]:
        return lambda _, rows: self.moves.append((what, {row.partition for row in rows}))

    def poll(self) -> None:
        read = {row.value() for row in self.consumer.consume(100, 0.05) if row.error() is None}
        self.values |= read
        self._owes_commit |= bool(read) and self.commits
        if self._owes_commit:
            with contextlib.suppress(
                KafkaException
            ):  # a rebalance came between: once more, or somebody else reads these
                self.consumer.commit(asynchronous=False)
                self._owes_commit = False

    @property
    def partitions(self) -> set[int]:
        return {row.partition for row in self.consumer.assignment()}


def wait(members: list[Member], condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline_s, [(each.partitions, each.moves, len(each.values)) for each in members]
        for member in members:
            member.poll()


def write(broker: BrokerProcess, topic: str, word: str) -> set[bytes]:
    producer = Producer({"bootstrap.servers": broker.address})
    values = {f"{word} {number}".encode() for number in range(40)}
    for number, value in enumerate(values):
        producer.produce(topic, value, partition=number % PARTITIONS)
    assert producer.flush(20) == 0
    return values


def make(broker: BrokerProcess, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    admin.create_topics([NewTopic(topic, PARTITIONS)])[topic].result()


def shared(*members: Member) -> bool:
    held = [member.partitions for member in members]
    return set().union(*held) == set(range(PARTITIONS)) and sum(map(len, held)) == PARTITIONS and all(held)


def test_members_keep_their_epochs_over_a_killed_broker(broker: BrokerProcess) -> None:
    make(broker, "killed")
    members = [Member(broker, "killed"), Member(broker, "killed")]
    wait(members, lambda: shared(*members))
    moves = [len(member.moves) for member in members]
    shares = [member.partitions for member in members]
    broker.kill()
    broker.start()
    values = write(broker, "killed", "after")
    wait(members, lambda: members[0].values | members[1].values >= values)
    assert [member.partitions for member in members] == shares
    assert [len(member.moves) for member in members] == moves, "nobody was told of a rebalance"
    for member in members:
        member.consumer.close()


def test_a_member_that_falls_silent_is_replaced_after_its_session(broker: BrokerProcess) -> None:
    make(broker, "silent")
    stays, goes = Member(broker, "silent"), Member(broker, "silent", **{"max.poll.interval.ms": 10_000})
    wait([stays, goes], lambda: shared(stays, goes))
    goes.consumer.unsubscribe()
    wait([stays], lambda: stays.partitions == set(range(PARTITIONS)))
    goes.consumer.close()
    stays.consumer.close()


def test_a_group_changes_its_protocol_while_it_is_empty_and_keeps_its_offsets(broker: BrokerProcess) -> None:
    make(broker, "changed")
    seen: set[bytes] = set()
    for number, protocol in enumerate(("classic", "consumer", "classic")):
        values = write(broker, "changed", str(number))
        member = Member(broker, "changed", protocol=protocol)
        wait([member], lambda member=member, values=values: member.values >= values)
        assert not member.values & seen, "it goes on where the group was"
        seen |= member.values
        member.consumer.commit(asynchronous=False)
        member.consumer.close()
    assert len(seen) == 120


def kind(broker: BrokerProcess, group: str) -> str:
    """What type of group it is, as an administrator sees it."""
    admin = AdminClient({"bootstrap.servers": broker.address})
    listed = admin.list_consumer_groups().result().valid
    return str(next(row.type.name for row in listed if row.group_id == group)).lower()


def committed(broker: BrokerProcess, group: str) -> int:
    """The sum of the group's offsets over all partitions."""
    reader = Consumer({"bootstrap.servers": broker.address, "group.id": group})
    rows = reader.committed([TopicPartition(group, number) for number in range(PARTITIONS)], timeout=10)
    reader.close()
    return sum(row.offset for row in rows)


@pytest.mark.parametrize("strategy", ["range,roundrobin", "cooperative-sticky"])
@pytest.mark.parametrize("killed", [False, True])
def test_a_rolling_upgrade_and_downgrade_loses_nothing(broker: BrokerProcess, strategy: str, killed: bool) -> None:
    topic = f"rolling-{strategy[:5]}-{killed}"
    make(broker, topic)
    written: set[bytes] = set()
    members: list[Member] = []

    def start(protocol: str) -> None:
        how = {"partition.assignment.strategy": strategy, "session.timeout.ms": 6000, "heartbeat.interval.ms": 300}
        members.append(Member(broker, topic, protocol=protocol, **(how if protocol == "classic" else {})))
        members[-1].commits = True

    def step(what: str, expected: str) -> None:
        """Write while the members settle, and see that each record reaches them and is committed."""
        fresh = write(broker, topic, what)
        written.update(fresh)
        wait(members, lambda: shared(*members) and committed(broker, topic) == len(written))
        assert set().union(*(each.values for each in members)) == fresh, what
        assert kind(broker, topic) == expected, what
        for member in members:
            member.values.clear()

    def stop_first() -> None:
        members.pop(0).consumer.close()

    start("classic")
    start("classic")
    step("two classic members", "classic")
    start("consumer")
    step("a consumer joins", "consumer")
    if killed:
        broker.kill()
        broker.start()
        step("after a crash while it is mixed", "consumer")
    stop_first()
    step("one classic member has left", "consumer")
    start("consumer")
    stop_first()
    step("upgraded", "consumer")
    start("classic")
    step("a classic member joins consumers", "consumer")
    stop_first()
    step("one consumer has left", "consumer")
    stop_first()
    start("classic")
    step("downgraded", "classic")
    start("classic")
    step("goes on from where the group is", "classic")
    for member in members:
        member.consumer.close()
