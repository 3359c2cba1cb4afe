"""Finding a record by its timestamp (ListOffsets by time, KIP-79; by largest timestamp, KIP-734).

The time index narrows the search to a few batches, batch headers to one, and that one is opened. It is the only place where a
client's request makes the storage look inside a batch.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.pylog_broker.storage.batch import LOG_APPEND_TIME_BIT, BatchHeader, iterate_records
from harness.pylog_broker.storage.compression import CodecMissing
from harness.pylog_broker.storage.filesystem import FileSystem
from harness.pylog_broker.storage.segment import Segment


def first_at_or_after(
    file_system: FileSystem, segments: Sequence[Segment], log_start_offset: int, timestamp_ms: int
) -> tuple[int, int] | None:
    """(offset, timestamp in ms) of the first record in offset order stamped at or after `timestamp_ms`, or None.

    Where the module of a batch's codec is not installed, the batch's first offset and largest timestamp are the answer.
    Raises CorruptLog.
    """
    for segment in segments:
        if segment.size == 0 or (segment.load_max_timestamp() < timestamp_ms and not segment.damaged):
            continue
        file, index = segment.open()
        for position, header in segment.walk_from(index.offset_before_time(timestamp_ms)):
            if header.max_timestamp >= timestamp_ms and header.last_offset >= log_start_offset:
                segment.verify(position, position + header.length, expected_offset=header.base_offset)
                batch = file_system.pread(file.fd, header.length, position)
                found = _in_batch(batch, header, log_start_offset, timestamp_ms)
                if found is not None:
                    return found
    return None


def first_with_max_timestamp(
    file_system: FileSystem, segments: Sequence[Segment], log_start_offset: int
) -> tuple[int, int] | None:
    """(offset, timestamp in ms) of the first record with the largest timestamp, or None when none has one."""
    stamped = [segment for segment in segments if segment.load_max_timestamp() >= 0]
    if not stamped:
        return None
    newest = max(stamped, key=lambda segment: segment.max_timestamp)
    found = first_at_or_after(file_system, segments, log_start_offset, newest.max_timestamp)
    if found is not None:
        return found
    # The record with that timestamp was deleted from the front of the log: look at what is left, batch by batch.
    remaining = -1
    for segment in (segment for segment in segments if segment.size > 0):
        file, _ = segment.open()
        for position, header in segment.walk_from(log_start_offset):
            if header.base_offset >= log_start_offset:
                remaining = max(remaining, header.max_timestamp)
            elif header.last_offset >= log_start_offset:  # part of this batch is deleted
                batch = file_system.pread(file.fd, header.length, position)
                remaining = max(remaining, _max_timestamp(batch, header, log_start_offset))
    return first_at_or_after(file_system, segments, log_start_offset, remaining) if remaining >= 0 else None


def _in_batch(batch: bytes, header: BatchHeader, log_start_offset: int, timestamp_ms: int) -> tuple[int, int] | None:
    first_offset = max(header.base_offset, log_start_offset)
    if header.attributes & LOG_APPEND_TIME_BIT:
        return first_offset, header.max_timestamp
    try:
        for record in iterate_records(batch):
            if record.timestamp >= timestamp_ms and record.offset >= first_offset:
                return record.offset, record.timestamp
    except CodecMissing:
        return first_offset, header.max_timestamp
    return None


def _max_timestamp(batch: bytes, header: BatchHeader, log_start_offset: int) -> int:
    """Largest timestamp of the records from `log_start_offset` on."""
    if header.attributes & LOG_APPEND_TIME_BIT:
        return header.max_timestamp
    try:
        return max(record.timestamp for record in iterate_records(batch) if record.offset >= log_start_offset)
    except CodecMissing:
        return header.max_timestamp
