"""No API forgets the access rules: each advertised one, in each version, refuses a client that no rule names.

The requests are made from the schema table: every array has one element and every name is that of something that exists. A new
handler without a check fails here, because it is found in `MODULES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.pylog_broker.dispatch import Parked
from harness.pylog_broker.handlers import Handlers
from harness.pylog_broker.handlers.api import Api
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.message import Structure
from harness.pylog_broker.protocol.schema_table import Field
from harness.pylog_broker.security.acl import Operation
from tests.pylog_broker.handlers.local_broker import LocalBroker, decode, joined
from tests.pylog_broker.protocol.samples import APIS, fields_of, message_class
from tests.pylog_broker.storage.batches import append, batch_of

TOPIC, GROUP, TRANSACTION = "secret-topic", "secret-group", "secret-transaction"
ADMIN, NOBODY = "User:admin", "User:mallory"
REFUSED = frozenset(code for code in ErrorCode if code.name.endswith("_AUTHORIZATION_FAILED"))
UNSEEN = {
    "Metadata": {ErrorCode.UNKNOWN_TOPIC_ID},
    "DeleteTopics": {ErrorCode.UNKNOWN_TOPIC_ID},
}
"""What is said of a topic that is asked for by its id and may not be seen: nothing, not even that it exists."""
OPEN = {
    "ApiVersions": "is what a client begins with",
    "SaslHandshake": "comes before anybody is known",
    "SaslAuthenticate": "comes before anybody is known",
    "DescribeCluster": "says what Metadata says",
    "ListGroups": "leaves out what may not be seen",
    "ListTransactions": "leaves out what may not be seen",
}
BY_NAME_ALONE = {("Metadata", 10), ("Metadata", 11)}
"""What knows of topic ids, but not yet how to be asked by them."""
SILENT = {("DescribeLogDirs", 1), ("DescribeLogDirs", 2)}
"""What has no field for the error: an empty answer."""
NAMES = {
    "topic": TOPIC, "topic_name": TOPIC, "topic_names": TOPIC, "subscribed_topic_names": TOPIC, "group": GROUP,
    "group_id": GROUP, "groups": GROUP, "group_ids": GROUP, "groups_names": GROUP, "key": GROUP, "coordinator_keys": GROUP,
    "transactional_id": TRANSACTION, "transactional_ids": TRANSACTION, "resource_name": TOPIC, "member_id": "member",
    "principal": NOBODY, "host": "*", "protocol_type": "consumer", "name": TOPIC,
}  # fmt: skip
NUMBERS = {
    "resource_type": 2, "resource_types": 2, "resource_type_filter": 2, "pattern_type_filter": 3, "resource_pattern_type": 3,
    "operation": 3, "permission_type": 3, "permission": 3, "member_epoch": 1, "count": 9, "num_partitions": 1,
    "replication_factor": 1, "acks": -1, "endpoint_type": 1, "max_bytes": 1 << 20, "partition_max_bytes": 1 << 20,
    "session_timeout_ms": 10_000, "rebalance_timeout_ms": 10_000, "mechanism": 1, "iterations": 4096,
    "transaction_timeout_ms": 1000, "current_leader_epoch": -1, "leader_epoch": -1, "response_partition_limit": 100,
    "session_epoch": -1, "timestamp": -1, "duration_filter": -1, "replica_id": -1,
}  # fmt: skip
NULL = frozenset({"instance_id", "group_instance_id", "rack_id", "cursor", "subscribed_topic_regex"})
SETTING_UP = (
    ("InitProducerId", 4), ("OffsetCommit", 2), ("AddPartitionsToTxn", 3), ("AddOffsetsToTxn", 3), ("TxnOffsetCommit", 3),
)  # fmt: skip
TABLE = sorted(Handlers().values(), key=lambda api: api.key)
CASES = [(api, version) for api in TABLE for version in range(api.min_version, api.max_version + 1)]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    broker = make(tmp_path_factory.mktemp("guarded") / "data")
    yield broker
    broker.close()


def make(folder: Path, rules: str = "") -> LocalBroker:
    """A broker with a topic, a group, and a transaction that has written to the topic and holds an offset of it."""
    acl_file = folder.with_name("rules")
    acl_file.write_text(rules)
    broker = LocalBroker(folder, acl_file=str(acl_file), super_users=ADMIN)
    append(broker.catalog.create_topic(TOPIC, 1, {}).partitions[0], b"secret-value")
    broker.peer.connection.principal = ADMIN
    own = {"generation_id_or_member_epoch": -1, "generation_id": -1, "member_id": ""}
    identity = {"producer_id": -1, "producer_epoch": -1}
    for name, version in SETTING_UP:
        response = call(broker, name, version, **own, **identity)
        assert not codes(response) - {0}, (name, response)
        if name == "InitProducerId":
            identity = {"producer_id": response.producer_id, "producer_epoch": response.producer_epoch}
    broker.peer.connection.principal = NOBODY
    return broker


def build(broker: LocalBroker, api: str, version: int, **values: Any) -> Any:
    """A request in which every name is of something that is there."""
    return _structure(broker, message_class(api, "Request"), api, fields_of(APIS[api], "Request"), version, values)


def _structure(
    broker: LocalBroker, cls: Any, api: str, fields: list[Field], version: int, values: dict[str, Any]
) -> Structure:
    by_id = any(item.name == "topic_id" and version in item.versions for item in fields)
    filled = {}
    for item in fields:
        if version not in item.versions:
            continue
        if item.name in values:
            filled[item.name] = values[item.name]
        elif item.null is not None and version in item.null and (item.name in NULL or (by_id and item.name == "name")):
            filled[item.name] = None
        else:
            element = _element(broker, cls, api, item, version, values)
            filled[item.name] = [element] if item.array else element
    return cls(**filled)


def _element(broker: LocalBroker, cls: Any, api: str, item: Field, version: int, values: dict[str, Any]) -> Any:
    if item.is_structure:
        nested = getattr(importlib.import_module(cls.__module__), f"{api}Request{item.type}")
        return _structure(broker, nested, api, item.fields, version, values)
    if item.type == "string":
        return NAMES.get(item.name, "")
    if item.type == "uuid":
        return broker.catalog.topics[TOPIC].topic_id
    if item.type == "records":
        return bytes(batch_of(b"forged"))
    if item.type == "bytes":
        return bytes(32)
    return False if item.type == "bool" else NUMBERS.get(item.name, 0)


def call(broker: LocalBroker, api: str, version: int, **values: Any) -> Any:
    """The decoded response; None where it waits or there is none."""
    request = build(broker, api, version, **values)
    output = broker.send(request, version)
    return None if output is None or isinstance(output, Parked) else decode(output, request, version)


def codes(value: Any) -> set[int]:
    """Every error code of a response, at any depth."""
    if isinstance(value, list | tuple):
        return set().union(*map(codes, value))
    if not isinstance(value, Structure):
        return set()
    found: set[int] = set()
    for name in value.__slots__:
        child = getattr(value, name)
        found |= {child} if name.endswith("error_code") else codes(child)
    return found


def state(broker: LocalBroker) -> tuple[object, ...]:
    """What a request could have changed."""
    image, log = broker.catalog.image, broker.catalog.topics[TOPIC].partitions[0]
    groups = broker.broker.groups.coordinator.committed(GROUP)
    transaction = broker.broker.transactions.coordinator.find(TRANSACTION)
    rows = (image.topics, image.configs, image.acls, image.quotas, image.scram, groups, transaction)
    return (log.log_start_offset, log.log_end_offset, *map(repr, rows))


@pytest.mark.parametrize(("api", "version"), CASES, ids=[f"{api.name}-{version}" for api, version in CASES])
def test_a_client_without_rights_is_refused_and_changes_nothing(guarded: LocalBroker, api: Api, version: int) -> None:
    before = state(guarded)
    guarded.peer.connection.principal = NOBODY
    response = call(guarded, api.name, version)
    assert state(guarded) == before
    if (api.name, version) in SILENT:
        assert "secret" not in repr(response)
    elif api.name not in OPEN:
        by_id = {ErrorCode.INVALID_REQUEST} if (api.name, version) in BY_NAME_ALONE else UNSEEN.get(api.name, set())
        assert codes(response) & (REFUSED | by_id), response
    assert "secret-value" not in repr(response)


@pytest.mark.parametrize(
    "name", ["ListGroups", "ListTransactions", "DescribeCluster", "Metadata", "DescribeTopicPartitions"]
)
def test_what_may_not_be_seen_is_left_out_of_a_list(guarded: LocalBroker, name: str) -> None:
    last = APIS[name].versions.last
    everything = {"topics": [] if name.startswith("Describe") else None, "states_filter": [], "types_filter": [],
                  "state_filters": [], "producer_id_filters": [], "transactional_id_pattern": None}  # fmt: skip
    guarded.peer.connection.principal = NOBODY
    request = build(guarded, name, last, **everything)
    assert b"secret" not in joined(guarded.send(request, last))
    guarded.peer.connection.principal = ADMIN
    assert name == "DescribeCluster" or b"secret" in joined(guarded.send(request, last)), (
        "the list is empty for anybody"
    )


def test_who_sees_a_part_sees_nothing_else(tmp_path: Path) -> None:
    rules = ("CREATE topic mine", f"DESCRIBE group {GROUP}", f"DESCRIBE transactional-id {TRANSACTION}")
    broker = make(tmp_path / "data", "".join(f"allow {NOBODY} {rule}\n" for rule in rules))
    for version in (7, 9, 10):
        everything = {"topics": None, "require_stable": True, "member_id": None, "member_epoch": -1}
        fetched = call(broker, "OffsetFetch", version, **everything)
        assert not codes(fetched) - {0}
        assert "partition_index" not in repr(fetched), "the topic is not to be seen, and has an unstable offset"
    (transaction,) = call(broker, "DescribeTransactions", 0).transaction_states
    assert (transaction.error_code, transaction.transaction_state, transaction.topics) == (0, "Ongoing", [])
    (created,) = call(broker, "CreateTopics", 7, name="mine", assignments=[], configs=[]).topics
    assert (created.error_code, created.topic_config_error_code) == (0, ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    assert (created.num_partitions, created.replication_factor, created.configs) == (-1, -1, None)
    broker.close()


def test_the_operations_that_are_shown_are_those_that_are_allowed(tmp_path: Path) -> None:
    broker = make(tmp_path / "data", f"allow {NOBODY} DESCRIBE topic {TOPIC}\n")
    (topic,) = call(broker, "DescribeTopicPartitions", 0).topics
    assert topic.topic_authorized_operations == 1 << Operation.DESCRIBE
    broker.close()


def test_what_brokers_ask_of_each_other_is_answered_to_who_acts_for_the_cluster(tmp_path: Path) -> None:
    for operation, refused in (("CLUSTER_ACTION", False), ("ALTER", False), ("DESCRIBE", True)):
        (tmp_path / operation).mkdir()
        broker = make(tmp_path / operation / "data", f"allow {NOBODY} {operation} cluster kafka-cluster\n")
        assert bool(codes(call(broker, "WriteTxnMarkers", 1)) & REFUSED) == refused
        between_brokers = codes(call(broker, "AddPartitionsToTxn", 5))
        assert (ErrorCode.CLUSTER_AUTHORIZATION_FAILED in between_brokers) == (operation != "CLUSTER_ACTION")
        broker.close()


@pytest.mark.parametrize("api", [api for api in TABLE if api.name not in OPEN], ids=lambda api: api.name)
def test_the_same_request_is_not_refused_to_whoever_may_do_everything(tmp_path: Path, api: Api) -> None:
    broker = make(tmp_path / "data")
    broker.peer.connection.principal = ADMIN
    assert not codes(call(broker, api.name, api.max_version)) & REFUSED
    broker.close()
