"""Brokers that run already, with logins and TLS: whole workloads, nothing left behind, and no secret anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from confluent_kafka.admin import AdminClient
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key, pkcs12
from cryptography.x509 import load_pem_x509_certificates

from harness.brokers import handshake
from harness.brokers.external import ExternalBroker
from harness.brokers.ports import free_ports
from harness.brokers.process import ProcessBroker
from harness.brokers.products.activemq import ActiveMQ
from harness.brokers.products.rabbitmq import RabbitMQ
from harness.errors import BrokerUnavailable
from harness.model.broker import Access
from tests.integration.pylog_core.broker_process import BrokerProcess
from tests.integration.pylog_security.certificates import Pems, make_pems

PASSWORD = "wonder&land=7"
QUOTED = "wonder%26land%3D7"
RUN_SECONDS_MAX = 150


@pytest.fixture(scope="module")
def pems(tmp_path_factory: pytest.TempPathFactory) -> Pems:
    return make_pems(tmp_path_factory.mktemp("pems"))


class CommandLines:
    """Every command line that was seen while it was open."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._open = True
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> CommandLines:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        self._thread.join()

    def _look(self) -> None:
        while self._open:
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(entry.read_bytes())
                except OSError:
                    continue
            time.sleep(0.05)


def run(tmp_path: Path, broker: str, url: str, codes: tuple[int, ...] = (0, 1)) -> dict[str, object]:
    """``harness run`` of one workload against an address from the environment; the result document."""
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "harness", "run", "password_reset", "-b", broker, "-o", str(folder)]
    environment = {**os.environ, f"HARNESS_{broker.upper()}_URL": url}
    with CommandLines() as lines:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=RUN_SECONDS_MAX, check=False, env=environment
        )
    (tmp_path / "said").write_text(done.stderr)
    # an external broker cannot be killed, so an expectation may break
    assert done.returncode in codes, done.stderr[-2000:]
    assert PASSWORD not in done.stdout + done.stderr
    assert not any(PASSWORD.encode() in line or QUOTED.encode() in line for line in lines.seen)
    for file in folder.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert PASSWORD.encode() not in data, file
            assert QUOTED.encode() not in data, file
    return json.loads((folder / "result.json").read_text())


def check(result: dict[str, object], broker: str) -> None:
    (one,) = result["runs"]  # type: ignore[misc]
    assert one["state"] == "done", one["error"]
    (column,) = result["brokers"]  # type: ignore[misc]
    assert column["backend"] == "external"
    (verdict,) = [row for row in result["verdicts"] if row["checker"] == "durability"]  # type: ignore[union-attr]
    assert verdict["counts"]["lost"] == 0
    assert verdict["validity"] == "unknown", "it was never killed, so what a kill would do was not tested"
    assert verdict["summary"].startswith("not run: an external broker is never killed")


@pytest.mark.broker("pylog")
def test_a_log_broker_over_sasl_ssl(tmp_path: Path, pems: Pems) -> None:
    users = tmp_path / "users"
    users.write_text(f"alice = {PASSWORD}\n")
    users.chmod(0o600)
    with BrokerProcess(
        tmp_path / "data",
        "listeners=SASL_SSL://127.0.0.1:0",
        f"ssl.keystore.location={pems.server}",
        f"sasl.users.file={users}",
        "group.initial.rebalance.delay.ms=0",
    ) as broker:
        url = f"sasl_ssl://alice:{QUOTED}@127.0.0.1:{broker.port}?mechanism=SCRAM-SHA-512&ca={pems.authority}"
        check(run(tmp_path, "pylog", url), "pylog")
        admin = AdminClient(
            {
                "bootstrap.servers": broker.address,
                "security.protocol": "SASL_SSL",
                "ssl.ca.location": str(pems.authority),
                "sasl.mechanism": "PLAIN",
                "sasl.username": "alice",
                "sasl.password": PASSWORD,
            }
        )
        assert [name for name in admin.list_topics(timeout=5).topics if not name.startswith("__")] == []
        assert admin.list_consumer_groups().result(10).valid == []


@contextmanager
def rabbitmq(tmp_path: Path, pems: Pems) -> Iterator[tuple[ProcessBroker, int]]:
    """A private RabbitMQ with an encrypted listener; its port."""
    (port,) = free_ports(1)
    definitions = tmp_path / "definitions.json"
    rights = {"configure": ".*", "write": ".*", "read": ".*"}
    people = (("guest", "guest", "/"), ("alice", PASSWORD, "shop"))
    definitions.write_text(
        json.dumps(
            {
                "users": [{"name": name, "password": password, "tags": ""} for name, password, _ in people],
                "vhosts": [{"name": "/"}, {"name": "shop"}],
                "permissions": [{"user": name, "vhost": vhost, **rights} for name, _, vhost in people],
            }
        )
    )
    broker = ProcessBroker.create(RabbitMQ(), tmp_path / "rabbitmq", None)
    settings = {
        "listeners.ssl.1": f"127.0.0.1:{port}",
        "ssl_options.cacertfile": str(pems.authority),
        "ssl_options.certfile": str(pems.server),
        "ssl_options.keyfile": str(pems.server),
        "ssl_options.verify": "verify_none",
        "load_definitions": str(definitions),
    }
    try:
        broker.start(tier="D1", settings=settings)
        yield broker, port
    finally:
        broker.stop()


