"""The settings files that ``compose/compose.yaml`` mounts: written from the same products that the harness starts.

``python -m harness.brokers.compose`` writes them anew; a test holds them to what it would write. They differ from what a run
uses in two things: management pages are on, and a cluster's nodes know each other.
"""

from __future__ import annotations

import sys
from pathlib import Path

from harness.brokers.places import compose_folder
from harness.brokers.products.activemq import ActiveMQ, document
from harness.brokers.products.base import EVERYWHERE
from harness.brokers.products.kafka import Kafka, server_properties
from harness.brokers.products.rabbitmq import RabbitMQ, enabled_plugins

TIER = "D1"
NODES = (1, 2, 3)
MANAGEMENT = ("rabbitmq_management",)
KAFKA_CLUSTER_PORT = 9190  # and the node's number
KAFKA_DATA = "/var/lib/kafka/data"
ACTIVEMQ_DATA = "/opt/apache-activemq/data"


def files() -> dict[str, str]:
    """Path below ``compose/settings`` -> text. Pure."""
    rabbitmq, activemq, kafka = RabbitMQ(), ActiveMQ(), Kafka()
    contained = rabbitmq.contain(rabbitmq.default_port, rabbitmq.server_settings(TIER)).files
    texts = {
        "rabbitmq/90-harness.conf": contained["/etc/rabbitmq/conf.d/90-harness.conf"],
        "rabbitmq/enabled_plugins": enabled_plugins(MANAGEMENT),
        "rabbitmq/95-cluster.conf": _rabbitmq_cluster(),
        "activemq/activemq.xml": document(
            ACTIVEMQ_DATA, EVERYWHERE, activemq.default_port, activemq.server_settings(TIER), console=True
        ),
        "kafka/server.properties": server_properties(
            EVERYWHERE, kafka.default_port, 9093, KAFKA_DATA, kafka.server_settings(TIER)
        ),
    }
    return texts | {f"kafka-{node}/server.properties": _kafka_node(node) for node in NODES}


def _rabbitmq_cluster() -> str:
    nodes = "".join(f"cluster_formation.classic_config.nodes.{node} = rabbit@rabbitmq-{node}\n" for node in NODES)
    return f"cluster_formation.peer_discovery_backend = classic_config\n{nodes}"


def _kafka_node(node: int) -> str:
    """Clients outside reach it on 127.0.0.1, its peers by name: two listeners, and every internal topic on three replicas."""
    port = KAFKA_CLUSTER_PORT + node
    cluster = {
        "node.id": str(node),
        "controller.quorum.voters": ",".join(f"{one}@kafka-{one}:9093" for one in NODES),
        "listeners": f"PLAINTEXT://{EVERYWHERE}:{port},INTERNAL://{EVERYWHERE}:19092,CONTROLLER://{EVERYWHERE}:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},INTERNAL://kafka-{node}:19092",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "INTERNAL",
        "default.replication.factor": "3",
        "min.insync.replicas": "2",
    }
    replicated = {
        name: {"1": "3"}.get(value, value) if name.endswith("replication.factor") else "2"
        for name, value in Kafka().server_settings(TIER).items()
        if name.endswith(("replication.factor", ".min.isr"))
    }
    return server_properties(EVERYWHERE, port, 9093, KAFKA_DATA, Kafka().server_settings(TIER) | cluster | replicated)


def write(folder: Path) -> list[Path]:
    """Write all of them below ``folder``."""
    written = []
    for name, text in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    sys.stdout.writelines(f"{path}\n" for path in write(compose_folder() / "settings"))
