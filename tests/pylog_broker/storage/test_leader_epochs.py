"""Leader epochs: which epoch wrote what, kept over restarts, rebuilt from the log (KIP-101, KIP-320)."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.errors import CorruptLog
from harness.pylog_broker.storage.filesystem import OsFileSystem
from harness.pylog_broker.storage.leader_epochs import FILE_NAME, LeaderEpochs, load_leader_epochs
from harness.pylog_broker.storage.log import PartitionLog

from .batches import NOW_MS, append
from .disk import BOOT, OTHER_BOOT, Clock, kill, open_catalog


def test_where_epochs_end() -> None:
    epochs = LeaderEpochs([(1, 10), (3, 20), (4, 35)])
    assert epochs.end_of(4, 50) == (4, 50)
    assert epochs.end_of(3, 50) == (3, 35)
    assert epochs.end_of(2, 50) == (1, 20), "an epoch that wrote nothing ends where the one before it does"
    assert epochs.end_of(0, 50) == (0, 10), "older than all that are known"
    assert epochs.end_of(5, 50) == epochs.end_of(-1, 50) == (-1, -1)
    assert [epochs.epoch_at(offset) for offset in (5, 10, 19, 20, 90)] == [-1, 1, 1, 3, 4]


def test_an_epoch_that_wrote_nothing_is_dropped() -> None:
    epochs = LeaderEpochs([(0, 0), (1, 10)])
    assert epochs.assign(2, 10)
    assert not epochs.assign(2, 15)
    assert epochs.entries == [(0, 0), (2, 10)]


def test_cutting_both_ends() -> None:
    epochs = LeaderEpochs([(0, 0), (1, 10), (2, 20)])
    epochs.cut_before(15)
    assert epochs.entries == [(1, 15), (2, 20)]
    epochs.truncate_from(20)
    assert epochs.entries == [(1, 15)]


def test_the_file_is_read_back_or_refused(tmp_path: Path) -> None:
    LeaderEpochs([(0, 0), (7, 12)]).save(OsFileSystem(), str(tmp_path))
    text = (tmp_path / FILE_NAME).read_bytes()
    assert text.startswith(b"1\n2\n0 0\n7 12\ncrc32c "), "Apache Kafka's format, and a checksum"
    assert load_leader_epochs(OsFileSystem(), str(tmp_path)).entries == [(0, 0), (7, 12)]
    for bit in range(8 * len(text)):
        flipped = bytearray(text)
        flipped[bit // 8] ^= 1 << bit % 8
        (tmp_path / FILE_NAME).write_bytes(flipped)
        with pytest.raises(CorruptLog):
            load_leader_epochs(OsFileSystem(), str(tmp_path))
    (tmp_path / FILE_NAME).write_text("0\n2\n0 0\n7 12\n")
    assert load_leader_epochs(OsFileSystem(), str(tmp_path)).entries == [(0, 0), (7, 12)], "of an earlier build"
    for damaged in ("", "0\n2\n0 0\n", "0\n2\n7 12\n0 0\n", "0\n1\n0 x\n", "1\n1\n0 0\n", "0\n1\n0 0"):
        (tmp_path / FILE_NAME).write_text(damaged)
        with pytest.raises(CorruptLog):
            load_leader_epochs(OsFileSystem(), str(tmp_path))


def _log(catalog: Catalog) -> PartitionLog:
    return catalog.topics["t"].partitions[0]


def test_a_clean_restart_keeps_the_epoch_and_any_other_takes_the_next(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path, clock=Clock(NOW_MS), boot_id=BOOT)
    catalog.create_topic("t", 1, {})
    append(_log(catalog), b"a", b"b")
    assert _log(catalog).leader_epoch == 0
    catalog.close()
    catalog = open_catalog(tmp_path, clock=Clock(NOW_MS), boot_id=BOOT)
    assert _log(catalog).leader_epoch == 0
    append(_log(catalog), b"c")
    kill(catalog)
    catalog = open_catalog(tmp_path, clock=Clock(NOW_MS), boot_id=BOOT)
    assert _log(catalog).leader_epoch == 1
    append(_log(catalog), b"d")
    kill(catalog)
    catalog = open_catalog(tmp_path, clock=Clock(NOW_MS), boot_id=OTHER_BOOT)
    assert _log(catalog).leader_epoch == 2
    assert _log(catalog).leader_epochs.entries == [(0, 0), (1, 3), (2, 4)]
    kill(catalog)
    (tmp_path / "t-0" / FILE_NAME).unlink()
    catalog = open_catalog(tmp_path, clock=Clock(NOW_MS), boot_id=BOOT)
    assert _log(catalog).leader_epoch == 3, "epoch 2 wrote nothing, the checkpoint document knows it all the same"
    assert _log(catalog).leader_epochs.entries == [(0, 0), (1, 3), (3, 4)], "rebuilt from the batches"
    kill(catalog)


def test_an_epoch_of_a_lost_tail_is_forgotten(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path, clock=Clock(NOW_MS), boot_id=BOOT)
    catalog.create_topic("t", 1, {})
    append(_log(catalog), b"a")
    size = _log(catalog).size_bytes
    kill(catalog)
    catalog = open_catalog(tmp_path, clock=Clock(NOW_MS), boot_id=BOOT)
    append(_log(catalog), b"b", b"c", b"d")
    kill(catalog)
    with (tmp_path / "t-0" / f"{0:020d}.log").open("r+b") as file:
        file.truncate(size)
    catalog = open_catalog(tmp_path, clock=Clock(NOW_MS), boot_id=OTHER_BOOT)
    append(_log(catalog), b"x", b"y", b"z")
    epochs = _log(catalog).leader_epochs
    assert epochs.entries == [(0, 0), (2, 1)]
    assert epochs.end_of(1, 4) == (0, 1), "a consumer that read b, c, d learns that its log ended at 1"
    kill(catalog)
