"""Any order of fetches, acknowledgements, timeouts and crashes, against a model that knows each offset by itself."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from harness.pylog_broker.share.partition import (
    FINAL,
    Acknowledgement,
    AcknowledgeType,
    Limits,
    RecordState,
    SharePartition,
    StateBatch,
)

MEMBERS = st.sampled_from(["a", "b", "c"])
LIMIT, LOCKS, LOCK_S = 3, 12, 10.0


class Held(NamedTuple):
    member: str
    deadline_s: float


class ShareMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.partition = SharePartition(0)
        self.batches: list[tuple[int, int]] = []
        self.log_end = 0
        self.held: dict[int, Held] = {}
        self.counts: dict[int, int] = {}
        self.final: set[int] = set()
        self.kept: dict[int, tuple[RecordState, int]] = {}
        self.journal: list[tuple[int, list[StateBatch]]] = [(0, [])]

    def has_room(self) -> bool:
        return self.partition.end_offset - self.partition.start_offset < LOCKS

    def note(self, changed: list[StateBatch]) -> None:
        self.journal.append((self.partition.start_offset, changed))
        for first, last, state, count in changed:
            for offset in range(first, last + 1):
                self.kept[offset] = (state, count)
                self.held.pop(offset, None)
                self.counts[offset] = count
                if state in FINAL:
                    self.final.add(offset)

    @rule(gap=st.integers(0, 2), size=st.integers(1, 4))
    def append(self, gap: int, size: int) -> None:
        first = self.log_end + gap
        self.batches.append((first, first + size - 1))
        self.log_end = first + size

    @rule(member=MEMBERS, most=st.integers(1, 6), strict=st.booleans(), batch=st.integers(1, 5))
    def acquire(self, member: str, most: int, strict: bool, batch: int) -> None:
        offset = self.partition.next_fetch_offset
        there = [row for row in self.batches if row[1] >= offset]
        limits = Limits(most, batch, strict, LOCKS, LIMIT)
        deadline_s = self.now_s + LOCK_S
        end_before, was_full = self.partition.end_offset, not self.has_room()
        acquired, _, missing = self.partition.acquire(member, there, limits, deadline_s)
        self.note(missing)
        exist = {offset for first, last in self.batches for offset in range(first, last + 1)}
        total = 0
        for first, last, count in acquired:
            for each in range(first, last + 1):
                assert each in exist
                assert each not in self.held, "two members have one record"
                assert each not in self.final, "a record came again after it was done with"
                assert count == self.counts.get(each, 0) + 1
                self.counts[each] = count
                self.held[each] = Held(member, deadline_s)
                total += 1
        assert not strict or total <= most
        assert not was_full or all(last < end_before for _, last, _ in acquired)
        assert all(last < self.partition.start_offset + LOCKS for _, last, _ in acquired if last >= end_before)
        if not acquired and there and self.partition.can_acquire(LOCKS):
            assert all(each in self.held or each in self.final for each in exist if each >= offset)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), kind=st.sampled_from(list(AcknowledgeType)))
    def acknowledge(self, data: st.DataObject, kind: AcknowledgeType) -> None:
        first = data.draw(st.sampled_from(sorted(self.held)))
        member = self.held[first].member
        last = first
        while self.held.get(last + 1, Held("", 0)).member == member and data.draw(st.booleans()):
            last += 1
        said = [Acknowledgement(first, last, [kind])]
        assert self.partition.check(member, said) is None
        outcome = self.partition.outcome(said, LIMIT)
        self.partition.apply(outcome.changed)
        assert outcome.start_offset == self.partition.start_offset
        assert outcome.completed_count == self.partition.completed_count
        if kind is AcknowledgeType.RENEW:
            self.partition.renew(said, self.now_s + LOCK_S)
            for offset in range(first, last + 1):
                self.held[offset] = Held(member, self.now_s + LOCK_S)
        else:
            self.note(outcome.changed)
            for offset in range(first, last + 1):
                is_over = kind is not AcknowledgeType.RELEASE or self.counts[offset] >= LIMIT
                assert (offset in self.final) == is_over

    @rule(member=MEMBERS, first=st.integers(0, 30), size=st.integers(1, 4))
    def say_of_others(self, member: str, first: int, size: int) -> None:
        offsets = [each for each in range(first, first + size) if each >= self.partition.start_offset]
        said = [Acknowledgement(first, first + size - 1, [AcknowledgeType.ACCEPT])]
        fits = all(each in self.held and self.held[each].member == member for each in offsets)
        assert (self.partition.check(member, said) is None) == fits

    @rule(seconds=st.sampled_from([1.0, 6.0, 11.0]))
    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        due = {offset for offset, held in self.held.items() if held.deadline_s <= self.now_s}
        changed = self.partition.expire(self.now_s, LIMIT)
        assert {offset for first, last, _, _ in changed for offset in range(first, last + 1)} == due
        self.note(changed)

    @rule(member=MEMBERS)
    def leave(self, member: str) -> None:
        mine = {offset for offset, held in self.held.items() if held.member == member}
        changed = self.partition.release(member, LIMIT)
        assert {offset for first, last, _, _ in changed for offset in range(first, last + 1)} == mine
        self.note(changed)

    @rule()
    def crash(self) -> None:
        copy = SharePartition()
        for start, batches in self.journal:
            copy.restore(start, batches)
        assert copy.start_offset == self.partition.start_offset
        self.partition = copy
        self.held.clear()
        self.counts = {offset: count for offset, (_, count) in self.kept.items()}

    @rule()
    def compact(self) -> None:
        self.journal = [(self.partition.start_offset, self.partition.state_batches())]
        self.kept = {
            offset: (state, count)
            for first, last, state, count in self.partition.state_batches()
            for offset in range(first, last + 1)
        }

    @invariant()
    def runs_lie_end_to_end(self) -> None:
        position = self.partition.start_offset
        for run in self.partition.runs:
            assert run.first == position
            assert run.last >= run.first
            position = run.last + 1
            for offset in range(run.first, run.last + 1):
                assert (run.state is RecordState.ACQUIRED) == (offset in self.held)
                assert (run.state in FINAL) == (offset in self.final)
                if offset in self.held:
                    assert (run.member, run.deadline_s, run.count) == (*self.held[offset], self.counts[offset])
        assert position == self.partition.end_offset
        assert not self.partition.runs or self.partition.runs[0].state not in FINAL


TestShareMachine = ShareMachine.TestCase
TestShareMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
