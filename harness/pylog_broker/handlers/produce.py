"""Produce (key 0), versions 3 to 13; advertised from 0.

Version 0 is advertised because older librdkafka otherwise takes the broker for one that cannot decompress and turns
compression off (KAFKA-18659); versions 0 to 2 themselves carry older message formats and are refused. From version 13
topics are named by id (KIP-516). Parsed by hand: records are never copied out of the request's frame. Each partition's
batch is checked (one batch, format v2, CRC-32C), stamped with offset and leader epoch in place, and appended by one
write. Nothing is appended before the whole request has been parsed.

Where the topic asks for a sync (`flush.messages`), the answer waits for it in line, and the records are not visible before.

acks=0 has no response; an error closes the connection, which is the only sign the client can get. acks=all asks for
`min.insync.replicas`, of which one node is one.

A transactional batch (KIP-98) goes to a partition that is in the producer's transaction; version 12 and later add the
partition themselves (KIP-890). Otherwise it is INVALID_TXN_STATE, in version 11 TRANSACTION_ABORTABLE. A stale epoch is
INVALID_PRODUCER_EPOCH. Without a transactional id in the request it is TRANSACTIONAL_ID_AUTHORIZATION_FAILED, as in Kafka.
"""

from __future__ import annotations

import logging
import struct
from typing import TYPE_CHECKING, NamedTuple

from harness.pylog_broker.handlers.api import Api, CloseConnection, InLine, RequestContext
from harness.pylog_broker.handlers.produce_wire import (
    FLEXIBLE_FROM,
    TOPIC_IDS_FROM,
    Outcome,
    Partitions,
    Refusal,
    Topics,
    array,
    encode,
    encode_partition,
    parse,
)
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.primitives import MalformedMessage, read_unsigned_varint
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.security.quotas import PRODUCE
from harness.pylog_broker.storage.batch import CODEC_MASK, TRANSACTIONAL_BIT, verify_produced
from harness.pylog_broker.storage.errors import RejectedRecords, StorageError, StorageFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.pylog_broker.broker import Broker
    from harness.pylog_broker.storage.batch import BatchHeader
    from harness.pylog_broker.storage.log import PartitionLog

logger = logging.getLogger(__name__)

ZSTD, ZSTD_FROM = 4, 7
CODEC_LAST = 4
ABORTABLE_FROM, IMPLICIT_FROM = 11, 12
NO_ERROR = int(ErrorCode.NONE)  # a plain number is found and packed faster than a member

_read_int32 = struct.Struct(">i").unpack_from
_read_two_int32 = struct.Struct(">ii").unpack_from
_pack_int16 = struct.Struct(">h").pack


class ProduceLane(NamedTuple):
    """What all requests of a producer to one topic have in common, if each carries one partition.

    Such requests differ in partition and records only. The head is recognised by one comparison instead of being
    parsed, and the response's head is there already; this halves the work for small requests.
    """

    version: int
    image_version: int
    head: bytes
    """The request from its beginning up to the partition's index."""
    tail: bytes
    """What follows the records."""
    acks: int
    transactional_id: str | None
    logs: list[PartitionLog]
    response_head: bytes
    response_tail: bytes


def handle(context: RequestContext, body: memoryview) -> bytes | InLine | None:
    """Append what can be appended; one outcome for each partition, in the order of the request."""
    lane = context.connection.produce_lane
    if lane is not None and not context.broker.security.restricts:
        head = lane.head
        size = len(head)
        if (
            body[:size].tobytes() == head
            and lane.version == context.version
            and lane.image_version == context.broker.catalog.image_version
        ):
            single = _single_partition(lane, body, size)
            if single is not None:
                return _handle_single(context.broker, lane, *single)
    return _handle_any(context, body)


