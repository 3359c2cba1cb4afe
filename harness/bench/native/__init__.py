"""librdkafka without Python in the way: a small C program, compiled when it is first needed."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from functools import cache
from importlib import resources
from pathlib import Path

import confluent_kafka

from harness.errors import BrokerMissing

DEADLINE_S = 180


def _library() -> Path:
    """The librdkafka that confluent-kafka's wheel brings. Raises BrokerMissing where it is a system library."""
    package = Path(confluent_kafka.__file__).parent
    found = sorted((package.parent / "confluent_kafka.libs").glob("librdkafka*.so*"))
    if not found:
        raise BrokerMissing(
            "confluent-kafka was not installed from a wheel, so its librdkafka is not found",
            next_command="pip install --force-reinstall --only-binary :all: confluent-kafka",
        )
    return found[0]


@cache
def program() -> Path:
    """Compile it, once a process. Raises BrokerMissing where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise BrokerMissing("there is no C compiler", next_command="apt-get install gcc libc6-dev")
    folder = Path(tempfile.mkdtemp(prefix="bench-native-"))
    target = folder / "client"
    with resources.as_file(resources.files(__package__).joinpath("client.c")) as source:
        command = [compiler, "-O2", "-Wall", "-o", str(target), str(source), "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        raise BrokerMissing(
            f"the C program does not compile: {done.stderr.strip()[-400:]}",
            next_command="apt-get install gcc libc6-dev",
        )
    import atexit

    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return target


def produce(address: str, topic: str, *, count: int, payload_bytes: int, batch_bytes: int, partitions: int) -> float:
    """Messages per second with idempotence on, until the last acknowledgement. Raises BrokerMissing."""
    return _run("produce", address, topic, str(count), str(payload_bytes), str(batch_bytes), str(partitions))


def consume(address: str, topic: str, *, count: int) -> float:
    """Messages per second from the first to the last of `count` messages of partition 0. Raises BrokerMissing."""
    return _run("consume", address, topic, str(count))


def _run(*arguments: str) -> float:
    command = [str(program()), str(_library()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    if done.returncode != 0:
        raise BrokerMissing(
            f"the C client failed: {done.stderr.strip()[-400:]}", next_command="harness bench pylog --suite core"
        )
    result = json.loads(done.stdout)
    return float(result["messages"] / result["seconds"])
