"""Apache Kafka: one KRaft node, broker and controller in one process.

Its storage folder is formatted by copying what the StorageTool once wrote (a virtual machine less at each start),
with fresh identities.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.brokers import handshake
from harness.brokers.handshake import Greet
from harness.brokers.places import cache_folder
from harness.brokers.products import java
from harness.brokers.products.base import (
    EVERYWHERE,
    LOOPBACK,
    Contained,
    Installation,
    Launch,
    quiet_environment,
)
from harness.errors import BrokerMissing, BrokerStartFailed

VERSION = "4.3.1"
INSTALL_COMMAND = "harness broker install kafka"
FORMAT_DEADLINE_S = 60
CONTAINED_CONTROLLER = 9093
CONTAINED_CLUSTER = "bWVzc2FnaW5nLWhhcm5lcw"  # 16 bytes in base64; each container has a volume to itself

LOG_CONFIGURATION = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %m (%c{1})%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
logger.config.name = org.apache.kafka.common.config.AbstractConfig
logger.config.level = warn
logger.controller.name = org.apache.kafka.controller
logger.controller.level = warn
"""


@dataclass(frozen=True, slots=True)
class Kafka:
    """Settings are the broker's own (server.properties), and ``jvm.heap``."""

    name: str = "kafka"
    title: str = "Apache Kafka"
    port_count: int = 2
    default_port: int = 9092
    greet: Greet = handshake.kafka

    def locate(self) -> Installation:
        home = cache_folder() / "kafka" / VERSION
        if not (home / "libs" / f"kafka_2.13-{VERSION}.jar").is_file():
            raise BrokerMissing("there is no local copy of Apache Kafka", next_command=INSTALL_COMMAND)
        found = java.find_java()
        if found is None:
            raise BrokerMissing(f"no Java {java.OLDEST_MAJOR} or newer for Apache Kafka", next_command=INSTALL_COMMAND)
        return Installation(VERSION, home, f"local copy, Java {found.version}", str(found.program))

    def server_settings(self, tier: str) -> dict[str, str]:
        """D2 flushes inside each append; D0 and D1 leave it to the page cache. The rest is what one node needs, for every tier.

        A KRaft node that comes back after a kill is refused as a duplicate of itself until its old session is over: 9
        s by default, which would be most of any time to recover measured here. A single node has nobody to fail over
        to, so the session is 1 s; what the default costs can be measured by setting it back. A new group waits a moment
        for its second member, which is faster than to give all to the first and take it back at its next heartbeat.

        Members of a share group are told by the broker how often to send a heartbeat, and hear with one of what is theirs: 5 s after
        they joined, by default. They get the half second and the six seconds that members of consumer groups choose for themselves.
        """
        flush = {"log.flush.interval.messages": "1"} if tier == "D2" else {}
        return {
            java.HEAP_SETTING: "1g",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "10",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "10",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "share.coordinator.state.topic.num.partitions": "10",
            "group.initial.rebalance.delay.ms": "150",
            "group.share.assignment.interval.ms": "0",
            "group.share.heartbeat.interval.ms": "500",
            "group.share.min.heartbeat.interval.ms": "500",
            "group.share.session.timeout.ms": "6000",
            "group.share.min.session.timeout.ms": "6000",
            "broker.session.timeout.ms": "2000",  # a stall of one second fenced it on a busy machine: no leader for a moment
            "broker.heartbeat.interval.ms": "500",
            **flush,
        }

    def prepare(
        self, installation: Installation, folder: Path, ports: Sequence[int], settings: Mapping[str, str]
    ) -> Launch:
        found = java.find_java()
        assert found is not None  # locate() has seen it
        client, controller = ports
        conf = folder / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        properties = conf / "server.properties"
        text = server_properties(LOOPBACK, client, controller, str(folder / "data"), settings)
        properties.write_text(text, encoding="utf-8")
        (conf / "log4j2.properties").write_text(LOG_CONFIGURATION, encoding="utf-8")
        format_storage(installation, found, folder / "data", properties)
        system = {"log4j2.configurationFile": str(conf / "log4j2.properties"), "kafka.logs.dir": str(folder / "logs")}
        argv = java.command(found, installation.home, settings, system, ["kafka.Kafka", str(properties)])
        return Launch(argv, quiet_environment(folder), dict(settings), grace_s=java.grace_s(settings, 8.0))

    def contain(self, port: int, settings: Mapping[str, str]) -> Contained:
        """The image formats the folder itself, under the identity in CLUSTER_ID, when it is not formatted yet."""
        data = "/var/lib/kafka/data"
        controller = CONTAINED_CONTROLLER if port != CONTAINED_CONTROLLER else CONTAINED_CONTROLLER + 1
        files = {
            "/mnt/shared/config/server.properties": server_properties(EVERYWHERE, port, controller, data, settings)
        }
        heap = settings[java.HEAP_SETTING]
        env = {
            "CLUSTER_ID": CONTAINED_CLUSTER,
            "KAFKA_HEAP_OPTS": f"-Xms{heap} -Xmx{heap}",
            "KAFKA_JVM_PERFORMANCE_OPTS": " ".join(java.COLLECTOR),
        }
        return Contained(data, files, dict(settings), env)