def _single_partition(lane: ProduceLane, body: memoryview, position: int) -> tuple[int, memoryview] | None:
    """Partition and records of a request with a known head; None where anything is unusual."""
    try:
        if lane.version >= FLEXIBLE_FROM:
            (partition,) = _read_int32(body, position)
            length, position = read_unsigned_varint(body, position + 4)
            length -= 1
        else:
            partition, length = _read_two_int32(body, position)
            position += 8
    except (struct.error, MalformedMessage):
        return None
    end, tail = position + length, lane.tail
    if end + len(tail) != len(body) or body[end:].tobytes() != tail or not 0 <= partition < len(lane.logs):
        return None
    return partition, body[position:end]


def _handle_single(broker: Broker, lane: ProduceLane, partition: int, records: memoryview) -> bytes | InLine | None:
    log = lane.logs[partition]
    outcome = _append(broker, log, lane.version, lane.acks, broker.now_ms(), records, lane.transactional_id)
    if lane.acks == 0:
        _close_on_error(outcome)
        return None
    if log.awaited_offset > outcome[1] > -1:  # in this order: one comparison where no sync is asked for
        return _single_in_line(broker, lane, partition, outcome)
    return lane.response_head + encode_partition(lane.version, partition, outcome) + lane.response_tail


def _single_in_line(broker: Broker, lane: ProduceLane, partition: int, outcome: Outcome) -> InLine:
    log = lane.logs[partition]

    def encoded() -> bytes:
        row = encode_partition(lane.version, partition, _once_synced(outcome, log))
        return lane.response_head + row + lane.response_tail

    return _in_line(broker, [log], encoded)


def _new_lane(
    context: RequestContext,
    body: memoryview,
    acks: int,
    transactional_id: str | None,
    name: memoryview,
    records: memoryview,
) -> ProduceLane | None:
    """The lane of a request that has just been parsed and carries one partition; None where it is unusual."""
    version, broker = context.version, context.broker
    find = broker.topic_by_wire_id if version >= TOPIC_IDS_FROM else broker.topic_by_wire_name
    topic = find(bytes(name))
    if topic is None or topic.internal:
        return None
    flexible = version >= FLEXIBLE_FROM
    tail = b"\0\0\0" if flexible else b""  # no tags: of the partition, the topic, the request
    name_head = b"" if version >= TOPIC_IDS_FROM else array(len(name), True) if flexible else _pack_int16(len(name))
    counts = 2 if flexible else 8
    head_end = _id_bytes(transactional_id, flexible) + 6 + counts + len(name_head) + len(name)
    length_bytes = len(array(len(records), True)) if flexible else 4
    if len(body) != head_end + 4 + length_bytes + len(records) + len(tail):
        return None  # tagged fields, or a varint longer than it need be
    one = array(1, flexible)
    return ProduceLane(
        version,
        broker.catalog.image_version,
        bytes(body[:head_end]),
        tail,
        acks,
        transactional_id,
        topic.partitions,
        b"".join((one, name_head, name, one)),
        b"\0\0\0\0\0\0" if flexible else b"\0\0\0\0",  # no tags of the topic, throttle time, no tags
    )


def _id_bytes(transactional_id: str | None, flexible: bool) -> int:
    """What a transactional id takes in the request, its length included."""
    if transactional_id is None:
        return 1 if flexible else 2
    size = len(transactional_id.encode())
    return size + (len(array(size, True)) if flexible else 2)


def _handle_any(context: RequestContext, body: memoryview) -> bytes | InLine | None:
    """Parse and answer a request of any shape."""
    version = context.version
    try:
        acks, transactional_id, topics = parse(body, version)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise MalformedMessage(f"Produce version {version}: {error}") from None
    broker = context.broker
    if not -1 <= acks <= 1:
        outcomes = [[_failure(ErrorCode.INVALID_REQUIRED_ACKS)] * len(partitions) for _, partitions in topics]
    else:
        now_ms = broker.now_ms()
        outcomes = [_append_topic(context, acks, now_ms, name, rows, transactional_id) for name, rows in topics]
        if len(topics) == 1 and len(topics[0][1]) == 1:
            ((name, ((_, records),)),) = topics
            context.connection.produce_lane = _new_lane(context, body, acks, transactional_id, name, records)
    throttle_ms = context.throttle_ms(PRODUCE, len(body))
    if acks != 0:
        return _answer(context, topics, outcomes, throttle_ms)
    for topic_outcomes in outcomes:
        for outcome in topic_outcomes:
            _close_on_error(outcome)
    return None


