import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.model import envelope
from harness.model.messages import OutcomeBuffer
from harness.runner.inflight import InFlight


def _rows(first, count):
    rows = envelope.empty(count)
    rows["sequence"] = np.arange(first, first + count)
    rows["key"] = envelope.NO_KEY
    return rows


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_row_comes_back_once_with_its_own_facts(data):
    ledger = InFlight(32, keep_payloads=True)
    waiting: dict[int, int] = {}
    sequence = 0
    for _ in range(data.draw(st.integers(1, 40))):
        count = data.draw(st.integers(1, 12))
        room = ledger.room(count)
        assert 0 <= room <= count
        if room:
            batch = ledger.offer(_rows(sequence, room), [b"%d" % n for n in range(sequence, sequence + room)], 0)
            taken = data.draw(st.integers(0, room))
            ledger.submitted(batch, taken, 1000 + sequence)
            waiting.update({batch.indexes[n]: sequence + n for n in range(taken)})
            if taken < room:
                assert ledger.withdraw(batch.after(taken)).rows["sequence"].tolist() == list(
                    range(sequence + taken, sequence + room)
                )
            sequence += room
        assert ledger.outstanding == len(waiting)
        chosen = data.draw(st.lists(st.sampled_from(sorted(waiting)), unique=True)) if waiting else []
        buffer = OutcomeBuffer()
        for index in chosen:
            buffer.add(index, 0, 5)
        outcomes = buffer.drain()
        rows = ledger.settle(outcomes)
        assert rows.rows["sequence"].tolist() == [waiting[index] for index in chosen]
        assert ledger.payloads_of(outcomes.indexes) == [b"%d" % waiting.pop(index) for index in chosen]


def test_an_open_slot_is_never_given_again():
    ledger = InFlight(16, keep_payloads=False)
    batch = ledger.offer(_rows(0, 16), [b""] * 16, 0)
    ledger.submitted(batch, 16, 1)
    assert ledger.room(4) == 0
    buffer = OutcomeBuffer()
    for index in (1, 2, 3):
        buffer.add(index, 0, 5)
    ledger.settle(buffer.drain())
    assert ledger.room(4) == 0  # index 16 would take the slot of 0, which is still open


def test_a_second_settlement_is_an_error():
    ledger = InFlight(16, keep_payloads=False)
    ledger.submitted(ledger.offer(_rows(0, 1), [b""], 0), 1, 1)
    for times in range(2):
        buffer = OutcomeBuffer()
        buffer.add(0, 0, 5)
        if times == 0:
            ledger.settle(buffer.drain())
            continue
        with pytest.raises(AssertionError, match="settled a publish twice"):
            ledger.settle(buffer.drain())


def test_what_an_adapter_kept_silent_about_is_found():
    ledger = InFlight(16, keep_payloads=False)
    batch = ledger.offer(_rows(0, 5), [b""] * 5, 0)
    ledger.submitted(batch, 3, 7)
    buffer = OutcomeBuffer()
    buffer.add(1, 0, 9)
    ledger.settle(buffer.drain())
    assert ledger.forsaken().rows["sequence"].tolist() == [0, 2]
    assert ledger.outstanding == 0
    assert ledger.withdraw(batch.after(3)).rows["sequence"].tolist() == [3, 4]
