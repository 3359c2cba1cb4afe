"""Fetch (key 1), versions 4 to 18.

Hands out whole batches, from the one that contains the asked offset on, as ranges of segment files that the server
sends without touching them. Versions 13 and later name topics by id. Consumers read below the high watermark,
read_committed ones below the last stable offset. The first partition that has data gives at least one batch whatever
the limits; after that `max_bytes` (and the broker's `fetch.max.bytes`) is a hard limit. When that limit has cut a
response short, the connection's next one begins with the partition after the last that was served.

A fetch that finds less than `min_bytes` waits, up to `max_wait_ms`, for as many bytes to be appended; it ends early on
errors and when a topic is deleted. An offset outside of the log is OFFSET_OUT_OF_RANGE, one between high watermark and
log end an empty answer. A leader epoch that is not the partition's is FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH.

With isolation level 1 (read_committed) records below the last stable offset are sent, together with the aborted
transactions among them; control batches are sent to everybody, and clients filter (KIP-98).

Left out: fetch sessions (KIP-227), every answer has session id 0, which is always legal: they would spare about half of
what a fetch of many partitions costs (a millisecond for 500), and the rest only if each log knew the sessions that read it;
replicas' own fields (replica id, last fetched epoch, diverging epochs); down-conversion: zstd batches go to whoever asks.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from harness.pylog_broker.broker import NO_EPOCH, leader_epoch_error
from harness.pylog_broker.handlers.api import Api, Deferred, RequestContext, SlicedBody
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.primitives import (
    MalformedMessage,
    read_unsigned_varint,
    skip_tags,
    write_unsigned_varint,
)
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.security.quotas import FETCH
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.storage.log import EMPTY_SLICE, LogSlice

if TYPE_CHECKING:
    from harness.pylog_broker.broker import Broker
    from harness.pylog_broker.storage.catalog import Topic
    from harness.pylog_broker.storage.log import PartitionLog

logger = logging.getLogger(__name__)

FLEXIBLE_FROM = 12
TOPIC_IDS_FROM = 13
REPLICA_STATE_FROM = 15
READ_COMMITTED = 1
NO_OFFSET = -1
NO_ERROR = int(ErrorCode.NONE)  # a plain number is found and packed faster than a member
FULL_FETCH_EPOCHS = (0, -1)

_read_int16 = struct.Struct(">h").unpack_from
_read_int32 = struct.Struct(">i").unpack_from
# Fixed-width parts of the request by first version that has them: head, and one partition.
_HEAD_V4 = struct.Struct(">iiiib")  # replica id, max wait, min bytes, max bytes, isolation level
_HEAD_V7 = struct.Struct(">iiiibii")  # and session id, session epoch
_HEAD_V15 = struct.Struct(">iiibii")  # without the replica id
_PARTITION_V4 = struct.Struct(">iqi")  # partition, offset, max bytes
_PARTITION_V5 = struct.Struct(">iqqi")  # and log start offset
_PARTITION_V9 = struct.Struct(">iiqqi")  # and current leader epoch
_PARTITION_V12 = struct.Struct(">iiqiqi")  # and last fetched epoch
_PARTITION_V12_BYTES = _PARTITION_V12.size
_read_partition_v12 = _PARTITION_V12.unpack_from
# One partition of the response up to its records.
_pack_v4 = struct.Struct(">ihqqi").pack
_pack_v5 = struct.Struct(">ihqqqi").pack
_pack_v11 = struct.Struct(">ihqqqii").pack
_pack_v12 = struct.Struct(">ihqqqBi").pack
_pack_offsets = struct.Struct(">ihqq").pack
_pack_aborted = struct.Struct(">qq").pack
_pack_int64 = struct.Struct(">q").pack
_pack_int32 = struct.Struct(">i").pack
_pack_head = struct.Struct(">ihi").pack
_new_tuple = tuple.__new__  # what the constructor of a named tuple calls, without the call in between


class PartitionRequest(NamedTuple):
    """What is asked of one partition."""

    partition: int
    leader_epoch: int
    offset: int
    bytes_max: int


class FetchRequest(NamedTuple):
    """A Fetch request without what only replicas use."""

    wait_ms_max: int
    bytes_min: int
    bytes_max: int
    isolation_level: int
    session_id: int
    session_epoch: int
    topics: list[tuple[bytes, list[PartitionRequest]]]


class PartitionResult(NamedTuple):
    """What one partition answers."""

    error: int
    high_watermark: int
    last_stable_offset: int
    log_start_offset: int
    records: LogSlice
    aborted: Sequence[tuple[int, int]] = ()
    """(producer id, first offset) of aborted transactions among `records`."""


class Found(NamedTuple):
    """What all partitions answer."""

    results: list[PartitionResult]
    logs: list[PartitionLog]
    bytes_found: int
    is_final: bool
    """Waiting would not help: there is an error, or more data than the limits let through."""


def handle(context: RequestContext, body: memoryview) -> bytes | SlicedBody | Deferred:
    """Answer at once when there is enough to say, else park."""
    version = context.version
    try:
        request = _parse(body, version)
    except (struct.error, IndexError) as error:
        raise MalformedMessage(f"Fetch version {version}: {error}") from None
    if request.session_id != 0 and request.session_epoch not in FULL_FETCH_EPOCHS:
        return _encode_error(version, ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    broker = context.broker
    found = _find(broker, context, request)
    if found.bytes_found >= request.bytes_min or found.is_final or request.wait_ms_max <= 0 or not found.results:
        return _encode(context, request, found)
    deferred = Deferred()
    _park(broker, context, request, found, deferred, broker.now_s() + request.wait_ms_max / 1000)
    return deferred


def _park(
    broker: Broker, context: RequestContext, request: FetchRequest, found: Found, deferred: Deferred, deadline_s: float
) -> None:
    committed_only = request.isolation_level == READ_COMMITTED

    def answer() -> None:
        if deferred.cancelled:
            return
        now_found = _find(broker, context, request)
        is_enough = now_found.bytes_found >= request.bytes_min or now_found.is_final or not committed_only
        if is_enough or broker.now_s() >= deadline_s:
            deferred.complete(_encode(context, request, now_found))
        else:  # a transaction has ended, but not enough became visible by that
            _park(broker, context, request, now_found, deferred, deadline_s)

    waiter = broker.waiters.park(
        found.logs, request.bytes_min - found.bytes_found, deadline_s, answer, committed_only=committed_only
    )
    deferred.on_cancel = lambda: broker.waiters.cancel(waiter)


# --- reading -------------------------------------------------------------------------------------------------------


def _find(broker: Broker, context: RequestContext, request: FetchRequest) -> Found:
    """Read every partition, in rotated order, within the limits; results are in the order of the request."""
    asked = _asked(broker, context, request)
    count = len(asked)
    first = context.connection.fetch_start % count if count else 0
    context.connection.fetch_start = 0
    left = min(request.bytes_max, broker.config.fetch_max_bytes)
    committed_only = request.isolation_level == READ_COMMITTED
    found, is_final = 0, False
    results: list[PartitionResult] = [_NOTHING] * count
    for step in range(count):
        slot = first + step if first + step < count else first + step - count
        log, row, error = asked[slot]
        if log is None:
            result = PartitionResult(error, NO_OFFSET, NO_OFFSET, NO_OFFSET, EMPTY_SLICE)
        elif row.offset == log.high_watermark and row.leader_epoch in (NO_EPOCH, log.leader_epoch):
            # Read up to its end, as most of many partitions are: there is nothing to look up.
            facts = (NO_ERROR, row.offset, log.last_stable_offset, log.log_start_offset, EMPTY_SLICE, ())
            results[slot] = _new_tuple(PartitionResult, facts)
            continue
        else:
            result = _read(log, row, left - found, committed_only=committed_only, at_least_one=found == 0)
        results[slot] = result
        length = result.records.length
        if length:
            if result.records.next_offset != (result.last_stable_offset if committed_only else result.high_watermark):
                is_final = True
            found += length
            if found >= left:
                context.connection.fetch_start = slot + 1
        elif result.error:
            is_final = True
    return Found(results, [log for log, _, _ in asked if log is not None], found, is_final)


def _asked(
    broker: Broker, context: RequestContext, request: FetchRequest
) -> list[tuple[PartitionLog | None, PartitionRequest, int]]:
    """Each partition that is asked for: its log, or None and the error."""
    by_id = context.version >= TOPIC_IDS_FROM
    is_open = not broker.security.authorizer.enabled
    asked: list[tuple[PartitionLog | None, PartitionRequest, int]] = []
    for name, rows in request.topics:
        topic = broker.topic_by_wire_id(name) if by_id else broker.topic_by_wire_name(name)
        missing = ErrorCode.UNKNOWN_TOPIC_ID if by_id and topic is None else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        logs = topic.partitions if topic is not None else ()
        if not is_open and not _may_read(context, topic, name):
            logs, missing = (), ErrorCode.TOPIC_AUTHORIZATION_FAILED
        for row in rows:
            if 0 <= row.partition < len(logs):
                asked.append((logs[row.partition], row, NO_ERROR))
            else:
                asked.append((None, row, missing))
    return asked


def _may_read(context: RequestContext, topic: Topic | None, wire_name: bytes) -> bool:
    """Whether access rules let the client read the topic; an id that names none is no secret."""
    if topic is not None:
        return context.allows(Operation.READ, Resource.TOPIC, topic.name)
    by_id = context.version >= TOPIC_IDS_FROM
    return by_id or context.allows(Operation.READ, Resource.TOPIC, wire_name.decode("utf-8", "replace"))


_NOTHING = PartitionResult(ErrorCode.NONE, NO_OFFSET, NO_OFFSET, NO_OFFSET, EMPTY_SLICE)


def _read(
    log: PartitionLog, row: PartitionRequest, bytes_left: int, *, committed_only: bool, at_least_one: bool
) -> PartitionResult:
    high_watermark, stable = log.high_watermark, log.last_stable_offset
    if row.leader_epoch != NO_EPOCH and (error := leader_epoch_error(row.leader_epoch, log.leader_epoch)):
        return PartitionResult(error, NO_OFFSET, NO_OFFSET, NO_OFFSET, EMPTY_SLICE)
    limit = stable if committed_only else high_watermark
    bytes_max = row.bytes_max if row.bytes_max < bytes_left else bytes_left
    try:
        if bytes_max <= 0 and not at_least_one:
            records = EMPTY_SLICE
        else:
            records = log.read(row.offset, max(0, bytes_max), limit_offset=limit, at_least_one=at_least_one)
        if committed_only and records.length:
            end = records.next_offset if records.next_offset >= 0 else limit
            aborted = log.aborted_transactions(row.offset, end)
            return PartitionResult(ErrorCode.NONE, high_watermark, stable, log.log_start_offset, records, aborted)
    except StorageError as error:
        if error.fault != "client":
            logger.error("fetch from %s-%d: %s", log.topic, log.partition, error)
        return PartitionResult(error.error_code, NO_OFFSET, NO_OFFSET, NO_OFFSET, EMPTY_SLICE)
    return _new_tuple(PartitionResult, (NO_ERROR, high_watermark, stable, log.log_start_offset, records, ()))


# --- parsing -------------------------------------------------------------------------------------------------------


def _parse(body: memoryview, version: int) -> FetchRequest:
    """Raises MalformedMessage, struct.error or IndexError. What follows the topics is of no use here."""
    session_id, session_epoch = 0, -1
    if version >= REPLICA_STATE_FROM:
        wait, bytes_min, bytes_max, isolation, session_id, session_epoch = _HEAD_V15.unpack_from(body)
        position = _HEAD_V15.size
    elif version >= 7:
        _, wait, bytes_min, bytes_max, isolation, session_id, session_epoch = _HEAD_V7.unpack_from(body)
        position = _HEAD_V7.size
    else:
        _, wait, bytes_min, bytes_max, isolation = _HEAD_V4.unpack_from(body)
        position = _HEAD_V4.size
    parse_topics = _parse_flexible if version >= FLEXIBLE_FROM else _parse_classic
    topics = parse_topics(body, position, version)
    return _new_tuple(FetchRequest, (wait, bytes_min, bytes_max, isolation, session_id, session_epoch, topics))


def _parse_classic(body: memoryview, position: int, version: int) -> list[tuple[bytes, list[PartitionRequest]]]:
    layout = _PARTITION_V9 if version >= 9 else _PARTITION_V5 if version >= 5 else _PARTITION_V4
    topic_count, position = _count(body, position, 6)
    topics = []
    for _ in range(topic_count):
        (length,) = _read_int16(body, position)
        name_end = position + 2 + length
        if length < 0 or name_end > len(body):
            raise MalformedMessage(f"a topic name of {length} bytes does not fit into the request")
        name = bytes(body[position + 2 : name_end])
        partition_count, position = _count(body, name_end, layout.size)
        rows = []
        for _ in range(partition_count):
            fields = layout.unpack_from(body, position)
            position += layout.size
            epoch, offset = (fields[1], fields[2]) if version >= 9 else (NO_EPOCH, fields[1])
            rows.append(PartitionRequest(fields[0], epoch, offset, fields[-1]))
        topics.append((name, rows))
    return topics


def _parse_flexible(body: memoryview, position: int, version: int) -> list[tuple[bytes, list[PartitionRequest]]]:
    topic_count, position = _compact_count(body, position, 3)
    topics = []
    for _ in range(topic_count):
        length = 16
        if version < TOPIC_IDS_FROM:
            length, position = read_unsigned_varint(body, position)
            length -= 1
        name_end = position + length
        if length < 0 or name_end > len(body):
            raise MalformedMessage(f"a topic name of {length} bytes does not fit into the request")
        name = bytes(body[position:name_end])
        partition_count, position = _compact_count(body, name_end, _PARTITION_V12.size + 1)
        rows = []
        for _ in range(partition_count):
            partition, epoch, offset, _, _, bytes_max = _read_partition_v12(body, position)
            position += _PARTITION_V12_BYTES
            position = position + 1 if body[position] == 0 else skip_tags(body, position)
            rows.append(_new_tuple(PartitionRequest, (partition, epoch, offset, bytes_max)))
        topics.append((name, rows))
        position = skip_tags(body, position)
    return topics


def _count(body: memoryview, position: int, element_bytes_min: int) -> tuple[int, int]:
    (count,) = _read_int32(body, position)
    if count < 0 or count * element_bytes_min > len(body) - position - 4:
        raise MalformedMessage(f"an array of {count} elements does not fit into the request")
    return count, position + 4


def _compact_count(body: memoryview, position: int, element_bytes_min: int) -> tuple[int, int]:
    count, position = read_unsigned_varint(body, position)
    count -= 1
    if count < 0 or count * element_bytes_min > len(body) - position:
        raise MalformedMessage(f"an array of {count} elements does not fit into the request")
    return count, position


# --- encoding ------------------------------------------------------------------------------------------------------


class _Parts:
    """Bytes and file ranges of one body, in order."""

    __slots__ = ("_parts", "_size", "out")

    def __init__(self) -> None:
        self.out = bytearray()
        self._parts: list[bytes | bytearray | LogSlice] = []
        self._size = 0

    def add_slice(self, records: LogSlice) -> None:
        out = self.out
        self._parts += (out, records)
        self._size += len(out) + records.length
        self.out = bytearray()

    def finish(self) -> bytes | SlicedBody:
        """The body; plain bytes where no records are in it."""
        if not self._parts:
            return bytes(self.out)
        if self.out:
            self._parts.append(self.out)
        return SlicedBody(self._parts, self._size + len(self.out))


def _encode(context: RequestContext, request: FetchRequest, found: Found) -> bytes | SlicedBody:
    version = context.version
    throttle_ms = context.throttle_ms(FETCH, found.bytes_found)
    flexible = version >= FLEXIBLE_FROM
    parts = _Parts()
    # Throttle time; from version 7 on also the error and the session id 0, "no session".
    parts.out += _pack_head(throttle_ms, NO_ERROR, 0) if version >= 7 else _pack_int32(throttle_ms)
    _write_count(parts.out, len(request.topics), flexible)
    slot = 0
    for name, rows in request.topics:
        if version < TOPIC_IDS_FROM:
            if flexible:
                write_unsigned_varint(parts.out, len(name) + 1)
            else:
                parts.out += len(name).to_bytes(2, "big")
        parts.out += name
        _write_count(parts.out, len(rows), flexible)
        for row in rows:
            _write_partition(parts, version, row.partition, found.results[slot], request.isolation_level)
            slot += 1
        if flexible:
            parts.out.append(0)
    if flexible:
        parts.out.append(0)
    return parts.finish()


def _write_count(out: bytearray, count: int, flexible: bool) -> None:
    if not flexible:
        out += _pack_int32(count)
    elif count < 0x7F:
        out.append(count + 1)
    else:
        write_unsigned_varint(out, count + 1)


def _write_partition(parts: _Parts, version: int, partition: int, result: PartitionResult, isolation: int) -> None:
    error, high_watermark, stable, start, records, aborted_rows = result
    if aborted_rows:
        _write_with_aborted(parts, version, partition, result)
        return
    # Aborted transactions: null for who does not ask for committed records only, else empty.
    aborted = 0 if isolation == READ_COMMITTED else -1
    out = parts.out
    if version >= FLEXIBLE_FROM:
        out += _pack_v12(partition, error, high_watermark, stable, start, aborted + 1, -1)
        _write_count(out, records.length, True)
    else:
        if version >= 11:
            out += _pack_v11(partition, error, high_watermark, stable, start, aborted, -1)
        elif version >= 5:
            out += _pack_v5(partition, error, high_watermark, stable, start, aborted)
        else:
            out += _pack_v4(partition, error, high_watermark, stable, aborted)
        out += _pack_int32(records.length)
    if records.length:
        parts.add_slice(records)
    if version >= FLEXIBLE_FROM:
        parts.out.append(0)


def _write_with_aborted(parts: _Parts, version: int, partition: int, result: PartitionResult) -> None:
    """The same with aborted transactions, whose number makes the width vary."""
    error, high_watermark, stable, start, records, aborted = result
    flexible = version >= FLEXIBLE_FROM
    out = parts.out
    out += _pack_offsets(partition, error, high_watermark, stable)
    if version >= 5:
        out += _pack_int64(start)
    _write_count(out, len(aborted), flexible)
    for producer_id, first_offset in aborted:
        out += _pack_aborted(producer_id, first_offset)
        if flexible:
            out.append(0)
    if version >= 11:
        out += _pack_int32(-1)  # no preferred read replica
    if flexible:
        write_unsigned_varint(out, records.length + 1)
    else:
        out += _pack_int32(records.length)
    parts.add_slice(records)
    if flexible:
        parts.out.append(0)


def _encode_error(version: int, error: int) -> SlicedBody:
    """A response that is an error as a whole; versions before 7 cannot say it and never get here."""
    empty = b"\x01\0" if version >= FLEXIBLE_FROM else b"\0\0\0\0"
    body = _pack_head(0, error, 0) + empty
    return SlicedBody([body], len(body))


API = Api(1, "Fetch", 4, 18, None, handle)
