"""The books of the ActiveMQ adapter: transactions under way, frames, headers, destinations. No broker."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stomp.utils import Frame, convert_frame, parse_frame

from harness.adapters.activemq import ActivemqAdapter, frames
from harness.adapters.activemq.chunks import Chunks
from harness.adapters.activemq.destinations import Destinations
from harness.adapters.activemq.headers import CAUSE, lane_of, notes_headers, notes_of, reason_of, redelivered
from harness.adapters.activemq.link import Link
from harness.adapters.activemq.provisioning import create, statistics
from harness.adapters.activemq.publisher import Row, SendHeads, expires_ms
from harness.adapters.emulation.notes import REASON, Notes
from harness.errors import BrokerUnavailable, ProvisioningFailed, Unsupported, UsageError
from harness.model.broker import BrokerInfo, Tier
from harness.model.messages import UNKNOWN, Outcome, Reason
from harness.model.workload import Needs

BROKER = BrokerInfo("activemq", "ActiveMQ", "6.3.1", "127.0.0.1", 1, "process", {"journalDiskSyncStrategy": "periodic"})
WALL_NS, NOW_NS = 1_764_000_000_000_600_000, 5_000_000_000


def destinations(tier: Tier = Tier.D1, **needs: Any) -> Destinations:
    needs.setdefault("groups", {"workers": 2})
    return Destinations("run1", Needs.model_validate(needs), tier)


# -- transactions under way -----------------------------------------------------------------------------------------


def test_a_receipt_settles_its_whole_chunk_once() -> None:
    chunks = Chunks()
    first, second = chunks.begin([1, 2, 3]), chunks.begin([4])
    assert (len(chunks), chunks.messages) == (2, 4)
    verdict = chunks.received(first)
    assert (list(verdict.indexes), verdict.outcome) == ([1, 2, 3], Outcome.OK)
    assert not chunks.received(first).indexes
    assert not chunks.received("somebody else's").indexes
    assert chunks.abandon() == [4]
    assert not chunks.received(second).indexes
    assert (len(chunks), chunks.messages) == (0, 0)


def test_a_refused_commit_stored_nothing() -> None:
    chunks = Chunks()
    name = chunks.begin([1, 2])
    verdict = chunks.refused(name, "store full")
    assert (list(verdict.indexes), verdict.outcome, verdict.error) == ([1, 2], Outcome.FAIL, "store full")
    assert chunks.messages == 0


def test_an_error_inside_a_chunk_leaves_it_unknown() -> None:
    """The commit that follows may store the other messages: neither OK nor FAIL would be true of all."""
    chunks = Chunks()
    first, second = chunks.begin([1, 2]), chunks.begin([3])
    assert not chunks.refused("", "bad header").indexes
    verdict = chunks.received(first)
    assert (list(verdict.indexes), verdict.outcome, verdict.error) == ([1, 2], Outcome.INFO, "bad header")
    assert chunks.received(second).outcome is Outcome.OK


def test_an_error_with_nothing_under_way_is_nobodys() -> None:
    assert not Chunks().refused("", "why").indexes


# -- frames ---------------------------------------------------------------------------------------------------------

TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=20
)


@given(TEXT, TEXT.filter(lambda text: text != "content-length"), st.binary(max_size=200))
def test_frames_read_back_as_they_were_written(value: str, name: str, body: bytes) -> None:
    written = frames.send(frames.head("SEND", [("destination", "/queue/q"), (name, value)]), body)
    assert written.endswith(b"\x00")
    parsed = parse_frame(written[:-1])
    assert parsed.cmd == "SEND"
    assert parsed.headers["content-length"] == str(len(body))
    assert parsed.body == body
    if (
        "\r" not in value + name and "\\" not in name and "\n" not in value + name
    ):  # stomp.py splits lines before it unescapes
        assert parsed.headers.get(name) == (value if name != "destination" else "/queue/q")


def test_acknowledging_frames_are_those_of_stomp_py() -> None:
    ack_id = "ID:host-1:2"
    expected = b"".join(convert_frame(Frame("ACK", {"id": "ID\\chost-1\\c2", "transaction": "x1"})))
    assert frames.ack(ack_id, transaction="x1") == expected
    assert frames.nack(ack_id) == b"".join(convert_frame(Frame("NACK", {"id": "ID\\chost-1\\c2"})))
    assert frames.commit("c9") == b"COMMIT\ntransaction:c9\nreceipt:c9\n\n\x00"


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both clocks stand still."""
    monkeypatch.setattr(time, "time_ns", lambda: WALL_NS)
    monkeypatch.setattr(time, "monotonic_ns", lambda: NOW_NS)


@pytest.mark.usefixtures("still")
def test_a_send_says_what_the_workload_needs() -> None:
    heads = SendHeads(destinations(order="per_key", partitions=4, priority_levels=3))
    deadline_ns = NOW_NS + 1_500_000_000
    parsed = parse_frame(frames.send(heads.of(Row(0, b"", b"user", 2, deadline_ns)), b"body")[:-1])
    assert parsed.headers["destination"] == "/queue/PRIO.run1.workers"
    assert parsed.headers["JMSXGroupID"] == parsed.headers["lane"]
    assert parsed.headers["persistent"] == "true"
    assert parsed.headers["priority"] == "9"
    assert int(parsed.headers["expires"]) == WALL_NS // 1_000_000 + 1_500
    assert notes_of(parsed.headers).expires_ns == deadline_ns
    plain = parse_frame(frames.send(SendHeads(destinations(Tier.D0)).of(Row(0, b"", b"user", 2, 0)), b"body")[:-1])
    assert set(plain.headers) == {"destination", "persistent", "content-length"}
    assert plain.headers["persistent"] == "false"


