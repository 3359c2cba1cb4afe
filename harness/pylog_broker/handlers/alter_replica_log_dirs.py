"""AlterReplicaLogDirs (key 34), versions 1 and 2: move replicas of this broker to another of its folders (KIP-113).

There is one data folder, and each replica is in it already: a success without a move. Any other folder is LOG_DIR_NOT_FOUND,
whichever partition is named.

Left out: nothing for one folder.
"""

from __future__ import annotations

from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.alter_replica_log_dirs import (
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirsResponsePartition,
    AlterReplicaLogDirsResponseTopic,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource


def handle(context: RequestContext, request: AlterReplicaLogDirsRequest) -> AlterReplicaLogDirsResponse:
    """Judge each partition on its own; a refusal has no other place either."""
    allowed = context.allows(Operation.ALTER, Resource.CLUSTER, CLUSTER_NAME)
    results: dict[str, list[AlterReplicaLogDirsResponsePartition]] = {}
    for folder in request.dirs:
        for topic in folder.topics:
            rows = results.setdefault(topic.name, [])
            for partition in topic.partitions:
                code = _move(context, folder.path, topic.name, partition)
                code = code if allowed else ErrorCode.CLUSTER_AUTHORIZATION_FAILED
                rows.append(AlterReplicaLogDirsResponsePartition(partition, code))
    return AlterReplicaLogDirsResponse(
        results=[AlterReplicaLogDirsResponseTopic(name, rows) for name, rows in results.items()]
    )


def _move(context: RequestContext, folder: str, name: str, partition: int) -> int:
    if folder != context.broker.catalog.data_dir:
        return ErrorCode.LOG_DIR_NOT_FOUND
    topic = context.broker.catalog.topics.get(name)
    if topic is None or not 0 <= partition < len(topic.partitions):
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return ErrorCode.NONE


API = Api(34, "AlterReplicaLogDirs", 1, 2, AlterReplicaLogDirsRequest, handle)
