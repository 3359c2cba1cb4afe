"""From which offset on which leader epoch wrote: the cache behind OffsetForLeaderEpoch (KIP-101, KIP-279, KIP-320).

Kept in memory and in `leader-epoch-checkpoint`, in Apache Kafka's text format with a checksum behind it. It can always be rebuilt
from the batch headers, which carry their epoch.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

from harness.pylog_broker.storage.batch import checksum
from harness.pylog_broker.storage.errors import CorruptLog
from harness.pylog_broker.storage.filesystem import FileSystem, read_file, write_file

FILE_NAME = "leader-epoch-checkpoint"
SEAL_BYTES = 16
NO_EPOCH = -1
NO_OFFSET = -1


class LeaderEpochs:
    """Epochs and the offsets they start at, both ascending."""

    __slots__ = ("_epochs", "_starts")

    def __init__(self, entries: Iterable[tuple[int, int]] = ()) -> None:
        self._epochs: list[int] = []
        self._starts: list[int] = []
        for epoch, start in entries:
            self.assign(epoch, start)

    @property
    def entries(self) -> list[tuple[int, int]]:
        """(epoch, start offset), oldest first."""
        return list(zip(self._epochs, self._starts, strict=True))

    @property
    def latest(self) -> int:
        """The newest epoch, or -1."""
        return self._epochs[-1] if self._epochs else NO_EPOCH

    def assign(self, epoch: int, start: int) -> bool:
        """Note that `epoch` writes from `start` on; False where that is known. An epoch that wrote nothing is dropped."""
        if epoch <= self.latest:
            return False
        self.truncate_from(start)
        self._epochs.append(epoch)
        self._starts.append(start)
        return True

    def truncate_from(self, offset: int) -> None:
        """The log now ends at `offset`: forget epochs that start there or behind."""
        while self._starts and self._starts[-1] >= offset:
            self._epochs.pop()
            self._starts.pop()

    def cut_before(self, offset: int) -> None:
        """The log now starts at `offset`: forget epochs that end below; the one that holds it starts there."""
        slot = bisect_right(self._starts, offset) - 1
        if slot >= 0:
            del self._epochs[:slot], self._starts[:slot]
            self._starts[0] = offset

    def end_of(self, epoch: int, log_end_offset: int) -> tuple[int, int]:
        """(largest known epoch not above `epoch`, offset at which it ends); (-1, -1) where there is none.

        An epoch older than all that are known answers with itself and the start of the first known one.
        """
        if epoch < 0 or epoch > self.latest:
            return NO_EPOCH, NO_OFFSET
        slot = bisect_right(self._epochs, epoch)
        end = self._starts[slot] if slot < len(self._starts) else log_end_offset
        return (self._epochs[slot - 1] if slot else epoch), end

    def epoch_at(self, offset: int) -> int:
        """The epoch that wrote `offset`, or -1."""
        slot = bisect_right(self._starts, offset) - 1
        return self._epochs[slot] if slot >= 0 else NO_EPOCH

    def encode(self) -> bytes:
        """The text of the file: version, number of entries, one entry a line, CRC-32C of all that."""
        lines = ["1", str(len(self._epochs)), *(f"{epoch} {start}" for epoch, start in self.entries)]
        text = ("\n".join(lines) + "\n").encode()
        return text + _seal(text)

    def save(self, file_system: FileSystem, directory: str) -> None:
        """Write the file, without an fsync; raises OSError."""
        write_file(file_system, os.path.join(directory, FILE_NAME), self.encode(), durable=False)


def _seal(text: bytes) -> bytes:
    return b"crc32c %08x\n" % checksum(text, 0, len(text))


def load_leader_epochs(file_system: FileSystem, directory: str) -> LeaderEpochs:
    """What the file says; raises FileNotFoundError, or CorruptLog when it is damaged."""
    path = os.path.join(directory, FILE_NAME)
    try:
        data = read_file(file_system, path)
        if not data.startswith(b"0\n"):  # version 0, Apache Kafka's own, has no checksum
            data, seal = data[:-SEAL_BYTES], data[-SEAL_BYTES:]
            if seal != _seal(data):
                raise ValueError("it does not have the CRC that it says")
        version, count, *rows = data.decode("ascii").split("\n")
        entries = [(int(epoch), int(start)) for epoch, start in (row.split(" ") for row in rows[:-1])]
        ascending = all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(entries))
        if version not in ("0", "1") or int(count) != len(entries) or rows[-1] or not ascending:
            raise ValueError("fields contradict each other")
    except (ValueError, IndexError) as error:
        raise CorruptLog(f"{path} is damaged: {error}") from error
    return LeaderEpochs(entries)
