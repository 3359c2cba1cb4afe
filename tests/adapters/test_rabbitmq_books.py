"""The books of the RabbitMQ adapter: confirms, unsettled tags, frames, headers, topology. No broker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pika
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pika import frame, spec
from pika.connection import Connection

from harness.adapters.emulation.notes import ATTEMPT, EXPIRES, REASON, Notes
from harness.adapters.rabbitmq import RabbitmqAdapter, frames
from harness.adapters.rabbitmq.confirms import Confirms
from harness.adapters.rabbitmq.headers import delivery_count_of, notes_of, reason_of, values_of
from harness.adapters.rabbitmq.link import Link
from harness.adapters.rabbitmq.publisher import lane_of
from harness.adapters.rabbitmq.topology import Topology
from harness.adapters.rabbitmq.unsettled import Unsettled
from harness.errors import BrokerUnavailable, Unsupported, UsageError
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Feature, Support
from harness.model.messages import UNKNOWN, Reason
from harness.model.workload import Needs

BROKER = BrokerInfo("rabbitmq", "RabbitMQ", "3.10.8", "127.0.0.1", 1, "process")
BROKER_4 = BrokerInfo("rabbitmq", "RabbitMQ", "4.0.5", "127.0.0.1", 1, "process")


def needs(**more: Any) -> Needs:
    return Needs.model_validate({"groups": {"workers": 2}, **more})


# -- confirms -------------------------------------------------------------------------------------------------------


def test_confirms_one_by_one_and_out_of_order() -> None:
    confirms = Confirms()
    assert [confirms.publish(index) for index in (70, 71, 72)] == [1, 2, 3]
    assert confirms.settle(2, multiple=False) == [(71, "")]
    assert confirms.settle(2, multiple=False) == []
    assert confirms.settle(3, multiple=True) == [(70, ""), (72, "")]
    assert len(confirms) == 0


def test_confirm_of_tag_zero_means_all() -> None:
    confirms = Confirms()
    for index in range(3):
        confirms.publish(index)
    assert confirms.settle(0, multiple=True) == [(0, ""), (1, ""), (2, "")]


def test_a_returned_message_says_so_when_it_is_confirmed() -> None:
    confirms = Confirms()
    confirms.publish(5)
    confirms.publish(6)
    confirms.returned(2, "NO_ROUTE")
    confirms.returned(9, "never sent")
    assert confirms.settle(2, multiple=True) == [(5, ""), (6, "NO_ROUTE")]


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=60), st.integers(1, 40))
def test_no_index_is_settled_twice_or_forgotten(acks: list[tuple[int, bool]], count: int) -> None:
    confirms = Confirms()
    for index in range(count):
        confirms.publish(index)
    settled: list[int] = []
    for tag, multiple in acks:
        expected = {tag - 1} if not multiple else set(range(tag or count))
        now = [index for index, _ in confirms.settle(tag, multiple=multiple)]
        assert set(now) == {index for index in expected if 0 <= index < count} - set(settled)
        settled += now
    assert sorted(settled + confirms.abandon()) == list(range(count))
    assert len(confirms) == 0


# -- unsettled tags -------------------------------------------------------------------------------------------------


class BrokerChannel:
    """How a broker understands basic.ack."""

    def __init__(self, tags: list[int]) -> None:
        self.held = set(tags)

    def ack(self, tag: int, multiple: bool) -> None:
        assert tag in self.held, "unknown delivery tag: the broker would close the channel"
        self.held -= {held for held in self.held if held <= tag} if multiple else {tag}


@given(st.integers(0, 30), st.data())
def test_acks_cover_exactly_what_was_asked_for(count: int, data: st.DataObject) -> None:
    unsettled = Unsettled()
    tags = list(range(1, count + 1))
    for tag in tags:
        unsettled.add(tag)
    broker = BrokerChannel(tags)
    left = set(tags)
    while left:
        wanted = data.draw(st.lists(st.sampled_from(sorted(left)), unique=True, min_size=1))
        for tag, multiple in unsettled.acknowledge(wanted):
            broker.ack(tag, multiple)
        left -= set(wanted)
        assert broker.held == left
        assert len(unsettled) == len(left)


def test_an_unbroken_run_is_one_ack() -> None:
    unsettled = Unsettled()
    for tag in (4, 5, 6, 7):
        unsettled.add(tag)
    assert unsettled.acknowledge([6, 4, 5]) == [(6, True)]
    assert unsettled.acknowledge([6]) == []
    assert unsettled.acknowledge([7]) == [(7, False)]


# -- frames ---------------------------------------------------------------------------------------------------------


class Tap(Connection):  # type: ignore[misc]
    """pika's own marshalling, without a socket."""

    def __init__(self, frame_max: int) -> None:
        self.written: list[bytes] = []
        self._body_max_length = frame_max - 8

    def _output_marshaled_frames(self, marshaled_frames: Any) -> None:
        self.written += marshaled_frames

    def __repr__(self) -> str:
        return "Tap"

    _adapter_add_callback_threadsafe = _adapter_call_later = _adapter_remove_timeout = None
    _adapter_connect_stream = _adapter_disconnect_stream = _adapter_emit_data = None


