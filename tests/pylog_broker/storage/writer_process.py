"""Appends for ever and says what it has acknowledged, for a test that kills it: `python -m ... <folder> <seed>`.

Each line on standard output is an acknowledgement: "<base offset> <count> <sequence>".
"""

from __future__ import annotations

import random
import sys
import time

from harness.pylog_broker.storage.batch import build_batch, verify_produced
from harness.pylog_broker.storage.catalog import Catalog


def value_of(sequence: int) -> bytes:
    """The value of the record with this sequence number: it says its number, and its length depends on it."""
    return b"%d " % sequence + b"x" * (sequence * 7919 % 3000)


def main(directory: str, seed: int) -> None:
    chance = random.Random(seed)

    def clock() -> int:
        return time.time_ns() // 1_000_000

    catalog = Catalog.open(directory, clock=clock)
    if "t" not in catalog.topics:
        catalog.create_topic("t", 1, {"segment.bytes": "200000"})
    log = catalog.topics["t"].partitions[0]
    sequence = log.log_end_offset
    while True:
        count = chance.randint(1, 20)
        records = [(None, value_of(sequence + n)) for n in range(count)]
        batch = build_batch(records, timestamp_ms=clock(), producer_id=1, producer_epoch=0, base_sequence=sequence)
        result = log.append(batch, verify_produced(batch), now_ms=clock())
        sys.stdout.write(f"{result.base_offset} {count} {sequence}\n")
        sys.stdout.flush()
        sequence += count
        if chance.random() < 0.02:
            catalog.checkpoint([log])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
