"""An address that a person gave is used and never touched."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from harness.brokers import BrokerState, create
from harness.errors import BrokerUnavailable, NotAllowedExternally, UsageError
from tests.brokers.test_handshake import peer


def test_it_is_never_started_killed_paused_or_wiped() -> None:
    broker = create("kafka", root=Path("unused"), backend="external", url="127.0.0.1:9")
    for operation in ("kill", "restart", "pause", "resume", "wipe"):
        with pytest.raises(NotAllowedExternally, match="never"):
            getattr(broker, operation)()
    broker.stop()
    assert broker.pids() == ()
    assert broker.log_tail(5) == []
    assert broker.inspect().state is BrokerState.EXTERNAL
    assert not Path("unused").exists()


@pytest.mark.parametrize(
    ("name", "url", "address"),
    [
        ("kafka", "broker.example", ("broker.example", 9092)),
        ("rabbitmq", "amqp://user:secret@mq.example:5673/%2F", ("mq.example", 5673)),
        ("rabbitmq", "amqp://mq.example", ("mq.example", 5672)),
        ("activemq", "[::1]:61614", ("::1", 61614)),
    ],
)
def test_addresses_as_people_write_them(name: str, url: str, address: tuple[str, int]) -> None:
    broker = create(name, root=Path(), backend="external", url=url)
    assert (broker._host, broker._port) == address


@pytest.mark.parametrize("url", ["", None, "//", "host:port", "host:99999999"])
def test_what_is_no_address_is_refused(url: str | None) -> None:
    with pytest.raises(UsageError):
        create("kafka", root=Path(), backend="external", url=url)


def test_one_that_does_not_answer_is_an_error_without_its_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    broker = create("rabbitmq", root=Path(), backend="external", url=f"amqp://me:secret@127.0.0.1:{port}")
    with pytest.raises(BrokerUnavailable, match=f":{port}") as caught:
        broker.start(tier="D1", settings={})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("login", "who"), [("", "clients without a login"), ("me:secret@", "the login of me")])
def test_one_that_refuses_the_login_is_an_error_before_anything_is_made_there(login: str, who: str) -> None:
    with peer(b"ERROR\nmessage:no login\n\n\x00") as port:
        broker = create("activemq", root=Path(), backend="external", url=f"stomp://{login}127.0.0.1:{port}")
        with pytest.raises(BrokerUnavailable, match=f"refuses {who}: .*no login") as caught:
            broker.start(tier="D1", settings={})
    assert "secret" not in f"{caught.value} {caught.value.next_command}"
    assert "USER:PASSWORD@" in str(caught.value.next_command)


def test_an_unknown_backend_names_the_known() -> None:
    with pytest.raises(UsageError, match="did you mean external"):
        create("kafka", root=Path(), backend="externl")


@pytest.mark.parametrize("url", ["example.org:9092", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000"])
def test_a_local_process_listens_here_or_nowhere(url: str) -> None:
    with pytest.raises(UsageError, match=r"127\.0\.0\.1:PORT"):
        create("kafka", root=Path(), url=url)
