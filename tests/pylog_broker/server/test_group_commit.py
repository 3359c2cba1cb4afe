"""Group commit: one sync for all that waits, answers only after the sync that covers them, and what a failed one does."""

from __future__ import annotations

import errno
import queue
import stat
import threading
from collections.abc import Callable, Iterator
from os import fstat
from pathlib import Path
from typing import Any

import pytest

from harness.pylog_broker.dispatch import Parked
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.produce import (
    ProduceRequest,
    ProduceRequestPartition,
    ProduceRequestTopic,
)
from harness.pylog_broker.storage.batch import build_batch
from harness.pylog_broker.storage.filesystem import OsFileSystem
from harness.pylog_broker.storage.log import PartitionLog
from tests.pylog_broker.handlers.local_broker import NOW_MS, LocalBroker, decode

VERSION = 9
PATIENCE_S = 10
PRODUCER = {"producer_id": 4_000_000, "producer_epoch": 0}


class GatedDisk(OsFileSystem):
    """Syncs of files wait for a permit once the gate is closed."""

    def __init__(self) -> None:
        self.closed = False
        self.broken = False
        self.permits = threading.Semaphore(0)
        self.begun: queue.SimpleQueue[int] = queue.SimpleQueue()

    def sync(self, fd: int) -> None:  # type: ignore[override]
        if self.closed and stat.S_ISREG(fstat(fd).st_mode):
            self.begun.put(fd)
            assert self.permits.acquire(timeout=PATIENCE_S)
            if self.broken:
                raise OSError(errno.EIO, "Input/output error")


class Loop:
    """A broker whose syncs run on threads, and the event loop's part in that."""

    def __init__(self, folder: Path) -> None:
        self.disk = GatedDisk()
        self.local = LocalBroker(folder, file_system=self.disk, log_flush_interval_messages="1", num_partitions="2")
        self.commits = self.local.broker.commits
        self.posted: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.local.catalog.create_topic("t", 2)
        for partition in range(2):
            assert self.produce(b"first", partition=partition) == [(0, 0)]
        self.disk.closed = True
        self.commits.work_with(self.posted.put)

    @property
    def log(self) -> PartitionLog:
        return self.local.catalog.topics["t"].partitions[0]

    def send(self, *values: bytes, partition: int = 0, **fields: int) -> tuple[Any, ProduceRequest]:
        records = bytes(build_batch([(None, value) for value in values], timestamp_ms=NOW_MS, **fields))
        rows = [ProduceRequestPartition(partition, records)]
        request = ProduceRequest(acks=1, timeout_ms=1000, topic_data=[ProduceRequestTopic("t", partition_data=rows)])
        return self.local.send(request, VERSION), request

    def park(self, *values: bytes, **how: int) -> tuple[Parked, ProduceRequest]:
        output, request = self.send(*values, **how)
        assert isinstance(output, Parked)
        assert output.in_line
        assert not output.deferred.done
        return output, request

    def produce(self, *values: bytes, **how: int) -> list[tuple[int, int]]:
        output, request = self.send(*values, **how)
        return outcomes(output, request)

    def sync_begun(self) -> None:
        self.disk.begun.get(timeout=PATIENCE_S)

    def end_sync(self) -> None:
        """Let one sync go through, and have the loop hear of it."""
        self.disk.permits.release()
        self.posted.get(timeout=PATIENCE_S)()

    @property
    def syncs_begun(self) -> int:
        return self.disk.begun.qsize()


def outcomes(output: Any, request: ProduceRequest) -> list[tuple[int, int]]:
    answer = decode(output.encode() if isinstance(output, Parked) else output, request, VERSION)
    return [(row.error_code, row.base_offset) for topic in answer.responses for row in topic.partition_responses]


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    loop = Loop(tmp_path)
    yield loop
    loop.disk.closed = False
    loop.disk.permits.release(100)
    loop.commits.settle()
    loop.local.close()


def test_one_sync_is_for_all_requests_of_a_round(loop: Loop) -> None:
    parked = [loop.park(b"%d" % number) for number in range(5)]
    loop.commits.start()
    loop.sync_begun()
    assert [each.deferred.done for each, _ in parked] == [False] * 5
    assert loop.log.high_watermark == 1, "not visible before it is durable"
    loop.end_sync()
    assert [outcomes(*each) for each in parked] == [[(0, offset)] for offset in range(1, 6)]
    assert loop.log.high_watermark == 6
    assert loop.syncs_begun == 0
    assert not loop.commits.waiting


