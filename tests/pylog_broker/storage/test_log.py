"""The log of one partition: append, read, look-up by time, retention, deletion, disk faults."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.pylog_broker.storage.batch import parse_header, verify_produced
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.errors import (
    InvalidTimestamp,
    MessageTooLarge,
    OffsetOutOfRange,
    OutOfOrderSequence,
    StorageFailed,
)
from harness.pylog_broker.storage.log import PartitionLog
from harness.pylog_broker.storage.retention import SegmentFacts, expired_segments
from harness.pylog_broker.storage.topic_config import TopicConfig

from .batches import NOW_MS, append, batch_of, read_records, split_batches, values
from .disk import Clock, FaultyFileSystem, kill, open_catalog


@pytest.fixture
def disk() -> FaultyFileSystem:
    return FaultyFileSystem()


@pytest.fixture
def catalog(tmp_path: Path, disk: FaultyFileSystem) -> Iterator[Catalog]:
    catalog = open_catalog(tmp_path, file_system=disk)
    yield catalog
    disk.sync_error = disk.truncate_error = False
    catalog.close()


def make(catalog: Catalog, **config: object) -> PartitionLog:
    settings = {name.replace("_", "."): str(value) for name, value in config.items()}
    return catalog.create_topic("t", 1, settings).partitions[0]


# --- append and read --------------------------------------------------------------------------------------------------


def test_offsets_are_assigned_and_read_back(catalog: Catalog) -> None:
    log = make(catalog)
    assert append(log, b"a", b"b").base_offset == 0
    assert append(log, b"c").base_offset == 2
    assert (log.log_start_offset, log.log_end_offset, log.high_watermark, log.last_stable_offset) == (0, 3, 3, 3)
    records = read_records(log)
    assert [record.offset for record in records] == [0, 1, 2]
    assert values(records) == [b"a", b"b", b"c"]


def test_a_read_in_the_middle_of_a_batch_returns_the_whole_batch(catalog: Catalog) -> None:
    log = make(catalog)
    append(log, b"a", b"b", b"c")
    append(log, b"d")
    part = log.read(1, 1 << 20, limit_offset=4, at_least_one=True)
    assert parse_header(part.read()).base_offset == 0
    assert part.next_offset == 4


def test_limits_of_a_read(catalog: Catalog) -> None:
    log = make(catalog)
    for letter in b"abcd":
        append(log, bytes([letter]))
    size = len(batch_of(b"a"))
    for room, count in ((size * 2, 2), (size * 2 - 1, 1), (size * 3 + 1, 3), (size * 99, 4)):
        part = log.read(0, room, limit_offset=4, at_least_one=False)
        assert (len(split_batches(part.read())), part.next_offset) == (count, count)
    assert log.read(0, size - 1, limit_offset=4, at_least_one=False).length == 0
    first = log.read(0, 0, limit_offset=4, at_least_one=True)
    assert (first.length, first.next_offset) == (size, 1)
    assert log.read(0, 1 << 20, limit_offset=3, at_least_one=True).length == 3 * size
    assert log.read(3, 1 << 20, limit_offset=3, at_least_one=True).length == 0
    assert log.read(4, 1 << 20, limit_offset=4, at_least_one=True).length == 0


def test_out_of_range(catalog: Catalog) -> None:
    log = make(catalog)
    append(log, b"a")
    for offset in (-1, 2):
        with pytest.raises(OffsetOutOfRange):
            log.read(offset, 100, limit_offset=1, at_least_one=True)


def test_every_offset_is_found_through_index_and_segments(catalog: Catalog) -> None:
    log = make(catalog, segment_bytes=2000, index_interval_bytes=300)
    for number in range(100):
        append(log, b"%d" % number, b"x" * (number % 40))
    assert len(log.segments) > 3
    for offset in range(log.log_end_offset):
        log._cursors.clear()
        part = log.read(offset, 700, limit_offset=log.log_end_offset, at_least_one=True)
        first = parse_header(part.read())
        assert first.base_offset <= offset <= first.last_offset
    assert values(read_records(log, max_bytes=700))[::2] == [b"%d" % number for number in range(100)]


def test_a_segment_is_closed_by_size_and_by_age(catalog: Catalog) -> None:
    log = make(catalog, segment_bytes=200, segment_ms=1000)
    append(log, b"a" * 100)
    append(log, b"b" * 100)
    assert [segment.base_offset for segment in log.segments] == [0, 1]
    append(log, b"c", now_ms=NOW_MS + 999)
    assert len(log.segments) == 3
    append(log, b"d", now_ms=NOW_MS + 1998)
    assert len(log.segments) == 3
    append(log, b"e", now_ms=NOW_MS + 1999)
    assert len(log.segments) == 4
    assert len(read_records(log)) == 5


def test_old_records_that_are_read_in_again_fill_segments_of_their_own_time(catalog: Catalog, tmp_path: Path) -> None:
    """As in Apache Kafka: the segment is closed by the records' own clock too, so that retention by age finds them apart."""
    log = make(catalog, segment_ms=1000)
    append(log, b"a", timestamp_ms=NOW_MS - 10_000, now_ms=NOW_MS)
    append(log, b"b", timestamp_ms=NOW_MS - 9_000, now_ms=NOW_MS)
    append(log, b"c", timestamp_ms=NOW_MS - 9_900, now_ms=NOW_MS)
    assert [segment.base_offset for segment in log.segments] == [0]
    append(log, b"d", timestamp_ms=NOW_MS - 8_999, now_ms=NOW_MS)
    assert [segment.base_offset for segment in log.segments] == [0, 3]
    catalog.close()
    log = open_catalog(tmp_path).topics["t"].partitions[0]
    append(log, b"e", timestamp_ms=NOW_MS - 7_999, now_ms=NOW_MS)
    assert [segment.base_offset for segment in log.segments] == [0, 3]
    append(log, b"f", timestamp_ms=NOW_MS - 7_998, now_ms=NOW_MS)
    assert [segment.base_offset for segment in log.segments] == [0, 3, 5], "the first batch is known after a restart"