@pytest.mark.broker("rabbitmq")
def test_rabbitmq_over_amqps_in_a_virtual_host(tmp_path: Path, pems: Pems) -> None:
    with rabbitmq(tmp_path, pems) as (_, port):
        url = f"amqps://alice:{QUOTED}@127.0.0.1:{port}/shop?ca={pems.authority}"
        check(run(tmp_path, "rabbitmq", url), "rabbitmq")


@dataclass(frozen=True)
class SecuredActiveMQ(ActiveMQ):
    """ActiveMQ with more in its settings: ``plugins`` and what comes before its connectors."""

    plugins: str = ""
    connectors: str = ""

    def prepare(self, installation, folder, ports, settings):  # type: ignore[no-untyped-def]
        launch = super().prepare(installation, folder, ports, settings)
        file = folder / "conf" / "activemq.xml"
        text = file.read_text().replace("<plugins>", "<plugins>" + self.plugins)
        if self.connectors:
            before, _, after = text.partition("<transportConnectors>")
            text = before + self.connectors + after
        file.write_text(text)
        return launch


def encrypted(store: Path, port: int) -> str:
    keys = f'<sslContext><sslContext keyStore="file:{store}" keyStorePassword="store"/></sslContext>'
    return f'{keys}<transportConnectors><transportConnector name="tls" uri="stomp+nio+ssl://127.0.0.1:{port}"/>'


def demands_login(username: str, password: str) -> str:
    user = f'<authenticationUser username="{username}" password="{escape(password)}" groups="users"/>'
    return f"<simpleAuthenticationPlugin><users>{user}</users></simpleAuthenticationPlugin>"


def key_store(pems: Pems, path: Path) -> Path:
    """The server's key and chain as PKCS #12, which Java reads."""
    key = load_pem_private_key(pems.server.read_bytes(), None)
    certificate, *chain = load_pem_x509_certificates(pems.server.read_bytes())
    path.write_bytes(
        pkcs12.serialize_key_and_certificates(b"server", key, certificate, chain, BestAvailableEncryption(b"store"))  # type: ignore[arg-type]
    )
    return path


@pytest.mark.broker("activemq")
def test_activemq_over_stomp_ssl(tmp_path: Path, pems: Pems) -> None:
    (port,) = free_ports(1)
    product = SecuredActiveMQ(connectors=encrypted(key_store(pems, tmp_path / "server.p12"), port))
    broker = ProcessBroker.create(product, tmp_path / "activemq", None)
    try:
        broker.start(tier="D1", settings={})
        url = f"stomp+ssl://alice:{QUOTED}@127.0.0.1:{port}?ca={pems.authority}"
        check(run(tmp_path, "activemq", url), "activemq")
        with pytest.raises(BrokerUnavailable):
            ExternalBroker.create(product, tmp_path, f"stomp://127.0.0.1:{port}").start(tier="D1", settings={})
    finally:
        broker.stop()


def _greet_as(username: str, password: str, host: str, port: int, timeout_s: float, *_: Access) -> handshake.Greeting:
    return handshake.stomp(host, port, timeout_s, Access(username, password))


@pytest.mark.broker("activemq")
def test_activemq_that_demands_a_login(tmp_path: Path) -> None:
    greet = partial(_greet_as, "alice", PASSWORD)
    product = SecuredActiveMQ(plugins=demands_login("alice", PASSWORD), greet=greet)
    broker = ProcessBroker.create(product, tmp_path / "activemq", None)
    try:
        address = broker.start(tier="D1", settings={}).address
        (tmp_path / "right").mkdir()
        check(run(tmp_path / "right", "activemq", f"stomp://alice:{QUOTED}@{address}"), "activemq")
        assert "no STOMP client can delete them" in (tmp_path / "right" / "said").read_text()
        for folder, login in (("wrong", f"alice:{QUOTED}x@"), ("nobody", "")):
            (tmp_path / folder).mkdir()
            result = run(tmp_path / folder, "activemq", f"stomp://{login}{address}", codes=(3,))
            (one,) = result["runs"]  # type: ignore[misc]
            assert one["state"] != "done"
            assert "refuses" in one["error"]
            assert "User name" in one["error"]
            assert "no run took place" in (tmp_path / folder / "said").read_text()
    finally:
        broker.stop()


@pytest.mark.broker("pylog")
def test_a_dry_run_says_what_would_be_made_there_and_by_whom(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "harness", "run", "priority_tasks", "-b", "kafka", "--dry-run"]
    environment = {**os.environ, "HARNESS_KAFKA_URL": f"sasl_ssl://alice:{QUOTED}@broker.example:9093"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "removed at the end" in done.stdout
    assert "sasl_ssl://alice@broker.example:9093" in done.stdout
    assert "topic hPREFIX" in done.stdout
    assert QUOTED not in done.stdout


def test_a_dry_run_says_what_stays_on_an_activemq_and_how_to_remove_it() -> None:
    command = [sys.executable, "-m", "harness", "run", "password_reset", "-b", "activemq", "--dry-run"]
    environment = {**os.environ, "HARNESS_ACTIVEMQ_URL": f"stomp://alice:{QUOTED}@broker.example:61613"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "removed at the end" not in done.stdout
    assert "no STOMP client can delete them" in done.stdout
    assert "for q in PRIO.hPREFIX.mailer DLQ.PRIO.hPREFIX.mailer; do curl" in done.stdout
    assert "http://broker.example:8161/api/jolokia/exec/" in done.stdout
    assert QUOTED not in done.stdout
