"""Members of share groups, through confluent-kafka (librdkafka), and one script of what they see on any broker."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import AcknowledgeType, Message, Producer, ShareConsumer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

SECONDS_MAX = 30


class Desk:
    """A topic and a group on one broker, set up for a script."""

    def __init__(self, address: str, name: str, *, partitions: int = 1, **configs: str) -> None:
        self.address = address
        self.topic, self.group = f"{name}-t", f"{name}-g"
        self.admin = AdminClient({"bootstrap.servers": address})
        made = self.admin.create_topics([NewTopic(self.topic, partitions, 1)])
        made[self.topic].result(SECONDS_MAX)
        self.configure(**{"share_auto_offset_reset": "earliest", **configs})

    def configure(self, **configs: str) -> None:
        entries = [
            ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
            for name, value in configs.items()
        ]
        resource = ConfigResource(ResourceType.GROUP, self.group, incremental_configs=entries)
        for future in self.admin.incremental_alter_configs([resource]).values():
            future.result(SECONDS_MAX)

    def produce(self, values: Iterator[str] | range | list[str], **how: Any) -> None:
        producer = Producer({"bootstrap.servers": self.address, "linger.ms": 5, **how})
        for value in values:
            producer.produce(self.topic, str(value).encode())
        assert producer.flush(SECONDS_MAX) == 0

    @contextmanager
    def member(self, **how: Any) -> Iterator[ShareConsumer]:
        settings = {"bootstrap.servers": self.address, "group.id": self.group, **how}
        consumer = ShareConsumer(settings)
        consumer.subscribe([self.topic])
        try:
            yield consumer
        finally:
            consumer.close()


def poll_until(consumers: list[ShareConsumer], enough: Callable[[list[Message]], bool]) -> list[Message]:
    """Poll in turn until `enough` is true of all that came; nothing is said of it but by the mode."""
    found: list[Message] = []
    deadline_s = time.monotonic() + SECONDS_MAX
    while not enough(found) and time.monotonic() < deadline_s:
        for consumer in consumers:
            found += [message for message in consumer.poll(0.2) if message.error() is None]
    return found


def queue(address: str, name: str) -> dict[str, Any]:
    """Two members share one partition; each record comes once, whoever gets it."""
    desk = Desk(address, name)
    with desk.member() as one, desk.member() as two:
        seen: Counter[str] = Counter()
        by: list[int] = []
        for round_number in range(4):
            desk.produce([f"{round_number}-{number}" for number in range(50)])
            before, deadline_s = sum(seen.values()), time.monotonic() + SECONDS_MAX
            while sum(seen.values()) < before + 50 and time.monotonic() < deadline_s:
                for number, consumer in enumerate((one, two)):
                    rows = [row for row in consumer.poll(0.2) if row.error() is None]
                    seen.update(row.value().decode() for row in rows)
                    by += [number] * bool(rows)
        late = poll_until([one, two], lambda _: True) + [row for each in (one, two) for row in each.poll(0.3)]
    return {"records": len(seen), "twice": sum(count - 1 for count in seen.values()), "late": len(late)}


def acknowledgements(address: str, name: str) -> dict[str, Any]:
    """Released records come again, rejected and accepted ones do not; five deliveries are the most."""
    desk = Desk(address, name)
    desk.produce([str(number) for number in range(3)])
    accept, release, reject = (AcknowledgeType.ACCEPT, AcknowledgeType.RELEASE, AcknowledgeType.REJECT)
    kinds = {b"0": accept, b"1": reject, b"2": release}
    deliveries: list[tuple[str, int]] = []
    with desk.member(**{"share.acknowledgement.mode": "explicit"}) as consumer:
        deadline_s = time.monotonic() + SECONDS_MAX
        while len(deliveries) < 7 and time.monotonic() < deadline_s:
            for message in consumer.poll(0.3):
                deliveries.append((message.value().decode(), message.delivery_count()))
                consumer.acknowledge(message, kinds[message.value()])
            consumer.commit_sync(10)
        rest = list(consumer.poll(0.5))
    return {"deliveries": sorted(deliveries), "rest": len(rest)}


def leaving(address: str, name: str) -> dict[str, Any]:
    """What a member holds when it closes is another's at once."""
    desk = Desk(address, name)
    desk.produce([str(number) for number in range(10)])
    with desk.member(**{"share.acknowledgement.mode": "explicit"}) as one:
        first = poll_until([one], lambda found: len(found) >= 10)
        for message in first[:4]:
            one.acknowledge(message)
        for message in first[4:]:
            one.acknowledge(message, AcknowledgeType.RELEASE)
    with desk.member() as two:
        second = poll_until([two], lambda found: len(found) >= 6)
    return {"first": len(first), "second": sorted(int(row.value()) for row in second)}


def transactions(address: str, name: str) -> dict[str, Any]:
    """A group that reads committed records never sees those of an aborted transaction."""
    desk = Desk(address, name, share_isolation_level="read_committed")
    producer = Producer({"bootstrap.servers": address, "transactional.id": f"{name}-x"})
    producer.init_transactions(SECONDS_MAX)
    for number in range(4):
        producer.begin_transaction()
        for each in range(5):
            producer.produce(desk.topic, f"{number}-{each}".encode())
        producer.flush(SECONDS_MAX)
        if number % 2:
            producer.abort_transaction(SECONDS_MAX)
        else:
            producer.commit_transaction(SECONDS_MAX)
    desk.produce(["end"])
    with desk.member() as consumer:
        found = poll_until([consumer], lambda rows: any(row.value() == b"end" for row in rows))
    return {"seen": sorted(row.value().decode() for row in found)}


SCRIPT: dict[str, Callable[[str, str], dict[str, Any]]] = {
    each.__name__: each for each in (queue, acknowledgements, leaving, transactions)
}
EXPECTED: dict[str, dict[str, Any]] = {
    "queue": {"records": 200, "twice": 0, "late": 0},
    "acknowledgements": {"deliveries": [("0", 1), ("1", 1), *(("2", count) for count in range(1, 6))], "rest": 0},
    "leaving": {"first": 10, "second": [4, 5, 6, 7, 8, 9]},
    "transactions": {"seen": sorted([*(f"{number}-{each}" for number in (0, 2) for each in range(5)), "end"])},
}
