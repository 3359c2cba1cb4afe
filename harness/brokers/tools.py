"""Load tools of the field, which the harness's own adapters are compared with: Kafka's come with its jars, PerfTest is its own copy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.brokers.places import cache_folder
from harness.brokers.products import java, kafka
from harness.errors import BrokerMissing

PERF_TEST = "perf-test"
PERF_TEST_VERSION = "2.22.1"
PERF_TEST_JAR = f"perf-test-{PERF_TEST_VERSION}.jar"
PERF_TEST_MB = 10
TOOLS = (PERF_TEST,)  # names that ``harness.brokers.install --brokers`` takes beside those of brokers


@dataclass(frozen=True, slots=True)
class JavaTool:
    """A load tool: its name and version, and how a class of it is run."""

    name: str
    version: str
    java: str
    libraries: Path

    def command(self, main_class: str, arguments: list[str]) -> list[str]:
        return [self.java, "-Xms512m", "-Xmx512m", "-cp", f"{self.libraries}/*", main_class, *arguments]


def perf_test_libraries() -> Path:
    return cache_folder() / PERF_TEST / PERF_TEST_VERSION / "libs"


def perf_test() -> JavaTool:
    """RabbitMQ PerfTest. Raises BrokerMissing."""
    found = java.find_java()
    if found is None or not (perf_test_libraries() / PERF_TEST_JAR).is_file():
        raise BrokerMissing(
            "there is no local copy of RabbitMQ PerfTest, or no Java for it",
            next_command=f"python -m harness.brokers.install --brokers {PERF_TEST} --yes",
        )
    return JavaTool("PerfTest", PERF_TEST_VERSION, str(found.program), perf_test_libraries())


def kafka_tools() -> JavaTool:
    """kafka-producer-perf-test and kafka-consumer-perf-test, from the local copy of Apache Kafka. Raises BrokerMissing."""
    copy = kafka.Kafka().locate()
    found = java.find_java()
    assert found is not None  # ``locate`` has seen to it
    return JavaTool("kafka-*-perf-test", copy.version, str(found.program), copy.home / "libs")


def tool_missing(name: str) -> str | None:
    """Why a tool of ``TOOLS`` cannot be used, or None."""
    try:
        perf_test()
    except BrokerMissing as error:
        return f"{name}: {error.message}"
    return None
