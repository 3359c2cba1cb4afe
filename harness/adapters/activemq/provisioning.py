"""Making, counting and emptying what a plan names, over short-lived connections.

Queues come into being when they are first used, and STOMP has no way to delete one: ``remove`` leaves them empty.
"""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from harness.adapters.activemq import frames
from harness.adapters.activemq.destinations import QUEUE, Destinations
from harness.adapters.activemq.link import Frame, Link, error_text
from harness.errors import BrokerUnavailable, ProvisioningFailed
from harness.model.broker import BrokerInfo, Tier

REPLIES = "/temp-queue/replies"
STATISTICS = "/queue/ActiveMQ.Statistics."
SCHEDULER = "/topic/ActiveMQ.Scheduler.Management"
ANSWER_TIMEOUT_S = 10.0
DRAIN_DEADLINE_S = 60.0
DRAIN_QUIET_S = 0.2
PRIMER = "primer"  # header of the message that a queue is primed with
SYNC_SETTING = "journalDiskSyncStrategy"


class Errand:
    """A connection for a few questions; messages that come in wait in ``inbox``."""

    def __init__(self, broker: BrokerInfo) -> None:
        self.inbox: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        self.link = Link(broker, on_message=self.inbox.put, on_error=self._on_error)
        self._numbers = iter(range(1, 1 << 60))
        self.link.open()

    def _on_error(self, frame: Frame) -> None:
        self.link.fail(error_text(frame))

    def do(self, command: str, headers: Sequence[frames.Header], body: bytes = b"") -> None:
        """Send one frame and wait for its receipt. Raises BrokerUnavailable, also when the broker refuses it."""
        receipt = f"e{next(self._numbers)}"
        problem = self.link.ask(receipt, frames.frame(command, [*headers, ("receipt", receipt)], body))
        if problem:
            raise BrokerUnavailable(f"{command} {problem}")

    def next(self, timeout_s: float) -> Frame | None:
        try:
            return self.inbox.get(timeout=timeout_s)
        except queue.Empty:
            self.link.check()
            return None


@contextmanager
def errand(broker: BrokerInfo) -> Iterator[Errand]:
    one = Errand(broker)
    try:
        yield one
    finally:
        one.link.close()


def create(broker: BrokerInfo, destinations: Destinations) -> None:
    """Make every work queue known to the broker's store. Raises ProvisioningFailed."""
    strategy = broker.settings.get(SYNC_SETTING)
    tier = destinations.tier
    if tier is not Tier.D0 and strategy not in (None, "always"):
        raise ProvisioningFailed(
            f"{tier} ({tier.sentence}) needs {SYNC_SETTING}=always, but this ActiveMQ runs with {strategy}, which acknowledges before the "
            "journal is written"
        )
    try:
        with errand(broker) as one:
            for group in destinations.needs.groups:
                _prime(one, destinations.queue(group))
    except BrokerUnavailable as problem:
        raise ProvisioningFailed(problem.message) from problem


def _prime(one: Errand, name: str) -> None:
    """Put one persistent message through a queue.

    A queue that a consumer merely subscribed to is not in the store: after a killed broker it is gone, and until somebody
    subscribes again a virtual topic copies nothing into it.
    """
    where = [("destination", QUEUE + name)]
    one.do("SEND", [*where, ("persistent", "true"), (PRIMER, "yes")], b"primer")
    one.do("SUBSCRIBE", [*where, ("id", name), ("ack", "client-individual"), ("selector", f"{PRIMER} = 'yes'")])
    primer = one.next(ANSWER_TIMEOUT_S)
    if primer is None:
        raise BrokerUnavailable(f"queue {name} does not deliver")
    one.do("ACK", [("id", primer.headers["ack"])])
    one.do("UNSUBSCRIBE", [("id", name)])


@dataclass(frozen=True, slots=True)
class Count:
    """``messages`` are those in the queue, in the hands of consumers included; ``delayed`` ones wait in the scheduler."""

    messages: int
    delayed: int