def test_records_without_a_timestamp_are_closed_by_the_brokers_clock_alone(catalog: Catalog) -> None:
    log = make(catalog, segment_ms=1000)
    append(log, b"a", timestamp_ms=-1, now_ms=NOW_MS)
    append(log, b"b", now_ms=NOW_MS)
    assert len(log.segments) == 1
    append(log, b"c", now_ms=NOW_MS + 1000)
    assert len(log.segments) == 2


def test_an_offset_gap_too_wide_for_the_index_closes_the_segment(catalog: Catalog) -> None:
    log = make(catalog)
    append(log, b"a")
    log.log_end_offset = 2**31  # as if 2^31 records had come in tiny batches
    append(log, b"b")
    assert [segment.base_offset for segment in log.segments] == [0, 2**31]


def test_too_large_and_wrong_time_are_refused(catalog: Catalog) -> None:
    log = make(catalog, max_message_bytes=200, message_timestamp_after_max_ms=1000, message_timestamp_before_max_ms=500)
    with pytest.raises(MessageTooLarge):
        append(log, b"x" * 200)
    with pytest.raises(InvalidTimestamp):
        append(log, b"x", timestamp_ms=NOW_MS + 1001, now_ms=NOW_MS)
    with pytest.raises(InvalidTimestamp):
        append(log, b"x", timestamp_ms=NOW_MS - 501, now_ms=NOW_MS)
    append(log, b"x", timestamp_ms=NOW_MS + 1000, now_ms=NOW_MS)
    assert log.log_end_offset == 1


def test_log_append_time(catalog: Catalog) -> None:
    log = make(catalog, message_timestamp_type="LogAppendTime")
    result = append(log, b"a", timestamp_ms=5, now_ms=NOW_MS)
    assert result.log_append_time_ms == NOW_MS
    assert read_records(log)[0].timestamp == NOW_MS
    assert log.offset_for_timestamp(NOW_MS) == (0, NOW_MS)


def test_duplicates_get_the_first_answer(catalog: Catalog) -> None:
    log = make(catalog)
    for sequence in range(3):
        append(log, b"%d" % sequence, producer_id=9, producer_epoch=0, base_sequence=sequence)
    again = append(log, b"1", producer_id=9, producer_epoch=0, base_sequence=1)
    assert (again.base_offset, again.duplicate) == (1, True)
    assert log.log_end_offset == 3
    with pytest.raises(OutOfOrderSequence):
        append(log, b"9", producer_id=9, producer_epoch=0, base_sequence=9)


# --- look-up by time --------------------------------------------------------------------------------------------------


