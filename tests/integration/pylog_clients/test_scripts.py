"""Unmodified clients of other languages against pylog: what Apache Kafka 4.3 answers to the same script is expected here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.pylog_clients.conftest import has_transactions, need_client
from tests.integration.pylog_clients.script import STEPS, ScriptRun

CONSUMED = {"count": 300, "headers": 300, "ordered": True, "committed": 300}
SHARED = {"shared": True, "members": 2, "state": "Stable", "again": True}

EXPECTED: dict[str, dict[str, dict[str, Any]]] = {
    "java": {
        "admin": {
            "partitions": 3,
            "before": "3600000",
            "after": "7200000",
            "nodes": 1,
            "listed": True,
            "twice": "TopicExistsException",
        },
        "produce": {"acknowledged": 300},
        "consume": CONSUMED,
        "consume_next": CONSUMED,
        "group": {**SHARED, "type": "Classic"},
        "group_next": {**SHARED, "type": "Consumer"},
        "pattern": {"matched": True},
        "static": {"same": True, "rebalances": 0},
        "offsets": {
            "earliest": 0,
            "latest": 100,
            "newest_in_range": True,
            "by_time": 0,
            "future": -1,
            "start": 10,
            "partitions": 4,
            "moved": "12 why",
            "left": 0,
        },
        "transactions": {"committed": 20, "uncommitted": 30, "fenced": "ProducerFencedException", "offset": 7},
        "describe": {"types": "{classic=Classic, consumer=Consumer}", "folders": 1},
        "errors": {
            "bad config": "InvalidConfigurationException",
            "bad name": "InvalidTopicException",
            "describe no group": "GroupIdNotFoundException",
            "fewer partitions": "InvalidPartitionsException",
            "no group": "GroupIdNotFoundException",
            "no topic": "UnknownTopicOrPartitionException",
            "replicas": "InvalidReplicationFactorException",
            "too large": "RecordTooLargeException",
        },
        "share": {"accepted": 80, "deliveries": True, "state": "Stable", "members": 2, "listed": True},
        "share_renew": {"renewed": 3, "most": 2, "lock": 30000, "all": 3},
        "share_admin": {
            "before": "4 lag 6",
            "seen": 6,
            "in use": "GroupNotEmptyException",
            "delete in use": "GroupNotEmptyException",
            "caught up": True,
            "deleted": "none",
            "gone": "GroupIdNotFoundException",
            "as consumer": "GroupIdNotFoundException",
        },
        "delete": {"gone": True},
    },
    "franz_go": {
        "admin": {
            "partitions": 3,
            "before": "3600000",
            "after": "7200000",
            "nodes": 1,
            "twice": "TOPIC_ALREADY_EXISTS",
        },
        "produce": {"acknowledged": 300},
        "consume": {**CONSUMED, "state": "Stable"},
        "consume_next": {**CONSUMED, "state": "Stable"},
        "group": SHARED,
        "offsets": {"latest": 100, "by_time": 0, "start": 10, "partitions": 4, "moved": 12},
        "transactions": {"committed": 20, "uncommitted": 30},
        "errors": {
            "bad name": "INVALID_TOPIC_EXCEPTION",
            "no group": "GROUP_ID_NOT_FOUND",
            "no topic": "UNKNOWN_TOPIC_OR_PARTITION",
        },
        "delete": {"gone": True},
    },
    "kafkajs": {
        "admin": {"made": True, "partitions": 3, "before": "3600000", "after": "7200000", "twice": False, "nodes": 1},
        "produce": {"acknowledged": 300},
        "consume": CONSUMED,
        "group": SHARED,
        "offsets": {"latest": 102, "byTime": 0, "start": 10, "partitions": 4, "moved": 12},
        "transactions": {"committed": 20, "seen": 20, "offset": 7},
        "errors": {
            "no topic": "KafkaJSNumberOfRetriesExceeded",
            "bad name": "KafkaJSAggregateError",
            "no group": "KafkaJSDeleteGroupsError",
        },
        "delete": {"listed": True, "gone": True},
    },
}


@pytest.mark.parametrize(("client", "step"), [(client, step) for client, steps in STEPS.items() for step in steps])
def test_what_the_client_sees(client: str, step: str, runs: dict[str, ScriptRun]) -> None:
    need_client(client)
    if step == "transactions" and not has_transactions():
        pytest.skip("transactions are not there yet")
    seen = runs[client].result(step)
    expected = EXPECTED[client][step]
    assert {name: seen.get(name) for name in expected} == expected, seen
