"""Server-side assignors of the consumer protocol (KIP-848): who reads which partition.

Both are functions of the subscriptions alone, plus, for `uniform`, of the assignment before: the same input gives
the same output, whatever order the members came in.

* `range`: topic by topic, members in the order of their names take consecutive stretches, so that topics with equally
  many partitions are read together (co-partitioned).
* `uniform`: shares differ by one partition at most where the subscriptions allow it, and whoever has a partition
  keeps it as far as that is possible (sticky).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

TopicPartition = tuple[UUID, int]
Partitions = frozenset[TopicPartition]
Assignment = dict[str, Partitions]

NOTHING: Partitions = frozenset()
BALANCING_ROUNDS_MAX = 10_000
"""Moves that unequal subscriptions are balanced by, at most: the rest stays as it is, which is valid too."""


class Subscriber(NamedTuple):
    """A member as the assignors see it. `current` is its part of the target assignment before."""

    member_id: str
    instance_id: str | None
    topics: frozenset[UUID]
    current: Partitions = NOTHING

    @property
    def sort_key(self) -> tuple[bool, str]:
        """Static members first, by instance, so that a range survives their restarts."""
        return (self.instance_id is None, self.instance_id or self.member_id)


Assignor = Callable[[Sequence[Subscriber], Mapping[UUID, int]], Assignment]


def assign_range(members: Sequence[Subscriber], counts: Mapping[UUID, int]) -> Assignment:
    """Assign by consecutive stretches; `counts` is topic id -> number of partitions."""
    shares: dict[str, set[TopicPartition]] = {member.member_id: set() for member in members}
    for topic_id in sorted(counts, key=lambda topic_id: topic_id.bytes):
        readers = sorted((member for member in members if topic_id in member.topics), key=lambda each: each.sort_key)
        if not readers:
            continue
        each, longer = divmod(counts[topic_id], len(readers))
        start = 0
        for position, reader in enumerate(readers):
            end = start + each + (position < longer)
            shares[reader.member_id].update((topic_id, partition) for partition in range(start, end))
            start = end
    return {member_id: frozenset(share) for member_id, share in shares.items()}


def assign_uniform(members: Sequence[Subscriber], counts: Mapping[UUID, int]) -> Assignment:
    """Assign equal shares, moving as little as possible; `counts` is topic id -> number of partitions."""
    if not members:
        return {}
    ordered = sorted(members, key=lambda member: member.member_id)
    if all(member.topics == ordered[0].topics for member in ordered):
        return _uniform_alike(ordered, counts)
    return _uniform_unlike(ordered, counts)


def _uniform_alike(members: Sequence[Subscriber], counts: Mapping[UUID, int]) -> Assignment:
    """All subscribe to the same: exact quotas, and at most as many of the larger ones as there are left over."""
    free = _wanted(members[0].topics, counts)
    quota, larger = divmod(len(free), len(members))
    shares: dict[str, set[TopicPartition]] = {}
    for member in sorted(members, key=lambda each: (-len(each.current & free), each.member_id)):
        kept = sorted(member.current & free, key=_order)
        take = quota + (larger > 0 and len(kept) > quota)
        larger -= take > quota
        shares[member.member_id] = set(kept[:take])
        free -= shares[member.member_id]
    remaining = sorted(free, key=_order, reverse=True)
    for member in members:
        share = shares[member.member_id]
        while len(share) < quota:
            share.add(remaining.pop())
    for member in members:
        if not remaining:
            break
        if len(shares[member.member_id]) == quota:
            shares[member.member_id].add(remaining.pop())
    assert not remaining
    return {member_id: frozenset(share) for member_id, share in shares.items()}


def _uniform_unlike(members: Sequence[Subscriber], counts: Mapping[UUID, int]) -> Assignment:
    """Subscriptions differ: keep what may be kept, give the rest to the least loaded, then even out."""
    readers: dict[UUID, list[str]] = {}
    for member in members:
        for topic_id in member.topics & counts.keys():
            readers.setdefault(topic_id, []).append(member.member_id)
    shares: dict[str, set[TopicPartition]] = {}
    free = _wanted(frozenset(readers), counts)
    for member in members:
        shares[member.member_id] = {row for row in member.current & free if row[0] in member.topics}
        free -= shares[member.member_id]
    # Topics with the fewest readers go first: they have the least choice.
    heaps: dict[UUID, list[tuple[int, str]]] = {}
    for row in sorted(free, key=lambda each: (len(readers[each[0]]), _order(each))):
        heap = heaps.setdefault(row[0], [(len(shares[name]), name) for name in readers[row[0]]])
        shares[_least_loaded(heap, shares)].add(row)
    _even_out(shares, readers)
    return {member_id: frozenset(share) for member_id, share in shares.items()}


def _least_loaded(heap: list[tuple[int, str]], shares: Mapping[str, set[TopicPartition]]) -> str:
    """Return the reader with the smallest share. Entries of a heap may be too low, as other topics add to shares."""
    heapq.heapify(heap)
    while heap[0][0] != len(shares[heap[0][1]]):
        heapq.heapreplace(heap, (len(shares[heap[0][1]]), heap[0][1]))
    return heap[0][1]


def _even_out(shares: dict[str, set[TopicPartition]], readers: Mapping[UUID, list[str]]) -> None:
    """Move partitions from larger to smaller shares while one may hold at least two more than another."""
    moves = 0
    moved = True
    while moved and moves < BALANCING_ROUNDS_MAX:
        moved = False
        for giver in sorted(shares, key=lambda name: (-len(shares[name]), name)):
            for row in sorted(shares[giver], key=_order):
                taker = min(readers[row[0]], key=lambda name: (len(shares[name]), name))
                if len(shares[giver]) - len(shares[taker]) < 2:
                    continue
                shares[giver].remove(row)
                shares[taker].add(row)
                moves += 1
                moved = True
                if moves >= BALANCING_ROUNDS_MAX:
                    return


def _wanted(topics: frozenset[UUID], counts: Mapping[UUID, int]) -> set[TopicPartition]:
    return {(topic_id, partition) for topic_id in topics if topic_id in counts for partition in range(counts[topic_id])}


def partitions_by_topic(partitions: Iterable[TopicPartition]) -> dict[UUID, list[int]]:
    """Return topic id -> partition numbers, both in ascending order."""
    rows: dict[UUID, list[int]] = {}
    for topic_id, partition in sorted(partitions, key=_order):
        rows.setdefault(topic_id, []).append(partition)
    return rows


def _order(row: TopicPartition) -> tuple[bytes, int]:
    return row[0].bytes, row[1]


ASSIGNORS: dict[str, Assignor] = {"uniform": assign_uniform, "range": assign_range}
"""Name, as clients ask for it -> function; the first is the default."""
