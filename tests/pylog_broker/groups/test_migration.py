"""Groups that change their protocol while members are at work (KIP-848)."""

from __future__ import annotations

from typing import Any

import pytest

from harness.pylog_broker.groups.assignors import NOTHING
from harness.pylog_broker.groups.consumer_member import ClassicSide, Subscription
from harness.pylog_broker.groups.consumer_messages import StoredConsumerGroup
from harness.pylog_broker.groups.consumer_records import MEMBER, apply, key, member_value
from harness.pylog_broker.groups.embedded_protocol import (
    EmbeddedSubscription,
    read_assignment,
    read_subscription,
    write_assignment,
)
from harness.pylog_broker.groups.messages import JoinReply, ProtocolOffer, SyncReply
from harness.pylog_broker.groups.records import ConsumerRecord, read_record
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.primitives import MalformedMessage
from tests.pylog_broker.groups.classic_client import ClassicClient, subscription
from tests.pylog_broker.groups.consumer_desk import Client, ConsumerDesk, Topics


def settle(*members: Client | ClassicClient, rounds: int = 8) -> None:
    for _ in range(rounds):
        for member in members:
            if isinstance(member, Client):
                member.settle()
            else:
                member.act()


def classic_group(desk: ConsumerDesk, count: int, **how: Any) -> list[ClassicClient]:
    members = [ClassicClient(desk, f"c{number}", **how) for number in range(count)]
    settle(*members)
    assert all(member.is_settled for member in members)
    assert desk.protocol == "classic"
    return members


def all_have_their_share(desk: ConsumerDesk, *members: Client | ClassicClient) -> bool:
    held = [member.owned for member in members]
    wanted = desk.topics.all_of("t")
    return frozenset().union(*held) == wanted and sum(map(len, held)) == len(wanted) and all(held)


@pytest.mark.parametrize("eager", [True, False])
def test_there_and_back_with_every_partition_read_by_one(eager: bool) -> None:
    desk = ConsumerDesk()
    classic = classic_group(desk, 2, eager=eager)
    generation = classic[0].generation
    consumer = Client(desk, "m")
    consumer.beat()
    assert desk.protocol == "consumer"
    assert (consumer.epoch, consumer.owned) == (generation + 1, NOTHING)
    assert [member.heartbeat() for member in classic] == [ErrorCode.REBALANCE_IN_PROGRESS] * 2
    settle(*classic, consumer)
    assert all_have_their_share(desk, *classic, consumer)
    consumer.desk.beat("m", -1)
    assert desk.protocol == "classic"
    assert desk.coordinator.describe("g").state == "PreparingRebalance"
    settle(*classic)
    assert all_have_their_share(desk, *classic)
    assert classic[0].generation == generation + 2


def test_what_was_held_is_sent_away_to_join_again() -> None:
    desk = ConsumerDesk()
    (first,) = classic_group(desk, 1)
    late = ClassicClient(desk, "late")
    late.act()
    late.act()
    assert not late.is_settled
    Client(desk, "m").beat()
    (answer,) = desk.due
    assert isinstance(answer.reply, JoinReply)
    assert (answer.reply.error, answer.reply.member_id) == (ErrorCode.REBALANCE_IN_PROGRESS, late.member_id)
    settle(first, late)
    assert late.is_settled
    assert desk.group.members[late.member_id].is_classic


def test_a_held_sync_is_sent_away_too() -> None:
    desk = ConsumerDesk()
    (leader,) = classic_group(desk, 1)
    follower = ClassicClient(desk, "d")
    for _ in range(2):
        follower.act()
    leader.heartbeat()
    leader.join()
    follower.act()
    assert follower.sync() is None, "held until the leader brings the assignment"
    Client(desk, "m").beat()
    assert [answer.reply for answer in desk.due] == [SyncReply(ErrorCode.REBALANCE_IN_PROGRESS)]
    settle(leader, follower)
    assert leader.is_settled
    assert follower.is_settled


