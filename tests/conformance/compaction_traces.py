"""Traces of compaction: what is left of a log, when tombstones and markers get their horizon, and when they go (KIP-534)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from harness.pylog_broker.storage.batch import (
    CONTROL_BIT,
    DELETE_HORIZON_BIT,
    build_batch,
    iterate_records,
    parse_header,
)
from tests.conformance.batches import create, produce
from tests.conformance.trace import Trace

HOUR_MS = 3_600_000
STEP_MS = 10_000
"""Between two batches: longer than `segment.ms`, so that each begins a segment."""
TRANSACTIONAL = 0x10
SECONDS_MAX = 20

Row = dict[str, Any]


class _Log:
    """A topic that is not compacted until `compact` is called, so that one cleaning finds all that was written."""

    def __init__(self, trace: Trace, suffix: str, **configs: str) -> None:
        self.trace, self.topic = trace, trace.topic(suffix)
        create(trace, self.topic, segment_ms="1000", cleanup_policy="delete", retention_ms="-1", **configs)
        self.begun_ms = self.now_ms = int(time.time() * 1000) - HOUR_MS // 2

    def write(self, *pairs: tuple[bytes, bytes | None], step_ms: int = STEP_MS, **how: Any) -> None:
        self.now_ms += step_ms
        records = bytes(build_batch(pairs, timestamp_ms=self.now_ms, **how))
        more = {"transactional_id": self.topic} if how.get("attributes") else {}
        produce(self.trace, f"{self.topic} at {len(self.trace.answers)}", self.topic, records, acks=-1, **more)

    def configure(self, **configs: str) -> None:
        rows = [
            {"name": key.replace("_", "."), "config_operation": 0, "value": value} for key, value in configs.items()
        ]
        resource = {"resource_type": 2, "resource_name": self.topic, "configs": rows}
        self.trace.ask("IncrementalAlterConfigs", 0, resources=[resource], validate_only=False)

    def compact(self) -> None:
        self.configure(cleanup_policy="compact", min_cleanable_dirty_ratio="0.01")

    def read(self) -> list[Row]:
        """Every batch, and what is in it."""
        found: list[Row] = []
        offset, end = 0, 1
        while offset < end:
            row = {"partition": 0, "fetch_offset": offset, "partition_max_bytes": 1 << 20, "current_leader_epoch": -1}
            asked = {"session_id": 0, "session_epoch": -1, "topics": [{"topic": self.topic, "partitions": [row]}]}
            answer = self.trace.ask("Fetch", 11, max_wait_ms=10, min_bytes=0, max_bytes=1 << 20, **asked)
            partition = answer.responses[0].partitions[0]
            end, data = partition.high_watermark, bytes(partition.records or b"")
            position = 0
            while position < len(data):
                header = parse_header(data, position)
                found.append(self._plain(header, data[position : position + header.length]))
                offset, position = header.next_offset, position + header.length
        return found

    def _plain(self, header: Any, batch: bytes) -> Row:
        away_ms = header.base_timestamp - int(time.time() * 1000)
        has_horizon = bool(header.attributes & DELETE_HORIZON_BIT)
        is_marker = bool(header.attributes & CONTROL_BIT)
        rows = [] if is_marker else list(iterate_records(batch))
        return {
            "offsets": [header.base_offset, header.last_offset],
            "count": header.record_count,
            "attributes": header.attributes,
            "sequence": header.base_sequence,
            "horizon in hours": round(away_ms / HOUR_MS) if has_horizon else None,
            "records": [[row.offset, row.key, row.value, row.timestamp - self.begun_ms] for row in rows],
        }

    def until(self, step: str, holds: Callable[[list[Row]], bool]) -> None:
        deadline_s = time.monotonic() + SECONDS_MAX
        while not holds(rows := self.read()) and time.monotonic() < deadline_s:
            time.sleep(0.1)
        self.trace.note(step, repr(rows))


def _cleaned(rows: list[Row]) -> bool:
    """Whether no key is there twice, but for what is in the active segment."""
    keys = [record[1] for row in rows[:-1] for record in row["records"]]
    return len(keys) == len(set(keys))


def _horizons(rows: list[Row]) -> int:
    return sum(row["horizon in hours"] is not None for row in rows)


def _tombstones(rows: list[Row]) -> int:
    return sum(record[2] is None for row in rows for record in row["records"])


def _history(log: _Log) -> None:
    log.write((b"a", b"0"), (b"b", b"0"), (b"c", b"0"))
    log.write((b"a", b"1"))
    log.write((b"b", None), (b"d", b"0"))
    log.write((b"c", b"1"), (b"a", None), (b"a", b"2"))
    log.write((b"never", None))
    log.write((b"end", b"0"))


def tombstones(trace: Trace) -> None:
    """They stay for delete.retention.ms after the first cleaning that met them, and go with the next one."""
    stays, goes = (
        _Log(trace, "stays", delete_retention_ms=str(2 * HOUR_MS)),
        _Log(trace, "goes", delete_retention_ms="0"),
    )
    for log in (stays, goes):
        _history(log)
        log.compact()
        log.until(f"{log.topic}: a horizon is set", lambda rows: _cleaned(rows) and _horizons(rows) == 2)
        log.write((b"c", b"2"), (b"end", b"1"))
    goes.until("cleaned again: they go", lambda rows: not _tombstones(rows))
    stays.write((b"end", b"2"))
    stays.until("cleaned again: they stay", _cleaned)


def compaction_lags(trace: Trace) -> None:
    """What is too young stays as it is; what has waited too long is cleaned however little of it is dirty."""
    young = _Log(trace, "young", min_compaction_lag_ms=str(24 * HOUR_MS))
    clean, overdue = _Log(trace, "clean"), _Log(trace, "overdue")
    for log in (young, clean, overdue):
        _history(log)
    young.compact()
    for log in (clean, overdue):
        log.compact()
        log.until(f"{log.topic}: cleaned once", lambda rows: _cleaned(rows) and _horizons(rows) == 2)
        log.configure(min_cleanable_dirty_ratio="1.0")
    overdue.configure(max_compaction_lag_ms="1000")
    for log in (clean, overdue):
        log.write((b"d", b"1"))
        log.write((b"end", b"1"))
    overdue.until("overdue: cleaned", _cleaned)
    clean.until("not dirty enough: left", lambda rows: True)
    young.until("too young: left", lambda rows: True)


def markers(trace: Trace) -> None:
    """Aborted records go with the first cleaning; a marker gets a horizon when one finds nothing of its transaction."""
    log = _Log(trace, "a", delete_retention_ms="0")
    name = log.topic
    trace.call("coordinator", "FindCoordinator", 3, key=name, key_type=1)
    made = trace.call("init", "InitProducerId", 4, transactional_id=name, transaction_timeout_ms=60_000)
    who = {"producer_id": made.producer_id, "producer_epoch": made.producer_epoch}
    for sequence, (commit, value) in enumerate([(True, b"committed"), (False, b"aborted"), (True, b"last")]):
        rows = [{"name": log.topic, "partitions": [0]}]
        trace.call(f"add {sequence}", "AddPartitionsToTxn", 3, transactional_id=name, **who, topics=rows)
        log.write((b"k", value), **who, base_sequence=sequence, attributes=TRANSACTIONAL)
        trace.call(f"end {sequence}", "EndTxn", 3, transactional_id=name, **who, committed=commit)
        log.until(
            f"marker {sequence}", lambda rows, wanted=sequence + 1: sum(not row["records"] for row in rows) == wanted
        )
    log.write((b"k", b"after"), step_ms=HOUR_MS // 2 + STEP_MS)
    log.write((b"end", b"0"))
    log.compact()
    log.until("cleaned: their records go", _cleaned)
    log.write((b"end", b"1"))
    log.until("cleaned again: a horizon", lambda rows: _horizons(rows) == 2)
    log.write((b"end", b"2"))
    log.until("and again: they go", lambda rows: not _horizons(rows) and _cleaned(rows))


COMPACTION_TRACES = (tombstones, compaction_lags, markers)
