"""What the coordinator asks of the place where it writes down what must outlive a crash, and its compaction.

A journal is an append-only log for each partition of `__consumer_offsets`; `offsets_topic` keeps it in the storage
room, tests keep it in a list. It grows with every commit although only the last one of each offset matters, so it is
compacted: what is alive is appended once more, then everything before that is cut off. A crash at any point leaves a
log that replays to the same state, because a later record of a key always wins. The work is done in small steps
between requests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from harness.pylog_broker.groups.records import JournalRecord

GROUPS_PER_STEP = 100
"""Groups that one step of compaction rewrites: some milliseconds of work for groups of usual size."""

GROWTH_FACTOR = 4
"""A partition is compacted when it is this many times as large as what was alive at the last compaction."""


Owner = TypeVar("Owner")
"""What is rewritten as one: a group, or what else its records belong to."""


class JournalFailed(Exception):
    """The records could not be written: the disk is full or broken. Nothing of them counts."""


class Journal(Protocol):
    """Where records go. Partition numbers run from 0 to `partition_count` - 1."""

    @property
    def partition_count(self) -> int:
        """Number of partitions; fixed for the life of the topic, because groups are hashed over it."""
        ...

    def append(
        self,
        partition: int,
        records: Sequence[JournalRecord],
        now_ms: int,
        producer: tuple[int, int] | None = None,
    ) -> None:
        """Append records in order; those of a `producer` (id and epoch) belong to its transaction. Raises JournalFailed."""
        ...

    def is_held(self, partition: int) -> bool:
        """Return whether an open transaction has records there, so that nothing may be cut off."""
        ...

    def end_offset(self, partition: int) -> int:
        """Return the offset that the next record will get."""
        ...

    def size_bytes(self, partition: int) -> int:
        """Return how many bytes replaying the partition would read."""
        ...

    def cut_before(self, partition: int, offset: int) -> None:
        """Forget what lies before `offset`, as far as that is cheap. Raises JournalFailed."""
        ...


def partition_of(group_id: str, partition_count: int) -> int:
    """Return the partition of a group, by Java's string hash as Apache Kafka uses it."""
    value = 0
    encoded = group_id.encode("utf-16-be", "surrogatepass")
    for position in range(0, len(encoded), 2):
        value = (31 * value + int.from_bytes(encoded[position : position + 2], "big")) & 0xFFFFFFFF
    return (value & 0x7FFFFFFF) % partition_count


class Compaction(Generic[Owner]):
    """Rewrites one partition at a time when it has outgrown what is alive in it."""

    def __init__(
        self,
        journal: Journal,
        *,
        bytes_min: int,
        groups_in: Callable[[int], list[Owner]],
        records_of: Callable[[Owner], Iterable[JournalRecord]],
    ) -> None:
        self._journal = journal
        self._bytes_min = bytes_min
        self._groups_in = groups_in
        self._records_of = records_of
        self._live_bytes: dict[int, int] = {}
        self._partition: int | None = None
        self._remaining: list[Owner] = []
        self._start_offset = 0
        self._rewritten_bytes = 0

    @property
    def running(self) -> bool:
        """Whether a partition is being rewritten: `step` wants to be called again soon."""
        return self._partition is not None

    def consider(self, partition: int) -> None:
        """Begin to compact `partition` if it has outgrown its bound and no other is being compacted."""
        if self._partition is not None or self._journal.is_held(partition):
            return
        bound = max(self._bytes_min, GROWTH_FACTOR * self._live_bytes.get(partition, 0))
        if self._journal.size_bytes(partition) <= bound:
            return
        self._partition = partition
        self._rewritten_bytes = 0
        self._remaining = self._groups_in(partition)
        self._start_offset = self._journal.end_offset(partition)

    def step(self, now_ms: int) -> None:
        """Rewrite some more groups; after the last, cut off what lies before. Raises JournalFailed."""
        partition = self._partition
        if partition is None:
            return
        try:
            chunk = [self._remaining.pop() for _ in range(min(GROUPS_PER_STEP, len(self._remaining)))]
            records = [record for owner in chunk for record in self._records_of(owner)]
            if records:
                bytes_before = self._journal.size_bytes(partition)
                self._journal.append(partition, records, now_ms)
                self._rewritten_bytes += self._journal.size_bytes(partition) - bytes_before
            if not self._remaining:
                self._journal.cut_before(partition, self._start_offset)
                self._live_bytes[partition] = self._rewritten_bytes
                self._partition = None
        except JournalFailed:
            # Try again only when the partition has grown once more, not in a loop over a full disk.
            self._live_bytes[partition] = self._journal.size_bytes(partition)
            self._partition = None
            raise
