"""OffsetFetch, versions 1 to 10: 2 all offsets of a group, 7 require stable, 8 several groups (KIP-709),
9 member epochs of consumer-protocol groups (KIP-848), 10 topic ids.

A partition without a committed offset answers -1 and no error. Whoever requires stable offsets (version 7, KIP-447) gets
UNSTABLE_OFFSET_COMMIT for a partition whose offset an open transaction may change, and comes again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.pylog_broker.groups.consumer_group import ConsumerGroup
from harness.pylog_broker.groups.records import CommittedOffset
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponseGroupPartition,
    OffsetFetchResponseGroupTopic,
    OffsetFetchResponsePartition,
    OffsetFetchResponseTopic,
)
from harness.pylog_broker.security.acl import Operation, Resource

Offsets = Mapping[int, CommittedOffset]

NOTHING_COMMITTED = CommittedOffset(-1, -1, "", -1)
UNSTABLE = CommittedOffset(-1, -1, "", -1)
"""Stands for an offset that is not to be had now; told from the one above by identity."""
NO_OFFSETS: Offsets = {}


def handle(context: RequestContext, request: OffsetFetchRequest) -> OffsetFetchResponse:
    """Answer for one group up to version 7, for several from version 8 on."""
    if context.version >= 8:
        read = _group_by_id if context.version >= 10 else _group_by_name
        return OffsetFetchResponse(groups=[read(context, group, request.require_stable) for group in request.groups])
    if not context.allows(Operation.DESCRIBE, Resource.GROUP, request.group_id):
        return _refused(request)
    committed = _committed(context, request.group_id, request.require_stable)
    if request.topics is None:
        asked: Iterable[tuple[str, Iterable[int]]] = committed.items()
    else:
        asked = [(topic.name, topic.partition_indexes) for topic in request.topics]
    rows = [
        OffsetFetchResponseTopic(
            name,
            [
                OffsetFetchResponsePartition(*row)
                for row in _rows(committed.get(name, NO_OFFSETS), partitions, _refuse_topic(context, name))
            ],
        )
        for name, partitions in asked
    ]
    return OffsetFetchResponse(topics=rows)


def _refused(request: OffsetFetchRequest) -> OffsetFetchResponse:
    """For a group that the client may not see; version 1 can say so at the partitions only."""
    error = ErrorCode.GROUP_AUTHORIZATION_FAILED
    rows = [
        OffsetFetchResponseTopic(
            topic.name,
            [OffsetFetchResponsePartition(*row) for row in _rows(NO_OFFSETS, topic.partition_indexes, error)],
        )
        for topic in request.topics or ()
    ]
    return OffsetFetchResponse(topics=rows, error_code=error)


def _refuse_topic(context: RequestContext, name: str) -> ErrorCode:
    if context.allows(Operation.DESCRIBE, Resource.TOPIC, name):
        return ErrorCode.NONE
    return ErrorCode.TOPIC_AUTHORIZATION_FAILED


def _refusal(context: RequestContext, group: OffsetFetchRequestGroup) -> ErrorCode:
    """The error for the whole group: a member of a consumer-protocol group reads with its own epoch only."""
    if not context.allows(Operation.DESCRIBE, Resource.GROUP, group.group_id):
        return ErrorCode.GROUP_AUTHORIZATION_FAILED
    found = context.broker.groups.coordinator.find(group.group_id)
    if not isinstance(found, ConsumerGroup):
        return ErrorCode.NONE
    return found.admit_fetch(group.member_id, group.member_epoch)


def _group_by_name(
    context: RequestContext, group: OffsetFetchRequestGroup, require_stable: bool
) -> OffsetFetchResponseGroup:
    error = _refusal(context, group)
    if error is not ErrorCode.NONE:
        return OffsetFetchResponseGroup(group.group_id, error_code=error)
    committed = _committed(context, group.group_id, require_stable)
    if group.topics is None:
        asked: Iterable[tuple[str, Iterable[int]]] = committed.items()
    else:
        asked = [(topic.name, topic.partition_indexes) for topic in group.topics]
    topics = [
        OffsetFetchResponseGroupTopic(
            name=name, partitions=_partitions(committed.get(name, NO_OFFSETS), partitions, _refuse_topic(context, name))
        )
        for name, partitions in asked
    ]
    return OffsetFetchResponseGroup(group.group_id, topics)


def _group_by_id(
    context: RequestContext, group: OffsetFetchRequestGroup, require_stable: bool
) -> OffsetFetchResponseGroup:
    error = _refusal(context, group)
    if error is not ErrorCode.NONE:
        return OffsetFetchResponseGroup(group.group_id, error_code=error)
    catalog = context.broker.catalog
    committed = _committed(context, group.group_id, require_stable)
    topics: list[OffsetFetchResponseGroupTopic] = []
    if group.topics is None:
        for name, partitions in committed.items():
            if name in catalog.topics:
                topic_id = catalog.topics[name].topic_id
                rows = _partitions(partitions, partitions)
                topics.append(OffsetFetchResponseGroupTopic(topic_id=topic_id, partitions=rows))
        return OffsetFetchResponseGroup(group.group_id, topics)
    for asked in group.topics:
        topic = catalog.by_id(asked.topic_id)
        found = committed.get(topic.name, NO_OFFSETS) if topic is not None else NO_OFFSETS
        error = _refuse_topic(context, topic.name) if topic is not None else ErrorCode.UNKNOWN_TOPIC_ID
        rows = _partitions(found, asked.partition_indexes, error)
        topics.append(OffsetFetchResponseGroupTopic(topic_id=asked.topic_id, partitions=rows))
    return OffsetFetchResponseGroup(group.group_id, topics)


def _committed(context: RequestContext, group_id: str, require_stable: bool) -> Mapping[str, Offsets]:
    """Topic -> partition -> offset; `UNSTABLE` in place of what an open transaction may change, if that matters."""
    coordinator = context.broker.groups.coordinator
    everything: Mapping[str, Offsets] = coordinator.committed(group_id)
    committed = {name: rows for name, rows in everything.items() if _refuse_topic(context, name) is ErrorCode.NONE}
    unstable = coordinator.unstable(group_id) if require_stable else ()
    if not unstable:
        return committed
    stable = {topic: dict(partitions) for topic, partitions in committed.items()}
    for topic, partition in unstable:
        if _refuse_topic(context, topic) is not ErrorCode.NONE:
            continue
        stable.setdefault(topic, {})[partition] = UNSTABLE
    return stable


def _partitions(
    committed: Offsets, partitions: Iterable[int], error: ErrorCode = ErrorCode.NONE
) -> list[OffsetFetchResponseGroupPartition]:
    return [OffsetFetchResponseGroupPartition(*row) for row in _rows(committed, partitions, error)]


def _rows(
    committed: Offsets, partitions: Iterable[int], error: ErrorCode = ErrorCode.NONE
) -> Iterable[tuple[int, int, int, str, ErrorCode]]:
    for partition in partitions:
        position = committed.get(partition, NOTHING_COMMITTED)
        if position is UNSTABLE and error is ErrorCode.NONE:
            yield partition, position.offset, position.leader_epoch, position.metadata, ErrorCode.UNSTABLE_OFFSET_COMMIT
            continue
        yield partition, position.offset, position.leader_epoch, position.metadata, error


API = Api(9, "OffsetFetch", 1, 10, OffsetFetchRequest, handle)
