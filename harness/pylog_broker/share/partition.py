"""Delivery of one partition to one share group: which offsets are available, acquired by whom, or done with.

A pure state machine over runs of offsets. `start_offset` is the first offset that is not done with, `end_offset` the
one behind all that was ever handed out; between them every offset is in exactly one run, above them nothing was looked
at yet. Runs at the head that are done with are cut off, so that there is at most one run for each offset in flight.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from enum import IntEnum
from operator import attrgetter
from typing import NamedTuple

UNRESOLVED = -1
"""A start offset that follows from `share.auto.offset.reset` at the first fetch."""

NEVER_S = float("inf")
NO_LIMIT = 2**31
THROTTLED_FROM_MIN = 2
_first_of = attrgetter("first")


class RecordState(IntEnum):
    """State of an offset; the value is what the journal keeps."""

    AVAILABLE = 0
    ACQUIRED = 1
    ACKNOWLEDGED = 2
    ARCHIVED = 4


FINAL = (RecordState.ACKNOWLEDGED, RecordState.ARCHIVED)


class AcknowledgeType(IntEnum):
    """What a member says of an offset that it has acquired."""

    GAP = 0
    ACCEPT = 1
    RELEASE = 2
    REJECT = 3
    RENEW = 4


class Refusal(IntEnum):
    """Why an acknowledgement changes nothing."""

    NOT_ACQUIRED = 1
    """An offset is not acquired, or by another member."""
    NOT_FETCHED = 2
    """An offset was never handed out."""


class StateBatch(NamedTuple):
    """A range of offsets, both ends included, in one state."""

    first: int
    last: int
    state: RecordState
    deliveries: int


class Acquired(NamedTuple):
    """Offsets that were handed out, both ends included, and how often each was by now."""

    first: int
    last: int
    deliveries: int


class Acknowledgement(NamedTuple):
    """What a member says of a range: one type for all, or one for each offset."""

    first: int
    last: int
    types: Sequence[int]


class Limits(NamedTuple):
    """How much may be acquired at once."""

    records: int
    batch_records: int
    """An acquired range that has this many offsets ends with its batch."""
    is_strict: bool
    """Whether `records` holds exactly; otherwise the batch that reaches it is acquired whole."""
    locks: int
    """Most offsets in flight, above which no new one is acquired."""
    deliveries: int = NO_LIMIT
    """How often an offset is handed out at most."""


class Outcome(NamedTuple):
    """What acknowledgements change: ranges, where the partition begins then, and how much above that is done with."""

    changed: list[StateBatch]
    start_offset: int
    completed_count: int


class Run:
    """Consecutive offsets with the same state and history."""

    __slots__ = ("count", "deadline_s", "first", "last", "member", "state")

    def __init__(self, first: int, last: int, state: RecordState, count: int) -> None:
        self.first = first
        self.last = last
        self.state = state
        self.count = count
        """How often the offsets were handed out."""
        self.member: str | None = None
        """Who has acquired them."""
        self.deadline_s = NEVER_S
        """When they are taken from that member, in monotonic seconds."""

    def split(self, offset: int) -> Run:
        """Keep what lies below `offset`; return the rest."""
        rest = Run(offset, self.last, self.state, self.count)
        rest.member, rest.deadline_s = self.member, self.deadline_s
        self.last = offset - 1
        return rest

    def is_like(self, other: Run) -> bool:
        """Whether the two may be one run."""
        if self.state is not other.state:
            return False
        if self.state in FINAL:
            return True
        return (self.count, self.member, self.deadline_s) == (other.count, other.member, other.deadline_s)


class SharePartition:
    """One partition of one group; see the module's text."""

    __slots__ = ("_has_available", "end_offset", "runs", "start_offset", "state_epoch")

    def __init__(self, start_offset: int = UNRESOLVED, state_epoch: int = 0) -> None:
        self.start_offset = self.end_offset = start_offset
        self.state_epoch = state_epoch
        """Goes up when an administrator moves the start."""
        self.runs: list[Run] = []
        self._has_available = False

    # What there is

    @property
    def next_fetch_offset(self) -> int:
        """The first offset that may be acquired, or would be if it existed."""
        if self._has_available:
            for run in self.runs:
                if run.state is RecordState.AVAILABLE:
                    return run.first
            self._has_available = False
        return self.end_offset

    def can_acquire(self, locks: int) -> bool:
        """Whether there is something to hand out again, or room for something new."""
        return self.next_fetch_offset < self.end_offset or self.end_offset - self.start_offset < locks

    @property
    def next_deadline_s(self) -> float:
        """When the next lock runs out."""
        return min((run.deadline_s for run in self.runs), default=NEVER_S)

    @property
    def completed_count(self) -> int:
        """Offsets above the start that are done with (KIP-1226)."""
        return sum(run.last - run.first + 1 for run in self.runs if run.state in FINAL)

    def holds_any(self, member: str) -> bool:
        """Whether a member has acquired anything."""
        return any(run.member == member for run in self.runs)

    def state_batches(self) -> list[StateBatch]:
        """What is to be kept of the runs: acquired offsets as available, with the count before."""
        return [_kept(run) for run in self.runs]

    # Handing out

    def acquire(
        self, member: str, batches: Iterable[tuple[int, int]], limits: Limits, deadline_s: float
    ) -> tuple[list[Acquired], bool, list[StateBatch]]:
        """Hand out what is available of `batches`, (first, last offset) each, read from `next_fetch_offset` on.

        Returns the ranges, whether all batches were gone through, and what is to be written down because there are
        no records between the batches.
        """
        ranges: list[Acquired] = []
        missing: list[StateBatch] = []
        position = self.next_fetch_offset
        limits = self._throttled(limits)
        room = limits.records
        is_over = True
        for first, last in batches:
            is_full = self.end_offset - self.start_offset >= limits.locks
            if room <= 0 or (is_full and max(first, position) >= self.end_offset):
                is_over = False
                break
            if first > position:
                missing += self._miss(position, first - 1)
            opens_range = bool(ranges) and _size(ranges[-1]) >= limits.batch_records
            before = len(ranges)
            for low, high in self._free_in(max(first, position), last):
                end = self._end_of_room(low, high, room, limits)
                if end >= low:
                    room -= self._hand_out(member, low, end, deadline_s, ranges, opens_range and len(ranges) == before)
                if end < high:
                    is_over = False
                    break
            if not is_over:
                break
            position = last + 1
        self._tidy()
        return ranges, is_over, missing

    def _throttled(self, limits: Limits) -> Limits:
        """What was handed out often comes in ever smaller company, and alone at last.

        A record that its readers fail over is then given up by itself, without the neighbours that were released with it.
        """
        run = next((run for run in self.runs if run.state is RecordState.AVAILABLE), None)
        throttled_from = max(THROTTLED_FROM_MIN, -(-limits.deliveries // 2))
        if run is None or run.count < throttled_from:
            return limits
        size = (run.last - run.first + 1) >> (run.count - throttled_from + 1)
        most = 1 if run.count >= limits.deliveries - 1 else max(size, 1)
        return limits._replace(records=min(limits.records, most), is_strict=True)

    def _free_in(self, first: int, last: int) -> list[tuple[int, int]]:
        """The stretches of [first, last] that nobody has: available ones, and what was not looked at yet."""
        free = [
            (max(run.first, first), min(run.last, last))
            for run in self._overlapping(first, last)
            if run.state is RecordState.AVAILABLE
        ]
        if last >= self.end_offset:
            free.append((max(first, self.end_offset), last))
        return free

    def _end_of_room(self, low: int, high: int, room: int, limits: Limits) -> int:
        """The last offset of [low, high] that may be handed out: of what is new, no more than may be in flight."""
        if limits.is_strict:
            high = min(high, low + room - 1)
        return min(high, self.start_offset + limits.locks - 1) if low >= self.end_offset else high

    def _hand_out(
        self, member: str, low: int, high: int, deadline_s: float, ranges: list[Acquired], opens_range: bool
    ) -> int:
        if low >= self.end_offset:
            self._append(Run(low, high, RecordState.AVAILABLE, 0))
        for run in self._carve(low, high):
            run.state, run.member, run.deadline_s = RecordState.ACQUIRED, member, deadline_s
            run.count += 1
            joins = bool(ranges) and not opens_range and ranges[-1].last + 1 == run.first
            if joins and ranges[-1].deliveries == run.count:
                ranges[-1] = Acquired(ranges[-1].first, run.last, run.count)
            else:
                ranges.append(Acquired(run.first, run.last, run.count))
            opens_range = False
        return high - low + 1

    def _miss(self, first: int, last: int) -> list[StateBatch]:
        """There are no records at these offsets: nobody has to deal with them."""
        missing = []
        for low, high in self._free_in(first, last):
            if low >= self.end_offset:
                self._append(Run(low, high, RecordState.ARCHIVED, 0))
                missing.append(StateBatch(low, high, RecordState.ARCHIVED, 0))
                continue
            for run in self._carve(low, high):
                run.state = RecordState.ARCHIVED
                missing.append(_kept(run))
        return missing

    def pass_over(self, last: int) -> list[StateBatch]:
        """Nothing from `next_fetch_offset` to `last` is for members to see."""
        missing = self._miss(self.next_fetch_offset, last)
        self._tidy()
        return missing

    # Taking back

    def check(self, member: str, said: Sequence[Acknowledgement]) -> Refusal | None:
        """Whether all of what a member says can be taken over: offsets below the start count as said already."""
        for first, last, _ in said:
            if last < self.start_offset:
                continue
            if last >= self.end_offset:
                return Refusal.NOT_FETCHED if self.runs else Refusal.NOT_ACQUIRED
            for run in self._overlapping(max(first, self.start_offset), last):
                if run.state is not RecordState.ACQUIRED or run.member != member:
                    return Refusal.NOT_ACQUIRED
        return None

    def outcome(self, said: Sequence[Acknowledgement], limit: int) -> Outcome:
        """What checked acknowledgements will change, renewals aside."""
        changed = [
            StateBatch(max(run.first, first), min(run.last, last), _next_state(kind, run.count, limit), run.count)
            for low, high, kind in _spans(said)
            if kind != AcknowledgeType.RENEW
            for first, last in [(max(low, self.start_offset), high)]
            for run in self._overlapping(first, last)
        ]
        done = [(batch.first, batch.last) for batch in changed if batch.state in FINAL]
        done += [(run.first, run.last) for run in self.runs if run.state in FINAL]
        start, completed = self.start_offset, 0
        for first, last in sorted(done):
            if first == start:
                start = last + 1
            else:
                completed += last - first + 1
        return Outcome(changed, start, completed)

    def apply(self, changed: Iterable[StateBatch]) -> None:
        """Take over what `outcome` has said."""
        for first, last, state, _ in changed:
            for run in self._carve(first, last):
                self._put(run, state)
        self._tidy()

    def renew(self, said: Sequence[Acknowledgement], deadline_s: float) -> None:
        """Begin the locks anew of what a checked acknowledgement renews."""
        for low, high, kind in _spans(said):
            if kind == AcknowledgeType.RENEW:
                for run in self._carve(max(low, self.start_offset), high):
                    run.deadline_s = deadline_s
        self._tidy()

    def expire(self, now_s: float, limit: int) -> list[StateBatch]:
        """Take back what is locked no longer; offsets that were handed out `limit` times are given up."""
        return self._take_back([run for run in self.runs if run.deadline_s <= now_s], limit)

    def release(self, member: str, limit: int) -> list[StateBatch]:
        """A member has gone: what it holds is taken back, as if its time were up."""
        return self._take_back([run for run in self.runs if run.member == member], limit)

    def _take_back(self, runs: Sequence[Run], limit: int) -> list[StateBatch]:
        for run in runs:
            self._put(run, RecordState.ARCHIVED if run.count >= limit else RecordState.AVAILABLE)
        changed = [_kept(run) for run in runs]
        self._tidy()
        return changed

    def _put(self, run: Run, state: RecordState) -> None:
        run.state, run.member, run.deadline_s = state, None, NEVER_S
        if state is RecordState.AVAILABLE:
            self._has_available = True

    # Beginning

    def begin_at(self, offset: int) -> None:
        """Begin at `offset`, and forget everything."""
        self.start_offset = self.end_offset = offset
        self.runs.clear()
        self._has_available = False

    def cut_before(self, offset: int) -> None:
        """Records below `offset` are gone from the log."""
        if offset <= self.start_offset:
            return
        if offset >= self.end_offset:
            self.begin_at(offset)
            return
        self._carve(offset, self.end_offset - 1)
        self.runs = [run for run in self.runs if run.first >= offset]
        self.start_offset = offset
        self._tidy()

    def cut_after(self, offset: int) -> None:
        """The log ends at `offset`: what lay behind was lost, and its offsets will be given to other records."""
        if self.start_offset >= offset:
            self.begin_at(offset)
        elif self.end_offset > offset:
            self._carve(offset, self.end_offset - 1)
            self.runs = [run for run in self.runs if run.last < offset]
            self.end_offset = offset

    def restore(self, start_offset: int, batches: Iterable[StateBatch]) -> None:
        """Take over what was written down; what lies between is available."""
        if start_offset >= 0 and start_offset != self.start_offset:
            if self.start_offset < 0:
                self.begin_at(start_offset)
            else:
                self.cut_before(start_offset)
        for stored_first, last, state, count in batches:
            first = max(stored_first, self.start_offset)
            if last < first:
                continue
            if last >= self.end_offset:
                self._append(Run(self.end_offset, last, RecordState.AVAILABLE, 0))
            for run in self._carve(first, last):
                run.count = count
                self._put(run, state)
        self._has_available = True
        self._tidy()

    # Runs

    def _append(self, run: Run) -> None:
        self.runs.append(run)
        self.end_offset = run.last + 1

    def _index(self, offset: int) -> int:
        """Index of the run that holds `offset`, or would."""
        return max(bisect_right(self.runs, offset, key=_first_of) - 1, 0)

    def _overlapping(self, first: int, last: int) -> list[Run]:
        found = []
        for index in range(self._index(first), len(self.runs)):
            run = self.runs[index]
            if run.first > last:
                break
            if run.last >= first:
                found.append(run)
        return found

    def _carve(self, first: int, last: int) -> list[Run]:
        """The runs that make up exactly the tracked part of [first, last]; those that reach over are split."""
        carved = []
        index = self._index(first)
        while index < len(self.runs):
            run = self.runs[index]
            if run.first > last:
                break
            if run.last >= first:
                if run.first < first:
                    index += 1
                    self.runs.insert(index, run.split(first))
                    run = self.runs[index]
                if run.last > last:
                    self.runs.insert(index + 1, run.split(last + 1))
                carved.append(run)
            index += 1
        return carved

    def _tidy(self) -> None:
        """Join runs that are alike, and let the start move behind what is done with."""
        runs: list[Run] = []
        for run in self.runs:
            if not runs and run.state in FINAL:
                self.start_offset = run.last + 1
            elif runs and runs[-1].is_like(run):
                runs[-1].last = run.last
            else:
                runs.append(run)
        self.runs = runs


def _size(acquired: Acquired) -> int:
    return acquired.last - acquired.first + 1


def _kept(run: Run) -> StateBatch:
    if run.state is RecordState.ACQUIRED:
        return StateBatch(run.first, run.last, RecordState.AVAILABLE, run.count - 1)
    return StateBatch(run.first, run.last, run.state, run.count)


def _next_state(kind: int, count: int, limit: int) -> RecordState:
    if kind == AcknowledgeType.ACCEPT:
        return RecordState.ACKNOWLEDGED
    if kind == AcknowledgeType.RELEASE and count < limit:
        return RecordState.AVAILABLE
    return RecordState.ARCHIVED


def _spans(said: Iterable[Acknowledgement]) -> Iterable[tuple[int, int, int]]:
    """(first, last, type) of each stretch of equal types."""
    for first, last, types in said:
        if len(types) == 1:
            yield first, last, types[0]
            continue
        begin = 0
        for index in range(1, len(types) + 1):
            if index == len(types) or types[index] != types[begin]:
                yield first + begin, first + index - 1, types[begin]
                begin = index
