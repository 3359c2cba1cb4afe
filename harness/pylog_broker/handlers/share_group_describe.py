"""ShareGroupDescribe (KIP-932), version 1. Groups of other types are not found here."""

from __future__ import annotations

from harness.pylog_broker.groups.assignors import partitions_by_topic
from harness.pylog_broker.groups.share_messages import DescribedShareMember
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.share_group_describe import (
    ShareGroupDescribeRequest,
    ShareGroupDescribeResponse,
    ShareGroupDescribeResponseAssignment,
    ShareGroupDescribeResponseGroup,
    ShareGroupDescribeResponseMember,
    ShareGroupDescribeResponseTopicPartitions,
)
from harness.pylog_broker.security.acl import Operation, Resource


def handle(context: RequestContext, request: ShareGroupDescribeRequest) -> ShareGroupDescribeResponse:
    """Describe each group asked for."""
    asked = request.include_authorized_operations
    return ShareGroupDescribeResponse(groups=[_describe(context, name, asked) for name in request.group_ids])


def _describe(context: RequestContext, group_id: str, asked: bool) -> ShareGroupDescribeResponseGroup:
    if not context.allows(Operation.DESCRIBE, Resource.GROUP, group_id):
        return ShareGroupDescribeResponseGroup(error_code=ErrorCode.GROUP_AUTHORIZATION_FAILED, group_id=group_id)
    if not group_id:
        return ShareGroupDescribeResponseGroup(error_code=ErrorCode.INVALID_GROUP_ID, group_id=group_id)
    coordinator = context.broker.groups.coordinator
    group = coordinator.share_group(group_id)
    if group is None:
        what = "not found" if coordinator.find(group_id) is None else "is not a share group"
        return ShareGroupDescribeResponseGroup(
            error_code=ErrorCode.GROUP_ID_NOT_FOUND, error_message=f"Group {group_id} {what}.", group_id=group_id
        )
    if not all(context.allows(Operation.DESCRIBE, Resource.TOPIC, name) for name in group.topics_in_use()):
        return ShareGroupDescribeResponseGroup(
            error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED,
            error_message="The group reads topics that the client may not describe.",
            group_id=group_id,
        )
    described = group.described()
    return ShareGroupDescribeResponseGroup(
        error_code=ErrorCode.NONE,
        group_id=group_id,
        group_state=described.state,
        group_epoch=described.epoch,
        assignment_epoch=described.assignment_epoch,
        assignor_name=described.assignor,
        members=[_member(context, row) for row in described.members],
        authorized_operations=context.operations(Resource.GROUP, group_id, asked=asked),
    )


def _member(context: RequestContext, row: DescribedShareMember) -> ShareGroupDescribeResponseMember:
    by_id = context.broker.catalog.by_id
    named = ((topic_id, by_id(topic_id), numbers) for topic_id, numbers in partitions_by_topic(row.assigned).items())
    assigned = [
        ShareGroupDescribeResponseTopicPartitions(topic_id, topic.name, numbers)
        for topic_id, topic, numbers in named
        if topic is not None
    ]
    said = row.subscription
    return ShareGroupDescribeResponseMember(
        member_id=row.member_id,
        rack_id=said.rack_id,
        member_epoch=row.epoch,
        client_id=said.client_id,
        client_host=said.client_host,
        subscribed_topic_names=said.topic_names,
        assignment=ShareGroupDescribeResponseAssignment(assigned),
    )


API = Api(77, "ShareGroupDescribe", 1, 1, ShareGroupDescribeRequest, handle)
