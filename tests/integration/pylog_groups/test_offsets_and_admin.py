"""Committed offsets and group administration, through real clients, over a killed broker too."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from confluent_kafka import Consumer as ConfluentConsumer
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException
from confluent_kafka import TopicPartition as ConfluentPartition
from confluent_kafka.admin import AdminClient as ConfluentAdmin

from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_core.clients import aiokafka
from tests.integration.pylog_groups.test_rebalances import everything, make_topic, produce

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # kafka-python reads its schemas by an old function
    from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
    from kafka.admin import KafkaAdminClient, MemberToRemove, OffsetSpec
    from kafka.errors import (
        CommitFailedError,
        GroupIdNotFoundError,
        GroupSubscribedToTopicError,
        NoError,
        NonEmptyGroupError,
        UnknownMemberIdError,
    )

pytestmark = [
    pytest.mark.broker("pylog"),
    # kafka-python leaves the sockets of a failed or finished bootstrap to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

READ_SECONDS_MAX = 20


@pytest.fixture(autouse=True)
def _collect_client_garbage() -> Iterator[None]:
    yield
    gc.collect()


def member(broker: BrokerProcess, group: str, **how: Any) -> KafkaConsumer:
    how = {"session_timeout_ms": 6_000, "auto_offset_reset": "earliest", "enable_auto_commit": False, **how}
    return KafkaConsumer(bootstrap_servers=broker.address, group_id=group, **how)


def subscribe(consumer: KafkaConsumer, topic: str) -> None:
    """Subscribe to a topic whose metadata the client has; see `member.run_kafka_python`."""
    consumer.partitions_for_topic(topic)
    consumer.subscribe([topic])


@contextmanager
def administrator(broker: BrokerProcess) -> Iterator[KafkaAdminClient]:
    with closing(KafkaAdminClient(bootstrap_servers=broker.address)) as admin:
        yield admin


def read(consumer: KafkaConsumer, count: int) -> set[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    deadline_s = time.monotonic() + READ_SECONDS_MAX
    while len(found) < count and time.monotonic() < deadline_s:
        for rows in consumer.poll(timeout_ms=100).values():
            found |= {(row.partition, row.offset) for row in rows}
    return found


def test_five_groups_read_everything_each_for_itself(shared_broker: BrokerProcess) -> None:
    make_topic(shared_broker, "fanout", 3)
    produce(shared_broker, "fanout", 90, 3)
    groups = [f"fanout-{number}" for number in range(5)]
    for group in groups:
        with closing(member(shared_broker, group)) as consumer:
            subscribe(consumer, "fanout")
            assert read(consumer, 90) == everything(30, 3)
            consumer.commit()
    with administrator(shared_broker) as admin:
        offsets = admin.list_group_offsets(groups)
        for group in groups:
            assert {where.partition: row.offset for where, row in offsets[group].items()} == {0: 30, 1: 30, 2: 30}
        listed = {row["group_id"]: row for row in admin.list_groups(states_filter=["Empty"])}
        assert set(groups) <= set(listed)
        assert admin.list_groups(states_filter=["Stable"]) == []
    with closing(member(shared_broker, groups[0])) as consumer:
        subscribe(consumer, "fanout")
        consumer.poll(timeout_ms=0)
        deadline_s = time.monotonic() + READ_SECONDS_MAX
        while not consumer.assignment() and time.monotonic() < deadline_s:
            consumer.poll(timeout_ms=100)
        consumer.seek_to_beginning()
        assert read(consumer, 90) == everything(30, 3), "a rewound group reads everything again"


def test_seek_commit_and_resume_over_a_killed_broker(own_broker: BrokerProcess) -> None:
    make_topic(own_broker, "seek", 1)
    produce(own_broker, "seek", 100, 1)
    where = TopicPartition("seek", 0)
    consumer = member(own_broker, "g")
    consumer.assign([where])
    consumer.seek(where, 40)
    assert read(consumer, 10) >= {(0, 40)}
    for offset in (3, 77):
        consumer.commit({where: OffsetAndMetadata(offset, "half-way, häŁf 🙂", 0)})
    own_broker.kill()
    own_broker.start()
    assert consumer.committed(where) == 77
    consumer.commit({where: OffsetAndMetadata(78, "half-way, häŁf 🙂", 0)})
    consumer.close()
    own_broker.kill()
    own_broker.start()
    with closing(member(own_broker, "g")) as consumer:
        consumer.assign([where])
        assert consumer.committed(where, metadata=True).metadata == "half-way, häŁf 🙂"
        assert min(read(consumer, 22)) == (0, 78)
    stranger = ConfluentConsumer({"bootstrap.servers": own_broker.address, "group.id": "g"})
    assert stranger.committed([ConfluentPartition("seek", 0)], 10)[0].offset == 78
    stranger.close()

    async def ask() -> Any:
        other = aiokafka.AIOKafkaConsumer(bootstrap_servers=own_broker.address, group_id="g")
        await other.start()
        try:
            return await other.committed(aiokafka.TopicPartition("seek", 0))
        finally:
            await other.stop()

    assert asyncio.run(ask()) == 78


def test_no_acknowledged_commit_is_lost_when_the_broker_is_killed(own_broker: BrokerProcess) -> None:
    make_topic(own_broker, "hammer", 1)
    where = ConfluentPartition("hammer", 0)
    acknowledged, answered = [0], [0]

    def on_commit(error: Any, rows: list[ConfluentPartition]) -> None:
        answered[0] += 1
        if error is None:
            acknowledged[0] = max(acknowledged[0], rows[0].offset)

    consumer = ConfluentConsumer(
        {
            "bootstrap.servers": own_broker.address,
            "group.id": "hammer",
            "enable.auto.commit": False,
            "on_commit": on_commit,
            "log_level": 0,
        }
    )
    consumer.assign([where])
    attempted = 0
    for _ in range(3):
        killer = threading.Timer(0.5, own_broker.kill)
        killer.start()
        while killer.is_alive():
            attempted += 1
            consumer.commit(offsets=[ConfluentPartition("hammer", 0, attempted)], asynchronous=True)
            while acknowledged[0] < attempted and killer.is_alive():
                consumer.poll(0.002)
        killer.join()
        own_broker.start()
        stranger = ConfluentConsumer({"bootstrap.servers": own_broker.address, "group.id": "hammer"})
        stored = stranger.committed([where], 20)[0].offset
        stranger.close()
        assert acknowledged[0] <= stored <= attempted
        # The client sends again what the kill cut off: it must not overtake the next round's commits.
        deadline = time.monotonic() + 30
        while answered[0] < attempted and time.monotonic() < deadline:
            consumer.poll(0.05)
        assert answered[0] == attempted
    assert acknowledged[0] > 20
    consumer.close()


def test_an_expelled_member_cannot_commit(shared_broker: BrokerProcess) -> None:
    make_topic(shared_broker, "expel", 2)
    produce(shared_broker, "expel", 10, 2)
    with closing(member(shared_broker, "expel", group_instance_id="static")) as consumer:
        subscribe(consumer, "expel")
        read(consumer, 10)
        with administrator(shared_broker) as admin:
            described = admin.describe_groups(["expel"])["expel"]
            assert described["group_state"] == "Stable"
            assert described["protocol_data"] == "range"
            (row,) = described["members"]
            assert row["group_instance_id"] == "static"
            assert row["client_host"] == "/127.0.0.1"
            removed = admin.remove_group_members("expel", [MemberToRemove(group_instance_id="static")])
            assert list(removed.values()) == [NoError]
            again = admin.remove_group_members("expel", [MemberToRemove(group_instance_id="static")])
            assert list(again.values()) == [UnknownMemberIdError]
        with pytest.raises(CommitFailedError):
            consumer.commit()


def test_a_group_is_described_altered_reset_and_deleted(shared_broker: BrokerProcess) -> None:
    make_topic(shared_broker, "managed", 2)
    make_topic(shared_broker, "former", 1)
    produce(shared_broker, "managed", 20, 2)
    first, second = TopicPartition("managed", 0), TopicPartition("managed", 1)
    with administrator(shared_broker) as admin:
        with closing(member(shared_broker, "managed")) as consumer:
            subscribe(consumer, "managed")
            read(consumer, 20)
            consumer.commit()
            assert admin.delete_groups(["managed"]) == {"managed": NonEmptyGroupError.__name__}
            assert admin.delete_group_offsets("managed", [first])[first] is GroupSubscribedToTopicError
            altered = admin.alter_group_offsets("managed", {first: OffsetAndMetadata(1, "", 0)})
            assert altered[first] is UnknownMemberIdError
        altered = admin.alter_group_offsets(
            "managed",
            {first: OffsetAndMetadata(4, "by hand", 0), TopicPartition("former", 0): OffsetAndMetadata(9, "", 0)},
        )
        assert set(altered.values()) == {NoError}
        assert admin.list_group_offsets({"managed": [first]})["managed"][first].metadata == "by hand"
        reset = admin.reset_group_offsets("managed", {first: OffsetSpec.EARLIEST, second: OffsetSpec.LATEST})
        assert {where: row["offset"] for where, row in reset.items()} == {first: 0, second: 10}
        former = TopicPartition("former", 0)
        assert admin.delete_group_offsets("managed", [former])[former] is NoError
        assert set(admin.list_group_offsets("managed")["managed"]) == {first, second}
        assert admin.describe_groups(["managed"])["managed"]["group_state"] == "Empty"
        admin.delete_groups(["managed"])
        assert "managed" not in {row["group_id"] for row in admin.list_groups()}
        assert admin.list_group_offsets("managed")["managed"] == {}
        with pytest.raises(GroupIdNotFoundError):
            admin.delete_group_offsets("managed", [former])


def test_confluent_administration(shared_broker: BrokerProcess) -> None:
    make_topic(shared_broker, "confluent-admin", 1)
    produce(shared_broker, "confluent-admin", 5, 1)
    admin = ConfluentAdmin({"bootstrap.servers": shared_broker.address})
    consumer = ConfluentConsumer(
        {
            "bootstrap.servers": shared_broker.address,
            "group.id": "cadmin",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": 6_000,
        }
    )
    consumer.subscribe(["confluent-admin"])
    assert len(consumer.consume(5, 10)) == 5
    consumer.commit(asynchronous=False)
    described = admin.describe_consumer_groups(["cadmin"])["cadmin"].result(10)
    assert described.state.name == "STABLE"
    (row,) = described.members
    assert [where.topic for where in row.assignment.topic_partitions] == ["confluent-admin"]
    listed = admin.list_consumer_groups().result(10)
    assert "cadmin" in {each.group_id for each in listed.valid}
    with pytest.raises(KafkaException, match="NON_EMPTY_GROUP"):
        admin.delete_consumer_groups(["cadmin"])["cadmin"].result(10)
    consumer.close()
    place = ConsumerGroupTopicPartitions("cadmin", [ConfluentPartition("confluent-admin", 0, 2)])
    admin.alter_consumer_group_offsets([place])["cadmin"].result(10)
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions("cadmin")])["cadmin"].result(10)
    assert [where.offset for where in asked.topic_partitions] == [2]
    admin.delete_consumer_groups(["cadmin"])["cadmin"].result(10)


def test_a_deleted_topic_takes_its_committed_offsets_along(shared_broker: BrokerProcess) -> None:
    make_topic(shared_broker, "doomed", 1)
    produce(shared_broker, "doomed", 5, 1)
    where = TopicPartition("doomed", 0)
    with closing(member(shared_broker, "doomed")) as consumer:
        consumer.assign([where])
        consumer.commit({where: OffsetAndMetadata(5, "", 0)})
    with administrator(shared_broker) as admin:
        assert admin.list_group_offsets("doomed")["doomed"][where].offset == 5
        admin.delete_topics(["doomed"])
        make_topic(shared_broker, "doomed", 1)
        assert admin.list_group_offsets("doomed")["doomed"] == {}


def test_clients_cannot_make_or_remove_the_offsets_topic(own_broker: BrokerProcess) -> None:
    admin = ConfluentAdmin({"bootstrap.servers": own_broker.address})
    with pytest.raises(KafkaException, match="TOPIC_EXCEPTION"):
        make_topic(own_broker, "__consumer_offsets", 1)
    admin.list_topics("__consumer_offsets", 10)
    make_topic(own_broker, "plain", 1)
    with closing(member(own_broker, "g")) as consumer:
        where = TopicPartition("plain", 0)
        consumer.assign([where])
        consumer.commit({where: OffsetAndMetadata(5, "", 0)})
    assert len(admin.list_topics("__consumer_offsets", 10).topics["__consumer_offsets"].partitions) == 6
    with pytest.raises(KafkaException, match="TOPIC_EXCEPTION"):
        admin.delete_topics(["__consumer_offsets"])["__consumer_offsets"].result(10)
