"""Start after a clean shutdown, a kill, a power cut; torn tails and damage."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from harness.pylog_broker.storage import recovery
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.errors import CorruptLog, OutOfOrderSequence
from harness.pylog_broker.storage.filesystem import OsFileSystem
from harness.pylog_broker.storage.log import PartitionLog
from harness.pylog_broker.storage.ownership import encode_owner, owner_of

from .batches import NOW_MS, append, batch_of, read_records, values
from .disk import BOOT, OTHER_BOOT, FaultyFileSystem, kill, open_catalog

SIZE = len(batch_of(b"0" * 50))


def build(directory: Path, count: int = 10, *, checkpoint_after: int | None = None, **config: object) -> Catalog:
    """Topic "t" with `count` one-record batches of SIZE bytes."""
    catalog = open_catalog(directory)
    settings = {name.replace("_", "."): str(value) for name, value in config.items()}
    log = catalog.create_topic("t", 1, settings).partitions[0]
    for number in range(count):
        append(log, b"%050d" % number, timestamp_ms=NOW_MS + number)
        if number + 1 == checkpoint_after:
            catalog.checkpoint([log])
    return catalog


def reopen(directory: Path, *, boot_id: str = BOOT) -> tuple[Catalog, PartitionLog]:
    catalog = open_catalog(directory, boot_id=boot_id)
    return catalog, catalog.topics["t"].partitions[0]


def segment_file(directory: Path, base: int = 0) -> Path:
    return directory / "t-0" / f"{base:020d}.log"


def numbers(log: PartitionLog) -> list[int]:
    return [int(value or b"-1") for value in values(read_records(log))]


def numbers_from(log: PartitionLog, offset: int) -> list[int]:
    return [int(value or b"-1") for value in values(read_records(log, offset))]


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.write_bytes(data)


def test_a_clean_shutdown_is_not_scanned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, segment_bytes=3 * SIZE).close()
    with monkeypatch.context() as patch:
        patch.setattr(recovery, "check_batches", None)
        catalog, log = reopen(tmp_path, boot_id=OTHER_BOOT)
    assert catalog.recovery_reports == {}
    assert numbers(log) == list(range(10))
    assert append(log, b"10", timestamp_ms=NOW_MS + 10).base_offset == 10
    assert log.offset_of_max_timestamp() == (10, NOW_MS + 10)
    catalog.close()


@pytest.mark.parametrize("boot_id", [BOOT, OTHER_BOOT])
@pytest.mark.parametrize("checkpoint_after", [None, 4, 10])
def test_a_kill_loses_nothing(tmp_path: Path, boot_id: str, checkpoint_after: int | None) -> None:
    kill(build(tmp_path, checkpoint_after=checkpoint_after, segment_bytes=3 * SIZE))
    catalog, log = reopen(tmp_path, boot_id=boot_id)
    assert numbers(log) == list(range(10))
    assert append(log, b"10").base_offset == 10
    for number in range(10):
        assert log.offset_for_timestamp(NOW_MS + number) == (number, NOW_MS + number)
    catalog.close()


def test_after_a_kill_only_what_came_since_the_checkpoint_is_scanned(tmp_path: Path) -> None:
    kill(build(tmp_path, checkpoint_after=7))
    catalog, _ = reopen(tmp_path)
    assert catalog.recovery_reports["t-0"].scanned_bytes == 3 * SIZE
    kill(catalog)
    catalog, _ = reopen(tmp_path, boot_id=OTHER_BOOT)  # a power cut: checkpoints without fsync prove nothing
    assert catalog.recovery_reports["t-0"].scanned_bytes == 10 * SIZE
    kill(catalog)


def test_after_a_power_cut_synced_segments_are_not_scanned(tmp_path: Path) -> None:
    kill(build(tmp_path, checkpoint_after=10, segment_bytes=3 * SIZE))
    catalog, _ = reopen(tmp_path, boot_id=OTHER_BOOT)
    assert catalog.recovery_reports["t-0"].scanned_bytes == SIZE
    kill(catalog)


@pytest.mark.parametrize("boot_id", [BOOT, OTHER_BOOT])
@pytest.mark.parametrize("kept_bytes", [0, 1, 11, 12, 60, 61, SIZE - 1])
def test_a_torn_tail_is_cut_off(tmp_path: Path, kept_bytes: int, boot_id: str) -> None:
    kill(build(tmp_path))
    os.truncate(segment_file(tmp_path), 9 * SIZE + kept_bytes)
    catalog, log = reopen(tmp_path, boot_id=boot_id)
    assert segment_file(tmp_path).stat().st_size == 9 * SIZE
    assert numbers(log) == list(range(9))
    assert append(log, b"9").base_offset == 9
    assert numbers(log) == list(range(10))
    catalog.close()


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"\xff" * 100, os.urandom(300)], ids=["zeros", "ones", "noise"])
def test_garbage_behind_the_log_is_cut_off(tmp_path: Path, tail: bytes) -> None:
    kill(build(tmp_path))
    with segment_file(tmp_path).open("ab") as file:
        file.write(tail)
    catalog, log = reopen(tmp_path)
    assert numbers(log) == list(range(10))
    assert segment_file(tmp_path).stat().st_size == 10 * SIZE
    catalog.close()


def test_a_stale_batch_behind_the_log_is_cut_off(tmp_path: Path) -> None:
    kill(build(tmp_path))
    data = segment_file(tmp_path).read_bytes()
    with segment_file(tmp_path).open("ab") as file:
        file.write(data[:SIZE])  # sound in itself, but its offset was there already
    catalog, log = reopen(tmp_path)
    assert numbers(log) == list(range(10))
    catalog.close()


def test_a_flipped_bit_in_the_last_segment_ends_the_log_there(tmp_path: Path) -> None:
    kill(build(tmp_path))
    flip(segment_file(tmp_path), 6 * SIZE + 70)
    catalog, log = reopen(tmp_path)
    assert numbers(log) == list(range(6))
    catalog.close()


@pytest.mark.parametrize("boot_id", [BOOT, OTHER_BOOT])
@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("where", [70, 8], ids=["record", "length"])
def test_damage_in_a_closed_segment_is_refused_and_the_rest_is_served(
    tmp_path: Path, boot_id: str, clean: bool, where: int
) -> None:
    catalog = build(tmp_path, segment_bytes=3 * SIZE)
    catalog.close() if clean else kill(catalog)
    flip(segment_file(tmp_path, 3), 1 * SIZE + where)  # offset 4
    catalog, log = reopen(tmp_path, boot_id=boot_id)
    assert log.log_end_offset == 10
    for offset in (0, 2, 3):
        part = log.read(offset, 1 << 20, limit_offset=10, at_least_one=True)
        assert b"%050d" % offset in part.read()
        assert b"%050d" % 4 not in part.read()
    with pytest.raises(CorruptLog, match=r"00003\.log"):
        log.read(4, 1 << 20, limit_offset=10, at_least_one=True)
    if where == 70:  # only the record is damaged: the batch behind it can be found, and is sound
        assert numbers_from(log, 5)[0] == 5
    else:
        with pytest.raises(CorruptLog, match=r"00003\.log"):
            log.read(5, 1 << 20, limit_offset=10, at_least_one=True)
    with pytest.raises(CorruptLog):
        log.offset_for_timestamp(NOW_MS + 4)
    assert numbers_from(log, 6) == [6, 7, 8, 9]
    assert append(log, b"10").base_offset == 10
    assert log.delete_records_before(6) == 6  # the way out that the error message names
    assert numbers(log) == [6, 7, 8, 9, 10]
    catalog.close()


def test_bit_rot_in_an_active_segment_after_a_clean_shutdown_is_refused(tmp_path: Path) -> None:
    build(tmp_path).close()
    flip(segment_file(tmp_path), 6 * SIZE + 70)
    catalog, log = reopen(tmp_path)
    part = log.read(0, 1 << 20, limit_offset=10, at_least_one=True)
    assert (part.length, part.next_offset) == (6 * SIZE, -1)
    with pytest.raises(CorruptLog):
        log.read(6, 1 << 20, limit_offset=10, at_least_one=True)
    kill(catalog)


def test_a_shorter_file_than_the_clean_shutdown_left_is_noticed(tmp_path: Path) -> None:
    build(tmp_path).close()
    os.truncate(segment_file(tmp_path), 4 * SIZE + 5)
    catalog, log = reopen(tmp_path)
    assert numbers(log) == [0, 1, 2, 3]
    catalog.close()


@pytest.mark.parametrize("suffix", ["index", "timeindex"])
@pytest.mark.parametrize("change", ["remove", "tear", "scramble", "empty"])
def test_index_files_are_only_a_cache(tmp_path: Path, suffix: str, change: str) -> None:
    build(tmp_path, 60, segment_bytes=20 * SIZE, index_interval_bytes=2 * SIZE).close()
    for base in (0, 20, 40):
        path = tmp_path / "t-0" / f"{base:020d}.{suffix}"
        data = path.read_bytes()
        if change == "remove":
            path.unlink()
        else:
            path.write_bytes({"tear": data[:-3], "scramble": data[::-1], "empty": b""}[change])
    catalog, log = reopen(tmp_path)
    for number in range(60):
        log._cursors.clear()
        assert numbers(log) == list(range(60)) if number == 0 else True
        assert log.offset_for_timestamp(NOW_MS + number) == (number, NOW_MS + number)
        part = log.read(number, 1, limit_offset=60, at_least_one=True)
        assert b"%050d" % number in part.read()
    catalog.close()


@pytest.mark.parametrize("suffix", ["index", "timeindex"])
def test_a_flipped_bit_in_an_index_costs_a_rebuild_and_refuses_nothing(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    build(tmp_path, 60, segment_bytes=20 * SIZE, index_interval_bytes=2 * SIZE).close()
    path = tmp_path / "t-0" / f"{20:020d}.{suffix}"
    sound = path.read_bytes()
    for place in range(0, len(sound), 3):
        damaged = bytearray(sound)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        caplog.clear()
        catalog, log = reopen(tmp_path)
        for number in range(20, 40, 3):
            log._cursors.clear()
            part = log.read(number, 1, limit_offset=60, at_least_one=True)
            assert b"%050d" % number in part.read()
            assert log.offset_for_timestamp(NOW_MS + number) == (number, NOW_MS + number)
        assert "the index is rebuilt from the segment" in caplog.text
        catalog.close()


def test_the_index_after_a_kill_is_as_good_as_before(tmp_path: Path) -> None:
    catalog = build(tmp_path, 40, checkpoint_after=17, index_interval_bytes=2 * SIZE)
    before = list(catalog.topics["t"].partitions[0].segments[-1].open()[1].positions)
    kill(catalog)
    catalog, log = reopen(tmp_path)
    after = list(log.segments[-1].open()[1].positions)
    assert set(range(0, 17 * SIZE, 1)).intersection(before) == set(range(0, 17 * SIZE, 1)).intersection(after)
    catalog.close()


def test_the_index_of_a_lost_tail_is_forgotten(tmp_path: Path) -> None:
    """An index rebuilt from headers knows batches that the CRC check then cuts off."""
    kill(build(tmp_path, 20, checkpoint_after=10, index_interval_bytes=1))
    for path in (tmp_path / "t-0").glob("*.*index"):
        path.unlink()
    flip(segment_file(tmp_path), 12 * SIZE + 80)
    catalog, log = reopen(tmp_path)
    assert numbers(log) == list(range(12))
    for number in range(12, 20):
        append(log, b"%090d" % number)
    for number in range(20):
        log._cursors.clear()
        assert numbers_from(log, number) == list(range(number, 20))
    catalog.close()


# --- producers --------------------------------------------------------------------------------------------------------


def produce(log: PartitionLog, sequence: int) -> tuple[int, bool]:
    result = append(log, b"%050d" % sequence, producer_id=5, producer_epoch=1, base_sequence=sequence)
    return result.base_offset, result.duplicate


@pytest.mark.parametrize("boot_id", [BOOT, OTHER_BOOT])
@pytest.mark.parametrize("ending", ["clean", "kill", "kill after checkpoint", "snapshot lost", "snapshot damaged"])
def test_producer_state_survives(tmp_path: Path, ending: str, boot_id: str) -> None:
    catalog = open_catalog(tmp_path)
    log = catalog.create_topic("t", 1, {"segment.bytes": str(3 * SIZE)}).partitions[0]
    for sequence in range(8):
        produce(log, sequence)
        if sequence == 5 and "kill after" in ending:
            catalog.checkpoint([log])
    catalog.close() if ending in ("clean", "snapshot lost", "snapshot damaged") else kill(catalog)
    for snapshot in (tmp_path / "t-0").glob("*.snapshot"):
        if ending == "snapshot lost":
            snapshot.unlink()
        if ending == "snapshot damaged":
            flip(snapshot, len(snapshot.read_bytes()) // 2)
    catalog, log = reopen(tmp_path, boot_id=boot_id)
    assert produce(log, 5) == (5, True)
    assert produce(log, 7) == (7, True)
    with pytest.raises(OutOfOrderSequence):
        produce(log, 9)
    assert produce(log, 8) == (8, False)
    catalog.close()


def test_a_snapshot_of_a_lost_tail_is_not_believed(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    log = catalog.create_topic("t", 1).partitions[0]
    for sequence in range(8):
        produce(log, sequence)
    catalog.checkpoint([log])
    kill(catalog)
    os.truncate(segment_file(tmp_path), 6 * SIZE)
    catalog, log = reopen(tmp_path, boot_id=OTHER_BOOT)
    assert produce(log, 6) == (6, False)
    for number in range(2):
        append(log, b"other %d" % number)
    kill(catalog)
    catalog, log = reopen(tmp_path)
    assert produce(log, 7) == (9, False)
    catalog.close()


# --- log start --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("boot_id", [BOOT, OTHER_BOOT])
def test_deleted_records_stay_deleted(tmp_path: Path, boot_id: str) -> None:
    catalog = build(tmp_path, segment_bytes=3 * SIZE)
    catalog.topics["t"].partitions[0].delete_records_before(4)
    kill(catalog)
    catalog, log = reopen(tmp_path, boot_id=boot_id)
    assert log.log_start_offset == 4
    assert numbers(log) == [4, 5, 6, 7, 8, 9]
    catalog.close()


def test_offsets_go_on_when_everything_was_deleted(tmp_path: Path) -> None:
    catalog = build(tmp_path, retention_ms=1000)
    catalog.topics["t"].partitions[0].apply_retention(NOW_MS + 10**6)
    catalog.close()
    catalog, log = reopen(tmp_path)
    assert (log.log_start_offset, log.log_end_offset) == (10, 10)
    kill(catalog)
    catalog, log = reopen(tmp_path)
    assert append(log, b"10").base_offset == 10
    catalog.close()


def test_recovery_can_be_interrupted_anywhere(tmp_path: Path) -> None:
    """A crash during recovery, at each of its writes, is itself recovered from."""
    kill(build(tmp_path, segment_bytes=3 * SIZE, checkpoint_after=4))
    with segment_file(tmp_path, 9).open("ab") as file:
        file.write(b"\0" * 40)
    died, step = 0, 0
    while True:
        step += 1
        disk = FaultyFileSystem()
        disk.die_at = step
        try:
            catalog = open_catalog(tmp_path, file_system=disk)
        except BaseException as error:
            if type(error).__name__ != "PowerCut":
                raise
            died += 1
            continue
        break
    assert died > 3
    assert numbers(catalog.topics["t"].partitions[0]) == list(range(10))
    disk.die_at = None
    catalog.close()


def test_a_restart_without_writes_leaves_the_disk_alone(tmp_path: Path) -> None:
    build(tmp_path).close()
    disk = FaultyFileSystem()
    catalog = open_catalog(tmp_path, file_system=disk)
    before = disk.syncs
    log = catalog.topics["t"].partitions[0]
    assert numbers(log) == list(range(10))
    log.close()
    assert disk.syncs == before
    catalog.close()
    disk = FaultyFileSystem()
    catalog = open_catalog(tmp_path, file_system=disk)
    log = catalog.topics["t"].partitions[0]
    append(log, b"10")
    before = disk.syncs
    log.close()
    assert disk.syncs == before + 1
    kill(catalog)


# --- what a power cut leaves ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [9 * SIZE, 7 * SIZE, 6 * SIZE + 30, 6 * SIZE, 0], ids=str)
def test_a_torn_tail_may_span_segments(tmp_path: Path, kept: int) -> None:
    """The active segment is empty, and the bytes of the one before it were not synced."""
    kill(build(tmp_path, 9))
    (tmp_path / "t-0" / f"{9:020d}.log").touch()
    (tmp_path / "meta" / "checkpoint.json").unlink()
    os.truncate(segment_file(tmp_path), kept)
    catalog, log = reopen(tmp_path, boot_id=OTHER_BOOT)
    sound = kept // SIZE
    assert numbers(log) == list(range(sound))
    assert append(log, b"%050d" % sound).base_offset == sound
    kill(catalog)
    catalog, log = reopen(tmp_path)
    assert numbers(log) == list(range(sound + 1))
    kill(catalog)


def test_the_lost_end_of_a_closed_segment_is_refused_and_not_skipped(tmp_path: Path) -> None:
    kill(build(tmp_path, segment_bytes=3 * SIZE))
    os.truncate(segment_file(tmp_path, 3), 2 * SIZE)
    catalog, log = reopen(tmp_path, boot_id=OTHER_BOOT)
    with pytest.raises(CorruptLog, match="offsets 5 to 6 are missing"):
        log.read(5, 1 << 20, limit_offset=10, at_least_one=True)
    assert log.delete_records_before(6) == 6
    assert numbers(log) == [6, 7, 8, 9]
    kill(catalog)


@pytest.mark.parametrize("left", [b"", bytes(43), b"version: 0\ntopic_id: abc"], ids=["nothing", "zeros", "half"])
def test_an_unreadable_owner_of_a_partition_is_written_anew(tmp_path: Path, left: bytes) -> None:
    """The file is not synced: were it needed, a power cut soon after CreateTopics would be the end of the whole folder."""
    kill(build(tmp_path))
    path = tmp_path / "t-0" / "partition.metadata"
    sound = path.read_bytes()
    path.write_bytes(left)
    catalog, log = reopen(tmp_path, boot_id=OTHER_BOOT)
    assert numbers(log) == list(range(10))
    assert path.read_bytes() == sound
    kill(catalog)


def test_a_flipped_bit_in_the_owner_does_not_delete_a_partition(tmp_path: Path) -> None:
    kill(build(tmp_path))
    path = tmp_path / "t-0" / "partition.metadata"
    owner = owner_of(OsFileSystem(), str(tmp_path / "t-0"))
    assert owner is not None
    path.write_bytes(encode_owner(uuid.UUID(int=owner.int ^ 1 << 40)))
    with pytest.raises(CorruptLog, match="delete that file; else move the folder away"):
        open_catalog(tmp_path)
    path.unlink()
    catalog, log = reopen(tmp_path)
    assert numbers(log) == list(range(10))
    kill(catalog)
