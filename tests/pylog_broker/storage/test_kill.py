"""A real process, really killed: what it acknowledged is there afterwards, whole and in order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from harness.pylog_broker.storage.catalog import Catalog

from .batches import append, read_records
from .disk import Clock
from .writer_process import value_of

ROUNDS = 6


def _run_and_kill(directory: Path, seed: int, lines: int) -> list[tuple[int, int, int]]:
    """Let the writer acknowledge `lines` appends, kill it, and return all that it acknowledged."""
    command = [sys.executable, "-m", "tests.pylog_broker.storage.writer_process", str(directory), str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        head = b"".join(process.stdout.readline() for _ in range(lines))
        os.kill(process.pid, signal.SIGKILL)
        tail = process.stdout.read()  # what it had acknowledged when it died
    acknowledged = []
    for line in (head + tail).splitlines(keepends=True):
        if line.endswith(b"\n"):
            base_offset, count, sequence = line.split()
            acknowledged.append((int(base_offset), int(count), int(sequence)))
    assert len(acknowledged) >= lines
    return acknowledged


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(20)
    expected = 0
    for seed in range(ROUNDS):
        acknowledged = _run_and_kill(tmp_path, seed, chance.randint(1, 400))
        assert acknowledged[0][0] == acknowledged[0][2], "sequence numbers are offsets here"
        expected = max(expected, acknowledged[-1][0] + acknowledged[-1][1])
        catalog = Catalog.open(tmp_path, clock=Clock())
        log = catalog.topics["t"].partitions[0]
        records = read_records(log, max_bytes=100_000)
        assert log.log_end_offset >= expected
        assert [record.offset for record in records] == list(range(log.log_end_offset))
        assert all(record.value == value_of(record.offset) for record in records)
        base_offset, count, sequence = acknowledged[-1]
        again = append(
            log,
            *(value_of(sequence + n) for n in range(count)),
            producer_id=1,
            producer_epoch=0,
            base_sequence=sequence,
        )
        if log.log_end_offset == expected:
            assert (again.base_offset, again.duplicate) == (base_offset, True)
        if seed % 2:
            catalog.close()
        else:
            catalog._lock.release()
