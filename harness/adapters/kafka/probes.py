"""What the adapter relies on where it reads with share groups, asked of a running Apache Kafka. What is made is removed again."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, Final

import confluent_kafka
from confluent_kafka import AcknowledgeType

from harness.adapters.kafka import settings, share_settings
from harness.adapters.kafka.confluent_client import publish_transaction
from harness.adapters.kafka.control import Control
from harness.adapters.kafka.layout import CONSUMPTION, SHARE, Layout, layout_for
from harness.adapters.kafka.share_control import ShareGroups
from harness.adapters.proven.probe import Facts, Probe, Target
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Feature
from harness.model.provisioning import BrokerObject, Provisioning
from harness.model.workload import Needs

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

WAIT_S: Final = 20.0  # less than a lock: what comes back in this time does not come because its lock is over
QUIET_S: Final = 1.5
LINGER_MS: Final = 100
BATCH: Final = 20
ENDLESS: Final = 12  # deliveries after which nothing is expected to happen any more
SHAPES: Final = (SHARE,)


class Member:
    """A share consumer on one topic."""

    def __init__(self, broker: BrokerInfo, group: str, topic: str, limit: int = 100) -> None:
        self.assigned = False
        conf = share_settings.share_consumer(broker.address, group, limit) | settings.confluent_access(broker.access)
        told = {"stats_cb": self._told, "error_cb": lambda error: _log.debug("%s", error)}
        self.consumer: Any = confluent_kafka.ShareConsumer({**conf, **told}, logger=_log)
        self.consumer.subscribe([topic])

    def _told(self, text: str) -> None:
        self.assigned = bool(json.loads(text).get("cgrp", {}).get("assignment_size", 0))

    def get(self, wait_s: float = WAIT_S) -> list[Any]:
        """What comes first, all of it; nothing when nothing comes in time."""
        deadline = time.monotonic() + wait_s
        while not (got := list(self.consumer.poll(0.1))) and time.monotonic() < deadline:
            pass
        return got

    def settle(self, messages: Sequence[Any], how: AcknowledgeType = AcknowledgeType.ACCEPT) -> None:
        for message in messages:
            self.consumer.acknowledge(message, how)
        self.consumer.commit_sync(5.0)

    def drain(self, first_s: float = WAIT_S) -> list[str]:
        """The bodies of all that comes, accepted."""
        bodies = []
        wait_s = first_s
        while got := self.get(wait_s):
            bodies += [message.value().decode() for message in got]
            self.settle(got)
            wait_s = QUIET_S
        return bodies

    def until_assigned(self) -> None:
        deadline = time.monotonic() + WAIT_S
        while not self.assigned and time.monotonic() < deadline:
            self.consumer.poll(0.05)


class Bench:
    """One topic of one partition, and the groups that read it."""

    def __init__(self, target: Target, topic: str, groups: Sequence[str]) -> None:
        self.broker = target.broker
        needs = Needs(groups=dict.fromkeys(groups, 1))
        self.prefix = f"{target.prefix}-{topic}"
        self.layout: Layout = layout_for(needs, self.prefix, shared=True)
        (self.topic,) = self.layout.classes
        self.control = Control(self.broker)
        self.shares = ShareGroups(self.broker)
        objects = (BrokerObject("topic", self.topic),)
        plan = Provisioning("kafka", self.prefix, needs, Tier.D1, "", objects, {}, {}, {CONSUMPTION: SHARE})
        self.control.create(self.layout, plan)
        self._members: list[Member] = []
        self._producer: Any = confluent_kafka.Producer(
            {
                "bootstrap.servers": self.broker.address,
                "linger.ms": LINGER_MS,
                **settings.confluent_access(self.broker.access),
            },
            logger=_log,
        )

    def publish(self, *bodies: str) -> None:
        """All in one batch."""
        for body in bodies:
            self._producer.produce(self.topic, body.encode())
        self._producer.flush(WAIT_S)

    def member(self, group: str = "one", limit: int = 100) -> Member:
        member = Member(self.broker, self.layout.share_group(group), self.topic, limit)
        self._members.append(member)
        return member

    def left(self, group: str = "one") -> int:
        return self.control.backlog(self.layout)[group]

    def close(self) -> None:
        for member in self._members:
            with suppress(confluent_kafka.KafkaException, confluent_kafka.IllegalStateException):
                member.consumer.close()
        self._producer.close()
        self.control.remove(self.layout)
        self.shares.close()


@contextmanager
def _bench(target: Target, topic: str, groups: Sequence[str] = ("one",)) -> Iterator[Bench]:
    bench = Bench(target, topic, groups)
    try:
        yield bench
    finally:
        bench.close()


def _numbers(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def _fan_out(target: Target) -> Facts:
    with _bench(target, "fan", ("one", "two")) as bench:
        bench.publish(*_numbers(5))
        got = [sorted(bench.member(group).drain()) for group in ("one", "two")]
        return {
            "every group gets all that was sent earlier, with share.auto.offset.reset=earliest": got
            == [_numbers(5)] * 2
        }


def _start(target: Target) -> Facts:
    """The same group, told nothing."""
    with _bench(target, "start") as bench:
        bench.shares.forget([bench.layout.share_group("one")])
        bench.publish("early")
        member = bench.member()
        member.until_assigned()
        early = member.drain(QUIET_S)
        bench.publish("late")
        return {
            "without share.auto.offset.reset, what was sent before is read": early != [],
            "what is sent after it is": member.drain() == ["late"],
        }


def _members(target: Target) -> Facts:
    """One partition, one key: two members get messages of it at once."""
    with _bench(target, "members") as bench:
        members = [bench.member(limit=1) for _ in range(2)]
        for member in members:
            member.until_assigned()
        for number in _numbers(4):
            bench.publish(number)
        held = [member.get() for member in members]
        both = all(held)
        places = {message.offset() for got in held for message in got}
        for member, got in zip(members, held, strict=True):
            member.settle(got)
            member.drain(QUIET_S)
        bench.publish(*_numbers(BATCH))
        first, *_ = (got for member in members if (got := member.get(QUIET_S)))
        return {
            "two members hold messages of one partition at a time": both,
            "the same message goes to both": len(places) < sum(map(len, held)),
            f"of {BATCH} that were sent in one batch a poll with max.poll.records=1 brings": len(first),
        }


def _deliveries(target: Target) -> Facts:
    with _bench(target, "deliveries") as bench:
        bench.publish("released", "rejected")
        member = bench.member()
        counts: list[str] = []
        first = member.get()
        while (got := first or member.get(QUIET_S)) and len(counts) < ENDLESS:
            first = []
            released = [message for message in got if message.value() == b"released"]
            counts += [str(message.delivery_count()) for message in released]
            for message in got:
                member.consumer.acknowledge(
                    message, AcknowledgeType.RELEASE if message in released else AcknowledgeType.REJECT
                )
            member.consumer.commit_sync(5.0)
        return {
            "delivery counts of one that is released": counts,
            "then it is given up, and counts as done": bench.left() == 0,
        }


def _hold(broker: BrokerInfo, group: str, topic: str, pipe: Connection) -> None:
    pipe.send([message.value().decode() for message in Member(broker, group, topic).get()])
    time.sleep(10 * WAIT_S)


def _crash(target: Target) -> Facts:
    """A process dies by SIGKILL with messages in hand; and a member leaves in order, with them in hand."""
    facts: dict[str, Any] = {}
    with _bench(target, "crash") as bench:
        bench.publish(*_numbers(3))
        context = multiprocessing.get_context("spawn")
        parent, child = context.Pipe()
        process = context.Process(
            target=_hold, args=(bench.broker, bench.layout.share_group("one"), bench.topic, child), daemon=True
        )
        process.start()
        try:
            if not parent.poll(WAIT_S):
                raise BrokerUnavailable("a share consumer in a process of its own received nothing")
            held = parent.recv()
        finally:
            assert process.pid is not None
            os.kill(process.pid, signal.SIGKILL)
            process.join()
        again = bench.member()
        got = again.get()
        facts["comes back before the lock is over, when the process is killed"] = (
            sorted(message.value().decode() for message in got) == sorted(held) == _numbers(3)
        )
        facts["delivery counts after a killed process"] = sorted({str(message.delivery_count()) for message in got})
        again.consumer.close()
        got = bench.member().get()
        facts["comes back at once from a member that leaves"] = len(got) == 3
        facts["delivery counts after a member that left"] = sorted({str(message.delivery_count()) for message in got})
    return facts


def _lag(target: Target) -> Facts:
    with _bench(target, "lag") as bench:
        bench.publish(*_numbers(10))
        unread = bench.left()
        member = bench.member()
        got = member.get()
        held = bench.left()
        member.settle(got[5:])
        behind = bench.left()
        member.settle(got[:5])
        return {
            "counts what nobody has read, before a member came": unread == 10,
            "counts what a member has in hand": held == 10,
            "counts an acknowledgement behind one that is open": behind == 10 - len(got[5:]),
            "of 10 acknowledged": bench.left(),
        }


def _isolation(target: Target) -> Facts:
    with _bench(target, "isolation") as bench:
        for body, commit in ((b"aborted", False), (b"committed", True)):
            publish_transaction(bench.broker, bench.topic, f"{bench.prefix}-{commit}", [body], commit=commit)
        return {"with share.isolation.level=read_committed": bench.member().drain()}


_ASKED: Final[Mapping[str, tuple[str, tuple[Feature, ...], Callable[[Target], Facts]]]] = {
    "share_fan_out": ("Does each share group get everything?", (Feature.FAN_OUT,), _fan_out),
    "share_start": ("Where does a share group begin that is told nothing?", (Feature.FAN_OUT,), _start),
    "share_members": ("Do two members share one partition?", (Feature.ORDER_PER_KEY,), _members),
    "share_deliveries": (
        "How often is a message handed out that is released each time?",
        (Feature.DELAYED_RETRY, Feature.DEAD_LETTER, Feature.REDELIVERY),
        _deliveries,
    ),
    "share_crash": ("What comes back after a crash, when, and how is it counted?", (Feature.REDELIVERY,), _crash),
    "share_lag": ("What does the lag of a share group count?", (), _lag),
    "share_isolation": ("Does a share group see what was aborted?", (Feature.TRANSACTIONS,), _isolation),
}
PROBES: Final = tuple(
    Probe(name, question, features, ask, SHAPES) for name, (question, features, ask) in _ASKED.items()
)
