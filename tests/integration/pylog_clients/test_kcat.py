"""kcat, as Debian has it (an older librdkafka): metadata, produce and consume with every codec, groups, lookups."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.integration.pylog_clients.conftest import need_program
from tests.integration.pylog_core.broker_process import BrokerProcess

SECONDS_MAX = 30


@pytest.fixture(autouse=True)
def _kcat() -> None:
    need_program("kcat", "apt-get install kcat")


def kcat(broker: BrokerProcess, *arguments: str, text: str = "") -> str:
    command = ["kcat", "-b", broker.address, *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_what_it_writes_it_reads(broker: BrokerProcess, codec: str) -> None:
    topic = f"kcat-{codec}"
    lines = [f"key{number}:value {number}" for number in range(50)]
    kcat(broker, "-P", "-t", topic, "-K", ":", "-z", codec, "-H", "source=kcat", text="\n".join(lines) + "\n")
    out = kcat(broker, "-C", "-t", topic, "-e", "-q", "-J", "-o", "beginning")
    rows = [json.loads(line) for line in out.splitlines()]
    assert sorted(f"{row['key']}:{row['payload']}" for row in rows) == sorted(lines)
    assert all(row["headers"] == ["source", "kcat"] for row in rows)


def test_compressed_batches_stay_compressed_and_idempotent_ones_are_taken(broker: BrokerProcess) -> None:
    """KAFKA-18659: a client of this age compresses only where Produce is advertised from version 0."""
    text = "".join("the same line again and again\n" for _ in range(2_000))
    how = ("-P", "-t", "kcat-small", "-z", "zstd", "-X", "enable.idempotence=true", "-X", "linger.ms=200")
    kcat(broker, *how, text=text)
    log = broker.data_dir / "kcat-small-0" / f"{0:020d}.log"
    assert log.stat().st_size < len(text) / 5


def test_metadata_and_lookup_by_time(broker: BrokerProcess) -> None:
    kcat(broker, "-P", "-t", "kcat-meta", text="a\nb\n")
    listing = json.loads(kcat(broker, "-L", "-J"))
    assert any(row["topic"] == "kcat-meta" for row in listing["topics"])
    assert kcat(broker, "-Q", "-t", "kcat-meta:0:1").strip() == "kcat-meta [0] offset 0"
    assert kcat(broker, "-Q", "-t", "kcat-meta:0:-1").strip() == "kcat-meta [0] offset 2"


def test_a_group_goes_on_where_it_left(broker: BrokerProcess) -> None:
    kcat(broker, "-P", "-t", "kcat-group", text="a\nb\nc\nd\n")
    how = ("-G", "kcat-g", "-q", "-X", "auto.offset.reset=earliest", "-X", "heartbeat.interval.ms=200")
    first = kcat(broker, *how, "-c", "2", "kcat-group").split()
    second = kcat(broker, *how, "-c", "2", "kcat-group").split()
    assert first + second == ["a", "b", "c", "d"]
