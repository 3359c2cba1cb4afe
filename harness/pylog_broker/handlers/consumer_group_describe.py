"""ConsumerGroupDescribe (KIP-848), versions 0 and 1: 1 adds the type of each member (KIP-1099).

Groups of the classic protocol are not found here, as those of the consumer protocol are not in DescribeGroups: the
clients' admin ask for one after the other. There are no access rules, so all operations are authorized.
"""

from __future__ import annotations

from uuid import UUID

from harness.pylog_broker.groups.assignors import Partitions, partitions_by_topic
from harness.pylog_broker.groups.consumer_group import ConsumerGroup
from harness.pylog_broker.groups.consumer_messages import DescribedConsumer
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.consumer_group_describe import (
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    ConsumerGroupDescribeResponseAssignment,
    ConsumerGroupDescribeResponseGroup,
    ConsumerGroupDescribeResponseMember,
    ConsumerGroupDescribeResponseTarget,
    ConsumerGroupDescribeResponseTargetPartitions,
    ConsumerGroupDescribeResponseTopicPartitions,
)
from harness.pylog_broker.security.acl import Operation, Resource

CLASSIC_MEMBER, CONSUMER_MEMBER = 0, 1
"""The protocol that a member speaks."""


def handle(context: RequestContext, request: ConsumerGroupDescribeRequest) -> ConsumerGroupDescribeResponse:
    """Describe each group asked for."""
    asked = request.include_authorized_operations
    return ConsumerGroupDescribeResponse(groups=[_describe(context, name, asked) for name in request.group_ids])


def _describe(context: RequestContext, group_id: str, asked: bool) -> ConsumerGroupDescribeResponseGroup:
    if not context.allows(Operation.DESCRIBE, Resource.GROUP, group_id):
        return ConsumerGroupDescribeResponseGroup(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED, group_id=group_id)
    operations = context.operations(Resource.GROUP, group_id, asked=asked)
    if not group_id:
        return ConsumerGroupDescribeResponseGroup(error_code=ErrorCode.INVALID_GROUP_ID, group_id=group_id)
    group = context.broker.groups.coordinator.find(group_id)
    if not isinstance(group, ConsumerGroup):
        what = "not found" if group is None else "is not a consumer group"
        return ConsumerGroupDescribeResponseGroup(
            error_code=ErrorCode.GROUP_ID_NOT_FOUND, error_message=f"Group {group_id} {what}.", group_id=group_id
        )
    described = group.described()
    if not all(context.allows(Operation.DESCRIBE, Resource.TOPIC, name) for name in group.topics_in_use()):
        return ConsumerGroupDescribeResponseGroup(
            error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED,
            error_message="The group reads topics that the client may not describe.",
            group_id=group_id,
        )
    return ConsumerGroupDescribeResponseGroup(
        error_code=ErrorCode.NONE,
        group_id=group_id,
        group_state=described.state,
        group_epoch=described.epoch,
        assignment_epoch=described.assignment_epoch,
        assignor_name=described.assignor,
        members=[_member(context, row) for row in described.members],
        authorized_operations=operations,
    )


def _member(context: RequestContext, row: DescribedConsumer) -> ConsumerGroupDescribeResponseMember:
    assigned = [ConsumerGroupDescribeResponseTopicPartitions(*each) for each in _topics(context, row.assigned)]
    target = [ConsumerGroupDescribeResponseTargetPartitions(*each) for each in _topics(context, row.target)]
    said = row.subscription
    return ConsumerGroupDescribeResponseMember(
        member_id=row.member_id,
        instance_id=said.instance_id,
        rack_id=said.rack_id,
        member_epoch=row.epoch,
        client_id=said.client_id,
        client_host=said.client_host,
        subscribed_topic_names=said.topic_names,
        subscribed_topic_regex=said.topic_pattern or "",
        assignment=ConsumerGroupDescribeResponseAssignment(assigned),
        target_assignment=ConsumerGroupDescribeResponseTarget(target),
        member_type=CONSUMER_MEMBER if said.classic is None else CLASSIC_MEMBER,
    )


def _topics(context: RequestContext, partitions: Partitions) -> list[tuple[UUID, str, list[int]]]:
    """Rows of topic id, name and partitions; a topic that was deleted meanwhile has no name and is left out."""
    by_id = context.broker.catalog.by_id
    named = ((topic_id, by_id(topic_id), numbers) for topic_id, numbers in partitions_by_topic(partitions).items())
    return [(topic_id, topic.name, numbers) for topic_id, topic, numbers in named if topic is not None]


API = Api(69, "ConsumerGroupDescribe", 0, 1, ConsumerGroupDescribeRequest, handle)