def test_lookup_by_time_looks_inside_batches(catalog: Catalog) -> None:
    from harness.pylog_broker.storage.batch import Record, build_batch

    log = make(catalog, segment_bytes=400, index_interval_bytes=1)
    times = [10, 30, 20, 40, 40, 70, 60, 90, 90, 5]
    for start in range(0, 10, 2):
        batch = build_batch([Record(0, time, None, b"x" * 50) for time in times[start : start + 2]], timestamp_ms=0)
        log.append(batch, verify_produced(batch), now_ms=100)
    assert len(log.segments) > 1
    for wanted in range(100):
        expected = next(((offset, time) for offset, time in enumerate(times) if time >= wanted), None)
        assert log.offset_for_timestamp(wanted) == expected
    assert log.offset_of_max_timestamp() == (7, 90)
    log.delete_records_before(9)
    assert log.offset_of_max_timestamp() == (9, 5)


def test_an_empty_log_has_no_times(catalog: Catalog) -> None:
    log = make(catalog)
    assert log.offset_for_timestamp(0) is None
    assert log.offset_of_max_timestamp() is None


# --- forgetting -------------------------------------------------------------------------------------------------------


def fill(log: PartitionLog, count: int, *, step_ms: int = 1000) -> None:
    """One segment per record, with segment_bytes=100."""
    for number in range(count):
        append(log, b"x" * 100, timestamp_ms=NOW_MS + number * step_ms)


def test_retention_by_time(catalog: Catalog) -> None:
    log = make(catalog, segment_bytes=100, retention_ms=2500)
    fill(log, 5)
    assert log.apply_retention(NOW_MS + 4000) == 2
    assert log.log_start_offset == 2
    assert [record.offset for record in read_records(log)] == [2, 3, 4]
    assert log.apply_retention(NOW_MS + 60_000) == 3  # the active segment is closed for it
    assert (log.log_start_offset, log.log_end_offset) == (5, 5)
    assert append(log, b"y", timestamp_ms=NOW_MS + 60_000).base_offset == 5


def test_retention_by_size_keeps_at_least_the_limit(catalog: Catalog) -> None:
    size = len(batch_of(b"x" * 100))
    log = make(catalog, segment_bytes=100, retention_bytes=size * 3 - 1, retention_ms=-1)
    fill(log, 5)
    assert log.apply_retention(NOW_MS) == 2
    log.set_config(catalog.defaults.with_overrides({"retention.bytes": str(size * 2), "retention.ms": "-1"}))
    assert log.apply_retention(NOW_MS) == 1
    assert log.size_bytes == size * 2


def test_retention_finishes_a_deletion_that_a_crash_interrupted() -> None:
    closed = [SegmentFacts(100, 10, NOW_MS), SegmentFacts(100, 20, NOW_MS)]
    for start, expected in ((9, 0), (10, 1), (19, 1), (20, 2)):
        config = TopicConfig(cleanup_policy="compact")
        assert expired_segments(closed, active_size=1, log_start_offset=start, config=config, now_ms=NOW_MS) == expected


def test_a_compacted_topic_is_not_cut(catalog: Catalog) -> None:
    log = make(catalog, segment_bytes=100, retention_ms=1, retention_bytes=1, cleanup_policy="compact")
    fill(log, 5)
    assert log.apply_retention(NOW_MS + 10**9) == 0


def test_an_idle_active_segment_is_closed_by_age(catalog: Catalog) -> None:
    log = make(catalog, segment_ms=1000)
    append(log, b"a")
    log.apply_retention(NOW_MS + 1000)
    assert [segment.base_offset for segment in log.segments] == [0, 1]


def test_delete_records(catalog: Catalog, tmp_path: Path) -> None:
    log = make(catalog, segment_bytes=100)
    fill(log, 5)
    assert log.delete_records_before(3) == 3
    assert log.delete_records_before(1) == 3
    assert [record.offset for record in read_records(log)] == [3, 4]
    assert sorted(name for name in os.listdir(tmp_path / "t-0") if name.endswith(".log")) == [
        f"{offset:020d}.log" for offset in (3, 4)
    ]
    with pytest.raises(OffsetOutOfRange):
        log.read(2, 100, limit_offset=5, at_least_one=True)
    with pytest.raises(OffsetOutOfRange):
        log.delete_records_before(6)
    assert log.delete_records_before(5) == 5