def _answer(context: RequestContext, topics: Topics, outcomes: list[list[Outcome]], throttle_ms: int) -> bytes | InLine:
    """The response, at once or when the syncs that it waits for are done."""
    version, broker = context.version, context.broker
    commits = broker.commits
    awaited = _awaited(broker, version, topics, outcomes) if commits.waiting or commits.under_way else None
    if not awaited:
        return encode(version, topics, outcomes, throttle_ms)
    kept: Topics = [(memoryview(bytes(name)), [(number, name[:0]) for number, _ in rows]) for name, rows in topics]

    def encoded() -> bytes:
        synced = [
            [
                _once_synced(outcome, awaited[place]) if (place := (which, number)) in awaited else outcome
                for number, outcome in enumerate(rows)
            ]
            for which, rows in enumerate(outcomes)
        ]
        return encode(version, kept, synced, throttle_ms)

    return _in_line(broker, list(dict.fromkeys(awaited.values())), encoded)


def _awaited(
    broker: Broker, version: int, topics: Topics, outcomes: list[list[Outcome]]
) -> dict[tuple[int, int], PartitionLog]:
    """The logs whose sync an outcome waits for, by place in the request."""
    find = broker.topic_by_wire_id if version >= TOPIC_IDS_FROM else broker.topic_by_wire_name
    awaited: dict[tuple[int, int], PartitionLog] = {}
    for which, ((name, rows), topic_outcomes) in enumerate(zip(topics, outcomes, strict=True)):
        for number, ((partition, _), outcome) in enumerate(zip(rows, topic_outcomes, strict=True)):
            if outcome[1] >= 0:
                topic = find(bytes(name))
                if topic is not None and outcome[1] < topic.partitions[partition].awaited_offset:
                    awaited[which, number] = topic.partitions[partition]
    return awaited


def _in_line(broker: Broker, logs: list[PartitionLog], encoded: Callable[[], bytes]) -> InLine:
    """A response that is there when the syncs of `logs` are done."""
    response = InLine()
    left = len(logs)

    def one_done() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            response.complete(encoded())

    for log in logs:
        broker.commits.wait(log, one_done)
    return response


def _once_synced(outcome: Outcome, log: PartitionLog) -> Outcome:
    return outcome if log.failure is None else _failure(StorageFailed.error_code)


def _close_on_error(outcome: Outcome) -> None:
    """Without a response, the end of the connection is the only sign of an error."""
    if outcome[0] != NO_ERROR:
        reason = f"{ErrorCode(outcome[0]).name} {outcome[4] or ''}"
        raise CloseConnection(f"a produce request with acks=0 failed: {reason}")


def _failure(error: int, message: str | Refusal | None = None) -> Outcome:
    return error, -1, -1, -1, message


# --- appending -----------------------------------------------------------------------------------------------------


