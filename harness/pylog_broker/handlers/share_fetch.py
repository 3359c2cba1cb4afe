"""ShareFetch (KIP-932), versions 1 and 2: 2 limits records exactly (KIP-1206) and renews locks (KIP-1222).

Hands out records of the partitions in the member's share session, each under a lock; see the package `share`. Whole
batches are sent, as ranges of segment files, and the answer says which of their records were acquired. What the
request acknowledges is taken over first. The session's partitions take turns in being first; the first that has data gives
at least one batch whatever the limits. A fetch that acquires nothing waits up to `max_wait_ms` for something to be
appended, released or unlocked. Markers of transactions and offsets without a record are passed over, so that clients need
not report them.
"""

from __future__ import annotations

import logging
import struct
from typing import NamedTuple
from uuid import UUID

from harness.pylog_broker.handlers.api import Api, Deferred, RequestContext, SlicedBody
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.share_fetch import ShareFetchRequest
from harness.pylog_broker.protocol.primitives import write_compact_string, write_unsigned_varint
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.security.quotas import FETCH
from harness.pylog_broker.share.partition import Limits
from harness.pylog_broker.share.requests import acknowledge_all, acknowledgements, refuse_partition
from harness.pylog_broker.share.service import FINE, NOTHING_FOUND, Found, Said
from harness.pylog_broker.share.sessions import FINAL_EPOCH, INITIAL_EPOCH, SessionKey, ShareSession, TopicPartition
from harness.pylog_broker.share.state_records import Key
from harness.pylog_broker.storage.errors import StorageError
from harness.pylog_broker.storage.log import LogSlice

logger = logging.getLogger(__name__)

RECORD_LIMIT = 1
"""The acquire mode in which `max_records` holds exactly."""

_pack_head = struct.Struct(">ih").pack
_pack_int32 = struct.Struct(">i").pack
_pack_partition = struct.Struct(">ih").pack
_pack_int16 = struct.Struct(">h").pack
_pack_acquired = struct.Struct(">qqhB").pack
_NO_LEADER = struct.Struct(">iiB").pack(0, 0, 0)


class Row(NamedTuple):
    """What one partition answers."""

    error: Said = FINE
    acknowledged: Said = FINE
    found: Found = NOTHING_FOUND


class Fetch:
    """One request, from its session to its answer."""

    def __init__(
        self,
        context: RequestContext,
        request: ShareFetchRequest,
        session: ShareSession,
        acknowledged: dict[TopicPartition, Said],
    ) -> None:
        self.context = context
        self.request = request
        self.session = session
        self.acknowledged = acknowledged
        self.deferred: Deferred | None = None
        self.deadline_s = context.broker.now_s() + request.max_wait_ms / 1000

    def attempt(self) -> bytes | SlicedBody | None:
        """Answer if there is something to say or the time is up; None: wait on."""
        request, share = self.request, self.context.broker.share
        is_late = request.max_wait_ms <= 0 or self.context.broker.now_s() >= self.deadline_s
        rows = {row: refuse_partition(self.context, row) for row in self.session.rotated()}
        sound = [row for row, error in rows.items() if error is ErrorCode.NONE]
        answers = {row: Row(error=(error, None)) for row, error in rows.items() if error is not ErrorCode.NONE}
        keys = [Key(self.session.key.group_id, *row) for row in sound]
        if not share.store.ensure(keys if share.is_group(self.session.key.group_id) else ()):
            answers.update(dict.fromkeys(sound, Row(error=(ErrorCode.KAFKA_STORAGE_ERROR, None))))
        elif is_late or answers or request.min_bytes <= 1 or self._readable(keys) >= request.min_bytes:
            answers.update(self._acquire(keys))
        if answers or is_late or not sound:
            return self.encode(answers)
        return None

    def _readable(self, keys: list[Key]) -> int:
        share = self.context.broker.share
        try:
            return sum(share.readable_bytes(key, self.request.max_bytes) for key in keys)
        except StorageError:
            return self.request.min_bytes  # what is wrong is said by the attempt itself

    def _acquire(self, keys: list[Key]) -> dict[TopicPartition, Row]:
        request, broker = self.request, self.context.broker
        left = min(request.max_bytes, broker.config.fetch_max_bytes)
        room, answers, is_first = request.max_records, dict[TopicPartition, Row](), True
        for key in keys:
            if room <= 0 or (left <= 0 and not is_first):
                break
            limits = Limits(room, max(request.batch_size, 1), request.share_acquire_mode == RECORD_LIMIT, 0)
            try:
                found = broker.share.acquire(
                    key, self.session.key.member_id, limits, max(left, 0), at_least_one=is_first
                )
            except StorageError as error:
                if error.fault != "client":
                    logger.error("share fetch from %s: %s", key.text, error)
                answers[key.topic_id, key.partition] = Row(error=(ErrorCode(error.error_code), None))
                continue
            if found.acquired:
                is_first = False
                left -= found.records.length
                room -= sum(last - first + 1 for first, last, _ in found.acquired)
                answers[key.topic_id, key.partition] = Row(found=found)
        return answers

    def park(self) -> Deferred:
        """Wait for something to fetch."""
        if self.deferred is None:
            self.deferred = Deferred()
        share = self.context.broker.share
        keys = [Key(self.session.key.group_id, *row) for row in self.session.partitions]
        waiter = share.park(keys, 1, self.deadline_s, self._again)
        self.deferred.on_cancel = lambda: share.cancel(keys, waiter)
        return self.deferred

    def _again(self) -> None:
        deferred = self.deferred
        if deferred is None or deferred.cancelled:
            return
        if self.context.broker.share.sessions.get(self.session.key) is not self.session:
            deferred.complete(_failed(ErrorCode.SHARE_SESSION_NOT_FOUND))
            return
        body = self.attempt()
        if body is None:
            self.park()
        else:
            deferred.complete(body)

    def encode(self, answers: dict[TopicPartition, Row]) -> bytes | SlicedBody:
        """The response, with what was acknowledged."""
        if self.request.share_session_epoch == INITIAL_EPOCH:  # the answer that opens a session names all of it
            answers = {row: answers.get(row, Row()) for row in self.session.partitions}
        for row, said in self.acknowledged.items():
            answers[row] = answers.get(row, Row())._replace(acknowledged=said)
        size = sum(answer.found.records.length for answer in answers.values())
        lock_ms = self.context.broker.share.rules(self.session.key.group_id).lock_duration_ms
        return _encode(answers, self.context.throttle_ms(FETCH, size), lock_ms)


