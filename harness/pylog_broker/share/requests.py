"""What ShareFetch and ShareAcknowledge have in common: acknowledgements in a request, and whether they make sense."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from harness.pylog_broker.handlers.api import RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.security.acl import Operation, Resource
from harness.pylog_broker.share.partition import Acknowledgement, AcknowledgeType
from harness.pylog_broker.share.service import FINE, Said
from harness.pylog_broker.share.sessions import SessionKey, TopicPartition
from harness.pylog_broker.share.state_records import Key


class BatchRow(Protocol):
    """An acknowledgement batch of either request."""

    first_offset: int
    last_offset: int
    acknowledge_types: Sequence[int]


class PartitionRow(Protocol):
    """A partition of either request."""

    @property
    def partition_index(self) -> int: ...

    @property
    def acknowledgement_batches(self) -> Sequence[BatchRow]: ...


class TopicRow(Protocol):
    """A topic of either request."""

    @property
    def topic_id(self) -> UUID: ...

    @property
    def partitions(self) -> Sequence[PartitionRow]: ...


def acknowledgements(topics: Sequence[TopicRow]) -> dict[TopicPartition, list[Acknowledgement]]:
    """What a request says of which partition; those that it says nothing of are left out."""
    return {
        (topic.topic_id, row.partition_index): [
            Acknowledgement(batch.first_offset, batch.last_offset, batch.acknowledge_types)
            for batch in row.acknowledgement_batches
        ]
        for topic in topics
        for row in topic.partitions
        if row.acknowledgement_batches
    }


def acknowledge_all(
    context: RequestContext,
    session_key: SessionKey,
    said: Mapping[TopicPartition, Sequence[Acknowledgement]],
    *,
    renews: bool,
) -> dict[TopicPartition, Said]:
    """Take over what a member says; an error, or none, for each partition."""
    return {row: _acknowledge(context, session_key, row, batches, renews=renews) for row, batches in said.items()}


def _acknowledge(
    context: RequestContext,
    session_key: SessionKey,
    row: TopicPartition,
    said: Sequence[Acknowledgement],
    *,
    renews: bool,
) -> Said:
    error = refuse_partition(context, row)
    if error is not ErrorCode.NONE:
        return error, None
    may_renew = renews and context.broker.share.rules(session_key.group_id).may_renew
    if not _is_sound(said, AcknowledgeType.RENEW if may_renew else AcknowledgeType.REJECT):
        return ErrorCode.INVALID_REQUEST, "The acknowledgement batches make no sense."
    return context.broker.share.acknowledge(Key(session_key.group_id, *row), session_key.member_id, said)


def refuse_partition(context: RequestContext, row: TopicPartition) -> ErrorCode:
    """Why a partition cannot be fetched from or acknowledged; NONE when it can."""
    topic = context.broker.catalog.by_id(row[0])
    if topic is None:
        return ErrorCode.UNKNOWN_TOPIC_ID
    if not context.allows(Operation.READ, Resource.TOPIC, topic.name):
        return ErrorCode.TOPIC_AUTHORIZATION_FAILED
    if not 0 <= row[1] < len(topic.partitions):
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return ErrorCode.NONE


def refuse_administration(context: RequestContext, group_id: str, operation: Operation) -> Said:
    """Why an administrator cannot change a group's offsets: only a share group without members can be changed."""
    if not context.allows(operation, Resource.GROUP, group_id):
        return ErrorCode.GROUP_AUTHORIZATION_FAILED, None
    coordinator = context.broker.groups.coordinator
    group = coordinator.share_group(group_id)
    if group is None:
        what = "not found" if coordinator.find(group_id) is None else "is not a share group"
        return ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} {what}."
    if not group.is_empty:
        return ErrorCode.NON_EMPTY_GROUP, f"Group {group_id} has members."
    return FINE


def _is_sound(said: Sequence[Acknowledgement], highest_type: int) -> bool:
    """Whether batches come in order without overlap, with one known type for all or one for each offset."""
    position = -1
    for first, last, types in said:
        if first <= position or last < first or len(types) not in (1, last - first + 1):
            return False
        if any(not 0 <= kind <= highest_type for kind in types):
            return False
        position = last
    return True