def _append_topic(
    context: RequestContext,
    acks: int,
    now_ms: int,
    name: memoryview,
    rows: Partitions,
    transactional_id: str | None,
) -> list[Outcome]:
    broker, version = context.broker, context.version
    if version >= TOPIC_IDS_FROM:
        topic = broker.topic_by_wire_id(bytes(name))
        missing = _failure(ErrorCode.UNKNOWN_TOPIC_ID)
    else:
        topic = broker.topic_by_wire_name(bytes(name))
        missing = _failure(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    topic_name = topic.name if topic is not None else str(name, "utf-8", "replace") if version < TOPIC_IDS_FROM else ""
    if not context.allows(Operation.WRITE, Resource.TOPIC, topic_name):
        refused = (
            missing if version >= TOPIC_IDS_FROM and topic is None else _failure(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        )
        return [refused] * len(rows)
    if transactional_id and not context.allows(Operation.WRITE, Resource.TRANSACTIONAL_ID, transactional_id):
        return [_failure(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)] * len(rows)
    if topic is None:
        return [missing] * len(rows)
    if topic.internal:
        return [_failure(ErrorCode.INVALID_TOPIC_EXCEPTION, "internal topics are written by the broker")] * len(rows)
    logs = topic.partitions
    outcomes = []
    for partition, records in rows:
        if 0 <= partition < len(logs):
            outcomes.append(_append(broker, logs[partition], version, acks, now_ms, records, transactional_id))
        else:
            outcomes.append(_failure(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION))
    return outcomes


def _append(
    broker: Broker,
    log: PartitionLog,
    version: int,
    acks: int,
    now_ms: int,
    records: memoryview,
    transactional_id: str | None,
) -> Outcome:
    if acks == -1 and log.config.min_insync_replicas > 1:
        return _failure(ErrorCode.NOT_ENOUGH_REPLICAS)
    try:
        header = verify_produced(records)
        attributes = header.attributes
        if attributes & TRANSACTIONAL_BIT and not (
            transactional_id and log.producers.is_in_transaction(header.producer_id, header.producer_epoch)
        ):
            error = _admit(broker, log, version, header, transactional_id)
            if error:
                return _failure(error)
        codec = attributes & CODEC_MASK
        if codec > CODEC_LAST or (codec == ZSTD and version < ZSTD_FROM):
            return _failure(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
        if log.opens_batches:
            prepared, header = log.prepare(records, header)
            result = log.append(prepared, header, now_ms=now_ms, deferred=True)
        else:
            result = log.append(records, header, now_ms=now_ms, deferred=True)
    except StorageFailed as error:
        logger.error("append to %s-%d: %s", log.topic, log.partition, error)
        return _failure(error.error_code, None)
    except StorageError as error:
        return _failure(error.error_code, _reason(error))
    if not result.duplicate:
        if log.awaited_offset >= 0:
            broker.commits.appended(log, header.length)
            if log.failure is not None:
                return _failure(StorageFailed.error_code)
        elif log in broker.waiters.by_log:
            broker.waiters.appended(log, header.length)
    return NO_ERROR, result.base_offset, result.log_append_time_ms, result.log_start_offset, None


def _reason(error: StorageError) -> str | Refusal:
    if isinstance(error, RejectedRecords) and error.records:
        return Refusal(str(error), error.records)
    return str(error)


def _admit(broker: Broker, log: PartitionLog, version: int, header: BatchHeader, transactional_id: str | None) -> int:
    """Say whether the producer's transaction holds this partition, by now: an error code, or 0."""
    if not transactional_id or header.producer_id < 0:
        return ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    from harness.pylog_broker.transactions.transaction import EPOCH_BUMP_FROM, ProducerIdentity

    partition = (log.topic, log.partition)
    identity = ProducerIdentity(header.producer_id, header.producer_epoch)
    if version >= IMPLICIT_FROM:
        error: ErrorCode = broker.transactions.add_partitions(
            transactional_id, identity, [partition], client_version=EPOCH_BUMP_FROM
        )
    else:
        error = broker.transactions.coordinator.verify_partition(transactional_id, identity, partition)
    if error is ErrorCode.PRODUCER_FENCED:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    if error is ErrorCode.INVALID_TXN_STATE and version >= ABORTABLE_FROM:
        return ErrorCode.TRANSACTION_ABORTABLE
    if error in (ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.CONCURRENT_TRANSACTIONS) and version < IMPLICIT_FROM:
        return ErrorCode.NOT_ENOUGH_REPLICAS  # what an older client takes as a reason to try again
    return error


API = Api(0, "Produce", 3, 13, None, handle)
