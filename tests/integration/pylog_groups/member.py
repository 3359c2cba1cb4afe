"""A consumer in a process of its own, that can be killed: `python -m ...member '{"client": ..., ...}'`.

It tells on standard output, a JSON object a line, which partitions it has and what it reads, commits after every
poll, and leaves the group properly when standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import warnings
from typing import Any

POLL_MS = 100
JOIN_MS = 3_000


def tell(event: str, **facts: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


def until_told_to_stop() -> threading.Event:
    stop = threading.Event()

    def watch() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=watch, daemon=True).start()
    return stop


def run_kafka_python(how: dict[str, Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from kafka import ConsumerRebalanceListener, KafkaConsumer

    class Listener(ConsumerRebalanceListener):
        def on_partitions_revoked(self, revoked: Any) -> None:
            tell("revoked", partitions=sorted(row.partition for row in revoked))

        def on_partitions_assigned(self, assigned: Any) -> None:
            tell("assigned", partitions=sorted(row.partition for row in assigned))

    consumer = KafkaConsumer(
        bootstrap_servers=how["address"],
        group_id=how["group"],
        group_instance_id=how.get("instance"),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=how["session_ms"],
        heartbeat_interval_ms=how.get("heartbeat_ms", how["session_ms"] // 6),
        max_poll_interval_ms=how["rebalance_ms"],
        metadata_max_age_ms=1_000,
    )
    stop = until_told_to_stop()
    # Known before it joins: with no initial delay this client may lead, assign nothing for want of metadata, and not
    # notice when the metadata arrives. Asked for once more, a leader does not join again as soon as it notices.
    consumer.partitions_for_topic(how["topic"])
    consumer.subscribe([how["topic"]], listener=Listener())
    consumer.topics()
    while not stop.is_set():
        # a poll that ends while it joins may have the next one join again
        for rows in consumer.poll(timeout_ms=POLL_MS if consumer.assignment() else JOIN_MS).values():
            for row in rows:
                tell("record", partition=row.partition, offset=row.offset)
            try:
                consumer.commit()
            except Exception as error:
                tell("commit failed", reason=repr(error))
    consumer.close()


def run_confluent(how: dict[str, Any]) -> None:
    from confluent_kafka import Consumer, KafkaException

    consumer = Consumer(
        {
            "bootstrap.servers": how["address"],
            "group.id": how["group"],
            **({"group.instance.id": how["instance"]} if how.get("instance") else {}),
            "partition.assignment.strategy": how.get("strategy", "range,roundrobin"),
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "session.timeout.ms": how["session_ms"],
            "heartbeat.interval.ms": how.get("heartbeat_ms", how["session_ms"] // 6),
            "max.poll.interval.ms": how["rebalance_ms"],
            "topic.metadata.refresh.interval.ms": 1_000,
            "reconnect.backoff.max.ms": 500,
        }
    )
    stop = until_told_to_stop()
    consumer.subscribe(
        [how["topic"]],
        on_assign=lambda _, rows: tell("assigned", partitions=sorted(row.partition for row in rows)),
        on_revoke=lambda _, rows: tell("revoked", partitions=sorted(row.partition for row in rows)),
        on_lost=lambda _, rows: tell("revoked", partitions=sorted(row.partition for row in rows)),
    )
    while not stop.is_set():
        row = consumer.poll(POLL_MS / 1000)
        if row is None:
            continue
        if row.error() is not None:
            tell("error", reason=str(row.error()))
            continue
        tell("record", partition=row.partition(), offset=row.offset())
        try:
            consumer.commit(message=row, asynchronous=False)
        except KafkaException as error:
            tell("commit failed", reason=str(error))
    consumer.close()


def run_aiokafka(how: dict[str, Any]) -> None:
    from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener

    class Listener(ConsumerRebalanceListener):
        async def on_partitions_revoked(self, revoked: Any) -> None:
            tell("revoked", partitions=sorted(row.partition for row in revoked))

        async def on_partitions_assigned(self, assigned: Any) -> None:
            tell("assigned", partitions=sorted(row.partition for row in assigned))

    async def run() -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=how["address"],
            group_id=how["group"],
            group_instance_id=how.get("instance"),
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=how["session_ms"],
            heartbeat_interval_ms=how.get("heartbeat_ms", how["session_ms"] // 6),
            rebalance_timeout_ms=how["rebalance_ms"],
            max_poll_interval_ms=how["rebalance_ms"],
            metadata_max_age_ms=1_000,
        )
        stop = until_told_to_stop()
        consumer.subscribe([how["topic"]], listener=Listener())
        await consumer.start()
        while not stop.is_set():
            for rows in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for row in rows:
                    tell("record", partition=row.partition, offset=row.offset)
                try:
                    await consumer.commit()
                except Exception as error:
                    tell("commit failed", reason=repr(error))
        await consumer.stop()

    asyncio.run(run())


RUNNERS = {"kafka-python": run_kafka_python, "confluent-kafka": run_confluent, "aiokafka": run_aiokafka}

if __name__ == "__main__":
    chosen = json.loads(sys.argv[1])
    tell("up")
    RUNNERS[chosen["client"]](chosen)
    tell("left")
