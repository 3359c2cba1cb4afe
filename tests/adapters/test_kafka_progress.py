"""How far a member may commit: compared with a plain model, under any order of settling."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.adapters.kafka.progress import NOT_COMMITTED, Progress


def lanes_of(*lanes: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    return np.array(lanes, dtype=np.int32)


def offsets_of(*offsets: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(offsets, dtype=np.int64)


@given(st.data())
def test_never_past_an_unsettled_offset(data: st.DataObject) -> None:
    progress = Progress()
    progress.assign([0, 1])
    unread = {lane: iter(sorted(data.draw(st.sets(st.integers(0, 60), min_size=1)))) for lane in (0, 1)}
    read: dict[int, list[int]] = {0: [], 1: []}
    settled: dict[int, set[int]] = {0: set(), 1: set()}
    committed = {0: NOT_COMMITTED, 1: NOT_COMMITTED}
    for _ in range(data.draw(st.integers(1, 30))):
        if data.draw(st.booleans()):
            lane = data.draw(st.sampled_from([0, 1]))
            fresh = [offset for offset, _ in zip(unread[lane], range(data.draw(st.integers(1, 5))), strict=False)]
            read[lane] += fresh
            progress.read(np.full(len(fresh), lane, dtype=np.int32), np.array(fresh, dtype=np.int64))
        else:
            rest = [(lane, offset) for lane in (0, 1) for offset in read[lane] if offset not in settled[lane]]
            chosen = data.draw(st.lists(st.sampled_from(rest), unique=True)) if rest else []
            lanes = np.array([lane for lane, _ in chosen], dtype=np.int32)
            offsets = np.array([offset for _, offset in chosen], dtype=np.int64)
            assert progress.open(lanes, offsets).all()
            progress.settle(lanes, offsets)
            for lane, offset in chosen:
                settled[lane].add(offset)
        committed |= progress.to_commit()
        for lane in (0, 1):
            prefix = [o for place, o in enumerate(read[lane]) if set(read[lane][: place + 1]) <= settled[lane]]
            assert committed[lane] == (prefix[-1] + 1 if prefix else NOT_COMMITTED)
    assert progress.open_count() == sum(len(read[lane]) - len(settled[lane]) for lane in (0, 1))


def test_settled_and_foreign_offsets_are_not_open() -> None:
    progress = Progress()
    progress.assign([3])
    progress.read(lanes_of(3, 3, 3), offsets_of(5, 6, 9))
    assert progress.open(lanes_of(3, 3, 3, 4), offsets_of(5, 7, 9, 5)).tolist() == [True, False, True, False]
    progress.settle(lanes_of(3), offsets_of(9))
    assert progress.open(lanes_of(3), offsets_of(9)).tolist() == [False]
    assert progress.to_commit() == {}
    progress.settle(lanes_of(3, 3), offsets_of(6, 5))
    assert progress.to_commit() == {3: 10}
    assert not progress.pending()


def test_a_failed_commit_is_made_again() -> None:
    progress = Progress()
    progress.assign([0])
    progress.read(lanes_of(0), offsets_of(0))
    progress.settle(lanes_of(0), offsets_of(0))
    assert progress.to_commit() == {0: 1}
    assert progress.to_commit() == {}
    progress.commit_failed([0, 7])
    assert progress.to_commit() == {0: 1}


def test_a_revoked_lane_is_forgotten() -> None:
    progress = Progress()
    progress.assign([0, 1])
    progress.read(lanes_of(0, 1), offsets_of(0, 0))
    progress.revoke([0])
    assert progress.owned() == [1]
    assert progress.open(lanes_of(0, 1), offsets_of(0, 0)).tolist() == [False, True]
    progress.read(lanes_of(0), offsets_of(4))
    assert progress.open_count() == 1


def test_a_lane_that_is_read_again_keeps_what_is_settled() -> None:
    progress = Progress()
    progress.assign([0])
    progress.read(lanes_of(0, 0, 0), offsets_of(4, 5, 6))
    progress.settle(lanes_of(0), offsets_of(5))
    progress.read(lanes_of(0, 0, 0, 0), offsets_of(3, 4, 5, 6))
    assert progress.open(lanes_of(0, 0, 0, 0), offsets_of(3, 4, 5, 6)).tolist() == [True, True, False, True]
    progress.settle(lanes_of(0, 0, 0), offsets_of(3, 4, 6))
    assert progress.to_commit() == {0: 7}