@pytest.mark.usefixtures("still")
def test_expiry_is_rounded_down() -> None:
    assert expires_ms(NOW_NS + 300_300_000) == WALL_NS // 1_000_000 + 300, "0.9 ms more are not there yet"


# -- headers --------------------------------------------------------------------------------------------------------


def test_notes_survive_the_headers() -> None:
    notes = Notes(attempt=2, expires_ns=10**15, reason=Reason.EXPIRED)
    assert notes_of(dict(notes_headers(notes))) == notes
    assert notes_of({"attempt": "two"}) == Notes()


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, Reason.REJECTED),
        ({CAUSE: "java.lang.Throwable: Message Expired. Expiration:1795488974716"}, Reason.EXPIRED),
        ({CAUSE: "java.lang.Throwable: Exceeded redelivery policy limit:RedeliveryPolicy"}, Reason.DELIVERY_LIMIT),
        ({CAUSE: "something new"}, Reason.OTHER),
        ({REASON: "2"}, Reason.EXPIRED),
    ],
)
def test_reasons_of_death(headers: dict[str, str], reason: Reason) -> None:
    assert reason_of(headers) is reason


def test_lane_and_redelivery() -> None:
    assert (lane_of({"lane": "3"}), lane_of({})) == (3, UNKNOWN)
    assert (redelivered({"redelivered": "true"}), redelivered({})) == (True, False)


def test_statistics_are_pairs() -> None:
    body = b'{"map":{"entry":[{"string":"size","long":14},{"string":["destinationName","queue:\\/\\/q"]}]}}'
    assert statistics(body) == {"size": 14, "destinationName": "queue://q"}


# -- destinations and plans -----------------------------------------------------------------------------------------


def test_names_choose_the_policy() -> None:
    one = destinations()
    assert (one.target, one.queue("workers")) == ("/queue/run1.workers", "run1.workers")
    several = destinations(groups={"a": 1, "b": 1})
    assert several.target == "/topic/VirtualTopic.run1"
    assert several.queue("b") == "Consumer.b.VirtualTopic.run1"
    urgent = destinations(groups={"a": 1, "b": 1}, priority_levels=2)
    assert urgent.target == "/queue/PRIO.run1.a,/queue/PRIO.run1.b"
    assert urgent.dead_queue("a") == "DLQ.PRIO.run1.a"
    assert urgent.read_by("@dead") == ("DLQ.PRIO.run1.a", "DLQ.PRIO.run1.b")


@pytest.mark.parametrize(("levels", "expected"), [(1, (4,)), (2, (4, 9)), (3, (1, 4, 9))])
def test_up_to_three_classes_fall_into_different_bands(levels: int, expected: tuple[int, ...]) -> None:
    priorities = destinations(priority_levels=levels).priorities
    assert priorities == expected
    assert len({(priority > 4) - (priority < 4) for priority in priorities}) == levels


@pytest.mark.parametrize("levels", range(4, 11))
def test_more_classes_stay_in_order(levels: int) -> None:
    priorities = destinations(priority_levels=levels).priorities
    assert list(priorities) == sorted(set(priorities))
    assert (priorities[0], priorities[-1]) == (0, 9)


def test_what_cannot_be_had_is_refused() -> None:
    with pytest.raises(UsageError, match="no setting 'queue_type'; it knows mode"):
        ActivemqAdapter({"queue_type": "quorum"})
    with pytest.raises(Unsupported, match="does not replicate"):
        ActivemqAdapter({}).plan(BROKER, Needs.model_validate({"groups": {"workers": 1}}), Tier.D3, "p")
    for tier in (Tier.D1, Tier.D2):
        with pytest.raises(ProvisioningFailed, match=f"{tier}.*journalDiskSyncStrategy=always"):
            create(BROKER, destinations(tier))


def test_nobody_there_is_said_at_once() -> None:
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1: "):
        Link(BROKER).open()


def test_a_mode_holds_where_it_is_asked_for() -> None:
    """A virtual topic for one group and with priorities, and queues for several groups."""
    one = Destinations(
        "run1", Needs.model_validate({"groups": {"a": 1}, "priority_levels": 2}), Tier.D1, "virtual-topics"
    )
    assert one.target == "/topic/VirtualTopic.PRIO.run1"
    assert one.read_by("a") == ("Consumer.a.VirtualTopic.PRIO.run1",)
    several = Destinations("run1", Needs.model_validate({"groups": {"a": 1, "b": 1}}), Tier.D1, "queues")
    assert several.target == "/queue/run1.a,/queue/run1.b"
    with pytest.raises(UsageError, match="did you mean virtual-topics"):
        ActivemqAdapter({"mode": "virtual-topic"})


def test_what_stays_is_every_queue_and_the_topic() -> None:
    _, command = destinations(groups={"a": 1, "b": 1}).stays("host")
    for name in ("a.VirtualTopic.run1", "b.VirtualTopic.run1"):
        assert f" Consumer.{name} " in command
        assert f" DLQ.Consumer.{name}" in command
    assert command.endswith('/removeTopic(java.lang.String)/VirtualTopic.run1"')
    assert "removeTopic" not in destinations().stays("host")[1]
