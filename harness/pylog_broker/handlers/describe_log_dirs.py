"""DescribeLogDirs (key 35), versions 1 to 5.

The one data folder with the size of each partition; a null list of topics means all. Version 4 adds the size of the
file system and what is free of it (KIP-827).

Left out: nothing for one folder; partitions that do not exist are left out of the answer, as in Kafka.
"""

from __future__ import annotations

import os

from harness.pylog_broker.broker import Broker
from harness.pylog_broker.handlers.api import Api, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.describe_log_dirs import (
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResponsePartition,
    DescribeLogDirsResponseResult,
    DescribeLogDirsResponseTopic,
)
from harness.pylog_broker.security.acl import CLUSTER_NAME, Operation, Resource

UNKNOWN = -1


def handle(context: RequestContext, request: DescribeLogDirsRequest) -> DescribeLogDirsResponse:
    """Describe the data folder."""
    broker = context.broker
    if not context.allows(Operation.DESCRIBE, Resource.CLUSTER, CLUSTER_NAME):
        return DescribeLogDirsResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    if request.topics is None:
        wanted = [(topic.name, list(range(len(topic.partitions)))) for topic in broker.catalog.topics.values()]
    else:
        wanted = [(topic.topic, list(topic.partitions)) for topic in request.topics]
    topics = [_describe(broker, name, partitions) for name, partitions in wanted if name in broker.catalog.topics]
    total_bytes, usable_bytes = _capacity(broker.catalog.data_dir)
    result = DescribeLogDirsResponseResult(
        log_dir=broker.catalog.data_dir, topics=topics, total_bytes=total_bytes, usable_bytes=usable_bytes
    )
    return DescribeLogDirsResponse(error_code=ErrorCode.NONE, results=[result])


def _describe(broker: Broker, name: str, partitions: list[int]) -> DescribeLogDirsResponseTopic:
    logs = broker.catalog.topics[name].partitions
    rows = [
        DescribeLogDirsResponsePartition(partition, logs[partition].size_bytes, 0, False)
        for partition in partitions
        if 0 <= partition < len(logs)
    ]
    return DescribeLogDirsResponseTopic(name, rows)


def _capacity(folder: str) -> tuple[int, int]:
    """(size, free) of the file system in bytes; -1 where it does not say."""
    try:
        facts = os.statvfs(folder)
    except OSError:
        return UNKNOWN, UNKNOWN
    return facts.f_blocks * facts.f_frsize, facts.f_bavail * facts.f_frsize


API = Api(35, "DescribeLogDirs", 1, 5, DescribeLogDirsRequest, handle)
