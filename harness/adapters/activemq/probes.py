"""What this adapter relies on, asked of a running ActiveMQ Classic over STOMP. The broker's policies are those that the harness sets."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from harness.adapters.activemq import frames
from harness.adapters.activemq.link import Frame
from harness.adapters.activemq.provisioning import Errand, count, errand
from harness.adapters.proven.documents import NOT_SEEN
from harness.adapters.proven.probe import Facts, Probe, Target
from harness.model.broker import BrokerInfo
from harness.model.capability import Feature

WAIT_S = 10.0
QUIET_S = 0.7
RETRY_QUIET_S = 3.0  # a redelivery comes 1 to 1.5 s after the refusal
DELAY_MS = 1000
SYNC_TRIES = 40
ON_THEIR_WAY = 3  # prefetched or paged in when the urgent ones arrive
Header = tuple[str, str]


def _send(one: Errand, destination: str, body: bytes, *headers: Header) -> None:
    one.do("SEND", [("destination", destination), ("persistent", "true"), *headers], body)


def _subscribe(one: Errand, destination: str, *, prefetch: int = 100, name: str = "s") -> None:
    headers = [("id", name), ("destination", destination), ("ack", "client-individual")]
    one.do("SUBSCRIBE", [*headers, ("activemq.prefetchSize", str(prefetch))])


def _next(one: Errand, wait_s: float = WAIT_S) -> Frame:
    frame = one.next(wait_s)
    assert frame is not None, "the broker delivers nothing"
    return frame


def _bodies(one: Errand, quiet_s: float = QUIET_S) -> list[str]:
    """All that comes, acknowledged."""
    got = []
    while (frame := one.next(quiet_s)) is not None:
        got.append(frame.body.decode())
        one.link.send(frames.ack(frame.headers["ack"]))
    return got


@contextmanager
def _reader(broker: BrokerInfo, destination: str, *, prefetch: int = 100) -> Iterator[Errand]:
    with errand(broker) as one:
        _subscribe(one, destination, prefetch=prefetch)
        yield one


def _nack(target: Target) -> Facts:
    plain, retried = f"{target.prefix}.nack", f"RETRY.{target.prefix}.nack"
    facts: dict[str, Any] = {}
    with errand(target.broker) as sender:
        quiet_s = {plain: QUIET_S, retried: RETRY_QUIET_S}
        for title, queue in (("without a redelivery policy", plain), ("with one of 3 redeliveries", retried)):
            _send(sender, f"/queue/{queue}", b"poison")
            with _reader(target.broker, f"/queue/{queue}") as one:
                deliveries = 0
                while (frame := one.next(quiet_s[queue] if deliveries else WAIT_S)) is not None:
                    deliveries += 1
                    one.link.send(frames.nack(frame.headers["ack"]))
            with _reader(target.broker, f"/queue/DLQ.{queue}") as dead:
                facts[f"{title}: deliveries"] = deliveries
                facts[f"{title}: then dead-lettered"] = _bodies(dead) == ["poison"]
        _send(sender, f"/queue/{plain}", b"volatile", ("persistent", "false"))
        with _reader(target.broker, f"/queue/{plain}") as one:
            one.link.send(frames.nack(_next(one).headers["ack"]))
        with _reader(target.broker, f"/queue/DLQ.{plain}") as dead:
            facts["not persistent, with processNonPersistent: dead-lettered"] = _bodies(dead) == ["volatile"]
    return facts


def _redelivery(target: Target) -> Facts:
    queue = f"/queue/{target.prefix}.redelivery"
    with errand(target.broker) as sender:
        for number in range(3):
            _send(sender, queue, b"%d" % number)
        crashed = Errand(target.broker)
        _subscribe(crashed, queue)
        first = _next(crashed)
        crashed.link.abort()
        with _reader(target.broker, queue) as one:
            again = [_next(one) for _ in range(3)]
            for frame in again:
                one.link.send(frames.ack(frame.headers["ack"]))
    return {
        "the first delivery is flagged": "redelivered" in first.headers,
        "flagged after a crash": [frame.headers.get("redelivered", "absent") for frame in again],
        "order after a crash": [frame.body.decode() for frame in again],
        "headers that count deliveries": sorted(name for name in again[0].headers if "count" in name.lower()),
    }


def _dead_letters(target: Target) -> Facts:
    queue = f"{target.prefix}.dead"
    with errand(target.broker) as sender:
        _send(sender, f"/queue/{queue}", b"rejected", ("mine", "kept"))
        with _reader(target.broker, f"/queue/{queue}") as one:
            one.link.send(frames.nack(_next(one).headers["ack"]))
        _send(sender, f"/queue/{queue}", b"expired", ("expires", str(time.time_ns() // 1_000_000 + 50)))
        with _reader(target.broker, f"/queue/DLQ.{queue}") as dead:
            letters = {}
            for _ in range(2):
                frame = _next(dead)
                letters[frame.body.decode()] = frame.headers
                dead.link.send(frames.ack(frame.headers["ack"]))
    rejected, expired = letters["rejected"], letters["expired"]
    return {
        "headers of a rejected one": _telling(rejected),
        "headers of an expired one": _telling(expired),
        "cause of a rejected one": _cause(rejected),
        "cause of an expired one": _cause(expired),
        "its own headers are kept": rejected.get("mine") == "kept",
    }


def _telling(headers: dict[str, str]) -> list[str]:
    usual = {"ack", "content-length", "destination", "message-id", "mine", "persistent", "priority", "subscription"}
    return sorted(set(headers) - usual - {"timestamp", "expires"})


def _cause(headers: dict[str, str]) -> str:
    """The name of the exception in dlqDeliveryFailureCause, without the rest."""
    cause = headers.get("dlqDeliveryFailureCause", "none")
    return cause.partition(":")[0].rpartition(".")[2][:60]


def _expiry(target: Target) -> Facts:
    queue = f"/queue/{target.prefix}.expiry"
    with errand(target.broker) as sender:
        soon = str(time.time_ns() // 1_000_000 + 100)
        _send(sender, queue, b"long", ("expires", str(time.time_ns() // 1_000_000 + 60_000)))
        _send(sender, queue, b"short", ("expires", soon))
        _send(sender, queue, b"never")
        time.sleep(0.3)
        with _reader(target.broker, queue) as one:
            return {"delivered past its time": "short" in (got := _bodies(one)), "the others": got}


def _priorities(target: Target) -> Facts:
    name = f"{target.prefix}.priority"
    queues = {
        "plain queue": f"/queue/{name}",
        "PRIO. queue": f"/queue/PRIO.{name}",
        "PRIO. virtual topic": f"/queue/Consumer.a.VirtualTopic.PRIO.{name}",
    }
    return {f"{title}: serves": _served(target.broker, queue) for title, queue in queues.items()}


def _served(broker: BrokerInfo, queue: str) -> str:
    with errand(broker) as sender, errand(broker) as one:
        for _ in range(40):
            _send(sender, queue, b"low", ("priority", "1"))
        _subscribe(one, queue, prefetch=1)
        for _ in range(5):
            one.do("ACK", [("id", _next(one).headers["ack"])])
        for _ in range(5):
            _send(sender, queue, b"high", ("priority", "9"))
        order = []
        for _ in range(40):
            frame = _next(one)
            order.append(frame.body)
            one.do("ACK", [("id", frame.headers["ack"])])
    if set(order[-5:]) == {b"high"}:
        return "in the order of arrival"
    last = max(place for place, body in enumerate(order) if body == b"high")
    return "urgent ones first" if last < 5 + ON_THEIR_WAY else "urgent ones somewhere between"


def _delay(target: Target) -> Facts:
    queue = f"/queue/{target.prefix}.delay"
    with errand(target.broker) as sender, _reader(target.broker, queue) as one:
        sent = time.monotonic()
        _send(sender, queue, b"later", ("AMQ_SCHEDULED_DELAY", str(DELAY_MS)), ("attempt", "1"))
        frame = _next(one)
        early = time.monotonic() - sent < DELAY_MS / 1000
        one.link.send(frames.ack(frame.headers["ack"]))
    return {"delivered before its time": early, "its own headers are kept": frame.headers.get("attempt") == "1"}


def _groups(target: Target) -> Facts:
    queue = f"/queue/{target.prefix}.groups"
    served: dict[str, set[int]] = {}
    order: dict[str, list[int]] = {}
    header_back = False
    with errand(target.broker) as sender, errand(target.broker) as first, errand(target.broker) as second:
        for one in (first, second):
            _subscribe(one, queue, prefetch=1)
        for number in range(40):
            group = f"g{number % 8}"
            _send(sender, queue, f"{group} {number}".encode(), ("JMSXGroupID", group))
        left, deadline = 40, time.monotonic() + WAIT_S
        while left and time.monotonic() < deadline:
            for member, one in enumerate((first, second)):
                frame = one.next(0.02)
                if frame is None:
                    continue
                left -= 1
                group, number_text = frame.body.decode().split()
                served.setdefault(group, set()).add(member)
                order.setdefault(group, []).append(int(number_text))
                header_back = header_back or "JMSXGroupID" in frame.headers
                one.do("ACK", [("id", frame.headers["ack"])])
    return {
        "all arrived": left == 0,
        "each group stays with one consumer": all(len(members) == 1 for members in served.values()),
        "both consumers are served": len(set().union(*served.values())) == 2,
        "in order within a group": all(numbers == sorted(numbers) for numbers in order.values()),
        "JMSXGroupID comes back over STOMP": header_back,
    }


def _statistics(target: Target) -> Facts:
    name = f"{target.prefix}.sizes"
    with errand(target.broker) as sender, errand(target.broker) as one:
        for number in range(10):
            _send(sender, f"/queue/{name}", b"%d" % number)
        _subscribe(one, f"/queue/{name}")
        held = [_next(one) for _ in range(4)]
        size = count(target.broker, [name], delayed=False)[name].messages
        for frame in held:
            one.link.send(frames.ack(frame.headers["ack"]))
        _bodies(one)
    return {"size counts those that are handed out": size == 10, "size of 10 with some handed out": size}


def _virtual_topics(target: Target) -> Facts:
    topic = f"VirtualTopic.{target.prefix}.fan"
    queues = {group: f"/queue/Consumer.{group}.{topic}" for group in ("early", "offline", "new")}
    with errand(target.broker) as sender:
        for group in ("early", "offline"):
            with _reader(target.broker, queues[group]):
                pass  # known to the broker from here on
        for number in range(5):
            _send(sender, f"/topic/{topic}", b"%d" % number)
        got = {}
        for group, queue in queues.items():
            with _reader(target.broker, queue) as one:
                got[group] = _bodies(one)
    everything = [str(number) for number in range(5)]
    return {
        "every group gets all": got["early"] == everything,
        "a group that was away gets all": got["offline"] == everything,
        "a new group gets what was sent earlier": got["new"] != [],
    }


def _transactions(target: Target) -> Facts:
    queues = [f"/queue/{target.prefix}.tx.{name}" for name in "ab"]
    with (
        errand(target.broker) as sender,
        _reader(target.broker, queues[0]) as a,
        _reader(target.broker, queues[1]) as b,
    ):
        for name, end in (("t1", "ABORT"), ("t2", "COMMIT")):
            sender.do("BEGIN", [("transaction", name)])
            for queue in queues:
                _send(sender, queue, name.encode(), ("transaction", name))  # waits for the receipt of the SEND
            early = _bodies(a, 0.3)
            sender.do(end, [("transaction", name)])
        return {
            "the receipt of a SEND comes before the COMMIT": True,
            "unseen before the COMMIT": early == [],
            "only what was committed, in both queues": [_bodies(a), _bodies(b)] == [["t2"], ["t2"]],
        }


def _syncs(target: Target) -> Facts:
    """As the harness starts it for D1 and D2 (journalDiskSyncStrategy=always)."""
    queue = f"/queue/{target.prefix}.sync"
    strategy = target.broker.settings.get("journalDiskSyncStrategy", "as the server is set")
    fact = f"journalDiskSyncStrategy={strategy}: fsync before the receipt"
    with errand(target.broker) as sender:

        def send() -> None:
            for _ in range(SYNC_TRIES):
                _send(sender, queue, bytes(100))

        _send(sender, queue, b"warm")
        made = target.count_syncs(send)
    _drain(target.broker, [queue])
    return {fact: NOT_SEEN if made is None else "yes" if made >= SYNC_TRIES * 0.9 else "no"}


def _drain(broker: BrokerInfo, queues: Sequence[str]) -> None:
    for queue in queues:
        with _reader(broker, queue) as one:
            _bodies(one)


PROBES = (
    Probe("nack", "What becomes of a message that is refused?", (Feature.DEAD_LETTER, Feature.DELAYED_RETRY), _nack),
    Probe("redelivery", "What comes back after a crash, and how is it marked?", (Feature.REDELIVERY,), _redelivery),
    Probe("dead_letter_headers", "What does a dead letter say about its death?", (Feature.DEAD_LETTER,), _dead_letters),
    Probe("expiry", "Is an expired message withheld, behind a living one too?", (Feature.EXPIRY,), _expiry),
    Probe("priorities", "Which queues serve urgent messages first?", (Feature.PRIORITY,), _priorities),
    Probe("scheduled_delay", "Does a delayed message keep its time and headers?", (Feature.DELAYED_RETRY,), _delay),
    Probe("message_groups", "Does a group stay with one consumer, in order?", (Feature.ORDER_PER_KEY,), _groups),
    Probe("statistics", "What does the statistics plugin count?", (), _statistics),
    Probe("virtual_topics", "Who gets what is sent to a virtual topic?", (Feature.FAN_OUT,), _virtual_topics),
    Probe(
        "transactions", "Is a transaction all or nothing, over several queues?", (Feature.TRANSACTIONS,), _transactions
    ),
    Probe("fsync_before_receipt", "Does the broker sync to disk before it sends a receipt?", (), _syncs),
)