def handle(context: RequestContext, request: ShareFetchRequest) -> bytes | SlicedBody | Deferred:
    """Acknowledge, then answer at once when there is something to say, else wait."""
    group_id = request.group_id or ""
    if not context.allows(Operation.READ, Resource.GROUP, group_id):
        return _failed(ErrorCode.GROUP_AUTHORIZATION_FAILED)
    share = context.broker.share
    key = SessionKey(group_id, request.member_id or "")
    said = acknowledgements(request.topics)
    fault = _fault(request, is_saying=bool(said))
    if fault is not None:
        return _failed(ErrorCode.INVALID_REQUEST, fault)
    session = _session(context, request, key)
    if isinstance(session, ErrorCode):
        return _failed(session)
    acknowledged = acknowledge_all(context, key, said, renews=request.is_renew_ack)
    fetch = Fetch(context, request, session, acknowledged)
    if request.share_session_epoch == FINAL_EPOCH:
        share.close_session(key)
        return fetch.encode({})
    body = fetch.attempt()
    return fetch.park() if body is None else body


def _fault(request: ShareFetchRequest, *, is_saying: bool) -> str | None:
    if not request.group_id or not request.member_id:
        return "A group and a member are named."
    if is_saying and request.share_session_epoch == INITIAL_EPOCH:
        return "Nothing can be acknowledged with the request that opens a session."
    if request.is_renew_ack and any((request.max_wait_ms, request.min_bytes, request.max_bytes, request.max_records)):
        return "A request that renews locks fetches nothing: its limits are 0."
    return None


def _session(context: RequestContext, request: ShareFetchRequest, key: SessionKey) -> ShareSession | ErrorCode:
    """The session of a request, made or updated."""
    share = context.broker.share
    session: ShareSession | ErrorCode | None
    if request.share_session_epoch == INITIAL_EPOCH:
        share.close_session(key)
        session = share.sessions.open(key, context.connection_id)
        if session is None:
            return ErrorCode.SHARE_SESSION_LIMIT_REACHED
        context.connection.on_close = lambda: share.connection_closed(context.connection_id)
    else:
        session = share.sessions.find(key, request.share_session_epoch)
        if isinstance(session, ErrorCode) or request.share_session_epoch == FINAL_EPOCH:
            return session
    added = [(topic.topic_id, row.partition_index) for topic in request.topics for row in topic.partitions]
    gone = [(topic.topic_id, number) for topic in request.forgotten_topics_data for number in topic.partitions]
    if not share.sessions.update(session, added, gone):
        if request.share_session_epoch == INITIAL_EPOCH:
            share.sessions.close(key)
        return ErrorCode.SHARE_SESSION_LIMIT_REACHED
    if request.share_session_epoch != INITIAL_EPOCH:
        session.advance()
    return session


# --- encoding ------------------------------------------------------------------------------------------------------


def _failed(error: ErrorCode, message: str | None = None) -> bytes:
    out = bytearray(_pack_head(0, error))
    write_compact_string(out, message)
    out += _pack_int32(0)
    out += b"\1\1\0"  # no topics, no endpoints, no tags
    return bytes(out)


def _encode(answers: dict[TopicPartition, Row], throttle_ms: int, lock_ms: int) -> bytes | SlicedBody:
    by_topic: dict[UUID, list[tuple[int, Row]]] = {}
    for (topic_id, partition), row in answers.items():
        by_topic.setdefault(topic_id, []).append((partition, row))
    parts: list[bytes | bytearray | LogSlice] = []
    out = bytearray(_pack_head(throttle_ms, ErrorCode.NONE))
    write_compact_string(out, None)
    out += _pack_int32(lock_ms)
    write_unsigned_varint(out, len(by_topic) + 1)
    for topic_id, rows in by_topic.items():
        out += topic_id.bytes
        write_unsigned_varint(out, len(rows) + 1)
        for partition, row in rows:
            _write_head(out, partition, row)
            if row.found.records.length:
                parts += (out, row.found.records)
                out = bytearray()
            _write_acquired(out, row.found)
        out.append(0)
    out += b"\1\0"  # no endpoints, no tags
    if not parts:
        return bytes(out)
    parts.append(out)
    return SlicedBody(parts, sum(part.length if isinstance(part, LogSlice) else len(part) for part in parts))


def _write_head(out: bytearray, partition: int, row: Row) -> None:
    out += _pack_partition(partition, row.error[0])
    write_compact_string(out, row.error[1])
    out += _pack_int16(row.acknowledged[0])
    write_compact_string(out, row.acknowledged[1])
    out += _NO_LEADER
    write_unsigned_varint(out, row.found.records.length + 1)


def _write_acquired(out: bytearray, found: Found) -> None:
    write_unsigned_varint(out, len(found.acquired) + 1)
    for first, last, count in found.acquired:
        out += _pack_acquired(first, last, count, 0)
    out.append(0)


API = Api(78, "ShareFetch", 1, 2, ShareFetchRequest, handle)