def test_what_comes_during_a_sync_waits_for_the_next(loop: Loop) -> None:
    first, request = loop.park(b"first")
    loop.commits.start()
    loop.sync_begun()
    later = [loop.park(b"%d" % number) for number in range(3)]
    loop.commits.start()
    assert loop.syncs_begun == 0, "one sync of a log at a time"
    loop.end_sync()
    assert outcomes(first, request) == [(0, 1)]
    assert not any(each.deferred.done for each, _ in later)
    assert loop.log.high_watermark == 2
    loop.sync_begun()
    loop.end_sync()
    assert [outcomes(*each) for each in later] == [[(0, offset)] for offset in range(2, 5)]


def test_logs_are_synced_side_by_side(loop: Loop) -> None:
    one, two = loop.park(b"a", partition=0), loop.park(b"b", partition=1)
    loop.commits.start()
    loop.sync_begun()
    loop.sync_begun()
    loop.end_sync()
    loop.end_sync()
    assert outcomes(*one) == outcomes(*two) == [(0, 1)]


def test_a_repeated_batch_waits_for_the_sync_of_the_first(loop: Loop) -> None:
    first = loop.park(b"a", base_sequence=0, **PRODUCER)
    again = loop.park(b"a", base_sequence=0, **PRODUCER)
    loop.commits.start()
    loop.sync_begun()
    once_more = loop.park(b"a", base_sequence=0, **PRODUCER)
    loop.end_sync()
    assert outcomes(*first) == outcomes(*again) == outcomes(*once_more) == [(0, 1)]
    assert loop.produce(b"a", base_sequence=0, **PRODUCER) == [(0, 1)], "by now it is answered at once"


def test_a_failed_sync_fails_all_that_waited_for_it_and_all_that_comes_behind(loop: Loop) -> None:
    first = loop.park(b"a")
    loop.commits.start()
    loop.sync_begun()
    second = loop.park(b"b")
    loop.disk.broken = True
    loop.end_sync()
    failed = [(int(ErrorCode.KAFKA_STORAGE_ERROR), -1)]
    assert outcomes(*first) == failed
    loop.disk.broken = False  # the kernel reports a failed write-back once
    assert outcomes(*second) == failed
    assert loop.log.high_watermark == 1
    assert loop.produce(b"c") == failed


def test_a_sync_on_the_loop_waits_for_the_one_under_way_and_believes_it(loop: Loop) -> None:
    parked = loop.park(b"a")
    loop.commits.start()
    loop.sync_begun()
    loop.disk.broken = True
    loop.disk.permits.release()
    with pytest.raises(Exception, match="fsync failed"):
        loop.log.flush()
    loop.disk.broken = False
    loop.posted.get(timeout=PATIENCE_S)()
    assert outcomes(*parked) == [(int(ErrorCode.KAFKA_STORAGE_ERROR), -1)]


def test_several_partitions_in_one_request_wait_for_the_last(loop: Loop) -> None:
    def records() -> bytes:
        return bytes(build_batch([(None, b"v")], timestamp_ms=NOW_MS))

    rows = [
        ProduceRequestPartition(0, records()),
        ProduceRequestPartition(1, records()),
        ProduceRequestPartition(9, records()),
    ]
    request = ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[ProduceRequestTopic("t", partition_data=rows)])
    parked = loop.local.send(request, VERSION)
    assert isinstance(parked, Parked)
    loop.commits.start()
    loop.sync_begun()
    loop.sync_begun()
    loop.end_sync()
    assert not parked.deferred.done
    loop.end_sync()
    missing = int(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    assert outcomes(parked, request) == [(0, 1), (0, 1), (missing, -1)]


def test_a_shutdown_answers_what_waits(loop: Loop) -> None:
    parked = [loop.park(b"a")]
    loop.commits.start()
    loop.sync_begun()
    parked.append(loop.park(b"b"))
    loop.disk.permits.release(2)
    loop.commits.settle()
    while not loop.posted.empty():
        loop.posted.get()()
    assert [outcomes(*each) for each in parked] == [[(0, 1)], [(0, 2)]]
