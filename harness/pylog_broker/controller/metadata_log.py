"""The metadata log on disk: record batches as in any partition, a snapshot, and nothing believed without its CRC.

    meta/<offset, 20 digits>.log                                    entries from this offset on
    meta/<offset, 20 digits>-<epoch, 10 digits>.checkpoint          a snapshot: everything below this offset
    meta/quorum.json                                                {"epoch", "voted_for"}

One entry is one batch: base offset, leader epoch and the values of its records. An append is one write and one fsync, and
only then counts; so at most the last batch can be torn by a crash. An unsound batch at the very end is cut off; one that sound
batches follow is damage, and the folder is refused.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from harness.pylog_broker.controller.quorum import Entry, HardState
from harness.pylog_broker.controller.records import (
    Record,
    SnapshotFooterRecord,
    SnapshotHeaderRecord,
    decode_record,
    encode_record,
)
from harness.pylog_broker.storage.batch import (
    HEADER_SIZE,
    build_batch,
    iterate_records,
    parse_header,
    patch_offset,
    verify_stored,
)
from harness.pylog_broker.storage.documents import read_document, write_document
from harness.pylog_broker.storage.errors import CorruptBatch, CorruptLog, StorageFailed, UnsupportedMagic
from harness.pylog_broker.storage.filesystem import FileSystem, read_file, sync_directory, write_file
from harness.pylog_broker.storage.segment import SegmentFile

logger = logging.getLogger(__name__)

SNAPSHOT_VERSION = 0
SNAPSHOT_BATCH_RECORDS = 500
QUORUM_KIND = "quorum"

_LOG_NAME = re.compile(r"(\d{20})\.log")
_SNAPSHOT_NAME = re.compile(r"(\d{20})-(\d{10})\.checkpoint")


class Loaded(NamedTuple):
    """What was found on disk: the snapshot's records, and the entries behind it."""

    records: list[Record]
    entries: list[Entry]
    end_offset: int
    last_epoch: int
    hard: HardState


