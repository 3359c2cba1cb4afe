"""Addresses of brokers that run already: what they mean, what is refused, and that no password is ever shown."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from harness.brokers.address import address_variable, from_command_line, own_password, parse_address, without_secrets
from harness.errors import UsageError
from harness.model.broker import Access, BrokerInfo

SECRET = "s3cr@t/ü"
QUOTED = "s3cr%40t%2F%C3%BC"


@pytest.mark.parametrize(
    ("broker", "url", "host", "port", "access"),
    [
        ("rabbitmq", "broker.example", "broker.example", None, Access()),
        ("rabbitmq", "broker.example:5673", "broker.example", 5673, Access()),
        (
            "rabbitmq",
            f"amqps://alice:{QUOTED}@broker.example/shop%2Forders",
            "broker.example",
            5671,
            Access("alice", SECRET, "shop/orders", tls=True),
        ),
        (
            "activemq",
            "stomp+ssl://alice@[::1]:61614?verify=false",
            "::1",
            61614,
            Access("alice", tls=True, verify=False),
        ),
        ("kafka", "kafka://broker.example:9092", "broker.example", 9092, Access()),
        ("kafka", "broker.example:9092", "broker.example", 9092, Access()),
        ("pylog", "ssl://broker.example:9093", "broker.example", 9093, Access(tls=True)),
        (
            "kafka",
            f"SASL_SSL://alice:{QUOTED}@broker.example:9093?mechanism=SCRAM-SHA-512",
            "broker.example",
            9093,
            Access("alice", SECRET, mechanism="SCRAM-SHA-512", tls=True),
        ),
        ("kafka", "sasl_plaintext://a:b@h:1", "h", 1, Access("a", "b", mechanism="PLAIN")),
    ],
)
def test_an_address_is_taken_apart(broker: str, url: str, host: str, port: int | None, access: Access) -> None:
    address = parse_address(broker, url)
    assert (address.host, address.port, address.access) == (host, port, access)


@pytest.mark.parametrize(
    ("broker", "url", "words"),
    [
        ("rabbitmq", "amqpss://h", "did you mean amqps://"),
        ("rabbitmq", "stomp://h", "amqp://"),
        ("kafka", "kafka://alice:secret@h", "sasl_ssl"),
        ("pylog", "sasl_ssl://h:9093", "names no user"),
        ("pylog", "h:9092?mechanism=PLAIN", "names no user"),
        ("kafka", "sasl_ssl://a:secret@h?mechanism=GSSAPI", "SCRAM-SHA-256"),
        ("rabbitmq", "amqps://a:secret@h?ca=/nowhere/ca.pem", "is not a file"),
        ("rabbitmq", "amqps://a:secret@h?cafile=x", "no parameter 'cafile'"),
        ("rabbitmq", "amqp://a:secret@:5672", "names no host"),
        ("rabbitmq", "amqp://a:secret@h:port", "cannot be read"),
    ],
)
def test_a_mistake_is_told_without_the_password(broker: str, url: str, words: str) -> None:
    with pytest.raises(UsageError) as failure:
        parse_address(broker, url)
    assert words in failure.value.message
    assert "secret" not in failure.value.message


def test_a_password_on_the_command_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as failure:
        from_command_line("rabbitmq", "amqp://alice:hush@h")
    assert "HARNESS_RABBITMQ_URL" in failure.value.message
    assert "hush" not in failure.value.message + str(failure.value.next_command)
    assert from_command_line("rabbitmq", "amqp://alice@h") == "amqp://alice@h"
    file = tmp_path / "address"
    file.write_text("amqp://alice:hush@h\n")
    assert from_command_line("rabbitmq", f"@{file}") == "amqp://alice:hush@h"
    with pytest.raises(UsageError, match="cannot be read from"):
        from_command_line("rabbitmq", f"@{tmp_path / 'missing'}")


def test_passwords_are_not_shown_but_travel_to_workers() -> None:
    access = parse_address("rabbitmq", "amqp://alice:hush@h").access
    info = BrokerInfo("rabbitmq", "RabbitMQ", "4", "h", 5672, "external", access=access)
    assert "hush" not in repr(info)
    assert pickle.loads(pickle.dumps(info)).access.password == "hush"
    assert access.without_password() == Access("alice")
    assert without_secrets("rabbitmq", "amqp://alice:hush@h:1/v?x") == "an address that cannot be read"
    assert without_secrets("rabbitmq", "amqp://alice:hush@h:1/v") == "amqp://alice@h:1"


def test_the_environment_has_names_that_shells_take() -> None:
    assert address_variable("activemq-5.17") == "HARNESS_ACTIVEMQ_5_17_URL"
    assert own_password("rabbitmq", {"HARNESS_RABBITMQ_URL": "amqp://a:b@h"}) == "b"
    assert own_password("rabbitmq", {}) == ""
