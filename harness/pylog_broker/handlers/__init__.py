"""The table of APIs: which module answers which API key.

One module per API. Each begins with a docstring that says versions, behaviour and what is left out, and exposes
`API = Api(...)`. To add an API: a schema file in `protocol/schema/`, a module here, and its name in `MODULES`.
"""

from __future__ import annotations

from importlib import import_module

from harness.pylog_broker.handlers.api import (
    Api,
    Body,
    CloseConnection,
    ConnectionState,
    Deferred,
    Reply,
    RequestContext,
    SlicedBody,
)

__all__ = [
    "MODULES",
    "Api",
    "Body",
    "CloseConnection",
    "ConnectionState",
    "Deferred",
    "Reply",
    "RequestContext",
    "SlicedBody",
    "load_handlers",
]

MODULES: tuple[str, ...] = (
    "produce",
    "fetch",
    "metadata",
    "api_versions",
    "list_offsets",
    "create_topics",
    "delete_topics",
    "delete_records",
    "init_producer_id",
    "add_partitions_to_txn",
    "add_offsets_to_txn",
    "end_txn",
    "txn_offset_commit",
    "write_txn_markers",
    "describe_producers",
    "describe_transactions",
    "list_transactions",
    "offset_for_leader_epoch",
    "describe_configs",
    "alter_configs",
    "incremental_alter_configs",
    "describe_log_dirs",
    "create_partitions",
    "describe_cluster",
    "find_coordinator",
    "join_group",
    "sync_group",
    "heartbeat",
    "leave_group",
    "offset_commit",
    "offset_fetch",
    "offset_delete",
    "describe_groups",
    "list_groups",
    "delete_groups",
    "sasl_handshake",
    "sasl_authenticate",
    "describe_acls",
    "create_acls",
    "delete_acls",
    "describe_user_scram_credentials",
    "alter_user_scram_credentials",
    "describe_client_quotas",
    "alter_client_quotas",
    "consumer_group_heartbeat",
    "consumer_group_describe",
    "describe_quorum",
    "update_features",
    "elect_leaders",
    "alter_partition_reassignments",
    "list_partition_reassignments",
    "list_config_resources",
    "describe_topic_partitions",
)


def load_handlers() -> dict[int, Api]:
    """Import every handler module and return API key -> `Api`. Raises ValueError when two claim one key."""
    table: dict[int, Api] = {}
    for name in MODULES:
        api: Api = import_module(f"harness.pylog_broker.handlers.{name}").API
        if api.key in table:
            raise ValueError(f"API key {api.key} is claimed by {table[api.key].name} and {api.name}")
        table[api.key] = api
    return table
