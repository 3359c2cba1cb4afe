"""What the generated XML of ActiveMQ promises by queue name, asked of the broker itself."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Iterator

import pytest
import stomp

from harness.brokers import create
from harness.model.broker import BrokerInfo

pytestmark = pytest.mark.broker("activemq")


class Inbox(stomp.ConnectionListener):  # type: ignore[misc]
    """Frames as they come."""

    def __init__(self) -> None:
        self.messages: queue.Queue[stomp.utils.Frame] = queue.Queue()
        self.receipts: queue.Queue[str] = queue.Queue()

    def on_message(self, frame: stomp.utils.Frame) -> None:
        self.messages.put(frame)

    def on_receipt(self, frame: stomp.utils.Frame) -> None:
        self.receipts.put(frame.headers["receipt-id"])


class Client:
    """A connection that waits for receipts."""

    def __init__(self, info: BrokerInfo) -> None:
        self.connection = stomp.Connection12([(info.host, info.port)], heartbeats=(0, 0))
        self.inbox = Inbox()
        self.connection.set_listener("inbox", self.inbox)
        self.connection.connect(wait=True)
        self._subscriptions = 0

    def send(self, destination: str, body: str, **headers: str) -> None:
        self.connection.send(destination, body, headers={"persistent": "true", **headers}, receipt="sent")
        self.inbox.receipts.get(timeout=10)

    def subscribe(self, destination: str, **headers: str) -> None:
        self._subscriptions += 1
        number = str(self._subscriptions)
        self.connection.subscribe(destination, number, "client-individual", headers, receipt=f"sub-{number}")
        self.inbox.receipts.get(timeout=10)

    def receive(self, timeout_s: float = 10.0) -> stomp.utils.Frame:
        return self.inbox.messages.get(timeout=timeout_s)

    def ack(self, frame: stomp.utils.Frame) -> None:
        self.connection.ack(frame.headers["ack"])

    def close(self) -> None:
        self.connection.disconnect(receipt="bye")
        self.inbox.receipts.get(timeout=10)


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerInfo]:
    broker = create("activemq", root=tmp_path_factory.mktemp("activemq"))
    try:
        yield broker.start(tier="D1", settings={"redelivery.maximumRedeliveries": "1"})
    finally:
        broker.stop()


@pytest.fixture
def client(info: BrokerInfo) -> Iterator[Client]:
    client = Client(info)
    yield client
    client.close()


@pytest.mark.parametrize(("destination", "waits"), [("/queue/PRIO.orders", False), ("/queue/orders", True)])
def test_an_urgent_message_overtakes_a_backlog_on_a_priority_queue_only(
    client: Client, destination: str, waits: bool
) -> None:
    for number in range(50):
        client.send(destination, str(number), priority="1")
    client.subscribe(destination, **{"activemq.prefetchSize": "1"})
    client.ack(client.receive())
    client.send(destination, "urgent", priority="9")
    seen: list[str] = []
    while "urgent" not in seen:
        frame = client.receive()
        seen.append(frame.body)
        client.ack(frame)
    # one in flight and one paged in are ahead of it at most
    assert len(seen) == 50 if waits else len(seen) <= 3


def test_a_refused_message_is_dead_lettered_at_once(client: Client) -> None:
    client.send("/queue/plain", "poison", persistent="false")
    client.subscribe("/queue/plain")
    client.subscribe("/queue/DLQ.plain")
    frame = client.receive()
    client.connection.nack(frame.headers["ack"])
    dead = client.receive()
    assert (dead.body, dead.headers["destination"]) == ("poison", "/queue/DLQ.plain")
    assert dead.headers["original-destination"] == "/queue/plain"


@pytest.mark.parametrize("destination", ["RETRY.jobs", "PRIO.RETRY.jobs"])
def test_a_refused_message_comes_again_on_a_retry_queue(client: Client, destination: str) -> None:
    client.send(f"/queue/{destination}", "again")
    client.subscribe(f"/queue/{destination}")
    client.subscribe(f"/queue/DLQ.{destination}")
    first = client.receive()
    refused = time.monotonic()
    client.connection.nack(first.headers["ack"])
    second = client.receive()
    assert second.headers["destination"] == f"/queue/{destination}"
    assert time.monotonic() - refused > 0.9
    client.connection.nack(second.headers["ack"])
    assert client.receive().headers["destination"] == f"/queue/DLQ.{destination}"


def test_an_expired_message_is_dead_lettered_without_any_consumer(client: Client) -> None:
    client.send("/queue/stale", "old", expires=str(int(time.time() * 1000) + 100))
    client.subscribe("/queue/DLQ.stale")
    assert client.receive().body == "old"


def test_each_group_gets_its_copy_of_a_virtual_topic(client: Client) -> None:
    for group in ("a", "b"):
        client.subscribe(f"/queue/Consumer.{group}.VirtualTopic.clicks")
    client.send("/topic/VirtualTopic.clicks", "click")
    assert {client.receive().headers["destination"] for _ in "ab"} == {
        "/queue/Consumer.a.VirtualTopic.clicks",
        "/queue/Consumer.b.VirtualTopic.clicks",
    }


def test_the_broker_counts_in_json(client: Client) -> None:
    for number in range(7):
        client.send("/queue/counted", str(number))
    client.subscribe("/temp-queue/answers", transformation="jms-map-json")
    client.connection.send(
        "/queue/ActiveMQ.Statistics.Destination.counted", "", headers={"reply-to": "/temp-queue/answers"}
    )
    entries = json.loads(client.receive().body)["map"]["entry"]
    sizes = [entry["long"] for entry in entries if entry.get("string") == "size"]
    assert sizes == [7]


def test_a_delayed_message_waits(client: Client) -> None:
    client.subscribe("/queue/later")
    sent = time.monotonic()
    client.send("/queue/later", "x", AMQ_SCHEDULED_DELAY="700")
    client.receive()
    assert time.monotonic() - sent >= 0.65
