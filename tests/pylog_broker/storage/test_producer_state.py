"""Idempotent producers: duplicates, gaps, epochs, wrap-around, bounds."""

from __future__ import annotations

import pytest

from harness.pylog_broker.storage import producer_state
from harness.pylog_broker.storage.batch import BatchHeader
from harness.pylog_broker.storage.errors import InvalidProducerEpoch, OutOfOrderSequence
from harness.pylog_broker.storage.producer_state import SEQUENCE_MAX, ProducerState


def _header(sequence: int, count: int = 1, *, epoch: int = 0, producer_id: int = 7) -> BatchHeader:
    return BatchHeader(0, 100, -1, 2, 0, 0, count - 1, 0, 0, producer_id, epoch, sequence, count)


def _send(state: ProducerState, header: BatchHeader, offset: int) -> int | None:
    """The offset of the earlier batch when this is a duplicate."""
    earlier = state.check(header)
    if earlier is not None:
        return earlier.base_offset
    state.update(header, offset, append_time_ms=-1, now_ms=0)
    return None


def test_trap_11_the_last_five_batches_are_recognised() -> None:
    state = ProducerState()
    for number in range(7):
        assert _send(state, _header(number * 3, 3), number * 3) is None
    for number in range(2, 7):
        assert _send(state, _header(number * 3, 3), 99) == number * 3
    with pytest.raises(OutOfOrderSequence):
        state.check(_header(3, 3))


def test_trap_11_a_gap_is_refused_and_changes_nothing() -> None:
    state = ProducerState()
    _send(state, _header(0), 0)
    with pytest.raises(OutOfOrderSequence):
        state.check(_header(2))
    assert _send(state, _header(1), 1) is None


def test_a_different_cut_of_the_same_records_is_no_duplicate() -> None:
    state = ProducerState()
    _send(state, _header(0, 3), 0)
    with pytest.raises(OutOfOrderSequence):
        state.check(_header(0, 2))


def test_trap_11_sequences_wrap() -> None:
    state = ProducerState()
    _send(state, _header(SEQUENCE_MAX - 1, 4), 0)  # sequences max-1, max, 0, 1
    assert _send(state, _header(2), 4) is None
    assert _send(state, _header(SEQUENCE_MAX - 1, 4), 99) == 0
    state = ProducerState()
    _send(state, _header(SEQUENCE_MAX), 0)
    with pytest.raises(OutOfOrderSequence):
        state.check(_header(1))
    assert _send(state, _header(0), 1) is None


def test_trap_12_a_stale_epoch_is_refused_a_new_one_starts_at_0() -> None:
    state = ProducerState()
    _send(state, _header(0, epoch=1), 0)
    with pytest.raises(InvalidProducerEpoch):
        state.check(_header(1, epoch=0))
    with pytest.raises(OutOfOrderSequence):
        state.check(_header(1, epoch=2))
    assert _send(state, _header(0, epoch=2), 1) is None
    assert _send(state, _header(0, epoch=2), 99) == 1


def test_an_unknown_producer_may_start_anywhere() -> None:
    assert ProducerState().check(_header(41)) is None


def test_silent_producers_expire() -> None:
    state = ProducerState()
    state.update(_header(0, producer_id=1), 0, append_time_ms=-1, now_ms=1000)
    state.update(_header(0, producer_id=2), 0, append_time_ms=-1, now_ms=2000)
    assert state.expire(2500, expiration_ms=1000) == 1
    assert [row[0] for row in state.to_body()] == [2]


def test_the_number_of_producers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(producer_state, "PRODUCERS_MAX", 3)
    state = ProducerState()
    for producer_id in (1, 2, 3, 1, 4):
        sequence = 1 if producer_id == 1 and len(state) == 3 else 0
        state.update(_header(sequence, producer_id=producer_id), 0, append_time_ms=-1, now_ms=0)
    assert [row[0] for row in state.to_body()] == [3, 1, 4]


def test_trap_13_state_survives_its_encoding() -> None:
    state = ProducerState()
    for number in range(6):
        _send(state, _header(number), number)
    again = ProducerState.from_body(state.to_body())
    assert again.to_body() == state.to_body()
    assert _send(again, _header(5), 99) == 5
