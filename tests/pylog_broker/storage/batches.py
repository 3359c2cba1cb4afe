"""Batches for tests, and reading a log back record by record."""

from __future__ import annotations

from harness.pylog_broker.storage.batch import Record, build_batch, iterate_records, parse_header, verify_produced
from harness.pylog_broker.storage.log import AppendResult, PartitionLog

NOW_MS = 1_700_000_000_000


def batch_of(*values: bytes, timestamp_ms: int = NOW_MS, **fields: int) -> bytearray:
    return build_batch([(None, value) for value in values], timestamp_ms=timestamp_ms, **fields)


def append(
    log: PartitionLog, *values: bytes, timestamp_ms: int = NOW_MS, now_ms: int | None = None, **fields: int
) -> AppendResult:
    batch = batch_of(*values, timestamp_ms=timestamp_ms, **fields)
    header = verify_produced(batch)
    return log.append(batch, header, now_ms=timestamp_ms if now_ms is None else now_ms)


def split_batches(data: bytes) -> list[bytes]:
    """Cut bytes into whole batches; fails on anything torn."""
    batches = []
    position = 0
    while position < len(data):
        header = parse_header(data, position)
        assert position + header.length <= len(data), "a slice ends inside a batch"
        batches.append(data[position : position + header.length])
        position += header.length
    return batches


def read_records(log: PartitionLog, offset: int | None = None, *, max_bytes: int = 1 << 20) -> list[Record]:
    """All records from `offset` (default: the log start) to the high watermark, fetched as a consumer does."""
    position = log.log_start_offset if offset is None else offset
    records: list[Record] = []
    while position < log.high_watermark:
        part = log.read(position, max_bytes, limit_offset=log.high_watermark, at_least_one=True)
        assert part.length > 0, f"no progress at {position}"
        found = [record for batch in split_batches(part.read()) for record in iterate_records(batch)]
        records += [record for record in found if record.offset >= position]
        assert part.next_offset == -1 or part.next_offset > found[-1].offset, "a compacted batch keeps its last offset"
        position = max(part.next_offset, found[-1].offset + 1)
    return records


def values(records: list[Record]) -> list[bytes | None]:
    return [record.value for record in records]
