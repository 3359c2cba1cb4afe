"""The assignor of share groups, `simple`: who fetches which partition, each of which may have several readers.

With no more members than partitions each partition has one reader, and shares differ by one at most. With more members,
partitions are shared as evenly as can be, so that nobody is idle. Whoever has a partition keeps it as far as that is possible.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from uuid import UUID

from harness.pylog_broker.groups.assignors import Assignment, Partitions, Subscriber, TopicPartition

NAME = "simple"


def assign_shared(members: Sequence[Subscriber], counts: Mapping[UUID, int]) -> Assignment:
    """Assign; `counts` is topic id -> number of partitions."""
    shares: dict[str, set[TopicPartition]] = {member.member_id: set() for member in members}
    ordered = sorted(members, key=lambda member: member.member_id)
    read = [topic_id for topic_id in counts if any(topic_id in member.topics for member in members)]
    topics = sorted(read, key=lambda topic_id: topic_id.bytes)
    all_alike = len({member.topics.intersection(counts) for member in members}) <= 1
    # Where members read different topics, each topic is dealt out to its own readers.
    groups = [topics] if all_alike else [[topic_id] for topic_id in topics]
    for topic_ids in groups:
        readers = [member for member in ordered if topic_ids[0] in member.topics] if topic_ids else []
        rows = [(topic_id, number) for topic_id in topic_ids for number in range(counts[topic_id])]
        if readers and rows:
            _deal(readers, rows, shares)
    return {member_id: frozenset(share) for member_id, share in shares.items()}


def _deal(
    readers: Sequence[Subscriber], rows: Sequence[TopicPartition], shares: dict[str, set[TopicPartition]]
) -> None:
    sharing = -(-len(readers) // len(rows))
    quotas = _quotas(readers, rows, sharing * len(rows))
    free = dict.fromkeys(rows, sharing)
    for reader in readers:
        for row in sorted(_kept(reader.current, free), key=lambda row: (row[0].bytes, row[1])):
            if quotas[reader.member_id] and free[row]:
                _give(reader.member_id, row, shares, quotas, free)
    heap = [(-quota, member_id) for member_id, quota in quotas.items() if quota]
    heapq.heapify(heap)
    for row in sorted(rows, key=lambda row: free[row]):  # those first that fewer members are left for
        passed: list[tuple[int, str]] = []
        while free[row] and heap:
            quota, member_id = heapq.heappop(heap)
            if row in shares[member_id]:
                passed.append((quota, member_id))
                continue
            _give(member_id, row, shares, quotas, free)
            if quotas[member_id]:
                passed.append((-quotas[member_id], member_id))
        for each in passed:
            heapq.heappush(heap, each)


def _quotas(readers: Sequence[Subscriber], rows: Sequence[TopicPartition], total: int) -> dict[str, int]:
    """How many partitions each reader gets; those who have more already get the odd ones."""
    wanted = frozenset(rows)
    each, odd = divmod(total, len(readers))
    ranked = sorted(readers, key=lambda reader: (-len(reader.current & wanted), reader.member_id))
    return {reader.member_id: each + (place < odd) for place, reader in enumerate(ranked)}


def _kept(current: Partitions, free: Mapping[TopicPartition, int]) -> list[TopicPartition]:
    return [row for row in current if row in free]


def _give(
    member_id: str,
    row: TopicPartition,
    shares: dict[str, set[TopicPartition]],
    quotas: dict[str, int],
    free: dict[TopicPartition, int],
) -> None:
    shares[member_id].add(row)
    quotas[member_id] -= 1
    free[row] -= 1
