"""Compaction of real segments: what stays, what goes, what transactions and crashes make of it."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.pylog_broker.storage.batch import (
    CONTROL_BIT,
    DELETE_HORIZON_BIT,
    HEADER_SIZE,
    BatchHeader,
    Record,
    build_batch,
    iterate_records,
    parse_header,
    verify_produced,
    verify_stored,
    with_records,
)
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.compression import compress
from harness.pylog_broker.storage.control import Marker
from harness.pylog_broker.storage.errors import CorruptLog
from harness.pylog_broker.storage.log import PartitionLog
from tests.pylog_broker.storage.disk import BOOT, OTHER_BOOT, Clock, FaultyFileSystem, PowerCut, kill, open_catalog

COMPACT = {"cleanup.policy": "compact", "segment.bytes": "400", "min.cleanable.dirty.ratio": "0.01"}
HOUR_MS = 3_600_000
Pair = tuple[bytes, bytes | None]


def write(log: PartitionLog, pairs: Iterable[Pair], clock: Clock, *, codec: int = 0, **producer: int) -> int:
    """Append one batch in a codec; its base offset."""
    plain = build_batch(list(pairs), timestamp_ms=clock.now_ms, **producer)
    header = parse_header(plain)
    attributes = header.attributes | codec
    batch = bytearray(with_records(header, compress(codec, bytes(plain[HEADER_SIZE:])), attributes))
    return log.append(batch, verify_produced(batch), now_ms=clock.now_ms).base_offset


def batches(log: PartitionLog) -> list[tuple[BatchHeader, list[Record]]]:
    """Every batch of a log, its CRC checked."""
    found = []
    offset = log.log_start_offset
    while offset < log.log_end_offset:
        data = log.read(offset, 1 << 20, limit_offset=log.log_end_offset, at_least_one=True).read()
        if not data:
            break
        position = 0
        while position < len(data):
            header = parse_header(data, position)
            verify_stored(data, position, header)
            assert header.next_offset > offset, "offsets ascend"
            found.append((header, list(iterate_records(data[position : position + header.length]))))
            position += header.length
            offset = header.next_offset
    return found


def records(log: PartitionLog) -> list[tuple[int, bytes | None, bytes | None]]:
    """(offset, key, value) of what is stored, markers left out."""
    return [
        (row.offset, row.key, row.value)
        for header, rows in batches(log)
        if not header.attributes & CONTROL_BIT
        for row in rows
    ]


def compact(catalog: Catalog, clock: Clock) -> None:
    """Run compaction until there is nothing left to do."""
    clock.now_ms += 20_000  # beyond the backoff
    for _ in range(50):
        catalog.step_cleaner(clock.now_ms)
    assert not catalog.cleaner.busy


def fresh(directory: Path, clock: Clock, **config: str) -> tuple[Catalog, PartitionLog]:
    catalog = open_catalog(directory, clock=clock)
    named = {name.replace("_", "."): value for name, value in config.items()}
    return catalog, catalog.create_topic("t", 1, {**COMPACT, **named}).partitions[0]


def reopen(catalog: Catalog, clock: Clock, *, boot_id: str = BOOT) -> tuple[Catalog, PartitionLog]:
    kill(catalog)
    catalog = open_catalog(catalog.data_dir, clock=clock, boot_id=boot_id)
    return catalog, catalog.topics["t"].partitions[0]


@pytest.mark.parametrize("codec", range(5))
def test_the_last_value_of_each_key_stays_at_its_offset(tmp_path: Path, codec: int) -> None:
    clock = Clock()
    catalog, log = fresh(tmp_path, clock)
    for number in range(40):
        write(log, [(b"k%d" % (number % 3), b"v%d" % number), (b"same", b"x" * 50)], clock, codec=codec)
    size, end, active = log.size_bytes, log.log_end_offset, log.segments[-1].base_offset
    before = records(log)
    compact(catalog, clock)
    kept = records(log)
    assert log.size_bytes < size / 2
    assert (log.log_start_offset, log.log_end_offset) == (0, end)
    assert [row for row in kept if row[0] >= active] == [row for row in before if row[0] >= active]
    below = [row for row in kept if row[0] < active]
    last = {key: (offset, value) for offset, key, value in before if offset < active}
    assert {key: (offset, value) for offset, key, value in below} == last
    assert len(below) == len(last), "nothing but the last values"
    for offset in range(end):  # every offset can still be asked for, those that are gone too
        data = log.read(offset, 1, limit_offset=end, at_least_one=True).read()
        assert parse_header(data).last_offset >= offset
    catalog.close()
    catalog, log = reopen(catalog, clock)
    assert records(log) == kept
    catalog.close()


def test_a_tombstone_stays_for_delete_retention_and_then_goes(tmp_path: Path) -> None:
    clock = Clock()
    catalog, log = fresh(tmp_path, clock, delete_retention_ms=str(HOUR_MS))
    write(log, [(b"a", b"1"), (b"b", b"1")], clock)
    stamped = clock.now_ms
    write(log, [(b"a", None)], clock)
    for _ in range(8):
        write(log, [(b"fill", b"x" * 60)], clock)
    compact(catalog, clock)
    assert (2, b"a", None) in records(log)
    assert (0, b"a", b"1") not in records(log)
    (horizon,) = [header.base_timestamp for header, rows in batches(log) if rows and rows[0].offset == 2]
    assert clock.now_ms + HOUR_MS - 10 * 20_000 < horizon <= clock.now_ms + HOUR_MS
    assert [rows[0].timestamp for _, rows in batches(log) if rows and rows[0].offset == 2] == [stamped]
    clock.now_ms += HOUR_MS
    for _ in range(8):
        write(log, [(b"fill", b"x" * 60)], clock)
    compact(catalog, clock)
    assert b"a" not in {key for _, key, _ in records(log)}
    assert (1, b"b", b"1") in records(log)
    catalog.close()


def test_lags_and_ratio_are_honoured(tmp_path: Path) -> None:
    clock = Clock()
    catalog, log = fresh(tmp_path, clock, min_compaction_lag_ms=str(HOUR_MS), max_compaction_lag_ms=str(2 * HOUR_MS))
    catalog.set_topic_config("t", {**log_overrides(catalog), "min.cleanable.dirty.ratio": "1"})
    for number in range(20):
        write(log, [(b"k", b"%d" % number)], clock)
    before = records(log)
    clock.now_ms += HOUR_MS // 2
    compact(catalog, clock)
    assert records(log) == before, "too young"
    clock.now_ms += HOUR_MS
    compact(catalog, clock)
    assert records(log) == before, "old enough, but not dirty enough"
    clock.now_ms += HOUR_MS
    log.apply_retention(clock.now_ms)
    compact(catalog, clock)
    assert [row[2] for row in records(log)] == [b"19"], "overdue; the active segment was closed for it"
    catalog.close()


def log_overrides(catalog: Catalog) -> dict[str, str]:
    return catalog.topics["t"].config_overrides


def test_memory_bounds_what_one_round_cleans(tmp_path: Path) -> None:
    clock = Clock()
    catalog, log = fresh(tmp_path, clock)
    catalog.cleaner.settings = type(catalog.cleaner.settings)(dedupe_buffer_bytes=160 * 7)
    for number in range(60):
        write(log, [(b"k%d" % (number % 20), b"%d" % number)], clock)
    before = {key: value for _, key, value in records(log)}
    size = log.size_bytes
    compact(catalog, clock)
    assert log.size_bytes < size
    assert {key: value for _, key, value in records(log)} == before
    catalog.close()


def test_aborted_records_go_and_markers_stay_while_they_are_needed(tmp_path: Path) -> None:
    clock = Clock()
    catalog, log = fresh(tmp_path, clock, delete_retention_ms="1000")
    transactional = {"attributes": 0x10, "producer_epoch": 0}
    write(log, [(b"a", b"committed")], clock, producer_id=7, base_sequence=0, **transactional)
    log.append_marker(Marker(7, 0, True, 0), now_ms=clock.now_ms)
    write(log, [(b"a", b"aborted")], clock, producer_id=8, base_sequence=0, **transactional)
    write(log, [(b"b", b"aborted")], clock, producer_id=7, base_sequence=1, **transactional)
    log.append_marker(Marker(7, 0, False, 0), now_ms=clock.now_ms)
    log.append_marker(Marker(8, 0, False, 0), now_ms=clock.now_ms)
    for producer in (7, 8):  # later batches, so that nothing above is the last one of its producer
        write(
            log,
            [(b"c%d" % producer, b"v")],
            clock,
            producer_id=producer,
            base_sequence=(producer == 7 and 2) or 1,
            **transactional,
        )
        log.append_marker(Marker(producer, 0, True, 0), now_ms=clock.now_ms)
    for _ in range(12):
        write(log, [(b"fill", b"x" * 60)], clock)
    compact(catalog, clock)
    kept = records(log)
    assert (0, b"a", b"committed") in kept, "an aborted record does not replace a committed one"
    assert b"aborted" not in {value for _, _, value in kept}
    for horizons in (0, 2):  # the second cleaning finds nothing left of the aborted ones, the third takes their markers
        found = [header for header, _ in batches(log) if header.attributes & CONTROL_BIT]
        assert [header.base_offset for header in found] == [1, 4, 5, 7, 9]
        assert sum(bool(header.attributes & DELETE_HORIZON_BIT) for header in found) == horizons
        clock.now_ms += 60_000
        for _ in range(12):
            write(log, [(b"fill", b"x" * 60)], clock)
        compact(catalog, clock)
    markers = [header.base_offset for header, _ in batches(log) if header.attributes & CONTROL_BIT]
    assert markers == [1, 7, 9], "commit markers of records that are there; the two aborts are gone"
    assert [row for segment in log.segments for row in segment.transactions.rows] == []
    for path in Path(catalog.data_dir, "t-0").glob("*.snapshot"):
        path.unlink()
    (Path(catalog.data_dir) / "meta" / "checkpoint.json").unlink()
    catalog, log = reopen(catalog, clock, boot_id=OTHER_BOOT)  # producers are replayed from what is left
    assert log.last_stable_offset == log.log_end_offset
    assert {row.producer_id: row.last_sequence for row in log.producers} == {7: 2, 8: 1}
    kill(catalog)


def test_an_open_transaction_is_not_touched(tmp_path: Path) -> None:
    clock = Clock()
    catalog, log = fresh(tmp_path, clock)
    write(log, [(b"a", b"1")], clock)
    write(log, [(b"a", b"open")], clock, producer_id=7, producer_epoch=0, base_sequence=0, attributes=0x10)
    for number in range(12):
        write(log, [(b"a", b"%d" % number)], clock)
    before = records(log)
    compact(catalog, clock)
    assert records(log) == before
    log.append_marker(Marker(7, 0, True, 0), now_ms=clock.now_ms)
    compact(catalog, clock)
    assert len(records(log)) < len(before)
    catalog.close()


def test_the_last_batch_of_a_producer_leaves_its_sequence(tmp_path: Path) -> None:
    clock = Clock()
    catalog, log = fresh(tmp_path, clock)
    write(log, [(b"a", b"1"), (b"a", b"2")], clock, producer_id=7, producer_epoch=0, base_sequence=0)
    for number in range(12):
        write(log, [(b"a", b"%d" % number)], clock)
    compact(catalog, clock)
    (empty,) = [header for header, rows in batches(log) if not rows]
    assert (empty.producer_id, empty.base_sequence, empty.last_offset) == (7, 0, 1)
    for path in Path(catalog.data_dir, "t-0").glob("*.snapshot"):
        path.unlink()
    (Path(catalog.data_dir) / "meta" / "checkpoint.json").unlink()
    catalog, log = reopen(catalog, clock, boot_id=OTHER_BOOT)
    again = build_batch([(b"a", b"1"), (b"a", b"2")], timestamp_ms=1, producer_id=7, producer_epoch=0, base_sequence=0)
    assert log.append(again, verify_produced(again), now_ms=clock.now_ms).duplicate
    assert write(log, [(b"z", b"3")], clock, producer_id=7, producer_epoch=0, base_sequence=2) == log.log_end_offset - 1
    kill(catalog)


def test_damage_is_left_alone_and_said(tmp_path: Path) -> None:
    clock = Clock()
    catalog, log = fresh(tmp_path, clock)
    for number in range(20):
        write(log, [(b"a", b"%d" % number)], clock)
    path = Path(log.segments[1].log_path)
    data = bytearray(path.read_bytes())
    data[70] ^= 1
    path.write_bytes(data)
    names = sorted(entry.name for entry in path.parent.iterdir())
    compact(catalog, clock)
    assert sorted(entry.name for entry in path.parent.iterdir() if not entry.name.endswith(".cleaned")) == names
    assert path.read_bytes() == data
    kill(catalog)


def test_a_gap_that_compaction_did_not_leave_is_still_damage(tmp_path: Path) -> None:
    clock = Clock()
    catalog, log = fresh(tmp_path, clock)
    for number in range(20):
        write(log, [(b"k%d" % number, b"v")], clock)
    path = Path(log.segments[1].log_path)
    base = log.segments[1].base_offset
    catalog.close()
    data = bytearray(path.read_bytes())
    data[7] ^= 64  # a base offset, which no CRC covers
    path.write_bytes(data)
    catalog, log = reopen(catalog, clock)
    with pytest.raises(CorruptLog):
        log.read(base, 1000, limit_offset=log.log_end_offset, at_least_one=True)
    kill(catalog)


def test_retention_and_deletion_wait_for_a_cleaning(tmp_path: Path) -> None:
    clock = Clock()
    catalog, log = fresh(tmp_path, clock)
    catalog.set_topic_config(
        "t", {**log_overrides(catalog), "cleanup.policy": "compact,delete", "retention.ms": "1000"}
    )
    for number in range(20):
        write(log, [(b"k%d" % number, b"v")], clock)
    log.cleaning = True
    clock.now_ms += HOUR_MS
    log.apply_retention(clock.now_ms)
    assert log.segments[0].base_offset == 0
    log.cleaning = False
    log.apply_retention(clock.now_ms)
    assert log.log_start_offset == 20
    catalog.close()


def test_a_crash_at_every_write_leaves_a_log_that_reads_right(tmp_path: Path) -> None:
    """Dying before each write of a cleaning in turn, torn writes included: never a lost last value, never both forms."""
    for step in itertools.count(1):
        directory = tmp_path / str(step)
        clock = Clock()
        disk = FaultyFileSystem()
        catalog = open_catalog(directory, clock=clock, file_system=disk)
        log = catalog.create_topic("t", 1, COMPACT).partitions[0]
        for number in range(14):
            write(log, [(b"k%d" % (number % 3), b"v%d" % number)], clock)
        before, end = records(log), log.log_end_offset
        disk.calls, disk.die_at, disk.torn_bytes = 0, step, step * 17 % 200
        with contextlib.suppress(PowerCut):
            compact(catalog, clock)
        catalog, log = reopen(catalog, clock, boot_id=(BOOT, OTHER_BOOT)[step % 2])
        found = records(log)
        assert log.log_end_offset == end
        assert set(found) <= set(before)
        assert [row[0] for row in found] == sorted({row[0] for row in found})
        assert {key: (offset, value) for offset, key, value in found} == {
            key: (offset, value) for offset, key, value in before
        }
        compact(catalog, clock)
        assert len(records(log)) < len(before), "and it can be cleaned again"
        names = [path.name for path in (directory / "t-0").iterdir()]
        assert not [name for name in names if name.endswith((".cleaned", ".swap", ".txnswap"))]
        catalog.close()
        if not disk.dead:
            break
    assert step > 15


appends = st.lists(
    st.tuples(
        st.sampled_from(["plain", "commit", "abort", "clean"]),
        st.integers(0, 4),
        st.lists(
            st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.sampled_from([b"1", b"22" * 30, None])),
            min_size=1,
            max_size=3,
        ),
    ),
    min_size=5,
    max_size=30,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(appends, st.sampled_from([0, HOUR_MS]))
def test_any_history_keeps_its_last_values(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, list[Pair]]], delete_retention_ms: int
) -> None:
    """Whatever was committed last for a key is there, and everything above what was cleaned, at the same offset."""
    clock = Clock()
    catalog, log = fresh(tmp_path_factory.mktemp("log"), clock, delete_retention_ms=str(delete_retention_ms))
    everything: dict[int, tuple[bytes, bytes | None]] = {}
    committed: dict[bytes, tuple[int, bytes | None]] = {}
    sequence = 0
    for kind, codec, pairs in steps:
        if kind == "clean":
            compact(catalog, clock)
            continue
        producer = {}
        if kind != "plain":
            producer = {"producer_id": 7, "producer_epoch": 0, "base_sequence": sequence, "attributes": 0x10}
            sequence += len(pairs)
        base = write(log, pairs, clock, codec=codec, **producer)
        if kind != "plain":
            log.append_marker(Marker(7, 0, kind == "commit", 0), now_ms=clock.now_ms)
        for delta, (key, value) in enumerate(pairs):
            if kind != "abort":
                committed[key] = (base + delta, value)
                everything[base + delta] = (key, value)
    compact(catalog, clock)
    active = log.segments[-1].base_offset
    for _ in range(2):
        found = {offset: (key, value) for offset, key, value in records(log)}
        for key, (offset, value) in committed.items():
            gone_tombstone = value is None and delete_retention_ms == 0 and offset < active
            assert found.get(offset) == (key, value) or gone_tombstone
        for offset, row in everything.items():
            assert offset < active or found[offset] == row
        assert log.last_stable_offset == log.log_end_offset
        catalog, log = reopen(catalog, clock, boot_id=OTHER_BOOT)
    kill(catalog)
