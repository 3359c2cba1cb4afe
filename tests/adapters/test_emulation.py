"""The small pieces that emulations are made of."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.emulation import notes
from harness.adapters.emulation.expiry import NEVER, deadlines_ns
from harness.adapters.emulation.notes import Notes
from harness.adapters.emulation.priority_lanes import PriorityLanes
from harness.adapters.emulation.retry_ladder import WaitingRoom, rung_for, rungs_ms
from harness.model import envelope


def test_the_highest_class_is_taken_first_and_the_oldest_of_it() -> None:
    lanes: PriorityLanes[str] = PriorityLanes(3, 10)
    for level, item in [(0, "a"), (2, "b"), (1, "c"), (2, "d"), (9, "e"), (-1, "f")]:
        lanes.put(level, item)
    assert [lanes.take() for _ in range(7)] == ["b", "d", "e", "c", "a", "f", None]


def test_full_and_low_have_a_gap() -> None:
    lanes: PriorityLanes[int] = PriorityLanes(1, 4)
    states = []
    for number in range(5):
        states.append((lanes.full(0), lanes.low(0)))
        lanes.put(0, number)
    assert states == [(False, True), (False, True), (False, True), (False, False), (True, False)]


def test_dropping_keeps_the_rest_in_order() -> None:
    lanes: PriorityLanes[int] = PriorityLanes(2, 10)
    room: WaitingRoom[int] = WaitingRoom()
    for number in range(6):
        lanes.put(number % 2, number)
        room.put(10 - number, number)
    lanes.drop(lambda number: number in (1, 2))
    room.drop(lambda number: number in (5, 0))
    assert [lanes.take() for _ in range(4)] == [3, 5, 0, 4]
    assert [room.take_due(99) for _ in range(5)] == [4, 3, 2, 1, None]


def test_a_waiting_room_gives_what_is_due() -> None:
    room: WaitingRoom[str] = WaitingRoom()
    assert room.next_due_ns() is None
    room.put(200, "later")
    room.put(100, "sooner")
    room.put(100, "second")
    assert (len(room), room.next_due_ns(), room.take_due(99)) == (3, 100, None)
    assert [room.take_due(150) for _ in range(3)] == ["sooner", "second", None]


def test_rungs_are_the_different_delays() -> None:
    assert rungs_ms((1.0, 0.2, 1.0, 0.0001)) == (1, 200, 1000)
    assert [rung_for((200, 1000), delay) for delay in (0, 200, 201, 1000, 5000)] == [0, 0, 1, 1, 1]


@given(st.builds(Notes, *[st.integers(0, 2**40)] * 4, st.integers(0, 4)))
def test_notes_survive_the_headers(noted: Notes) -> None:
    assert notes.read(noted.headers()) == noted


def test_foreign_headers_are_not_notes() -> None:
    assert notes.read(None) == Notes()
    assert notes.read([("attempt", b"many"), ("due_ns", None), ("other", b"1")]) == Notes()


def test_a_deadline_counts_from_the_intended_time() -> None:
    rows = envelope.empty(2)
    rows["intended_ns"] = [1_000_000, 0]
    rows["size"] = envelope.SIZE
    payloads = [*envelope.pack(rows, [b"", b""]), b"not ours"]
    assert deadlines_ns(payloads, [5, 5, 5], 9_000_000) == [6_000_000, 14_000_000, 14_000_000]
    assert deadlines_ns(payloads, [0, 5, 0], 9_000_000) == [NEVER, 14_000_000, NEVER]
    assert deadlines_ns(payloads, [0, 0, 0], 9_000_000) == [NEVER] * 3
