"""ElectLeaders (key 43), versions 0 to 2: make the preferred replica the leader, or any replica that lives (KIP-460).

The one replica of a partition leads it already: ELECTION_NOT_NEEDED, which is what clients take for success. A null list asks
for all partitions; those that need no election are left out of that answer then.

Left out: `timeout_ms`, since nothing waits.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    ElectLeadersResponsePartition,
    ElectLeadersResponseTopic,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource

PREFERRED, UNCLEAN = 0, 1


def handle(context: RequestContext, request: ElectLeadersRequest) -> ElectLeadersResponse:
    """Find that each partition is led."""
    if not context.allows(Operation.ALTER, Resource.CLUSTER, CLUSTER_NAME):
        refused = ErrorCode.CLUSTER_AUTHORIZATION_FAILED  # said of each partition as well: version 0 has no other place
        return ElectLeadersResponse(
            error_code=refused,
            replica_election_results=[
                ElectLeadersResponseTopic(
                    row.topic, [ElectLeadersResponsePartition(number, refused, None) for number in row.partitions]
                )
                for row in request.topic_partitions or ()
            ],
        )
    if request.election_type not in (PREFERRED, UNCLEAN):
        return ElectLeadersResponse(error_code=ErrorCode.INVALID_REQUEST)
    return ElectLeadersResponse(
        error_code=ErrorCode.NONE,
        replica_election_results=[
            ElectLeadersResponseTopic(row.topic, [_elect(context, row.topic, number) for number in row.partitions])
            for row in request.topic_partitions or ()
        ],
    )


def _elect(context: RequestContext, name: str, partition: int) -> ElectLeadersResponsePartition:
    topic = context.broker.catalog.topics.get(name)
    if topic is None or not 0 <= partition < len(topic.partitions):
        message = f"there is no partition {partition} of a topic '{name}'"
        return ElectLeadersResponsePartition(partition, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message)
    return ElectLeadersResponsePartition(partition, ErrorCode.ELECTION_NOT_NEEDED, "the one replica leads already")


API = Api(43, "ElectLeaders", 0, 2, ElectLeadersRequest, handle)
