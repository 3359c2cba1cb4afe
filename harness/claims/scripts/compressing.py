"""What compression on the producer does to the rate and to the disk, for payloads that compress and for those that do not."""

from __future__ import annotations

import time
from collections.abc import Mapping

from harness.claims.probes import of_samples
from harness.claims.scripts import Stage
from harness.model.claim import Figure
from harness.plan.bodies import Bodies

CODECS = ("none", "gzip", "lz4", "zstd")
PAYLOADS = {"json": "click_json", "random": "random"}
SEED = 1


def compression(stage: Stage, *, megabytes: int, rounds: int, bytes: int) -> Mapping[str, Figure]:  # noqa: A002  a claim's setting
    """``<payload>.<codec>.rate`` of payload bytes a second until all are acknowledged, and ``.stored_share`` kept on disk for each of them.

    Codecs take turns within each round, so that a machine that slows down slows them all.
    """
    from harness.claims.scripts import kafka_side

    count = megabytes * 1_000_000 // bytes
    rates: dict[str, list[float]] = {}
    stored: dict[str, list[float]] = {}
    for number in range(rounds):
        for payload, kind in PAYLOADS.items():
            bodies = Bodies(kind, SEED)
            records = [(None, bodies.get(one, bytes)) for one in range(count)]
            for codec in CODECS if number % 2 == 0 else reversed(CODECS):
                stage.say(f"round {number + 1} of {rounds}: {payload}, {codec}")
                topic = f"{payload}-{codec}-{number}"
                kafka_side.create_topic(stage.info, topic, 1)
                before = stage.broker.inspect().disk_bytes
                settings = {"compression.type": codec, "linger.ms": 5, "batch.size": 1_000_000, "acks": "all"}
                started = time.monotonic()
                kafka_side.send(stage.info, topic, records, settings)
                rates.setdefault(f"{payload}.{codec}", []).append(count * bytes / (time.monotonic() - started))
                kept = stage.broker.inspect().disk_bytes - before
                stored.setdefault(f"{payload}.{codec}", []).append(kept / (count * bytes))
    found = {f"{name}.rate": of_samples(samples, "B/s") for name, samples in rates.items()}
    return found | {f"{name}.stored_share": of_samples(samples, "") for name, samples in stored.items()}