@pytest.mark.parametrize(
    ("policy", "up", "down"),
    [("bidirectional", 1, 1), ("Upgrade", 1, 0), ("downgrade", 0, 1), ("disabled", 0, 0)],
)
def test_the_policy_says_which_way_a_group_goes(policy: str, up: int, down: int) -> None:
    desk = ConsumerDesk(consumer_migration_policy=policy)
    (member,) = classic_group(desk, 1)
    reply = desk.join("m")
    assert (reply.error is ErrorCode.NONE, desk.protocol == "consumer") == (bool(up), bool(up))
    if not up:
        assert reply.error is ErrorCode.GROUP_ID_NOT_FOUND
        assert member.heartbeat() is ErrorCode.NONE
        member.leave()
        desk.join("m")
        settle(member)
    desk.beat("m", -1)
    assert (desk.protocol == "classic") is bool(down)
    assert member.heartbeat() in (ErrorCode.REBALANCE_IN_PROGRESS, ErrorCode.ILLEGAL_GENERATION)
    settle(member)
    assert member.owned == desk.topics.all_of("t")


def test_an_unknown_policy_is_refused() -> None:
    with pytest.raises(ValueError, match=r"group\.consumer\.migration\.policy"):
        GroupSettings(consumer_migration_policy="both").check()


def test_a_refused_member_leaves_a_classic_group_as_it_was() -> None:
    desk = ConsumerDesk()
    (member,) = classic_group(desk, 1)
    assert desk.beat("m", 0, pattern="(", owned=NOTHING, rebalance_ms=1).error is ErrorCode.INVALID_REGULAR_EXPRESSION
    assert desk.join("m", assignor="none").error is ErrorCode.UNSUPPORTED_ASSIGNOR
    assert desk.beat("m", 5).error is ErrorCode.GROUP_ID_NOT_FOUND
    desk.journal.failing = True
    assert desk.join("m").error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    desk.journal.failing = False
    assert desk.protocol == "classic"
    assert member.heartbeat() is ErrorCode.NONE
    desk.restart()
    assert member.heartbeat() is ErrorCode.NONE


def test_groups_that_are_not_of_consumers_or_too_large_stay() -> None:
    desk = ConsumerDesk(consumer_members_max=1)
    classic_group(desk, 2)
    assert desk.join("m").error is ErrorCode.GROUP_ID_NOT_FOUND


def test_a_crash_at_any_step_brings_the_same_members_back() -> None:
    desk = ConsumerDesk()
    (member,) = classic_group(desk, 1, eager=False)
    consumer = Client(desk, "m")
    for act in (consumer.beat, member.act, member.act, member.act, consumer.settle, member.act, consumer.settle):
        before = desk.protocol
        desk.restart()
        assert desk.protocol == before
        act()
    settle(member, consumer)
    assert all_have_their_share(desk, member, consumer)
    desk.restart()
    desk.beat("m", -1)
    desk.restart()
    assert desk.protocol == "classic"
    settle(member)
    assert member.owned == desk.topics.all_of("t")


def test_a_downgrade_that_cannot_be_stored_is_made_good_by_the_next_request() -> None:
    desk = ConsumerDesk()
    (member,) = classic_group(desk, 1)
    Client(desk, "m").beat()
    settle(member)
    desk.journal.failing = True
    assert desk.beat("m", -1).error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert desk.protocol == "consumer"
    desk.journal.failing = False
    member.heartbeat()
    assert desk.protocol == "classic"


def test_sessions_are_those_that_classic_members_asked_for() -> None:
    desk = ConsumerDesk()
    (member,) = classic_group(desk, 1)
    consumer = Client(desk, "m")
    settle(consumer, member)
    desk.pass_time(9)
    consumer.beat()
    desk.pass_time(2)
    assert list(desk.group.members) == ["m"], "ten seconds without a heartbeat, and no downgrade for that"
    settle(consumer)
    assert consumer.owned == desk.topics.all_of("t")


