"""Groups of real consumers in processes of their own: joining, leaving, crashing, coming back."""

from __future__ import annotations

import os
import signal
import time

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_groups.fleet import SESSION_MS, Fleet, wait_until

pytestmark = pytest.mark.broker("pylog")

CLIENTS = ("kafka-python", "confluent-kafka", "aiokafka")
PARTITIONS = 6


def make_topic(broker: BrokerProcess, topic: str, partitions: int = PARTITIONS) -> None:
    admin = AdminClient({"bootstrap.servers": broker.address})
    for future in admin.create_topics([NewTopic(topic, partitions, 1)]).values():
        future.result(10)


def produce(broker: BrokerProcess, topic: str, count: int, partitions: int = PARTITIONS) -> None:
    producer = Producer({"bootstrap.servers": broker.address, "linger.ms": 5})
    for number in range(count):
        producer.produce(topic, str(number).encode(), partition=number % partitions)
    assert producer.flush(20) == 0


def everything(per_partition: int, partitions: int = PARTITIONS) -> set[tuple[int, int]]:
    return {(partition, offset) for partition in range(partitions) for offset in range(per_partition)}


@pytest.mark.parametrize("client", CLIENTS)
def test_members_join_leave_crash_and_outlive_the_broker(own_broker: BrokerProcess, client: str) -> None:
    topic = f"life-{client}"
    make_topic(own_broker, topic)
    produce(own_broker, topic, 60)
    with Fleet(client=client, address=own_broker.address, group="g", topic=topic) as fleet:
        first = fleet.add()
        fleet.share([first], PARTITIONS)
        wait_until(lambda: fleet.records() == everything(10), fleet.tail)
        second, third = fleet.add(), fleet.add()
        fleet.share([first, second, third], PARTITIONS)
        produce(own_broker, topic, 60)
        wait_until(lambda: fleet.records() == everything(20), fleet.tail)
        third.leave()
        fleet.share([first, second], PARTITIONS)
        second.kill()
        began_s = time.monotonic()
        fleet.share([first], PARTITIONS)
        assert time.monotonic() - began_s < 10 * SESSION_MS / 1000
        produce(own_broker, topic, 60)
        wait_until(lambda: fleet.records() == everything(30), fleet.tail)
        wait_until(lambda: len(first.records) > 0)
        time.sleep(0.5)  # the last commit is on its way
        own_broker.kill()
        own_broker.start()
        produce(own_broker, topic, 60)
        wait_until(lambda: fleet.records() == everything(40), fleet.tail)
        read_before = len(first.records)
        first.leave()
        successor = fleet.add()
        fleet.share([successor], PARTITIONS)
        produce(own_broker, topic, 6)
        wait_until(lambda: fleet.records() == everything(41), fleet.tail)
        assert len(successor.records) == 6, "the successor starts where the group had committed"
        assert len(set(first.records)) <= read_before


@pytest.mark.parametrize("client", CLIENTS)
def test_a_static_member_restarts_without_a_rebalance(shared_broker: BrokerProcess, client: str) -> None:
    topic = f"static-{client}"
    # a process that starts on a busy machine must be back before its session ends
    patient = {"session_ms": 30_000, "rebalance_ms": 30_000, "heartbeat_ms": 500}
    make_topic(shared_broker, topic)
    with Fleet(client=client, address=shared_broker.address, group=topic, topic=topic, **patient) as fleet:
        steady = fleet.add(instance="one")
        restarting = fleet.add(instance="two")
        fleet.settle([steady, restarting], PARTITIONS)
        share = set(restarting.partitions)
        events = steady.told("assigned") + steady.told("revoked")
        restarting.kill()
        restarted = fleet.add(instance="two")
        wait_until(lambda: restarted.partitions == share, fleet.tail)
        produce(shared_broker, topic, 60)
        wait_until(lambda: fleet.records() == everything(10), fleet.tail)
        assert steady.told("assigned") + steady.told("revoked") == events
        assert {partition for partition, _ in restarted.records} == share


def test_cooperative_members_keep_what_stays_theirs(shared_broker: BrokerProcess) -> None:
    topic = "cooperative"
    make_topic(shared_broker, topic)
    how = {"client": "confluent-kafka", "strategy": "cooperative-sticky"}
    with Fleet(**how, address=shared_broker.address, group=topic, topic=topic) as fleet:
        first = fleet.add()
        fleet.share([first], PARTITIONS)
        second = fleet.add()
        fleet.share([first, second], PARTITIONS)
        revoked = [event["partitions"] for event in first.events if event["event"] == "revoked"]
        assert sum(map(len, revoked)) == 3, "only what moved was taken away"
        produce(shared_broker, topic, 60)
        wait_until(lambda: fleet.records() == everything(10), fleet.tail)
        second.kill()
        fleet.share([first], PARTITIONS)


def test_a_broker_killed_in_the_middle_of_a_rebalance(own_broker: BrokerProcess) -> None:
    topic = "torn"
    make_topic(own_broker, topic)
    with Fleet(client="confluent-kafka", address=own_broker.address, group=topic, topic=topic) as fleet:
        members = [fleet.add()]
        fleet.share(members, PARTITIONS)
        for _ in range(2):
            members.append(fleet.add())
            wait_until(lambda: members[-1].told("up") == 1)
            time.sleep(0.15)
            own_broker.kill()
            own_broker.start()
        fleet.share(members, PARTITIONS)
        produce(own_broker, topic, 60)
        wait_until(lambda: fleet.records() == everything(10), fleet.tail)


def test_a_group_recovers_from_a_broker_that_was_paused_beyond_its_sessions(own_broker: BrokerProcess) -> None:
    topic = "paused"
    make_topic(own_broker, topic)
    with Fleet(client="confluent-kafka", address=own_broker.address, group=topic, topic=topic) as fleet:
        members = [fleet.add(), fleet.add()]
        fleet.share(members, PARTITIONS)
        os.kill(own_broker.pid, signal.SIGSTOP)
        try:
            time.sleep(1.8 * SESSION_MS / 1000)
        finally:
            os.kill(own_broker.pid, signal.SIGCONT)
        produce(own_broker, topic, 60)
        wait_until(lambda: fleet.records() == everything(10), fleet.tail)
        fleet.share(members, PARTITIONS)


def test_a_topic_that_grows_is_shared_anew(shared_broker: BrokerProcess) -> None:
    from confluent_kafka.admin import NewPartitions

    topic = "growing"
    make_topic(shared_broker, topic, 2)
    with Fleet(client="confluent-kafka", address=shared_broker.address, group=topic, topic=topic) as fleet:
        members = [fleet.add(), fleet.add()]
        fleet.share(members, 2)
        admin = AdminClient({"bootstrap.servers": shared_broker.address})
        for future in admin.create_partitions([NewPartitions(topic, 4)]).values():
            future.result(10)
        fleet.share(members, 4)