@pytest.mark.parametrize("size", [0, 1, 100, 4088, 4089, 20_000])
@pytest.mark.parametrize(
    ("priority", "expiration_ms", "headers"),
    [(0, 0, {}), (2, 0, {}), (0, 1500, {EXPIRES: 12345678901234}), (9, 1, {ATTEMPT: 3, REASON: 2})],
)
def test_publish_frames_are_those_of_pika(
    size: int, priority: int, expiration_ms: int, headers: dict[str, int]
) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    payload = payload[:size]
    ours = frames.PublishFrames(3, "an.exchange", "key", persistent=True, frame_max=4096).message(
        payload, b"77", priority=priority, expiration_ms=expiration_ms, headers=frames.encode_headers(headers)
    )
    tap = Tap(4096)
    properties = pika.BasicProperties(
        delivery_mode=2,
        message_id="77",
        priority=priority or None,
        expiration=str(expiration_ms) if expiration_ms else None,
        headers=headers or None,
    )
    tap._send_message(
        3, spec.Basic.Publish(exchange="an.exchange", routing_key="key", mandatory=True), (properties, payload)
    )
    assert ours == b"".join(tap.written)


def test_acknowledging_frames_are_those_of_pika() -> None:
    for multiple in (False, True):
        assert frames.ack(7, 2**40, multiple=multiple) == frame.Method(7, spec.Basic.Ack(2**40, multiple)).marshal()
        assert frames.reject(7, 9, requeue=multiple) == frame.Method(7, spec.Basic.Reject(9, multiple)).marshal()


def test_pika_still_has_the_inner_parts_that_a_link_uses() -> None:
    for name in ("_output_marshaled_frames", "_terminate_stream"):
        assert callable(getattr(pika.SelectConnection, name))


# -- headers --------------------------------------------------------------------------------------------------------


def test_notes_survive_the_header_table() -> None:
    notes = Notes(attempt=3, expires_ns=10**15, reason=Reason.EXPIRED)
    assert notes_of(values_of(notes)) == notes
    assert values_of(Notes()) == {}
    assert notes_of(None) == Notes()
    assert notes_of({ATTEMPT: "three"}) == Notes()


def test_reasons_of_death() -> None:
    def died(reason: str) -> dict[str, Any]:
        return {"x-death": [{"reason": reason, "queue": "q"}, {"reason": "expired", "queue": "a rung of the ladder"}]}

    assert reason_of(died("rejected")) is Reason.REJECTED
    assert reason_of(died("expired")) is Reason.EXPIRED
    assert reason_of(died("delivery_limit")) is Reason.DELIVERY_LIMIT
    assert reason_of(died("maxlen")) is Reason.OTHER
    assert reason_of(None) is Reason.OTHER
    assert reason_of({REASON: int(Reason.EXPIRED), **died("rejected")}) is Reason.EXPIRED, "the consumer knows better"


