"""What a partition knows of transactions: markers, the index of aborts, memory of producers with an open transaction."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.pylog_broker.storage import producer_state
from harness.pylog_broker.storage.batch import BatchHeader, parse_header
from harness.pylog_broker.storage.control import Marker, build_marker, read_marker
from harness.pylog_broker.storage.errors import CoordinatorFenced, CorruptLog, InvalidProducerEpoch, StorageFailed
from harness.pylog_broker.storage.filesystem import OsFileSystem
from harness.pylog_broker.storage.log import PartitionLog
from harness.pylog_broker.storage.producer_state import ProducerState
from harness.pylog_broker.storage.transaction_index import (
    ROW_BYTES,
    AbortedTransaction,
    TransactionIndex,
    aborted_between,
    encode_row,
)

from .batches import NOW_MS, append
from .disk import Clock, FaultyFileSystem, kill, open_catalog

TRANSACTIONAL = 0x10


def _header(producer_id: int, sequence: int = 0) -> BatchHeader:
    return BatchHeader(0, 100, -1, 2, 0, TRANSACTIONAL, 0, 0, 0, producer_id, 0, sequence, 1)


def _state(*producer_ids: int) -> ProducerState:
    state = ProducerState()
    for offset, producer_id in enumerate(producer_ids):
        state.update(_header(producer_id), offset, -1, 0)
    return state


def test_a_marker_is_apache_kafkas() -> None:
    marker = Marker(7, 3, True, 9)
    batch = build_marker(marker, timestamp_ms=NOW_MS)
    header = parse_header(batch)
    assert (header.attributes, header.base_sequence, header.record_count) == (0x30, -1, 1)
    assert batch.endswith(b"\x08\0\0\0\1\x0c\0\0\0\0\0\x09\0")
    assert read_marker(header, batch) == marker


def test_trap_13_open_transactions_are_in_the_snapshot_in_the_order_they_began() -> None:
    state = _state(5, 3, 4)
    state.update(_header(5, 1), 3, -1, 0)
    again = ProducerState.from_body(state.to_body())
    assert list(again.ongoing.items()) == [(5, 0), (3, 1), (4, 2)]
    assert again.to_body() == state.to_body()
    old = [row[:4] for row in state.to_body()]
    assert ProducerState.from_body(old).ongoing == {}, "a snapshot of before transactions"


def test_a_producer_with_an_open_transaction_is_never_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer_state, "PRODUCERS_MAX", 2)
    state = _state(1)
    for producer_id in (2, 3, 4):
        state.update(_header(producer_id)._replace(attributes=0), producer_id, -1, 0)
    assert [row.producer_id for row in state] == [1, 4]
    assert state.expire(1 << 50) == 1
    assert [row.producer_id for row in state] == [1]


def test_markers_of_the_past_are_refused() -> None:
    state = _state(1)
    assert state.end_transaction(Marker(1, 2, False, 5), 0) == 0
    with pytest.raises(InvalidProducerEpoch):
        state.check_marker(Marker(1, 1, False, 5))
    with pytest.raises(CoordinatorFenced):
        state.check_marker(Marker(1, 2, False, 4))
    state.check_marker(Marker(1, 2, True, 5))
    assert state.end_transaction(Marker(1, 2, True, 5), 0) is None, "nothing is open"


def _rows(*offsets: tuple[int, int, int]) -> list[AbortedTransaction]:
    return [AbortedTransaction(1, *row) for row in offsets]


class _Held:
    def __init__(self, rows: list[AbortedTransaction], path: Path) -> None:
        self.transactions = TransactionIndex(OsFileSystem(), str(path))
        for row in rows:
            self.transactions.append(row)


def test_trap_5_the_search_goes_on_until_everything_below_the_end_is_decided(tmp_path: Path) -> None:
    first = _Held(_rows((2, 5, 3)), tmp_path / "1")  # another transaction was open at 3 when this one ended
    second = _Held(_rows((3, 12, 13), (14, 15, 16)), tmp_path / "2")
    segments = [first, second]
    assert aborted_between(segments, 0, 2) == []
    assert aborted_between(segments, 0, 3) == [(1, 2)]
    assert aborted_between(segments, 0, 6) == [(1, 2), (1, 3)], "the marker of the second is in a later segment"
    assert aborted_between(segments, 6, 14) == [(1, 3)]
    assert aborted_between(segments, 13, 16) == [(1, 14)]


@pytest.mark.parametrize("damage", [b"", b"x", b"x" * ROW_BYTES])
def test_what_is_damaged_is_refused_and_cut_off_by_a_replay(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "0"
    rows = _rows((0, 1, 2), (3, 4, 5), (6, 7, 8))
    data = b"".join(encode_row(row) for row in rows)
    (tmp_path / "0.txnindex").write_bytes(data + damage)
    index = TransactionIndex(OsFileSystem(), str(path))
    if damage:
        with pytest.raises(CorruptLog):
            _ = index.rows
        index.release()
    index.cut_from(7)
    assert list(index.rows) == rows[:2]
    index.append(rows[2])
    index.sync()
    assert (tmp_path / "0.txnindex").read_bytes() == data


def _log(catalog: object) -> PartitionLog:
    return catalog.topics["t"].partitions[0]  # type: ignore[attr-defined, no-any-return]


def test_an_abort_that_cannot_be_indexed_takes_the_log_offline_and_a_restart_mends_it(tmp_path: Path) -> None:
    disk = FaultyFileSystem()
    catalog = open_catalog(tmp_path, file_system=disk, clock=Clock(NOW_MS))
    catalog.create_topic("t", 1, {})
    append(_log(catalog), b"a", producer_id=7, producer_epoch=0, base_sequence=0, attributes=TRANSACTIONAL)
    marker = Marker(7, 0, False, 0)
    disk.space_bytes = len(build_marker(marker, timestamp_ms=NOW_MS))
    with pytest.raises(StorageFailed):
        _log(catalog).append_marker(marker, now_ms=NOW_MS)
    with pytest.raises(StorageFailed):
        append(_log(catalog), b"b")
    kill(catalog)
    catalog = open_catalog(tmp_path, clock=Clock(NOW_MS))
    assert _log(catalog).last_stable_offset == 2
    assert _log(catalog).aborted_transactions(0, 2) == [(7, 0)]
    kill(catalog)
