"""Consumer-protocol groups (KIP-848): epochs, fencing, hand-over of partitions, static members, restarts."""

from __future__ import annotations

import pytest

from harness.pylog_broker.groups.assignors import NOTHING
from harness.pylog_broker.groups.consumer_messages import ConsumerHeartbeat
from harness.pylog_broker.protocol.errors import ErrorCode
from tests.pylog_broker.groups.consumer_desk import Client, ConsumerDesk, Topics


def _settle(*clients: Client) -> None:
    for _ in range(4):
        for client in clients:
            client.settle()


def test_the_first_member_gets_everything_at_once() -> None:
    desk = ConsumerDesk()
    reply = desk.join("a")
    assert (reply.error, reply.epoch, reply.heartbeat_interval_ms) == (ErrorCode.NONE, 2, 5_000)
    assert reply.assignment == desk.topics.all_of("t")
    assert desk.beat("a", 2).assignment is None
    assert desk.group.state.value == "Stable"


def test_trap_20_a_partition_is_given_on_only_after_its_owner_has_let_go() -> None:
    desk = ConsumerDesk()
    first, second = Client(desk, "a"), Client(desk, "b")
    first.settle()
    assert second.beat().assignment == NOTHING
    assert second.epoch == 3
    kept = first.beat().assignment
    assert kept is not None
    assert len(kept) == 3
    assert first.epoch == 2, "it stays at its epoch until it has let go"
    assert second.beat().assignment is None, "the first still reads them"
    first.let_go()
    first.beat()
    assert first.epoch == 3
    assert second.beat().assignment == desk.topics.all_of("t") - kept
    assert desk.group.state.value == "Stable"


def test_trap_20_stale_and_future_epochs_are_fenced() -> None:
    desk = ConsumerDesk()
    first, second = Client(desk, "a"), Client(desk, "b")
    _settle(first, second)
    assert desk.beat("a", first.epoch + 1).error is ErrorCode.FENCED_MEMBER_EPOCH
    assert desk.beat("a", first.epoch - 1, owned=desk.topics.all_of("t")).error is ErrorCode.FENCED_MEMBER_EPOCH
    lost_answer = desk.beat("a", first.epoch - 1, owned=first.owned)
    assert (lost_answer.error, lost_answer.epoch) == (ErrorCode.NONE, first.epoch)
    assert desk.beat("nobody", 3).error is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.beat("a", 1, group="none").error is ErrorCode.GROUP_ID_NOT_FOUND


def test_a_fenced_member_comes_back_under_its_own_id() -> None:
    desk = ConsumerDesk()
    first, second = Client(desk, "a"), Client(desk, "b")
    _settle(first, second)
    again = desk.join("a")
    assert (again.error, again.epoch) == (ErrorCode.NONE, first.epoch)
    assert again.assignment == first.owned


def test_a_member_that_leaves_or_falls_silent_frees_its_partitions() -> None:
    desk = ConsumerDesk()
    first, second = Client(desk, "a"), Client(desk, "b")
    _settle(first, second)
    left = desk.beat("a", -1)
    assert (left.error, left.epoch, left.member_id) == (ErrorCode.NONE, -1, "a")
    assert second.beat().assignment == desk.topics.all_of("t")
    desk.pass_time(45.1)
    assert desk.group.is_empty
    assert second.beat().error is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_member_that_does_not_let_go_is_dropped_after_its_rebalance_timeout() -> None:
    desk = ConsumerDesk()
    first, second = Client(desk, "a"), Client(desk, "b")
    first.settle()
    second.beat()
    first.beat()
    for _ in range(4):
        desk.pass_time(8)
        first.beat()
        second.beat()
    assert first.epoch == 0, "thrown out"
    assert second.owned == desk.topics.all_of("t")


def test_static_members_keep_their_partitions_while_they_are_away() -> None:
    desk = ConsumerDesk()
    joined = desk.join("a", instance="i")
    epoch_before = desk.group.epoch
    other = desk.join("b", instance="i")
    assert other.error is ErrorCode.UNRELEASED_INSTANCE_ID
    assert desk.beat("a", -2, instance="i").epoch == -2
    back = desk.join("c", instance="i")
    assert (back.error, back.assignment) == (ErrorCode.NONE, joined.assignment)
    assert desk.group.epoch == epoch_before, "nobody else notices"
    assert desk.beat("a", 1, instance="i").error is ErrorCode.FENCED_INSTANCE_ID
    assert desk.beat("c", -1, instance="other").error is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.beat("c", -2, instance="i").error is ErrorCode.NONE
    desk.pass_time(45.1)
    assert desk.group.is_empty, "it did not come back within its session"


