"""pylog's explaining page in a real browser, beside a real broker: what happens to the log is seen to happen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from playwright.sync_api import Browser, Page, expect

from tests.integration.pylog_core.broker_process import BrokerProcess

pytestmark = [pytest.mark.browser, pytest.mark.broker("pylog"), pytest.mark.timeout(120)]
SEEN_MS_MAX = 20_000
HOSTILE = '<img src=x onerror="document.title=1">'


class ExplainedBroker(BrokerProcess):
    """Prints the address of its page first."""

    url = ""

    def _ready_line(self) -> str:
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]
        return super()._ready_line()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ExplainedBroker]:
    settings = ("http.listener=127.0.0.1:0", "log.segment.bytes=65536", "group.initial.rebalance.delay.ms=0")
    with ExplainedBroker(tmp_path / "data", *settings) as process:
        yield process


def produce(broker: ExplainedBroker, count: int) -> None:
    producer = Producer({"bootstrap.servers": broker.address})
    for _ in range(count):
        producer.produce("orders", b"x" * 1000)
        producer.poll(0)
    producer.flush()


def read(broker: ExplainedBroker, count: int) -> Consumer:
    consumer = Consumer({"bootstrap.servers": broker.address, "group.id": HOSTILE, "auto.offset.reset": "earliest"})
    consumer.subscribe(["orders"])
    while count > 0:
        count -= len(consumer.consume(count, 5))
    consumer.commit(asynchronous=False)
    return consumer


def opened(chromium: Browser, broker: ExplainedBroker) -> tuple[Page, list[str]]:
    page, complaints = chromium.new_page(viewport={"width": 390, "height": 844}), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(broker.url)
    return page, complaints


def test_appends_segments_members_and_lag_are_seen(chromium: Browser, broker: ExplainedBroker) -> None:
    produce(broker, 10)
    page, complaints = opened(chromium, broker)
    events = page.locator("#events")
    expect(page.locator("#topics")).to_contain_text("log end 10", timeout=SEEN_MS_MAX)
    produce(broker, 200)
    expect(events).to_contain_text("200 records were appended, offsets 10 to 209", timeout=SEEN_MS_MAX)
    expect(events).to_contain_text("a new segment begins", timeout=SEEN_MS_MAX)
    consumer = read(broker, 210)
    expect(events).to_contain_text("appeared", timeout=SEEN_MS_MAX)
    expect(page.locator("#topics")).to_contain_text("at 210, lag 0", timeout=SEEN_MS_MAX)
    produce(broker, 5)
    expect(page.locator("#topics")).to_contain_text("lag 5", timeout=SEEN_MS_MAX)
    consumer.close()
    expect(events).to_contain_text("left", timeout=SEEN_MS_MAX)
    assert page.title() == "pylog, explained while it runs"
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []
    page.close()
