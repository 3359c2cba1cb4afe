"""TLS and SASL with real clients: what gets in, what does not, and that data is whole both ways."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer

from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_security.certificates import Pems, make_pems

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import aiokafka
    import kafka
    import kafka.errors

pytestmark = pytest.mark.broker("pylog")
RECORDS = 200
VALUE = bytes(range(256)) * 40  # 10 KiB: a test's log is larger than a TLS record, a read-ahead and a socket buffer
USER, PASSWORD = "alice", "wonder=land, with commas"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")


class SecuredBroker(BrokerProcess):
    """A broker with a listener for each protocol."""

    ports: dict[str, int]

    def start(self) -> None:
        super().start()
        assert self._process.stdout is not None
        self.ports = {"PLAINTEXT": self.port}
        for _ in PROTOCOLS[1:]:
            _, _, address, protocol = self._process.stdout.readline().split()
            self.ports[protocol.strip("()")] = int(address.rpartition(":")[2])

    def at(self, protocol: str) -> str:
        return f"127.0.0.1:{self.ports[protocol]}"


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Pems:
    return make_pems(tmp_path_factory.mktemp("pems"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, pems: Pems) -> Iterator[SecuredBroker]:
    folder: Path = tmp_path_factory.mktemp("pylog")
    users = folder / "users"
    users.write_text(f"{USER} = {PASSWORD}\n")
    users.chmod(0o600)
    with SecuredBroker(
        folder / "data",
        "listeners=" + ",".join(f"{protocol}://127.0.0.1:0" for protocol in PROTOCOLS),
        f"ssl.keystore.location={pems.server}",
        f"ssl.truststore.location={pems.authority}",
        "ssl.client.auth=requested",
        f"sasl.users.file={users}",
        "group.initial.rebalance.delay.ms=0",
    ) as process:
        yield process
        assert process.stop() == 0
    log = process.log.read_text()
    assert "Traceback" not in log
    assert PASSWORD not in log


def confluent(
    broker: SecuredBroker, pems: Pems, protocol: str, mechanism: str, password: str = PASSWORD
) -> dict[str, Any]:
    return {
        "bootstrap.servers": broker.at(protocol),
        "security.protocol": protocol,
        "ssl.ca.location": str(pems.authority),
        "sasl.mechanism": mechanism,
        "sasl.username": USER,
        "sasl.password": password,
        "log_level": 0,
    }


def read_all(settings: dict[str, Any], topic: str, count: int) -> list[bytes]:
    consumer = Consumer({**settings, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    values: list[bytes] = []
    try:
        while len(values) < count:
            messages = consumer.consume(count - len(values), 10)
            assert messages, f"only {len(values)} of {count}"
            for message in messages:
                assert message.error() is None, message.error()
                values.append(message.value())
    finally:
        consumer.close()
    return values


@pytest.mark.parametrize(
    ("protocol", "mechanism"), [("SSL", "PLAIN"), *[(p, m) for p in PROTOCOLS[2:] for m in MECHANISMS]]
)
def test_librdkafka_writes_and_reads_back(broker: SecuredBroker, pems: Pems, protocol: str, mechanism: str) -> None:
    topic = f"{protocol}-{mechanism}"
    settings = confluent(broker, pems, protocol, mechanism)
    producer = Producer({**settings, "linger.ms": 20, "batch.size": 1 << 20})
    for number in range(RECORDS):
        producer.produce(topic, number.to_bytes(4, "big") + VALUE)
    assert producer.flush(20) == 0
    assert read_all(settings, topic, RECORDS) == [number.to_bytes(4, "big") + VALUE for number in range(RECORDS)]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_wrong_password_is_refused_in_words(broker: SecuredBroker, pems: Pems, mechanism: str) -> None:
    errors: list[Any] = []
    producer = Producer({**confluent(broker, pems, "SASL_SSL", mechanism, "wrong"), "error_cb": errors.append})
    for _ in range(50):
        producer.poll(0.1)
        if errors:
            break
    assert any("invalid credentials" in error.str() for error in errors), errors


def test_an_unknown_certificate_authority_is_the_clients_refusal(broker: SecuredBroker, tmp_path: Path) -> None:
    foreign = make_pems(tmp_path)
    producer = Producer(
        {
            "bootstrap.servers": broker.at("SSL"),
            "security.protocol": "SSL",
            "ssl.ca.location": str(foreign.authority),
            "log_level": 0,
        }
    )
    with pytest.raises(KafkaException):
        producer.list_topics(timeout=2)


def test_kafka_python_and_aiokafka_over_sasl_ssl(broker: SecuredBroker, pems: Pems) -> None:
    context = ssl.create_default_context(cafile=str(pems.authority))
    common: dict[str, Any] = {
        "bootstrap_servers": broker.at("SASL_SSL"),
        "security_protocol": "SASL_SSL",
        "ssl_context": context,
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": USER,
        "sasl_plain_password": PASSWORD,
    }
    producer = kafka.KafkaProducer(**common)
    producer.send("both", VALUE).get(10)
    producer.close()

    async def read() -> bytes:
        consumer = aiokafka.AIOKafkaConsumer("both", auto_offset_reset="earliest", **common)
        await consumer.start()
        try:
            return (await asyncio.wait_for(consumer.getone(), 15)).value
        finally:
            await consumer.stop()

    assert asyncio.run(read()) == VALUE


def test_nothing_is_answered_before_authentication(broker: SecuredBroker, pems: Pems) -> None:
    """Metadata on a SASL listener closes the connection; it tells nothing."""
    with socket.create_connection(("127.0.0.1", broker.ports["SASL_PLAINTEXT"]), timeout=5) as raw:
        body = (
            (3).to_bytes(2, "big") + (1).to_bytes(2, "big") + (9).to_bytes(4, "big") + b"\xff\xff" + b"\xff\xff\xff\xff"
        )
        raw.sendall(len(body).to_bytes(4, "big") + body)
        assert raw.recv(100) == b""


def test_garbage_and_half_handshakes_on_a_tls_listener_cost_nobody_else_anything(
    broker: SecuredBroker, pems: Pems
) -> None:
    address = ("127.0.0.1", broker.ports["SSL"])
    with socket.create_connection(address) as stuck, socket.create_connection(address, timeout=5) as raw:
        stuck.sendall(b"\x16\x03\x01")
        raw.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while raw.recv(100):
                pass
        assert Producer(confluent(broker, pems, "SSL", "PLAIN")).list_topics(timeout=5).brokers


def test_each_listener_tells_its_own_address(broker: SecuredBroker, pems: Pems) -> None:
    for protocol in PROTOCOLS:
        settings = confluent(broker, pems, protocol, "PLAIN")
        (node,) = Producer(settings).list_topics(timeout=5).brokers.values()
        assert node.port == broker.ports[protocol]