def test_new_partitions_and_topics_make_a_new_target() -> None:
    desk = ConsumerDesk(Topics(t=1))
    client = Client(desk, "a", topics=("t", "later"))
    client.settle()
    desk.topics.put("t", 3)
    client.settle()
    assert client.owned == desk.topics.all_of("t")
    desk.topics.put("later", 2)
    client.settle()
    assert client.owned == desk.topics.all_of("t", "later")
    desk.topics.remove("t")
    _settle(client)
    assert client.owned == desk.topics.all_of("later")


def test_patterns_match_whole_names_and_follow_new_topics() -> None:
    desk = ConsumerDesk(Topics(orders=1, reorders=1))
    client = Client(desk, "a", topics=None, pattern="orders.*")
    client.settle()
    assert client.owned == desk.topics.all_of("orders")
    desk.topics.put("orders-eu", 2)
    client.settle()
    assert client.owned == desk.topics.all_of("orders", "orders-eu")
    assert desk.join("b", topics=None, pattern="(?=x)").error is ErrorCode.INVALID_REGULAR_EXPRESSION
    assert desk.join("b", topics=None, pattern="x" * 5_000).error is ErrorCode.INVALID_REGULAR_EXPRESSION
    assert "b" not in desk.group.members


def test_assignors_are_voted_for() -> None:
    desk = ConsumerDesk(Topics(t=4, u=4))
    assert desk.join("a", assignor="sticky").error is ErrorCode.UNSUPPORTED_ASSIGNOR
    one = Client(desk, "a", topics=("t", "u"), assignor="range")
    two = Client(desk, "b", topics=("t", "u"))
    _settle(one, two)
    assert desk.group.assignor == "range"
    assert {partition for _, partition in one.owned} == {0, 1}


def test_trap_19_commits_carry_the_members_epoch() -> None:
    desk = ConsumerDesk()
    assert desk.commit("a", 3) is ErrorCode.GROUP_ID_NOT_FOUND
    assert desk.commit("a", 3, v9=False) is ErrorCode.ILLEGAL_GENERATION
    first, second = Client(desk, "a"), Client(desk, "b")
    _settle(first, second)
    mine = min(partition for _, partition in first.owned)
    other = min(partition for _, partition in second.owned)
    assert desk.commit("a", first.epoch, partition=mine) is ErrorCode.NONE
    assert desk.commit("a", first.epoch - 1, partition=mine) is ErrorCode.NONE, (
        "it had it then, and still has (KIP-1251)"
    )
    assert desk.commit("a", first.epoch - 1, partition=other) is ErrorCode.STALE_MEMBER_EPOCH
    assert desk.commit("a", first.epoch + 1, partition=mine) is ErrorCode.STALE_MEMBER_EPOCH
    assert desk.commit("who", first.epoch) is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.commit("a", first.epoch, v9=False) is ErrorCode.UNSUPPORTED_VERSION
    assert desk.commit("", -1) is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.group.admit_fetch("a", first.epoch) is ErrorCode.NONE
    assert desk.group.admit_fetch("a", first.epoch - 1) is ErrorCode.STALE_MEMBER_EPOCH
    assert desk.group.admit_fetch(None, -1) is ErrorCode.NONE


def test_members_keep_their_epochs_over_a_crash() -> None:
    desk = ConsumerDesk()
    first, second = Client(desk, "a"), Client(desk, "b", instance="i")
    _settle(first, second)
    before = (desk.group.epoch, first.owned, second.owned)
    desk.restart()
    for client in (first, second):
        reply = desk.beat(client.member_id, client.epoch, owned=client.owned)
        assert (reply.error, reply.epoch, reply.assignment) == (ErrorCode.NONE, client.epoch, None)
    assert (desk.group.epoch, first.owned, second.owned) == before
    assert desk.group.state.value == "Stable"
    desk.pass_time(45.1)
    assert desk.group.is_empty


def test_a_crash_in_the_middle_of_a_hand_over_loses_nothing() -> None:
    desk = ConsumerDesk()
    first, second = Client(desk, "a"), Client(desk, "b")
    first.settle()
    second.beat()
    first.beat()
    desk.restart()
    assert second.beat().assignment is None
    assert not second.owned
    first.let_go()
    _settle(first, second)
    assert first.owned | second.owned == desk.topics.all_of("t")
    assert not first.owned & second.owned


