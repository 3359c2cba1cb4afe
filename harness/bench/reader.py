"""A consumer in a process of its own: `python -m harness.bench.reader HOST:PORT TOPIC COUNT [--again]`.

Prints `ready` once it has the first message, waits for the end of its standard input, reads on until it has COUNT messages and prints
what it got as JSON. With `--again` it begins anew until it is killed: a load for others to be measured under.
"""

from __future__ import annotations

import json
import sys
import time

from confluent_kafka import Consumer, TopicPartition

from harness.bench.loads import CONSUME_CHUNK, FETCH_BACKOFF_MS, STALL_S


def main(address: str, topic: str, count: int, *, again: bool) -> None:
    """Read `count` messages of partition 0 from its start."""
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": f"reader-{time.monotonic_ns()}",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "fetch.queue.backoff.ms": FETCH_BACKOFF_MS,
            "queued.max.messages.kbytes": 16_384,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    received = len(consumer.consume(1, STALL_S))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if not again:
        sys.stdin.read()
    while True:
        begin = time.perf_counter()
        while received < count:
            messages = consumer.consume(min(CONSUME_CHUNK, count - received), STALL_S)
            if not messages:
                break
            received += len(messages)
        if not again:
            break
        consumer.seek(TopicPartition(topic, 0, 0))
        received = 0
    sys.stdout.write(json.dumps({"received": received, "seconds": time.perf_counter() - begin}) + "\n")
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), again="--again" in sys.argv[4:])
