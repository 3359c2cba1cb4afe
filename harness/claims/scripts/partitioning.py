"""Where records go: those without a key, and those with one when partitions are added."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from harness.claims.scripts import Stage
from harness.model.claim import Figure

MURMUR2 = {"partitioner": "murmur2_random"}  # what Java's client takes; librdkafka's own default is CRC32


def keyless(stage: Stage, *, messages: int, partitions: int) -> Mapping[str, Figure]:
    """Null keys through confluent-kafka and kafka-python at their defaults, in bursts as fast as they go.

    ``<client>.mean_run`` records in a row in one partition (1 is round-robin), ``<client>.fullest_share`` of the fullest partition times
    their number (1 is even).
    """
    from harness.claims.scripts import kafka_side

    kafka_side.create_topic(stage.info, "keyless", partitions)
    stage.say(f"confluent-kafka sends {messages} records without a key")
    found: dict[str, Figure] = {}
    places = kafka_side.send(stage.info, "keyless", ((None, b"x" * 100) for _ in range(messages)))
    found |= _spread("confluent", [partition for partition, _ in places], partitions)
    stage.say(f"kafka-python sends {messages} records without a key")
    found |= _spread("kafka_python", _by_kafka_python(stage, messages), partitions)
    return found


def _by_kafka_python(stage: Stage, messages: int) -> list[int]:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=stage.info.address)
    try:
        futures = [producer.send("keyless", b"x" * 100) for _ in range(messages)]
        producer.flush(60)
        return [future.get(60).partition for future in futures]
    finally:
        producer.close()


def _spread(client: str, places: Sequence[int], partitions: int) -> dict[str, Figure]:
    fullest = max(places.count(one) for one in range(partitions)) / len(places) * partitions
    return {
        f"{client}.mean_run": Figure.exact(mean_run(places), n=len(places)),
        f"{client}.fullest_share": Figure.exact(fullest, n=len(places)),
    }


def mean_run(places: Sequence[int]) -> float:
    """Records in a row that went to one partition, on average."""
    if not places:
        return 0.0
    runs = 1 + sum(1 for before, after in itertools.pairwise(places) if before != after)
    return len(places) / runs


def adding_partitions(stage: Stage, *, keys: int, before: int, after: int) -> Mapping[str, Figure]:
    """Each key once, partitions added, each key again: ``moved_share`` of keys, and ``overtaken`` keys read in the wrong order.

    ``moved_share_doubled`` is the same for twice as many partitions, on a topic of its own.
    """
    moved, overtaken = _grown(stage, "growing", keys, before, after)
    doubled, _ = _grown(stage, "doubling", keys, 32, 64)
    return {
        "moved_share": _share(moved, keys),
        "moved_share_doubled": _share(doubled, keys),
        "overtaken": Figure.exact(overtaken, "keys", n=keys),
    }


def _grown(stage: Stage, topic: str, keys: int, before: int, after: int) -> tuple[int, int]:
    from harness.claims.scripts import kafka_side

    stage.say(f"{keys} keys into {before} partitions, then into {after}")
    kafka_side.create_topic(stage.info, topic, before)
    named = [b"device-%06d" % number for number in range(keys)]
    first = kafka_side.send(stage.info, topic, ((key, b"first") for key in named), MURMUR2)
    kafka_side.add_partitions(stage.info, topic, after)
    second = kafka_side.send(stage.info, topic, ((key, b"second") for key in named), MURMUR2)
    moved = sum(1 for old, new in zip(first, second, strict=True) if old[0] != new[0])
    reader = kafka_side.consumer(stage.info, f"{topic}-reader")
    read = [(one.key() or b"", one.value() or b"") for one in kafka_side.read_to_end(stage.info, reader, topic, after)]
    reader.close()
    return moved, overtaken_keys(read)


def overtaken_keys(read: Sequence[tuple[bytes, bytes]]) -> int:
    """Keys whose second record was read before their first."""
    seen: set[bytes] = set()
    wrong: set[bytes] = set()
    for key, value in read:
        if value == b"first":
            seen.add(key)
        elif key not in seen:
            wrong.add(key)
    return len(wrong)


def _share(hits: int, of: int) -> Figure:
    """With the 95 % interval of a share of ``of`` keys, which are a sample of all possible ones."""
    from scipy.stats import binomtest

    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return Figure(value=hits / of, low=float(interval.low), high=float(interval.high), n=of)