def test_only_quorum_queues_count_deliveries() -> None:
    assert delivery_count_of({"x-delivery-count": 2}) == 2
    assert delivery_count_of({}) == delivery_count_of(None) == UNKNOWN


# -- topology and plans ---------------------------------------------------------------------------------------------


def test_keys_keep_their_lane_and_use_all_of_them() -> None:
    lanes = {lane_of(b"user-%d" % number, 4) for number in range(100)}
    assert lanes == {0, 1, 2, 3}
    assert lane_of(None, 4) == lane_of(b"anything", 1) == 0


def test_queue_type_follows_the_tier() -> None:
    adapter = RabbitmqAdapter({})
    modes = {tier: adapter.plan(BROKER, needs(), tier, "p").mode for tier in (Tier.D0, Tier.D1, Tier.D2)}
    assert modes == {Tier.D0: "classic queues", Tier.D1: "classic queues", Tier.D2: "quorum queues"}
    with pytest.raises(Unsupported):
        adapter.plan(BROKER, needs(), Tier.D3, "p")
    with pytest.raises(Unsupported):
        RabbitmqAdapter({"queue_type": "classic"}).plan(BROKER, needs(), Tier.D2, "p")


def test_settings_are_checked() -> None:
    with pytest.raises(UsageError, match="did you mean queue_type"):
        RabbitmqAdapter({"queue_typ": "quorum"})
    with pytest.raises(UsageError, match="did you mean stream"):
        RabbitmqAdapter({"queue_type": "streem"})


@pytest.mark.parametrize(
    ("broker", "support", "priorities"),
    [
        (BROKER, Support.IMPOSSIBLE, (0,)),
        (BROKER_4, Support.IMPOSSIBLE, (0,)),
        (replace(BROKER, version="4.3.0"), Support.NATIVE, (0, 1, 2)),
    ],
)
def test_priorities_of_quorum_queues_depend_on_the_version(
    broker: BrokerInfo, support: Support, priorities: tuple[int, ...]
) -> None:
    wanted = needs(priority_levels=3)
    plan = RabbitmqAdapter({}).plan(broker, wanted, Tier.D2, "p")
    assert plan.features[Feature.PRIORITY].support is support
    assert Topology("p", wanted, "quorum", Tier.D2, broker.version_tuple).priorities == priorities


def test_objects_of_a_plan() -> None:
    wanted = needs(order="per_key", partitions=2, retry={"max": 2, "backoff": ["1s", "2s", "1s"]}, dead_letter=True)
    plan = RabbitmqAdapter({}).plan(BROKER, wanted, Tier.D1, "p")
    queues = {thing.name: thing.settings for thing in plan.objects if thing.kind == "queue"}
    assert set(queues) == {
        "p.dead",
        *(f"p.q.workers.{lane}" for lane in range(2)),
        *(f"p.wait.workers.{lane}.{rung}" for lane in range(2) for rung in (1000, 2000)),
        *(f"p.here.workers.{member}" for member in range(2)),
    }
    work = queues["p.q.workers.0"]
    assert (work["x-single-active-consumer"], work["x-dead-letter-exchange"]) == ("true", "p.dlx")
    assert queues["p.wait.workers.1.2000"]["x-dead-letter-routing-key"] == "p.q.workers.1"
    assert {(thing.name, thing.settings["routing_key"]) for thing in plan.objects if thing.kind == "binding"} == {
        ("p.q.workers.0", "0"),
        ("p.q.workers.1", "1"),
        ("p.dead", ""),
    }


def test_nobody_there_is_said_at_once() -> None:
    link = Link(BROKER, lambda _connection: None, lambda: None)
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1: "):
        link.open()