class MetadataLog:
    """The files of one folder. One thread appends; `write_snapshot` may run on another, on an image that stands still."""

    def __init__(self, file_system: FileSystem, folder: str) -> None:
        self._fs = file_system
        self._folder = folder
        self._file: SegmentFile | None = None
        self._size = 0
        self._base_offset = 0
        self.failure: str | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of the newest log file: what was appended since the last snapshot."""
        return self._size

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _listed(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        matches = (pattern.fullmatch(name) for name in self._fs.listdir(self._folder))
        return sorted((match for match in matches if match), key=lambda match: match.string)

    # --- loading ----------------------------------------------------------------------------------------------------

    def load(self) -> Loaded:
        """Read snapshot and log, cut off a torn tail, and open for appending.

        Raises CorruptLog, naming the file, when something that was fsynced is missing or damaged.
        """
        snapshots = self._listed(_SNAPSHOT_NAME)
        if not snapshots:
            raise CorruptLog(
                f"{self._folder} holds no snapshot of the metadata; restore it, or choose another --data-dir"
            )
        newest = snapshots[-1]
        offset, epoch = int(newest[1]), int(newest[2])
        records = self._read_snapshot(newest.string)
        entries: list[Entry] = []
        end = offset
        files = self._listed(_LOG_NAME)
        for match in files:
            if int(match[1]) > end:
                raise CorruptLog(f"{self._folder}: the metadata between offsets {end} and {int(match[1])} is missing")
            found = self._read_log(match.string, int(match[1]), is_last=match is files[-1])
            for entry in found:
                if entry.offset >= end:
                    entries.append(entry)
                    end = entry.next_offset
        body = read_document(self._fs, self._path(QUORUM_KIND + ".json"), QUORUM_KIND) or {"epoch": 0, "voted_for": -1}
        last_epoch = entries[-1].epoch if entries else epoch
        self._open_log(int(files[-1][1]) if files else offset)
        return Loaded(records, entries, end, last_epoch, HardState(body["epoch"], body["voted_for"]))

    def _read_snapshot(self, name: str) -> list[Record]:
        path = self._path(name)
        records: list[Record] = []
        data = read_file(self._fs, path)
        for position, length in _batches(data, path):
            records += [decode_record(row.value or b"") for row in iterate_records(data[position : position + length])]
        head, foot = records[:1], records[-1:]
        if head != [SnapshotHeaderRecord(SNAPSHOT_VERSION)] or foot != [SnapshotFooterRecord(len(records) - 2)]:
            raise CorruptLog(f"{path} is not a whole snapshot of the metadata; restore it from a copy")
        return records[1:-1]

    def _read_log(self, name: str, expected_offset: int, *, is_last: bool) -> Iterator[Entry]:
        path = self._path(name)
        data = read_file(self._fs, path)
        position = 0
        while position < len(data):
            try:
                header = parse_header(data, position)
                verify_stored(data, position, header)
                if header.base_offset != expected_offset:
                    raise CorruptBatch(f"offset {header.base_offset} where {expected_offset} has to be")
            except (CorruptBatch, UnsupportedMagic) as error:
                if not is_last or _sound_batch_behind(data, position + 1, expected_offset):
                    raise CorruptLog(
                        f"{path} is damaged at byte {position}: {error}. Restore it from a copy"
                    ) from error
                logger.warning("%s: a torn tail of %d bytes is cut off: %s", path, len(data) - position, error)
                self._cut(path, position)
                return
            batch = data[position : position + header.length]
            yield Entry(
                header.base_offset, header.leader_epoch, tuple(row.value or b"" for row in iterate_records(batch))
            )
            position += header.length
            expected_offset = header.next_offset

    def _cut(self, path: str, size: int) -> None:
        descriptor = self._fs.open(path, os.O_RDWR | os.O_CLOEXEC, 0)
        try:
            self._fs.truncate(descriptor, size)
            self._fs.sync(descriptor)
        finally:
            self._fs.close(descriptor)

    def _open_log(self, base_offset: int) -> None:
        path = self._path(f"{base_offset:020d}.log")
        self._file = SegmentFile(self._fs, path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._base_offset = base_offset
        self._size = self._fs.stat(path).st_size
        sync_directory(self._fs, self._folder)

    # --- appending --------------------------------------------------------------------------------------------------

    def save_state(self, hard: HardState) -> None:
        """Make epoch and vote durable; raises StorageFailed."""
        try:
            write_document(self._fs, self._path(QUORUM_KIND + ".json"), QUORUM_KIND, hard._asdict())
        except OSError as error:
            raise StorageFailed(f"{self._path(QUORUM_KIND + '.json')}: {error}") from error

    def append(self, entries: Iterable[Entry], now_ms: int) -> None:
        """Write entries and fsync them; raises StorageFailed, and nothing was appended then.

        After a failed fsync, or a torn write that could not be cut off, nothing more is accepted until a restart has read
        what is really there.
        """
        if self.failure is not None:
            raise StorageFailed(f"metadata cannot change since an earlier failure ({self.failure}); restart the broker")
        assert self._file is not None
        data = bytearray()
        for entry in entries:
            batch = build_batch([(None, value) for value in entry.values], timestamp_ms=now_ms)
            patch_offset(batch, entry.offset, entry.epoch)
            data += batch
        try:
            written = self._fs.write(self._file.fd, data)
            if written != len(data):
                raise OSError(f"only {written} of {len(data)} bytes were written; the disk may be full")
        except OSError as error:
            self._undo(self._file.fd, error)
        try:
            self._fs.sync(self._file.fd)
        except OSError as error:
            self.failure = f"fsync failed: {error}"
            raise StorageFailed(f"{self._folder}: {self.failure}") from error
        self._size += len(data)

    def _undo(self, fd: int, reason: OSError) -> None:
        try:
            self._fs.truncate(fd, self._size)
        except OSError as error:
            self.failure = f"{reason}; and what was written could not be cut off: {error}"
        raise StorageFailed(f"{self._folder}: {self.failure or reason}") from reason

    # --- snapshots --------------------------------------------------------------------------------------------------

    def roll(self, end_offset: int) -> None:
        """Continue in a new file, so that the ones before can go once the snapshot at this offset is there; OSError."""
        if end_offset != self._base_offset:
            self._open_log(end_offset)

    def write_snapshot(self, records: Iterable[Record], end_offset: int, epoch: int) -> None:
        """Write everything below `end_offset` as one file, then delete what it replaces; raises OSError."""
        values = [encode_record(record) for record in records]
        head, foot = SnapshotHeaderRecord(SNAPSHOT_VERSION), SnapshotFooterRecord(len(values))
        values = [encode_record(head), *values, encode_record(foot)]
        data = bytearray()
        for start in range(0, len(values), SNAPSHOT_BATCH_RECORDS):
            chunk = values[start : start + SNAPSHOT_BATCH_RECORDS]
            batch = build_batch([(None, value) for value in chunk], timestamp_ms=0)
            patch_offset(batch, start, epoch)
            data += batch
        name = f"{end_offset:020d}-{epoch:010d}.checkpoint"
        write_file(self._fs, self._path(name), bytes(data), durable=True)
        old = [match.string for match in self._listed(_SNAPSHOT_NAME) if match.string < name]
        old += [match.string for match in self._listed(_LOG_NAME) if int(match[1]) < end_offset]
        for stale in old:
            with contextlib.suppress(FileNotFoundError):
                self._fs.unlink(self._path(stale))

    def clear(self) -> None:
        """Delete every file of the log: what an interrupted migration left behind."""
        for match in [*self._listed(_SNAPSHOT_NAME), *self._listed(_LOG_NAME)]:
            self._fs.unlink(self._path(match.string))

    def close(self) -> None:
        """Let go of the file."""
        self._file = None


def _batches(data: bytes, path: str) -> Iterator[tuple[int, int]]:
    """(position, length) of each batch of a snapshot; raises CorruptLog at the first unsound one."""
    position = 0
    while position < len(data):
        try:
            header = parse_header(data, position)
            verify_stored(data, position, header)
        except (CorruptBatch, UnsupportedMagic) as error:
            raise CorruptLog(f"{path} is damaged at byte {position}: {error}. Restore it from a copy") from error
        yield position, header.length
        position += header.length


def _sound_batch_behind(data: bytes, position: int, offset_min: int) -> bool:
    """Whether a sound batch of later offsets begins anywhere behind: then what precedes it was durable once."""
    for start in range(position, len(data) - HEADER_SIZE + 1):
        if data[start + 16] != 2:  # magic
            continue
        try:
            header = parse_header(data, start)
            if header.base_offset > offset_min:
                verify_stored(data, start, header)
                return True
        except (CorruptBatch, UnsupportedMagic):
            continue
    return False