def count(broker: BrokerInfo, names: Sequence[str], *, delayed: bool) -> dict[str, Count]:
    """Ask the statistics plugin, and the scheduler where ``delayed``. A queue that is not there has none.

    The scheduler has no count: it sends a copy of every delayed message of the whole broker.
    """
    sizes = dict.fromkeys(names, 0)
    waiting = dict.fromkeys(names, 0)
    with errand(broker) as one:
        one.do(
            "SUBSCRIBE", [("id", "r"), ("destination", REPLIES), ("ack", "auto"), ("transformation", "jms-map-json")]
        )
        if delayed:
            one.do("SEND", [("destination", SCHEDULER), ("AMQ_SCHEDULER_ACTION", "BROWSE"), ("reply-to", REPLIES)])
        for name in names:
            one.do("SEND", [("destination", f"{STATISTICS}Destination.{name}"), ("reply-to", REPLIES)])
        one.do("SEND", [("destination", f"{STATISTICS}Broker"), ("reply-to", REPLIES)])
        for frame in _until_last(one):
            if "AMQ_SCHEDULED_DELAY" in frame.headers:
                origin = frame.headers.get("original-destination", "").removeprefix(QUEUE)
                if origin in waiting:
                    waiting[origin] += 1
                continue
            numbers = statistics(frame.body)
            name = str(numbers.get("destinationName", "")).removeprefix("queue://")
            if name in sizes:
                sizes[name] = int(str(numbers["size"]))
    return {name: Count(sizes[name], waiting[name]) for name in names}


def _until_last(one: Errand) -> Iterator[Frame]:
    """Replies in the order asked; the one about the whole broker is the last."""
    while True:
        frame = one.next(ANSWER_TIMEOUT_S)
        if frame is None:
            raise BrokerUnavailable(
                f"ActiveMQ gave no statistics within {ANSWER_TIMEOUT_S:g} s: it needs <statisticsBrokerPlugin/> in its configuration"
            )
        if b'"brokerName"' in frame.body and b'"destinationName"' not in frame.body:
            return
        yield frame


def statistics(body: bytes) -> dict[str, object]:
    """The plugin's map: ``{"map":{"entry":[{"string":"size","long":14},{"string":["brokerName","qa"]}]}}``."""
    table: dict[str, object] = {}
    for entry in json.loads(body)["map"]["entry"]:
        texts = entry.pop("string")
        if isinstance(texts, list):
            table[texts[0]] = texts[1] if len(texts) > 1 else ""
        else:
            table[texts] = next(iter(entry.values()), "")
    return table


def remove(broker: BrokerInfo, destinations: Destinations) -> None:
    """Take delayed copies out of the scheduler and every message out of the queues."""
    names = destinations.all_queues()
    if destinations.needs.retry is not None:
        _cancel_delayed(broker, set(names))
    left = _sizes(broker, names)
    deadline = time.monotonic() + DRAIN_DEADLINE_S
    while any(left.values()) and time.monotonic() < deadline:
        for name in [name for name, size in left.items() if size]:
            _empty(broker, name, deadline)
        left = _sizes(broker, names)


def _sizes(broker: BrokerInfo, names: Sequence[str]) -> dict[str, int]:
    return {name: counted.messages for name, counted in count(broker, names, delayed=False).items()}


def _empty(broker: BrokerInfo, name: str, deadline: float) -> None:
    with errand(broker) as one:
        one.do(
            "SUBSCRIBE",
            [("id", "d"), ("destination", QUEUE + name), ("ack", "auto"), ("activemq.prefetchSize", "1000")],
        )
        while one.next(DRAIN_QUIET_S) is not None and time.monotonic() < deadline:
            pass


def _cancel_delayed(broker: BrokerInfo, names: set[str]) -> None:
    with errand(broker) as one:
        one.do(
            "SUBSCRIBE", [("id", "r"), ("destination", REPLIES), ("ack", "auto"), ("transformation", "jms-map-json")]
        )
        one.do("SEND", [("destination", SCHEDULER), ("AMQ_SCHEDULER_ACTION", "BROWSE"), ("reply-to", REPLIES)])
        one.do("SEND", [("destination", f"{STATISTICS}Broker"), ("reply-to", REPLIES)])
        jobs = [
            frame.headers["scheduledJobId"]
            for frame in _until_last(one)
            if frame.headers.get("original-destination", "").removeprefix(QUEUE) in names
        ]
        for job in jobs:
            one.do("SEND", [("destination", SCHEDULER), ("AMQ_SCHEDULER_ACTION", "REMOVE"), ("scheduledJobId", job)])


def publish_transaction(
    broker: BrokerInfo, head: Callable[[str], bytes], payloads: Sequence[bytes], *, commit: bool
) -> None:
    """BEGIN, the SENDs, and COMMIT or ABORT, confirmed by a receipt. ``head`` makes a SEND's head within a transaction."""
    name = "t1"
    sends = [frames.send(head(name), payload) for payload in payloads]
    end = frames.commit(name) if commit else frames.abort(name)
    with errand(broker) as one:
        problem = one.link.ask(name, b"".join([frames.begin(name), *sends, end]))
    if problem:
        raise BrokerUnavailable(problem)