def server_properties(host: str, client: int, controller: int, data: str, settings: Mapping[str, str]) -> str:
    """The broker's settings file. Clients, and the broker itself, reach it on 127.0.0.1 whatever it listens on. Pure."""
    server = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
        "listeners": f"PLAINTEXT://{host}:{client},CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{client}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": data,
    } | {name: value for name, value in settings.items() if not name.startswith("jvm.")}
    return "".join(f"{name}={value}\n" for name, value in server.items())


def format_storage(installation: Installation, found: java.Java, data: Path, properties: Path) -> None:
    """Make ``data`` a formatted storage folder, unless it is one."""
    if (data / "meta.properties").exists():
        return
    template = installation.home / "format"
    if not (template / "meta.properties").exists():
        _write_template(installation, found, template, properties)
    data.mkdir(parents=True, exist_ok=True)
    for entry in template.iterdir():
        if entry.name != "meta.properties":
            shutil.copy2(entry, data / entry.name)
    fresh = {"cluster.id": _identity(), "directory.id": _identity()}
    lines = (template / "meta.properties").read_text(encoding="utf-8").splitlines()
    renewed = [f"{name}={fresh.get(name, value)}" for name, _, value in (line.partition("=") for line in lines) if name]
    (data / "meta.properties").write_text("\n".join(renewed) + "\n", encoding="utf-8")


def _write_template(installation: Installation, found: java.Java, template: Path, properties: Path) -> None:
    """Run the StorageTool once for this copy. What it writes depends on the node id and the version alone."""
    with tempfile.TemporaryDirectory(dir=installation.home, prefix="format-") as scratch:
        target = Path(scratch) / "data"
        config = Path(scratch) / "server.properties"
        lines = properties.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not line.startswith("log.dirs=")]
        config.write_text("\n".join([*kept, f"log.dirs={target}", ""]), encoding="utf-8")
        argv = [str(found.program), "-Xmx256m", "-cp", java.class_path(installation.home / "libs")]
        argv += ["kafka.tools.StorageTool", "format", "-t", _identity(), "-c", str(config)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=FORMAT_DEADLINE_S, check=False)
        if done.returncode != 0 or not (target / "meta.properties").exists():
            raise BrokerStartFailed(
                f"Kafka's StorageTool could not format a folder: {(done.stderr or done.stdout).strip()[-400:]}",
                next_command="harness doctor kafka",
            )
        try:
            target.rename(template)
        except OSError:  # another process was quicker; its template is as good
            if not (template / "meta.properties").exists():
                raise


def _identity() -> str:
    """A random id as Kafka writes them: 16 bytes, base64 for URLs, no padding, not starting with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text
