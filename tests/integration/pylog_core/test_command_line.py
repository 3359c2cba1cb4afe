"""The command: what it prints, how it ends, and what it says when it cannot start."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from harness.pylog_broker.protocol.generated.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsRequestResource,
)
from harness.pylog_broker.protocol.generated.metadata import MetadataRequest, MetadataRequestTopic
from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_core.wire import Wire

pytestmark = pytest.mark.broker("pylog")

STATIC_BROKER = 4
"""Source of a setting: given at start."""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness.pylog_broker", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, **environment},
    )


def refused(*arguments: str, code: int, says: str) -> None:
    result = run(*arguments)
    assert result.returncode == code, result.stderr
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("command", [("serve",), ()])
def test_serve_is_the_default_command(tmp_path: Path, command: tuple[str, ...]) -> None:
    arguments = [*command, "--port", "0", "--data-dir", str(tmp_path / "data"), "--log-level", "error"]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.pylog_broker", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("listening on 127.0.0.1:")
        process.terminate()
        output, errors = process.communicate(timeout=20)
        assert (process.returncode, output, errors) == (0, "", "")
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_advertised_address_and_partitions(tmp_path: Path) -> None:
    arguments = ("--advertised", "broker.example:19092", "--num-partitions", "3")
    with BrokerProcess(tmp_path / "data", arguments=arguments) as process, Wire(process.port) as wire:
        request = MetadataRequest([MetadataRequestTopic(name="topic")], allow_auto_topic_creation=True)
        wire.call(request, 9)
        response = wire.call(request, 9)
        assert (response.brokers[0].host, response.brokers[0].port) == ("broker.example", 19092)
        assert len(response.topics[0].partitions) == 3
        broker = DescribeConfigsRequestResource(4, "1", ["listeners", "advertised.listeners"])
        (result,) = wire.call(DescribeConfigsRequest([broker]), 4).results
        assert {row.name: (row.value, row.config_source) for row in result.configs} == {
            "listeners": (f"PLAINTEXT://127.0.0.1:{process.port}", STATIC_BROKER),
            "advertised.listeners": ("PLAINTEXT://broker.example:19092", STATIC_BROKER),
        }


def test_a_busy_port(tmp_path: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        refused("--port", str(port), "--data-dir", str(tmp_path), code=3, says="pylog serve --port 0")
    assert list(tmp_path.iterdir()) == []


def test_a_locked_data_folder(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data"):
        refused("--port", "0", "--data-dir", str(tmp_path / "data"), code=3, says="--data-dir DIR")


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    refused("--port", "0", "--data-dir", str(tmp_path / "file"), code=3, says="--data-dir DIR")
    refused("--port", "0", "--data-dir", "/proc/nowhere", code=3, says="--data-dir DIR")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--set", "num.partition=3"), "did you mean --set num.partitions=...?"),
        (("--set", "num.partitions"), "name=value"),
        (("--num-partitions", "0"), "num.partitions must be in"),
        (("--advertised", "nowhere"), "--advertised takes HOST:PORT"),
        (("--port", "70000"), "--port must be in"),
    ],
)
def test_mistakes(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    refused("--data-dir", str(tmp_path / "data"), *arguments, code=2, says=says)


def test_the_default_data_folder_is_documented() -> None:
    result = run("serve", "--help", XDG_DATA_HOME="/example", COLUMNS="200")
    assert result.returncode == 0
    assert "/example/pylog" in result.stdout