def test_a_consumer_whose_session_ends_was_the_last_one() -> None:
    desk = ConsumerDesk()
    (member,) = classic_group(desk, 1)
    consumer = Client(desk, "m")
    settle(consumer, member)
    for _ in range(10):
        desk.pass_time(5)
        member.act()
    assert desk.protocol == "classic"
    settle(member)
    assert member.owned == desk.topics.all_of("t")


@pytest.mark.parametrize("silent", ["join", "sync"])
def test_a_member_that_heartbeats_but_does_not_do_what_it_is_told_is_given_up(silent: str) -> None:
    desk = ConsumerDesk()
    (member,) = classic_group(desk, 1)
    consumer = Client(desk, "m")
    consumer.beat()
    if silent == "sync":
        member.join()
    member.heartbeat()
    for _ in range(5):
        desk.pass_time(5)
        member.heartbeat()
        consumer.beat()
        assert len(desk.group.members) == 2
    desk.pass_time(6)
    assert list(desk.group.members) == ["m"]


def test_offsets_are_committed_by_whoever_had_the_partition_in_that_generation() -> None:
    desk = ConsumerDesk()
    (member,) = classic_group(desk, 1)
    old = member.generation
    consumer = Client(desk, "m")
    consumer.beat()
    assert desk.commit(member.member_id, old, v9=False) is ErrorCode.NONE
    settle(member, consumer)
    kept, given = (min(number for _, number in each.owned) for each in (member, consumer))
    assert desk.commit(member.member_id, member.generation, v9=False) is ErrorCode.NONE
    assert desk.commit(member.member_id, old, partition=kept, v9=False) is ErrorCode.NONE
    assert desk.commit(member.member_id, old, partition=given) is ErrorCode.ILLEGAL_GENERATION
    assert desk.commit(member.member_id, member.generation + 1) is ErrorCode.ILLEGAL_GENERATION
    assert desk.commit("m", consumer.epoch, v9=False) is ErrorCode.UNSUPPORTED_VERSION
    assert desk.group.admit_fetch(member.member_id, old) is ErrorCode.ILLEGAL_GENERATION
    assert desk.group.admit_fetch(member.member_id, member.generation) is ErrorCode.NONE


def test_an_instance_changes_its_protocol_and_keeps_its_partitions() -> None:
    desk = ConsumerDesk()
    member = ClassicClient(desk, "c")
    member.instance = "one"
    settle(member)
    consumer = Client(desk, "m", instance="one")
    consumer.settle()
    assert desk.protocol == "consumer"
    assert consumer.owned == desk.topics.all_of("t")
    assert member.heartbeat() is ErrorCode.FENCED_INSTANCE_ID
    again = ClassicClient(desk, "d")
    again.instance = "one"
    again.join()
    assert desk.protocol == "classic"
    assert desk.coordinator.describe("g").state == "Stable", "nobody else has to move"
    again.sync()
    assert again.owned == desk.topics.all_of("t")
    assert again.heartbeat() is ErrorCode.NONE
    assert desk.beat("m", consumer.epoch, instance="one").error is ErrorCode.GROUP_ID_NOT_FOUND


def test_an_instance_that_comes_back_while_others_are_on_their_way_has_all_join_anew() -> None:
    desk = ConsumerDesk()
    (member,) = classic_group(desk, 1)
    Client(desk, "m", instance="one").beat()
    again = ClassicClient(desk, "d")
    again.instance = "one"
    again.join()
    assert desk.protocol == "classic"
    assert desk.coordinator.describe("g").state == "PreparingRebalance"
    settle(member, again)
    assert all_have_their_share(desk, member, again)


