"""What this adapter relies on, asked of a running RabbitMQ. Every name is made under the target's prefix and removed again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pika
from pika.exceptions import AMQPError, NackError, UnroutableError

from harness.adapters.proven.documents import NOT_SEEN
from harness.adapters.proven.probe import Facts, Probe, Target
from harness.adapters.rabbitmq.link import parameters
from harness.adapters.rabbitmq.topology import CLASSIC, QUORUM, STREAM
from harness.model.capability import Feature

WAIT_S = 10.0
LOW, HIGH = 40, 10
ENDLESS = 30  # deliveries after which nothing is expected to happen any more
HELD = 20
TRIALS = 5  # of what a race may decide
SYNC_TRIES = 40
SETTLE_S = 1.5  # a log that was just made is synced for its own sake
BACK_AFTER_MS = 300
PERSISTENT = 2

Arguments = Mapping[str, Any]


class Bench:
    """A connection, and the queues that were declared over it."""

    def __init__(self, target: Target, topic: str) -> None:
        self._prefix = f"{target.prefix}.{topic}"
        self._parameters = parameters(target.broker)
        self.connection = pika.BlockingConnection(self._parameters)
        self.channel: Any = self.connection.channel()
        self.channel.confirm_delivery()
        self._queues: list[str] = []

    def another(self) -> Any:
        """A channel of a connection of its own."""
        return pika.BlockingConnection(self._parameters).channel()

    def queue(self, name: str, kind: str, arguments: Arguments | None = None) -> str:
        full = f"{self._prefix}.{name}"
        self.channel.queue_declare(full, durable=True, arguments={"x-queue-type": kind, **(arguments or {})})
        self._queues.append(full)
        return full

    def refused(self, action: Callable[[Any], Any]) -> str:
        """The reply code with which the broker refuses what ``action`` does on a channel; empty where it does not."""
        channel = self.another()
        try:
            action(channel)
            channel.connection.process_data_events(0.2)
        except AMQPError as problem:
            return str(getattr(problem, "reply_code", type(problem).__name__))
        finally:
            with suppress(AMQPError):
                channel.connection.close()
        return ""

    def accepts(self, kind: str, arguments: Arguments) -> bool:
        """Whether a queue can be declared so."""
        name = f"{self._prefix}.accepts"

        def declare(channel: Any) -> None:
            channel.queue_declare(name, durable=True, arguments={"x-queue-type": kind, **arguments})
            channel.queue_delete(name)

        return not self.refused(declare)

    def publish(self, queue: str, body: bytes, **properties: Any) -> None:
        self.channel.basic_publish(
            "", queue, body, pika.BasicProperties(delivery_mode=PERSISTENT, **properties), mandatory=True
        )

    def get(self, queue: str, *, wait_s: float = WAIT_S) -> tuple[Any, Any, bytes] | None:
        """One message, unacknowledged; waits for it."""
        deadline = time.monotonic() + wait_s
        while True:
            method, properties, body = self.channel.basic_get(queue)
            if method is not None:
                return method, properties, body
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)

    def close(self) -> None:
        channel = self.another()
        for name in self._queues:
            channel.queue_delete(name)
        channel.connection.close()
        with suppress(AMQPError):
            self.connection.close()


@contextmanager
def _bench(target: Target, topic: str) -> Iterator[Bench]:
    bench = Bench(target, topic)
    try:
        yield bench
    finally:
        bench.close()


def _priorities(target: Target) -> Facts:
    with _bench(target, "priorities") as bench:
        quorum = bench.queue("quorum", QUORUM)
        classic = bench.queue("classic", CLASSIC, {"x-max-priority": 9})
        return {
            "quorum accepts x-max-priority": bench.accepts(QUORUM, {"x-max-priority": 9}),
            "quorum serves": _served(bench, quorum),
            "classic serves": _served(bench, classic),
        }


def _served(bench: Bench, queue: str) -> str:
    """A backlog of low ones, then high ones; in which order they come."""
    for number in range(LOW + HIGH):
        bench.publish(queue, b"low" if number < LOW else b"high", priority=1 if number < LOW else 9)
    order = []
    for _ in range(LOW + HIGH):
        got = bench.get(queue)
        assert got is not None
        bench.channel.basic_ack(got[0].delivery_tag)
        order.append(got[2])
    if order[:HIGH] == [b"high"] * HIGH:
        return "urgent ones first"
    return "in the order of arrival" if order[-HIGH:] == [b"high"] * HIGH else "urgent ones more often"


def _delivery_limit(target: Target) -> Facts:
    with _bench(target, "limit") as bench:
        dead = bench.queue("dead", CLASSIC)
        dead_letter = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
        unset, counts = _deliveries(bench, bench.queue("unset", QUORUM, dead_letter))
        two, _ = _deliveries(bench, bench.queue("two", QUORUM, {**dead_letter, "x-delivery-limit": 2}))
        reasons = _reasons(bench, dead)
        facts: dict[str, Any] = {
            "deliveries without a limit set": unset if unset < ENDLESS else "no end seen",
            "deliveries with a limit of 2": two,
            "reason in x-death": reasons[-1] if reasons else "none",
            "x-delivery-count of the first deliveries": counts[:3],
            "accepts a limit of -1": bench.accepts(QUORUM, {"x-delivery-limit": -1}),
        }
        if facts["accepts a limit of -1"]:
            endless, _ = _deliveries(bench, bench.queue("endless", QUORUM, {**dead_letter, "x-delivery-limit": -1}))
            facts["deliveries with a limit of -1"] = endless if endless < ENDLESS else "no end seen"
        return facts


def _deliveries(bench: Bench, queue: str) -> tuple[int, list[str]]:
    """How often a message that is always returned is handed out, and what the broker counts each time."""
    bench.publish(queue, b"again")
    counts: list[str] = []
    while len(counts) < ENDLESS:
        got = bench.get(queue, wait_s=WAIT_S if not counts else 1.0)
        if got is None:
            break
        counts.append(str((got[1].headers or {}).get("x-delivery-count", "absent")))
        bench.channel.basic_nack(got[0].delivery_tag, requeue=True)
    return len(counts), counts


def _reasons(bench: Bench, dead: str) -> list[str]:
    reasons = []
    while (got := bench.get(dead, wait_s=2.0)) is not None:
        reasons.append(str(got[1].headers["x-death"][0]["reason"]))
        bench.channel.basic_ack(got[0].delivery_tag)
    return reasons


def _redelivery(target: Target) -> Facts:
    facts: dict[str, Any] = {}
    with _bench(target, "redelivery") as bench:
        for kind in (CLASSIC, QUORUM):
            queue = bench.queue(kind, kind)
            for number in range(3):
                bench.publish(queue, b"%d" % number)
            first = bench.get(queue)
            assert first is not None
            bench.channel.basic_nack(first[0].delivery_tag, requeue=True)
            again = [bench.get(queue) for _ in range(3)]
            bodies = [got[2].decode() for got in again if got is not None]
            facts[f"{kind}: order after one was returned"] = bodies
            facts[f"{kind}: the returned one is flagged"] = any(
                got is not None and got[2] == b"0" and got[0].redelivered for got in again
            )
            facts[f"{kind}: what a closed channel held comes first"] = all(
                _returns_first(bench, kind, trial) for trial in range(TRIALS)
            )
    return facts


def _returns_first(bench: Bench, kind: str, trial: int) -> bool:
    """Whether a successor (single active consumer) gets what the first held before anything else."""
    queue = bench.queue(f"{kind}.handover{trial}", kind, {"x-single-active-consumer": True})
    for number in range(HELD * 3):
        bench.publish(queue, b"%d" % number)
    first, second = bench.another(), bench.another()
    got: list[int] = []
    held: list[int] = []
    for channel, kept in ((first, held), (second, got)):
        channel.basic_qos(prefetch_count=HELD)
        channel.basic_consume(queue, lambda _c, _m, _p, body, kept=kept: kept.append(int(body)))
    deadline = time.monotonic() + WAIT_S
    while len(held) < HELD and time.monotonic() < deadline:
        first.connection.process_data_events(0.02)
    first.close()
    while len(got) < HELD and time.monotonic() < deadline:
        second.connection.process_data_events(0.02)
    first.connection.close()
    second.connection.close()
    return got[:HELD] == list(range(HELD))


def _dead_letters(target: Target) -> Facts:
    with _bench(target, "dead") as bench:
        dead = bench.queue("dead", CLASSIC)
        dead_letter = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
        work = bench.queue("work", CLASSIC, dead_letter)
        bench.publish(work, b"rejected", priority=3)
        got = bench.get(work)
        assert got is not None
        bench.channel.basic_reject(got[0].delivery_tag, requeue=False)
        rejected = bench.get(dead)
        bench.publish(work, b"expired", expiration="1")
        expired = bench.get(dead)
        assert rejected is not None
        assert expired is not None
        strict = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish", **dead_letter}
        return {
            "headers": sorted(rejected[1].headers),
            "fields of x-death": sorted(rejected[1].headers["x-death"][0]),
            "reason of a rejected one": str(rejected[1].headers["x-death"][0]["reason"]),
            "reason of an expired one": str(expired[1].headers["x-death"][0]["reason"]),
            "expiration is taken away": expired[1].expiration is None,
            "priority is kept": rejected[1].priority == 3,
            "quorum accepts at-least-once": bench.accepts(QUORUM, strict),
        }


def _delayed_retry(target: Target) -> Facts:
    with _bench(target, "retry") as bench:
        work = bench.queue("work", CLASSIC)
        facts: dict[str, Any] = {}
        for kind in (CLASSIC, QUORUM):
            back = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": work}
            rung = bench.queue(f"rung.{kind}", kind, {"x-message-ttl": BACK_AFTER_MS, **back})
            sent = time.monotonic()
            bench.publish(rung, b"later", headers={"attempt": 1})
            got = bench.get(work)
            early = time.monotonic() - sent < BACK_AFTER_MS / 1000
            assert got is not None
            facts[f"{kind}: comes back through a queue with a time to live"] = got[2] == b"later" and not early
            facts[f"{kind}: its own headers are kept"] = got[1].headers.get("attempt") == 1
            facts[f"{kind}: reason in x-death"] = str(got[1].headers["x-death"][0]["reason"])
            bench.channel.basic_ack(got[0].delivery_tag)
        mixed = bench.queue("mixed", CLASSIC, {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": work})
        bench.publish(mixed, b"long", expiration="60000")
        bench.publish(mixed, b"short", expiration="1")
        facts["an expired one behind a living one is left there"] = bench.get(work, wait_s=1.0) is None
        return facts


def _streams(target: Target) -> Facts:
    with _bench(target, "stream") as bench:
        stream = bench.queue("log", STREAM)
        for number in range(20):
            bench.publish(stream, b"%d" % number)

        def consume(channel: Any, *, auto_ack: bool = False, count: int = 5) -> None:
            channel.basic_qos(prefetch_count=count)
            channel.basic_consume(stream, lambda *_: None, auto_ack=auto_ack)

        returned: list[bytes] = []

        def give_back(channel: Any) -> None:
            def return_it(of: Any, method: Any, _properties: Any, body: bytes) -> None:
                returned.append(body)
                of.basic_nack(method.delivery_tag, requeue=True)

            channel.basic_qos(prefetch_count=5)
            channel.basic_consume(stream, return_it, arguments={"x-stream-offset": "first"})
            channel.connection.process_data_events(1.0)

        everything = _read(bench, stream, "first", 20)
        tail = _read(bench, stream, 15, 5)
        return {
            "refuses a consumer without a prefetch": bench.refused(lambda c: c.basic_consume(stream, lambda *_: None)),
            "refuses automatic acknowledgement": bench.refused(lambda c: consume(c, auto_ack=True)),
            "refuses basic.get": bench.refused(lambda c: c.basic_get(stream)),
            "refuses basic.nack": bench.refused(give_back),
            "hands out again what was returned": len(returned) > len(set(returned)),
            "accepts a single active consumer": bench.accepts(STREAM, {"x-single-active-consumer": True}),
            "accepts a time to live": bench.accepts(STREAM, {"x-message-ttl": 1000}),
            "offsets from the first on": everything == list(range(20)),
            "offsets from a number on": tail == list(range(15, 20)),
            "an unsettled one is credit": _held(bench, stream),
            "read again after acknowledgement": _read(bench, stream, "first", 20) == everything,
        }


def _read(bench: Bench, stream: str, offset: str | int, count: int) -> list[int]:
    channel = bench.another()
    got: list[int] = []

    def take(of: Any, method: Any, properties: Any, _body: bytes) -> None:
        got.append(int(properties.headers["x-stream-offset"]))
        of.basic_ack(method.delivery_tag)

    channel.basic_qos(prefetch_count=10)
    channel.basic_consume(stream, take, arguments={"x-stream-offset": offset})
    deadline = time.monotonic() + WAIT_S
    while len(got) < count and time.monotonic() < deadline:
        channel.connection.process_data_events(0.05)
    channel.connection.close()
    return got


def _held(bench: Bench, stream: str) -> bool:
    """Whether no more come than about the prefetch while nothing is acknowledged."""
    channel = bench.another()
    got: list[bytes] = []
    channel.basic_qos(prefetch_count=3)
    channel.basic_consume(stream, lambda *what: got.append(what[3]), arguments={"x-stream-offset": "first"})
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        channel.connection.process_data_events(0.05)
    channel.connection.close()
    return 0 < len(got) < 20


def _statistics(target: Target) -> Facts:
    with _bench(target, "count") as bench:
        queue = bench.queue("work", CLASSIC)
        for number in range(10):
            bench.publish(queue, b"%d" % number)
        at_once = bench.channel.queue_declare(queue, passive=True).method.message_count
        for _ in range(4):
            bench.get(queue)
        left = bench.channel.queue_declare(queue, passive=True).method.message_count
        return {
            "classic: counted at once after the confirm": at_once == 10,
            "classic: counts those that are handed out": left == 10,
        }


def _transactions(target: Target) -> Facts:
    facts: dict[str, Any] = {}
    with _bench(target, "tx") as bench:
        for kind in (CLASSIC, QUORUM, STREAM):
            queue = bench.queue(kind, kind)
            channel = bench.another()
            channel.tx_select()
            channel.basic_publish("", queue, b"aborted")
            channel.tx_rollback()
            channel.basic_publish("", queue, b"committed")
            seen_early = _bodies(bench, kind, queue, 1, wait_s=0.3)
            channel.tx_commit()
            channel.connection.close()
            facts[f"{kind}: unseen before the commit"] = seen_early == []
            facts[f"{kind}: only what was committed"] = _bodies(bench, kind, queue, 1) == ["committed"]

        def both(channel: Any) -> None:
            channel.confirm_delivery()
            channel.tx_select()

        facts["confirms and transactions on one channel"] = bench.refused(both) or "accepted"
    return facts


def _bodies(bench: Bench, kind: str, queue: str, count: int, wait_s: float = WAIT_S) -> list[str]:
    channel = bench.another()
    got: list[str] = []
    channel.basic_qos(prefetch_count=10)
    arguments = {"x-stream-offset": "first"} if kind == STREAM else {}
    channel.basic_consume(queue, lambda *what: got.append(what[3].decode()), arguments=arguments)
    deadline = time.monotonic() + wait_s
    while len(got) < count and time.monotonic() < deadline:
        channel.connection.process_data_events(0.05)
    channel.connection.close()
    return got


def _unroutable(target: Target) -> Facts:
    with _bench(target, "route") as bench:
        nobody = f"{target.prefix}.route.nobody"
        full = bench.queue("full", CLASSIC, {"x-max-length": 1, "x-overflow": "reject-publish"})

        def outcome(mandatory: bool, queue: str) -> str:
            try:
                bench.channel.basic_publish("", queue, b"x", mandatory=mandatory)
            except UnroutableError:
                return "returned"
            except NackError:
                return "refused"
            return "confirmed"

        outcome(True, full)
        return {
            "no queue, mandatory": outcome(True, nobody),
            "no queue, not mandatory": outcome(False, nobody),
            "a full queue that rejects": outcome(True, full),
        }


def _syncs(target: Target) -> Facts:
    """One persistent message at a time, each confirmed before the next: an fsync before a confirm shows as one a message."""
    kinds: dict[str, tuple[str, Arguments]] = {
        "classic, default version": (CLASSIC, {}),
        "classic, version 2": (CLASSIC, {"x-queue-version": 2}),
        "quorum": (QUORUM, {}),
        "stream": (STREAM, {}),
    }
    facts: dict[str, Any] = {}
    with _bench(target, "sync") as bench:
        facts["accepts classic version 1"] = bench.accepts(CLASSIC, {"x-queue-version": 1})
        made = [bench.queue(f"q{place}", kind, arguments) for place, (kind, arguments) in enumerate(kinds.values())]
        time.sleep(SETTLE_S)
        for title, queue in zip(kinds, made, strict=True):
            for size in (100, 8192):
                facts[f"{title}, {size} bytes: fsync before the confirm"] = _synced(target, bench, queue, size)
    return facts


def _synced(target: Target, bench: Bench, queue: str, size: int) -> str:
    def publish() -> None:
        for _ in range(SYNC_TRIES):
            bench.publish(queue, bytes(size))

    made = target.count_syncs(publish)
    return NOT_SEEN if made is None else "yes" if made >= SYNC_TRIES * 0.9 else "no"


QUEUES = (CLASSIC, QUORUM)
PROBES = (
    Probe(
        "quorum_priorities",
        "Does a quorum queue serve urgent messages first?",
        (Feature.PRIORITY,),
        _priorities,
        QUEUES,
    ),
    Probe(
        "delivery_limit",
        "After how many deliveries does a quorum queue give up, and what does it count?",
        (Feature.REDELIVERY, Feature.DEAD_LETTER),
        _delivery_limit,
        (QUORUM,),
    ),
    Probe(
        "nack_and_redelivery",
        "Where does a returned message come back, and who gets it first?",
        (Feature.REDELIVERY, Feature.ORDER_PER_KEY),
        _redelivery,
        QUEUES,
    ),
    Probe(
        "dead_letter_headers",
        "What does a dead letter say about its death?",
        (Feature.DEAD_LETTER, Feature.EXPIRY),
        _dead_letters,
        QUEUES,
    ),
    Probe(
        "delayed_retry",
        "Does a message come back from a queue with a time to live, and when does one expire?",
        (Feature.DELAYED_RETRY, Feature.EXPIRY),
        _delayed_retry,
    ),
    Probe(
        "streams",
        "What does a stream refuse over AMQP 0-9-1, and where can it be read from?",
        (
            Feature.REPLAY,
            Feature.FAN_OUT,
            Feature.ORDER_PER_KEY,
            Feature.EXPIRY,
            Feature.DELAYED_RETRY,
            Feature.DEAD_LETTER,
            Feature.REDELIVERY,
        ),
        _streams,
        (STREAM,),
    ),
    Probe("statistics", "What does a passive declaration count?", (), _statistics),
    Probe("transactions", "Is a transaction all or nothing?", (Feature.TRANSACTIONS,), _transactions),
    Probe("unroutable", "What is said about a message that no queue takes?", (), _unroutable),
    Probe("fsync_before_confirm", "Which queues sync to disk before they confirm?", (), _syncs),
)
