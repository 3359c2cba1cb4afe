"""Running a broker: settings from a file, its HTTP side, its logs, and the commands that look at it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.pylog_core.broker_process import BrokerProcess

pytestmark = pytest.mark.broker("pylog")
RECORDS = 600


class ObservedBroker(BrokerProcess):
    """Prints the address of its HTTP side first."""

    url = ""

    def _ready_line(self) -> str:
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1].rstrip("/")
        return super()._ready_line()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedBroker]:
    folder = tmp_path_factory.mktemp("observed")
    config = folder / "server.properties"
    config.write_text(
        f"node.id = 7\nlog.dirs={folder / 'data'}\nhttp.listener=127.0.0.1:0\nlog.segment.bytes=65536\n"
        "group.initial.rebalance.delay.ms=0\nnum.partitions=5\n"
    )
    arguments = ("--config", str(config), "--log-format", "json", "--set", "num.partitions=2")
    with ObservedBroker(folder / "data", arguments=arguments) as process:
        settings = {"bootstrap.servers": process.address}
        producer = Producer(settings)
        for number in range(RECORDS):
            producer.produce("orders", b"x" * 500, key=str(number))
            if number % 20 == 0:
                producer.flush()
        producer.flush()
        consumer = Consumer({**settings, "group.id": "billing", "auto.offset.reset": "earliest"})
        consumer.subscribe(["orders"])
        read = 0
        while read < RECORDS:
            read += len(consumer.consume(100, 5))
        consumer.commit(asynchronous=False)
        consumer.close()
        yield process
        assert process.stop() == 0


def pylog(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.pylog_broker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def document(*arguments: str) -> Any:
    done = pylog(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read()


def test_settings_come_from_the_file_and_set_goes_over_it(broker: ObservedBroker) -> None:
    state = json.loads(get(broker.url + "/state"))
    assert state["broker"]["node_id"] == 7
    (orders,) = [topic for topic in state["topics"] if topic["name"] == "orders"]
    assert len(orders["partitions"]) == 2
    assert sum(row["log_end"] for row in orders["partitions"]) == RECORDS
    assert all(row["segment_count"] > 1 for row in orders["partitions"])
    (group,) = state["groups"]
    assert [row["lag"] for row in group["offsets"]] == [0, 0]


def test_metrics_are_what_prometheus_reads(broker: ObservedBroker) -> None:
    families = {family.name: family for family in text_string_to_metric_families(get(broker.url + "/metrics").decode())}
    ends = families["pylog_partition_high_watermark"].samples
    assert sum(sample.value for sample in ends if sample.labels["topic"] == "orders") == RECORDS
    requests = {sample.labels["api"]: sample.value for sample in families["pylog_requests"].samples}
    assert requests["Produce"] >= RECORDS / 20 / 2
    assert requests["OffsetCommit"] >= 1
    assert families["pylog_received_bytes"].samples[0].value > RECORDS * 500
    assert {sample.value for sample in families["pylog_group_lag"].samples} == {0.0}


def test_the_page_asks_nobody_else(broker: ObservedBroker) -> None:
    page = get(broker.url + "/").decode()
    assert "//" not in page.replace("http://www.w3.org/2000/svg", "")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(broker.url + "/../etc/passwd")


def test_topics_and_groups(broker: ObservedBroker) -> None:
    at = ("--broker", broker.address)
    assert document("topic", "create", "extra", "--partitions", "3", "--set", "retention.ms=1234", *at)
    assert document("topic", "show", "extra", *at)["settings"]["retention.ms"] == "1234"
    rows = {row["name"]: row for row in document("topic", "ls", *at)["topics"]}
    assert rows["orders"]["records_max"] == RECORDS
    assert rows["extra"]["partitions"] == 3
    assert pylog("topic", "rm", "extra", *at).returncode == 0
    gone = pylog("topic", "show", "extra", *at)
    assert gone.returncode == 1
    assert "pylog topic ls" in gone.stderr
    twice = pylog("topic", "create", "orders", *at)
    assert twice.returncode == 1
    assert "TopicAlreadyExists" in twice.stderr
    assert [row["lag"] for row in document("group", "show", "billing", *at)["offsets"]] == [0, 0]
    assert document("group", "reset", "billing", "--topic", "orders", "--to", "earliest", *at)
    assert sum(row["lag"] for row in document("group", "show", "billing", *at)["offsets"]) == RECORDS
    assert document("group", "reset", "billing", "--topic", "orders", "--to", "latest", *at)


def test_explain_draws_once_without_a_terminal(broker: ObservedBroker) -> None:
    drawn = pylog("explain", "--http", broker.url.removeprefix("http://"))
    assert drawn.returncode == 0, drawn.stderr
    assert "orders" in drawn.stdout
    assert "▲ billing" in drawn.stdout
    nobody = pylog("explain", "--http", "127.0.0.1:1")
    assert nobody.returncode == 3
    assert "http.listener=127.0.0.1:1" in nobody.stderr


def test_logs_are_json(broker: ObservedBroker) -> None:
    lines = [json.loads(line) for line in broker.log.read_text().splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)


def test_log_files_without_a_broker(broker: ObservedBroker, tmp_path: Path) -> None:
    sound = document("log", "verify", str(broker.data_dir / "orders-0"))
    assert sound["problems"] == []
    assert sound["files"] > 1
    dumped = pylog("log", "dump", str(broker.data_dir / "orders-0"), "--records", "--json", "--limit", "2")
    batches = [json.loads(line) for line in dumped.stdout.splitlines()]
    assert [batch["base_offset"] for batch in batches] == [0, batches[0]["last_offset"] + 1]
    assert len(batches[0]["records"]) == batches[0]["record_count"]
    first = min((broker.data_dir / "orders-0").glob("*.log"))
    broken = tmp_path / first.name
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    broken.write_bytes(data)
    unsound = pylog("log", "verify", str(tmp_path))
    assert unsound.returncode == 1
    assert "UNSOUND" in unsound.stdout
    assert pylog("log", "dump", str(tmp_path / "nothing")).returncode == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("num.partition=3", "server.properties:1: unknown setting 'num.partition'; did you mean --set num.partitions="),
        ("\nlonely", "line 2: 'lonely' has no value"),
        ("num.partitions=x", "num.partitions must be a whole number"),
        ("http.listener=here", "HOST:PORT"),
        ("log.dirs=/a,/b", "one folder"),
    ],
)
def test_a_mistake_in_the_file(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "server.properties"
    file.write_text(text)
    done = pylog("serve", "--config", str(file), "--port", "0", "--data-dir", str(tmp_path / "data"))
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
