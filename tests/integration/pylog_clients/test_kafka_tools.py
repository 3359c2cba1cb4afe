"""Apache Kafka's own command-line tools against pylog: one virtual machine runs them one after the other."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from tests.clients.prepare import CLIENTS
from tests.integration.pylog_clients.conftest import need_client
from tests.integration.pylog_clients.script import java_command
from tests.integration.pylog_core.broker_process import BrokerProcess

PLACES = {
    "ConfigCommand": "kafka.admin.ConfigCommand",
    "ConsoleShareConsumer": "org.apache.kafka.tools.consumer.ConsoleShareConsumer",
    "ConsumerGroupCommand": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "ShareGroupCommand": "org.apache.kafka.tools.consumer.group.ShareGroupCommand",
}
"""Full names of the tools that are not in the package of the others."""


class Tools:
    """The tools, by their class names."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._process = subprocess.Popen(
            java_command(CLIENTS["java"], "Tools"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def run(self, tool: str, *arguments: str, code: int = 0) -> str:
        """What the tool prints; it must end with `code`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        where = [] if "--bootstrap-server" in arguments else ["--bootstrap-server", self.address]
        self._process.stdin.write(
            "\t".join([PLACES.get(tool, f"org.apache.kafka.tools.{tool}"), *where, *arguments]) + "\n"
        )
        self._process.stdin.flush()
        done = json.loads(self._process.stdout.readline())
        assert done["code"] == code, done["output"]
        output: str = done["output"]
        return output

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@pytest.fixture(scope="module")
def tools(broker: BrokerProcess) -> Iterator[Tools]:
    need_client("java")
    running = Tools(broker.address)
    yield running
    running.close()


def test_topics_and_configs(tools: Tools) -> None:
    made = tools.run(
        "TopicCommand", "--create", "--topic", "tools-a", "--partitions", "2", "--config", "retention.ms=1000000"
    )
    assert "Created topic tools-a" in made
    tools.run("TopicCommand", "--alter", "--topic", "tools-a", "--partitions", "3")
    described = tools.run("TopicCommand", "--describe", "--topic", "tools-a")
    assert "PartitionCount: 3" in described
    assert "retention.ms=1000000" in described
    assert "Leader: 1\tReplicas: 1\tIsr: 1" in described
    assert "tools-a" in tools.run("TopicCommand", "--list").splitlines()
    tools.run(
        *("ConfigCommand", "--entity-type", "topics", "--entity-name", "tools-a", "--alter"),
        *("--add-config", "max.message.bytes=2000000", "--delete-config", "retention.ms"),
    )
    configs = tools.run("ConfigCommand", "--entity-type", "topics", "--entity-name", "tools-a", "--describe")
    assert "max.message.bytes=2000000" in configs
    assert "retention.ms" not in configs
    missing = tools.run("TopicCommand", "--describe", "--topic", "tools-none", code=1)
    assert "does not exist as expected" in missing


def test_the_performance_tools_and_offsets(tools: Tools, broker: BrokerProcess) -> None:
    tools.run("TopicCommand", "--create", "--topic", "tools-perf", "--partitions", "2")
    said = tools.run(
        *("ProducerPerformance", "--topic", "tools-perf", "--num-records", "2000", "--record-size", "100"),
        *("--throughput", "-1", "--bootstrap-server", broker.address),
    )
    assert "2000 records sent" in said
    rows = tools.run("GetOffsetShell", "--topic", "tools-perf").split()
    assert sum(int(row.rpartition(":")[2]) for row in rows) == 2_000
    read = tools.run(
        *("ConsumerPerformance", "--topic", "tools-perf", "--num-records", "2000", "--timeout", "20000"),
        *("--group", "tools-readers"),
    )
    assert re.search(r"(^|[, ])2000[,\s]", read), read


def test_consumer_groups_are_described_reset_and_deleted(tools: Tools) -> None:
    assert "tools-readers" in tools.run("ConsumerGroupCommand", "--list")
    group = ("ConsumerGroupCommand", "--group", "tools-readers")
    described = tools.run(*group, "--describe")
    assert re.search(r"tools-readers\s+tools-perf\s+0\s+\d+\s+\d+\s+0\b", described), described
    moved = tools.run(*group, "--reset-offsets", "--to-earliest", "--topic", "tools-perf", "--execute")
    assert re.search(r"tools-perf\s+0\s+0\b", moved), moved
    state = tools.run(*group, "--describe", "--state")
    assert "Empty" in state
    tools.run(*group, "--delete-offsets", "--topic", "tools-perf")
    assert "was successful" in tools.run(*group, "--delete")
    assert "Group tools-readers not found" in tools.run(*group, "--describe")


def test_share_groups_are_read_by_described_reset_and_deleted(tools: Tools) -> None:
    tools.run("TopicCommand", "--create", "--topic", "tools-shared", "--partitions", "2")
    producer = Producer({"bootstrap.servers": tools.address})
    for number in range(10):
        producer.produce("tools-shared", b"value %d" % number, partition=number % 2)
    assert producer.flush(10) == 0
    entity = ("ConfigCommand", "--entity-type", "groups", "--entity-name", "tools-sharers")
    tools.run(*entity, "--alter", "--add-config", "share.auto.offset.reset=earliest")
    assert "share.auto.offset.reset=earliest" in tools.run(*entity, "--describe")
    reading = ("ConsoleShareConsumer", "--topic", "tools-shared", "--group", "tools-sharers", "--timeout-ms", "8000")
    seen = tools.run(*reading, "--max-messages", "4") + tools.run(*reading, "--max-messages", "6", "--reject")
    assert sorted(line for line in seen.splitlines() if line.startswith("value")) == [f"value {n}" for n in range(10)]
    assert "tools-sharers" in tools.run("ShareGroupCommand", "--list")
    group = ("ShareGroupCommand", "--group", "tools-sharers")
    described = tools.run(*group, "--describe", "--offsets")
    assert len(re.findall(r"tools-sharers\s+tools-shared\s+[01]\s+5\s+0\b", described)) == 2, described
    assert re.search(r"Empty\s+0\b", tools.run(*group, "--describe", "--state"))
    moved = tools.run(*group, "--reset-offsets", "--to-earliest", "--topic", "tools-shared", "--execute")
    assert re.search(r"tools-sharers\s+tools-shared\s+0\s+0\b", moved), moved
    described = tools.run(*group, "--describe", "--offsets")
    assert len(re.findall(r"tools-sharers\s+tools-shared\s+[01]\s+0\s+5\b", described)) == 2, described
    assert "Successful" in tools.run(*group, "--delete-offsets", "--topic", "tools-shared")
    assert "was successful" in tools.run(*group, "--delete")
    assert "tools-sharers" not in tools.run("ShareGroupCommand", "--list")


def test_records_are_deleted_and_the_cluster_described(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> None:
    plan = tmp_path_factory.mktemp("tools") / "delete.json"
    rows = [{"topic": "tools-perf", "partition": 0, "offset": -1}]
    plan.write_text(json.dumps({"partitions": rows, "version": 1}))
    assert "low_watermark" in tools.run("DeleteRecordsCommand", "--offset-json-file", str(plan))
    early = tools.run("GetOffsetShell", "--topic", "tools-perf", "--time", "-2", "--partitions", "0")
    assert not early.strip().endswith(":0")
    assert "ApiVersions(18): 0 to 4" in tools.run("BrokerApiVersionsCommand")
    tools.run("TopicCommand", "--delete", "--topic", "tools-a")
    assert "tools-a" not in tools.run("TopicCommand", "--list").splitlines()


def test_the_verifiable_producer_is_satisfied(broker: BrokerProcess) -> None:
    """It writes its last words in a shutdown hook, hence a process of its own."""
    need_client("java")
    command = java_command(CLIENTS["java"], "org.apache.kafka.tools.VerifiableProducer")
    command += ["--bootstrap-server", broker.address, "--topic", "tools-verified", "--max-messages", "50"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.count('"name":"producer_send_success"') == 50
    assert '"acked":50' in done.stdout