def test_a_change_that_cannot_be_stored_is_not_promised() -> None:
    desk = ConsumerDesk()
    desk.journal.failing = True
    assert desk.join("a").error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    desk.journal.failing = False
    reply = desk.join("a")
    assert (reply.error, reply.epoch) == (ErrorCode.NONE, 2)
    desk.restart()
    assert desk.beat("a", 2).error is ErrorCode.NONE


def test_groups_change_their_protocol_only_while_empty() -> None:
    desk = ConsumerDesk()
    assert desk.commit("", -1) is ErrorCode.NONE  # makes a classic group without members
    first = Client(desk, "a")
    first.settle()
    assert first.owned == desk.topics.all_of("t")
    assert desk.coordinator.committed("g")["t"][0].offset == 5
    assert desk.coordinator.describe("g") is None
    assert desk.coordinator.delete("g", desk.now) is ErrorCode.NON_EMPTY_GROUP
    assert desk.coordinator.delete_offsets("g", [("t", 0)], desk.now) == [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC]
    desk.beat("a", -1)
    desk.restart()
    assert desk.group.is_empty
    assert desk.coordinator.delete("g", desk.now) is ErrorCode.NONE
    desk.restart()
    assert desk.coordinator.find("g") is None


@pytest.mark.parametrize("members_max", [1])
def test_the_size_of_a_group_is_bounded(members_max: int) -> None:
    desk = ConsumerDesk(consumer_members_max=members_max)
    desk.join("a")
    assert desk.join("b").error is ErrorCode.GROUP_MAX_SIZE_REACHED
    assert desk.join("a").error is ErrorCode.NONE


def test_names_that_could_not_be_stored_are_refused() -> None:
    desk = ConsumerDesk(member_bytes_total_max=100_000)
    assert desk.join("m" * 40_000).error is ErrorCode.INVALID_REQUEST
    assert desk.join("a", instance="i" * 40_000).error is ErrorCode.INVALID_REQUEST
    assert desk.join("a", group="g" * 40_000).error is ErrorCode.INVALID_GROUP_ID
    assert desk.join("a", topics=("t" * 60_000,)).error is ErrorCode.NONE
    assert desk.join("b", topics=("t" * 60_000,)).error is ErrorCode.GROUP_MAX_SIZE_REACHED
    assert list(desk.group.members) == ["a"]
    desk.restart()
    assert list(desk.group.members) == ["a"]


def test_patterns_do_not_show_topics_that_the_member_may_not_know_of() -> None:
    desk = ConsumerDesk(Topics(open=2, secret=2))
    full = {"topic_pattern": ".*", "owned": NOTHING, "rebalance_timeout_ms": 30_000, "topic_names": None}
    asked = ConsumerHeartbeat(
        "a", 0, None, None, assignor=None, client_id="c", client_host="h", may_see=lambda name: name == "open", **full
    )
    reply, _ = desk.coordinator.consumer_heartbeat("g", asked, desk.now)
    assert reply.assignment == desk.topics.all_of("open")
    desk.topics.put("secret", 3)
    again = asked._replace(epoch=reply.epoch, owned=reply.assignment)
    assert desk.coordinator.consumer_heartbeat("g", again, desk.now)[0].assignment == desk.topics.all_of("open")


def test_a_group_goes_by_its_own_settings_from_the_next_heartbeat_on() -> None:
    desk = ConsumerDesk()
    desk.topics.group_configs["g"] = {"consumer.session.timeout.ms": "50000", "consumer.heartbeat.interval.ms": "7000"}
    reply = desk.join("a")
    assert reply.heartbeat_interval_ms == 7000
    assert desk.beat("b", 0, group="other", topics=("t",), owned=NOTHING, rebalance_ms=9).heartbeat_interval_ms == 5000
    desk.pass_time(49)
    assert list(desk.group.members) == ["a"]
    assert desk.coordinator.find("other") is None or desk.coordinator.find("other").is_empty
    desk.pass_time(2)
    assert not desk.group.members


def test_a_groups_own_settings_stay_within_the_brokers_bounds() -> None:
    desk = ConsumerDesk()
    desk.topics.group_configs["g"] = {"consumer.session.timeout.ms": "999999", "consumer.heartbeat.interval.ms": "1"}
    assert desk.join("a").heartbeat_interval_ms == 5000
    desk.pass_time(61)
    assert not desk.group.members