def test_a_slice_outlives_its_segment(catalog: Catalog, tmp_path: Path) -> None:
    log = make(catalog, segment_bytes=100)
    fill(log, 3)
    part = log.read(0, 1000, limit_offset=3, at_least_one=True)
    log.delete_records_before(3)
    assert not (tmp_path / "t-0" / f"{0:020d}.log").exists()
    source, target = os.pipe()
    try:
        assert os.sendfile(target, part.fd, part.position, part.length) == part.length
        data = os.read(source, part.length)
    finally:
        os.close(source)
        os.close(target)
    assert parse_header(data).base_offset == 0
    fd = part.fd
    del part
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(fd)


# --- disk faults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("space", [0, 1, 60, 80])
def test_a_full_disk_leaves_nothing_torn(catalog: Catalog, disk: FaultyFileSystem, space: int) -> None:
    log = make(catalog)
    append(log, b"a", producer_id=1, producer_epoch=0, base_sequence=0)
    size = os.stat(log.segments[-1].log_path).st_size
    disk.space_bytes = space
    with pytest.raises(StorageFailed):
        append(log, b"b" * 100, producer_id=1, producer_epoch=0, base_sequence=1)
    assert os.stat(log.segments[-1].log_path).st_size == size
    disk.space_bytes = None
    result = append(log, b"b", producer_id=1, producer_epoch=0, base_sequence=1)  # the retry is no gap
    assert (result.base_offset, result.duplicate) == (1, False)
    assert values(read_records(log)) == [b"a", b"b"]


def test_a_torn_write_that_cannot_be_cut_off_takes_the_log_offline(catalog: Catalog, disk: FaultyFileSystem) -> None:
    log = make(catalog)
    append(log, b"a")
    disk.space_bytes, disk.truncate_error = 10, True
    with pytest.raises(StorageFailed):
        append(log, b"b")
    disk.space_bytes, disk.truncate_error = None, False
    with pytest.raises(StorageFailed, match="offline"):
        append(log, b"b")
    assert values(read_records(log)) == [b"a"]


def test_flush_messages_syncs_before_it_acknowledges(catalog: Catalog, disk: FaultyFileSystem) -> None:
    log = make(catalog, flush_messages=3)
    append(log, b"a")
    disk.syncs = 0
    append(log, b"b")
    assert disk.syncs == 0
    append(log, b"c")
    assert disk.syncs == 2  # the file and, once, its folder
    append(log, b"d", b"e", b"f")
    assert disk.syncs == 3


def test_after_a_failed_fsync_nothing_more_is_promised(catalog: Catalog, disk: FaultyFileSystem) -> None:
    log = make(catalog, flush_messages=1)
    append(log, b"a")
    disk.sync_error = True
    with pytest.raises(StorageFailed, match="fsync"):
        append(log, b"b")
    disk.sync_error = False
    with pytest.raises(StorageFailed, match="offline"):
        append(log, b"c")


def test_flush_ms(catalog: Catalog, disk: FaultyFileSystem) -> None:
    log = make(catalog, flush_ms=1000)
    append(log, b"a")
    disk.syncs = 0
    log.flush_if_due(NOW_MS + 999)
    assert disk.syncs == 0
    log.flush_if_due(NOW_MS + 1000)
    assert disk.syncs > 0


def test_a_full_disk_while_closing_a_segment(
    catalog: Catalog, disk: FaultyFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = make(catalog, segment_bytes=100)
    append(log, b"x" * 100)

    def refuse(path: str, flags: int, mode: int) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(disk, "open", refuse)
        with pytest.raises(StorageFailed):
            append(log, b"y" * 100)
    assert len(log.segments) == 1
    assert append(log, b"y" * 100).base_offset == 1


def test_many_closed_segments_share_few_descriptors(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path, clock=Clock())
    catalog._open_segments._limit = 4
    log = make(catalog, segment_bytes=100)
    fill(log, 30)
    assert len(read_records(log)) == 30
    descriptors = [
        os.readlink(f"/proc/self/fd/{fd}")
        for fd in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{fd}")
    ]
    descriptors = [path for path in descriptors if "/meta/" not in path]  # of the metadata log
    assert sum(str(tmp_path) in path and path.endswith(".log") for path in descriptors) <= 5
    kill(catalog)
