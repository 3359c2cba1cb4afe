"""A snapshot as Prometheus metrics, by the client library's own exposition format."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from harness.pylog_broker.observe.snapshot import Snapshot

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BROKER_GAUGES = (
    ("connections", "pylog_connections", "Open client connections."),
    ("topics", "pylog_topics", "Topics, internal ones included."),
    ("partitions", "pylog_partitions", "Partitions over all topics."),
    ("log_bytes", "pylog_log_bytes", "Bytes of all logs on disk."),
    ("uptime_s", "pylog_uptime_seconds", "Time since the broker started."),
)
_BROKER_COUNTERS = (
    ("bytes_in", "pylog_received_bytes", "Bytes received from clients."),
    ("bytes_out", "pylog_sent_bytes", "Bytes sent to clients."),
)
_PARTITION_GAUGES = (
    ("log_start", "pylog_partition_log_start_offset", "First offset that can be read."),
    ("last_stable", "pylog_partition_last_stable_offset", "What read_committed consumers see."),
    ("high_watermark", "pylog_partition_high_watermark", "What consumers see."),
    ("log_end", "pylog_partition_log_end_offset", "Offset of the next record."),
    ("bytes", "pylog_partition_bytes", "Bytes of the log on disk."),
    ("segment_count", "pylog_partition_segments", "Segments of the log."),
)


def render(snapshot: Snapshot) -> bytes:
    """The text of one scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(snapshot))
    return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        broker = self._snapshot["broker"]
        for key, name, text in _BROKER_GAUGES:
            yield GaugeMetricFamily(name, text, value=broker[key])
        for key, name, text in _BROKER_COUNTERS:
            yield CounterMetricFamily(name, text, value=broker[key])
        requests = CounterMetricFamily("pylog_requests", "Requests answered, by API.", labels=["api"])
        for api, count in sorted(broker["requests"].items()):
            requests.add_metric([api], count)
        yield requests
        yield from _partitions(self._snapshot["topics"])
        yield from _groups(self._snapshot["groups"])


def _partitions(topics: list[dict[str, Any]]) -> Iterable[Metric]:
    for key, name, text in _PARTITION_GAUGES:
        family = GaugeMetricFamily(name, text, labels=["topic", "partition"])
        for topic in topics:
            for row in topic["partitions"]:
                family.add_metric([topic["name"], str(row["partition"])], row[key])
        yield family


def _groups(groups: list[dict[str, Any]]) -> Iterable[Metric]:
    members = GaugeMetricFamily("pylog_group_members", "Members of a group.", labels=["group", "state"])
    lag = GaugeMetricFamily(
        "pylog_group_lag",
        "Records between the committed offset and the high watermark.",
        labels=["group", "topic", "partition"],
    )
    for group in groups:
        members.add_metric([group["id"], group["state"]], len(group["members"]))
        for row in group["offsets"]:
            if row["lag"] is not None:
                lag.add_metric([group["id"], row["topic"], str(row["partition"])], row["lag"])
    yield members
    yield lag