def test_topics_that_are_gone_and_assignments_that_overlap_do_no_harm() -> None:
    desk = ConsumerDesk(Topics(t=6, u=2))
    first, other = classic_group(desk, 2, topics=("t", "u"))
    for each in desk.coordinator.find("g").members:
        each.assignment = write_assignment(1, [("t", 0), ("t", 1), ("gone", 0), ("u", 1)])
    desk.topics.remove("u")
    consumer = Client(desk, "m")
    settle(consumer, first, other)
    assert all_have_their_share(desk, first, other, consumer)


@pytest.mark.parametrize("damage", [b"", b"\0", b"\xff\xff\0\0\0\0\0\0\0\0", b"\0\1\0\0\0\x09"])
def test_metadata_that_cannot_be_read_keeps_a_group_classic_and_a_member_out(damage: bytes) -> None:
    desk = ConsumerDesk()
    (member,) = classic_group(desk, 1)
    stored = next(iter(desk.coordinator.find("g").members))
    stored.protocols = (ProtocolOffer("range", damage),)
    assert desk.join("m").error is ErrorCode.GROUP_ID_NOT_FOUND
    assert member.heartbeat() is ErrorCode.NONE
    with pytest.raises(MalformedMessage):
        read_subscription(damage)
    if damage:
        with pytest.raises(MalformedMessage):
            read_assignment(damage)


def test_subscriptions_of_every_version_and_of_later_ones() -> None:
    owned = [("t", 0), ("t", 2), ("u", 1)]
    for version in range(5):
        data = subscription(("t", "u"), owned, version=version)
        tail = b"\0\0\0\7" if version >= 2 else b""
        tail += b"\0\1r" if version >= 3 else b""
        read = read_subscription(data + tail + b"more" * (version > 3))
        expected = EmbeddedSubscription(min(version, 3), ("t", "u"))
        if version >= 1:
            expected = expected._replace(owned=frozenset(owned))
        assert read == (expected._replace(rack_id="r") if version >= 3 else expected)
    assert read_assignment(write_assignment(0, owned)) == owned
    assert read_assignment(b"") == []


def test_a_classic_member_is_stored_as_kafka_stores_it() -> None:
    offers = (ProtocolOffer("range", b"abc"), ProtocolOffer("kept", b""))
    said = Subscription("i", None, "c", "/h", ("t",), None, 5_000, None, ClassicSide(6_000, offers))
    read = read_record(key(MEMBER, "g", "m"), member_value(said))
    assert isinstance(read, ConsumerRecord)
    stored = StoredConsumerGroup()
    apply(read, stored)
    assert stored.subscriptions == {"m": said}
    # One tagged field, number 0, 25 bytes: it is there, timeout, two protocols of name and metadata, no tags.
    tail = bytes.fromhex("01001901 00001770 03 0672616e6765 04616263 00 056b657074 01 00 00".replace(" ", ""))
    assert member_value(said).endswith(tail)


def test_memory_is_accounted_for_through_every_change() -> None:
    desk = ConsumerDesk()
    (member,) = classic_group(desk, 1)
    consumer = Client(desk, "m")
    settle(consumer, member)
    assert desk.coordinator._member_bytes == desk.group.bytes_held
    desk.beat("m", -1)
    assert desk.coordinator._member_bytes == desk.coordinator.find("g").bytes_held
    settle(member)
    member.leave()
    assert desk.coordinator._member_bytes == 0


def test_a_full_group_takes_no_classic_member() -> None:
    desk = ConsumerDesk(consumer_members_max=1)
    desk.join("m")
    reply = ClassicClient(desk, "c").join()
    assert reply is not None
    assert reply.error is ErrorCode.GROUP_MAX_SIZE_REACHED


def test_a_group_too_large_to_be_classic_stays_what_it_is() -> None:
    desk = ConsumerDesk()
    members = classic_group(desk, 2)
    Client(desk, "m").beat()
    desk.group._settings = desk.settings._replace(members_max=1)
    desk.beat("m", -1)
    assert desk.protocol == "consumer"
    settle(*members)
    assert all_have_their_share(desk, *members)
