"""What each product does unless told otherwise, for every server setting that the harness sets: the parity ledger shows both.

Held against the products themselves by a test. Sources: the products' own reference pages (Apache Kafka "Broker Configs", ActiveMQ
Classic "KahaDB", "Per Destination Policies" and the ``activemq.xml`` it ships, RabbitMQ "Configurable Values").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from harness.model.result import TWIN, BrokerColumn, ParityRow

SERVER: Final = "server: "
NEVER: Final = "9223372036854775807"

DEFAULTS: Final[Mapping[str, Mapping[str, str]]] = {
    "kafka": {
        "jvm.heap": "1g",
        "offsets.topic.replication.factor": "3",
        "offsets.topic.num.partitions": "50",
        "transaction.state.log.replication.factor": "3",
        "transaction.state.log.min.isr": "2",
        "transaction.state.log.num.partitions": "50",
        "share.coordinator.state.topic.replication.factor": "3",
        "share.coordinator.state.topic.min.isr": "2",
        "share.coordinator.state.topic.num.partitions": "50",
        "group.initial.rebalance.delay.ms": "3000",
        "group.share.assignment.interval.ms": "1000",
        "group.share.heartbeat.interval.ms": "5000",
        "group.share.min.heartbeat.interval.ms": "5000",
        "group.share.session.timeout.ms": "45000",
        "group.share.min.session.timeout.ms": "45000",
        "broker.session.timeout.ms": "9000",
        "broker.heartbeat.interval.ms": "2000",
        "log.flush.interval.messages": NEVER,
    },
    "pylog": {
        "group.initial.rebalance.delay.ms": "3000",
        "group.share.heartbeat.interval.ms": "5000",
        "group.share.min.heartbeat.interval.ms": "5000",
        "group.share.session.timeout.ms": "45000",
        "group.share.min.session.timeout.ms": "45000",
        "log.flush.interval.messages": NEVER,
    },
    "rabbitmq": {"disk_free_limit.absolute": "50MB", "loopback_users.guest": "true", "log.console.level": "info"},
    "activemq": {
        "jvm.heap": "1g",
        "persistent": "true",
        "journalDiskSyncStrategy": "always",
        "journalDiskSyncInterval": "1000",
        "concurrentStoreAndDispatchQueues": "true",
        "journalMaxFileLength": "32mb",
        "schedulerSupport": "false",
        "maxPageSize": "200",
        "priority.maxPageSize": "200",
        "expireMessagesPeriod": "30000",
        "memoryUsage": "70 % of the heap",
        "storeUsage": "100 gb",
        "tempUsage": "50 gb",
        "sendFailIfNoSpace": "false",
        "low.memoryLimit": "none of its own",
        "redelivery.maximumRedeliveries": "6",
        "redelivery.initialRedeliveryDelay": "1000",
        "redelivery.redeliveryDelay": "1000",
        "redelivery.useExponentialBackOff": "false",
        "redelivery.backOffMultiplier": "5",
    },
}


def changed_settings(column: BrokerColumn) -> dict[str, str]:
    """Setting -> its value and the product's own, for those that differ; a default that is not known here counts as differing."""
    defaults = DEFAULTS.get(column.name.replace(TWIN, "").partition(":")[0], {})
    return {
        name: f"{value} (default {_words(defaults.get(name))})"
        for name, value in column.settings.items()
        if value != defaults.get(name)
    }


def server_rows(workload: str, columns: Iterable[BrokerColumn]) -> list[ParityRow]:
    """Ledger rows of one workload: every server setting that is not what the product's users get without asking."""
    changed = {column.name: changed_settings(column) for column in columns if column.state == "run"}
    names = dict.fromkeys(name for settings in changed.values() for name in settings)
    return [
        ParityRow(
            workload=workload,
            setting=SERVER + name,
            values={
                broker: settings.get(name, "as shipped, or does not apply") for broker, settings in changed.items()
            },
            differs=len({settings.get(name) for settings in changed.values()}) > 1,
        )
        for name in names
    ]


def _words(default: str | None) -> str:
    return "not known" if default is None else "never" if default == NEVER else default
