"""How long what is ready waits for a look at the classes above it: as long as an answer takes, and no longer."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace

import pytest

from harness.adapters.kafka.ports import Fetched
from harness.adapters.kafka.python_client import ANSWER_S, PythonConsumer
from harness.model.messages import ACCEPT
from tests.adapters.test_kafka_member import Stage, address

__all__ = ["address"]  # a fixture


class Library:
    """kafka-python as far as a glance looks at it: what it sent, and what it may ask for."""

    def __init__(self) -> None:
        self._fetch_futures: deque[SimpleNamespace] = deque()
        self._fetcher = self
        self.lanes = {0, 1}
        self.held_back: set[int] = set()

    def assignment(self) -> set[int]:
        return self.lanes

    def paused(self) -> set[int]:
        return self.held_back

    def poll(self, timeout_ms: int, limit: int) -> dict[object, list[object]]:
        """Asks for more unless it has asked already."""
        if all(future.is_done for future in self._fetch_futures):
            self._fetch_futures = deque([SimpleNamespace(is_done=False)])
        return {}


@pytest.fixture
def consumer(monkeypatch: pytest.MonkeyPatch) -> PythonConsumer:
    monkeypatch.setattr(PythonConsumer, "__init__", lambda self: None)
    consumer = PythonConsumer()  # type: ignore[call-arg]
    consumer._consumer = Library()
    consumer._asked, consumer._asked_at = None, 0.0
    return consumer


def test_a_fetch_that_was_just_sent_is_given_the_time_to_be_answered(consumer: PythonConsumer) -> None:
    assert consumer.glance_s == ANSWER_S, "the next poll asks"
    consumer.fetch(1, 0.0)
    assert 0 < consumer.glance_s <= ANSWER_S
    consumer.fetch(1, 0.0)
    consumer._asked_at -= ANSWER_S
    assert consumer.glance_s == 0.0, "held back by the broker: there is nothing"
    consumer._asked.is_done = True
    assert consumer.glance_s == ANSWER_S, "answered, perhaps long ago: what came since is asked for by the next poll"


def test_where_nothing_can_be_asked_for_nothing_is_waited_for(consumer: PythonConsumer) -> None:
    consumer._consumer.held_back = {0, 1}
    assert consumer.glance_s == 0.0


def test_the_highest_class_waits_for_nothing(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(address, lanes=(0, 2), priority_levels=2, prefetch=1)
    waited: list[float] = []
    fetch = stage.log.fetch

    def watched(limit: int, timeout_s: float) -> Fetched:
        waited.append(timeout_s)
        return fetch(limit, timeout_s)

    monkeypatch.setattr(stage.log, "fetch", watched)
    stage.log.glance_s = 0.007
    stage.feed(0, 0, 1)
    stage.feed(2, 7, 8)
    for lane, offset in ((2, 7), (2, 8), (0, 0), (0, 1)):
        got = stage.member.receive(1, 1.0)
        assert (got.partitions.tolist(), got.positions.tolist()) == ([lane], [offset])
        stage.member.settle(got, ACCEPT)
    assert waited[1:] == [0.0, 0.007, 0.007]
