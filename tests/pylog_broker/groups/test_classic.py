"""The classic group, one behaviour at a time."""

from __future__ import annotations

import pytest

from harness.pylog_broker.protocol.errors import ErrorCode
from tests.pylog_broker.groups.desk import Desk

BOTH = (("range", b"r"), ("sticky", b"s"))


def test_trap_16_a_member_without_an_id_is_given_one_to_come_back_with() -> None:
    desk = Desk()
    reply = desk.join_reply(desk.ask_join(version=4))
    assert (reply.error, reply.member_id) == (ErrorCode.MEMBER_ID_REQUIRED, "m1")
    assert desk.state() == "Empty"
    token = desk.ask_join("m1")
    assert desk.join_reply(token).error is ErrorCode.NONE


def test_clients_before_version_4_join_at_once() -> None:
    desk = Desk()
    reply = desk.join_reply(desk.ask_join(version=3))
    assert (reply.error, reply.generation) == (ErrorCode.NONE, 1)


def test_an_id_that_never_comes_back_lapses_and_leaves_no_group() -> None:
    desk = Desk()
    desk.ask_join(session_ms=10_000)
    desk.pass_time(9.9)
    assert desk.state() == "Empty"
    desk.pass_time(0.2)
    assert desk.state() is None
    assert desk.coordinator._armed == {}


def test_the_first_member_leads_and_gets_the_list() -> None:
    desk = Desk()
    member_id, token = desk.enter()
    reply = desk.join_reply(token)
    assert reply.leader_id == member_id
    assert [(row.member_id, row.metadata) for row in reply.members] == [(member_id, b"m")]
    assert desk.state() == "CompletingRebalance"


def test_trap_16_a_second_member_is_held_until_the_first_rejoins() -> None:
    desk = Desk()
    (first,), generation = desk.form(1)
    second, held = desk.enter()
    assert desk.held(held)
    assert desk.heartbeat(first, generation) is ErrorCode.REBALANCE_IN_PROGRESS
    rejoin = desk.ask_join(first)
    assert not desk.held(held)
    assert desk.join_reply(rejoin).generation == desk.join_reply(held).generation == generation + 1
    assert {row.member_id for row in desk.join_reply(rejoin).members} == {first, second}
    assert desk.join_reply(held).members == ()


def test_a_rebalance_waits_for_ids_that_were_handed_out() -> None:
    desk = Desk()
    (first,), _ = desk.form(1)
    desk.ask_join()  # gets an id and is slow to come back with it
    second, held = desk.enter()
    desk.ask_join(first)
    assert desk.held(held)
    desk.pass_time(10.1)
    assert not desk.held(held)
    assert {row.member_id for row in desk.coordinator.describe("g").members} == {first, second}


def test_trap_16_a_member_that_does_not_rejoin_is_dropped_at_the_rebalance_timeout() -> None:
    desk = Desk()
    (first,), generation = desk.form(1, rebalance_ms=20_000, session_ms=10_000)
    second, held = desk.enter(rebalance_ms=20_000)
    for _ in range(6):
        desk.pass_time(3)
        assert desk.heartbeat(first, generation) is ErrorCode.REBALANCE_IN_PROGRESS
    assert desk.held(held)
    desk.pass_time(2.1)
    assert desk.join_reply(held).leader_id == second
    assert desk.heartbeat(first, generation) is ErrorCode.UNKNOWN_MEMBER_ID


def test_trap_16_the_initial_delay_gathers_members_and_stretches_while_they_come() -> None:
    desk = Desk(initial_rebalance_delay_ms=3_000)
    _, first = desk.enter()
    desk.pass_time(2)
    _, second = desk.enter()
    desk.pass_time(2)
    assert desk.held(first)
    assert desk.held(second)
    desk.pass_time(2.5)
    assert desk.join_reply(first).generation == desk.join_reply(second).generation == 1


def test_the_initial_delay_never_outlasts_the_rebalance_timeout() -> None:
    desk = Desk(initial_rebalance_delay_ms=3_000)
    _, first = desk.enter(rebalance_ms=7_000)
    for _ in range(7):
        assert desk.held(first)
        desk.enter(rebalance_ms=7_000)
        desk.pass_time(1)
    desk.pass_time(0.1)
    assert not desk.held(first)


def test_trap_17_the_protocol_is_one_that_all_offer_and_most_prefer() -> None:
    desk = Desk()
    first, token = desk.enter(protocols=(("range", b""), ("sticky", b""), ("own", b"")))
    desk.assign([first], {first: token})
    second, held = desk.enter(protocols=(("sticky", b""), ("range", b"")))
    desk.ask_join(first, protocols=(("range", b""), ("sticky", b""), ("own", b"")))
    assert desk.join_reply(held).protocol_name == "range"  # one vote each: the elder decides
    third, held = desk.enter(protocols=(("sticky", b""), ("range", b"")))
    desk.ask_join(first, protocols=(("range", b""), ("sticky", b"")))
    desk.ask_join(second, protocols=(("sticky", b""), ("range", b"")))
    assert desk.join_reply(held).protocol_name == "sticky"
    assert desk.join_reply(held).member_id == third


@pytest.mark.parametrize(
    "offer",
    [
        {"protocols": (("other", b""),)},
        {"protocol_type": "connect"},
        {"protocols": ()},
        {"protocol_type": ""},
    ],
)
def test_a_member_that_shares_no_protocol_is_refused(offer: dict[str, object]) -> None:
    desk = Desk()
    desk.form(1)
    assert desk.join_reply(desk.ask_join(**offer)).error is ErrorCode.INCONSISTENT_GROUP_PROTOCOL


def test_the_only_member_may_change_its_protocols() -> None:
    desk = Desk()
    (first,), _ = desk.form(1)
    reply = desk.join_reply(desk.ask_join(first, protocols=(("sticky", b""),)))
    assert (reply.error, reply.protocol_name) == (ErrorCode.NONE, "sticky")


def test_trap_17_a_follower_waits_for_the_leaders_assignment() -> None:
    desk = Desk()
    (first,), _ = desk.form(1)
    second, held = desk.enter()
    generation = desk.join_reply(desk.ask_join(first)).generation
    assert not desk.held(held)
    follower = desk.ask_sync(second, generation)
    assert desk.held(follower)
    assert desk.state() == "CompletingRebalance"
    leader = desk.ask_sync(first, generation, {first: b"1", second: b"2"})
    assert desk.sync_reply(follower).assignment == b"2"
    assert desk.sync_reply(leader).assignment == b"1"
    assert desk.sync_reply(leader).protocol_name == "range"
    assert desk.state() == "Stable"


def test_a_leader_that_dies_before_the_assignment_frees_its_followers() -> None:
    desk = Desk()
    (first,), _ = desk.form(1)
    second, _ = desk.enter()
    generation = desk.join_reply(desk.ask_join(first)).generation
    follower = desk.ask_sync(second, generation)
    desk.pass_time(10.1)
    assert desk.sync_reply(follower).error is ErrorCode.REBALANCE_IN_PROGRESS
    reply = desk.join_reply(desk.ask_join(second))
    assert (reply.generation, reply.leader_id) == (generation + 1, second)


def test_a_leader_that_beats_but_never_assigns_is_dropped() -> None:
    desk = Desk()
    (first,), _ = desk.form(1, rebalance_ms=15_000)
    second, _ = desk.enter(rebalance_ms=15_000)
    generation = desk.join_reply(desk.ask_join(first, rebalance_ms=15_000)).generation
    follower = desk.ask_sync(second, generation)
    for _ in range(4):
        desk.pass_time(4)
        desk.heartbeat(first, generation)
    assert desk.sync_reply(follower).error is ErrorCode.REBALANCE_IN_PROGRESS
    assert desk.heartbeat(first, generation) is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_late_sync_in_a_stable_group_gets_its_assignment() -> None:
    desk = Desk()
    (first,), _ = desk.form(1)
    second, _ = desk.enter()
    generation = desk.join_reply(desk.ask_join(first)).generation
    desk.ask_sync(first, generation, {first: b"1", second: b"2"})
    assert desk.sync_reply(desk.ask_sync(second, generation)).assignment == b"2"


def test_sync_is_refused_with_the_wrong_generation_member_or_protocol() -> None:
    desk = Desk()
    (first,), generation = desk.form(1)
    assert desk.sync_reply(desk.ask_sync(first, generation - 1)).error is ErrorCode.ILLEGAL_GENERATION
    assert desk.sync_reply(desk.ask_sync("who", generation)).error is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.sync_reply(desk.ask_sync("who", 1, group="none")).error is ErrorCode.UNKNOWN_MEMBER_ID
    wrong = desk.ask_sync(first, generation, protocol=("connect", "range"))
    assert desk.sync_reply(wrong).error is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    wrong = desk.ask_sync(first, generation, protocol=("consumer", "sticky"))
    assert desk.sync_reply(wrong).error is ErrorCode.INCONSISTENT_GROUP_PROTOCOL
    desk.enter()
    assert desk.sync_reply(desk.ask_sync(first, generation)).error is ErrorCode.REBALANCE_IN_PROGRESS


def test_heartbeats_keep_a_member_and_silence_loses_it() -> None:
    desk = Desk()
    (first,), generation = desk.form(1)
    for _ in range(5):
        desk.pass_time(9)
        assert desk.heartbeat(first, generation) is ErrorCode.NONE
    assert desk.heartbeat(first, generation + 1) is ErrorCode.ILLEGAL_GENERATION
    desk.pass_time(9.9)
    assert desk.state() == "Stable"
    desk.pass_time(0.2)
    assert desk.state() == "Empty"
    assert desk.heartbeat(first, generation) is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_leaver_starts_a_rebalance_and_the_last_one_empties_the_group() -> None:
    desk = Desk()
    (first, second), generation = desk.form(2)
    assert desk.leave(first) is ErrorCode.NONE
    assert desk.heartbeat(second, generation) is ErrorCode.REBALANCE_IN_PROGRESS
    reply = desk.join_reply(desk.ask_join(second))
    assert reply.leader_id == second
    assert desk.leave(second) is ErrorCode.NONE
    assert desk.state() == "Empty"
    assert desk.leave(second) is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.leave("x", group="none") is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_leaver_whose_requests_are_held_is_answered() -> None:
    desk = Desk()
    (first,), _ = desk.form(1)
    second, held = desk.enter()
    desk.leave(second)
    assert desk.join_reply(held).error is ErrorCode.UNKNOWN_MEMBER_ID
    generation = desk.join_reply(desk.ask_join(first)).generation
    second, _ = desk.enter()
    generation = desk.join_reply(desk.ask_join(first)).generation
    follower = desk.ask_sync(second, generation)
    desk.leave(second)
    assert desk.sync_reply(follower).error is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_follower_that_rejoins_unchanged_is_told_again_and_a_leader_rebalances() -> None:
    desk = Desk()
    (first, second), generation = desk.form(2)
    again = desk.join_reply(desk.ask_join(second))
    assert (again.generation, again.error, again.members) == (generation, ErrorCode.NONE, ())
    assert desk.state() == "Stable"
    assert desk.held(desk.ask_join(first))
    assert desk.state() == "PreparingRebalance"


def test_a_follower_with_new_metadata_rebalances() -> None:
    desk = Desk()
    (_, second), _ = desk.form(2)
    desk.ask_join(second, protocols=(("range", b"other"),))
    assert desk.state() == "PreparingRebalance"


def test_a_lost_join_answer_is_given_again_to_the_leader_with_the_list() -> None:
    desk = Desk()
    first, token = desk.enter()
    again = desk.join_reply(desk.ask_join(first))
    assert again == desk.join_reply(token)
    assert again.members


def test_a_join_repeated_on_another_connection_frees_the_first() -> None:
    desk = Desk()
    desk.form(1)
    second, held = desk.enter()
    again = desk.ask_join(second)
    assert desk.join_reply(held).error is ErrorCode.REBALANCE_IN_PROGRESS
    assert desk.held(again)


def test_a_full_group_refuses_newcomers_but_not_its_members() -> None:
    desk = Desk(members_max=2)
    (first, second), _ = desk.form(2)
    assert desk.join_reply(desk.ask_join()).error is ErrorCode.GROUP_MAX_SIZE_REACHED
    assert desk.join_reply(desk.ask_join(second)).error is ErrorCode.NONE
    assert desk.held(desk.ask_join(first))


def test_ids_handed_out_do_not_overfill_a_group() -> None:
    desk = Desk(members_max=1)
    early = desk.join_reply(desk.ask_join()).member_id
    desk_two = desk.join_reply(desk.ask_join())
    assert desk_two.error is ErrorCode.GROUP_MAX_SIZE_REACHED
    assert desk.join_reply(desk.ask_join(early)).error is ErrorCode.NONE


def test_more_ids_than_places_are_settled_when_they_come_back() -> None:
    desk = Desk(members_max=2)
    desk.form(1)
    waiting = [desk.join_reply(desk.ask_join()).member_id for _ in range(2)]
    assert desk.held(desk.ask_join(waiting[0]))
    assert desk.join_reply(desk.ask_join(waiting[1])).error is ErrorCode.GROUP_MAX_SIZE_REACHED


def test_a_newcomer_that_waits_too_long_is_given_up_but_an_old_member_is_not() -> None:
    desk = Desk()
    (first, second), generation = desk.form(2, rebalance_ms=1_800_000)
    desk.pass_time(5)
    rejoined = desk.ask_join(first, rebalance_ms=1_800_000)
    newcomer = desk.enter(rebalance_ms=1_800_000)[1]
    desk.heartbeat(second, generation)
    for _ in range(33):
        assert desk.held(newcomer)
        desk.pass_time(9)
        assert desk.heartbeat(second, generation) is ErrorCode.REBALANCE_IN_PROGRESS
    desk.pass_time(3.1)
    assert desk.join_reply(newcomer).error is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.held(rejoined)


def test_session_timeouts_have_bounds_and_group_ids_are_not_empty() -> None:
    desk = Desk()
    for wrong_ms in (5_999, 1_800_001, -1):
        token = desk.ask_join(session_ms=wrong_ms)
        assert desk.join_reply(token).error is ErrorCode.INVALID_SESSION_TIMEOUT
    assert desk.join_reply(desk.ask_join(group="")).error is ErrorCode.INVALID_GROUP_ID
    assert desk.join_reply(desk.ask_join("ghost")).error is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.state() is None


# Static members (KIP-345)


def form_static(desk: Desk, version: int = 9) -> tuple[str, str, int]:
    """Two static members, stable; the first leads."""
    first = desk.join_reply(desk.ask_join(instance="a", version=version)).member_id
    held = desk.ask_join(instance="b", version=version)
    joined = desk.join_reply(desk.ask_join(first, instance="a", version=version))
    second = desk.join_reply(held).member_id
    desk.ask_sync(first, joined.generation, {first: b"1", second: b"2"}, instance="a")
    desk.ask_sync(second, joined.generation, instance="b")
    return first, second, joined.generation


def test_trap_18_a_static_follower_comes_back_without_a_rebalance() -> None:
    desk = Desk()
    first, second, generation = form_static(desk)
    reply = desk.join_reply(desk.ask_join(instance="b"))
    assert reply.error is ErrorCode.NONE
    assert reply.generation == generation
    assert reply.member_id not in (first, second)
    assert (reply.leader_id, reply.skip_assignment, reply.members) == (first, False, ())
    assert desk.sync_reply(desk.ask_sync(reply.member_id, generation, instance="b")).assignment == b"2"
    assert desk.heartbeat(second, generation, instance="b") is ErrorCode.FENCED_INSTANCE_ID
    assert desk.heartbeat(first, generation, instance="a") is ErrorCode.NONE
    assert desk.heartbeat(reply.member_id, generation, instance="c") is ErrorCode.UNKNOWN_MEMBER_ID


def test_a_static_leader_that_comes_back_is_told_to_skip_the_assignment() -> None:
    desk = Desk()
    _, second, generation = form_static(desk)
    reply = desk.join_reply(desk.ask_join(instance="a"))
    assert reply.skip_assignment
    assert reply.leader_id == reply.member_id
    assert {row.member_id for row in reply.members} == {reply.member_id, second}
    assert desk.sync_reply(desk.ask_sync(reply.member_id, generation, instance="a")).assignment == b"1"


def test_an_older_static_leader_that_comes_back_believes_itself_a_follower() -> None:
    desk = Desk()
    first, _, _ = form_static(desk, version=8)
    reply = desk.join_reply(desk.ask_join(instance="a", version=8))
    assert (reply.leader_id, reply.skip_assignment, reply.members) == (first, False, ())


def test_a_static_member_with_other_protocols_rebalances() -> None:
    desk = Desk()
    first = desk.join_reply(desk.ask_join(instance="a", protocols=BOTH)).member_id
    desk.ask_sync(first, 1, {first: b"1"}, instance="a")
    held = desk.ask_join(instance="a", protocols=(("sticky", b"s"),))
    assert desk.join_reply(held).generation == 2
    assert desk.join_reply(held).protocol_name == "sticky"


def test_trap_18_a_static_member_replaced_while_held_is_fenced() -> None:
    desk = Desk()
    form_static(desk)
    held = desk.ask_join(instance="c")
    usurper = desk.ask_join(instance="c")
    assert desk.join_reply(held).error is ErrorCode.FENCED_INSTANCE_ID
    assert desk.held(usurper)


def test_a_static_member_replaced_between_join_and_assignment_rebalances() -> None:
    desk = Desk()
    first, _, _ = form_static(desk)
    desk.ask_join(first, instance="a")  # the leader asks for a rebalance
    second = desk.ask_join(instance="b")
    generation = desk.join_reply(second).generation
    follower = desk.ask_sync(desk.join_reply(second).member_id, generation, instance="b")
    again = desk.ask_join(instance="b")
    assert desk.sync_reply(follower).error is ErrorCode.FENCED_INSTANCE_ID
    assert desk.held(again)
    assert desk.state() == "PreparingRebalance"


def test_an_absent_static_member_keeps_its_place_until_its_session_ends() -> None:
    desk = Desk()
    absent = desk.join_reply(desk.ask_join(instance="a", rebalance_ms=7_000)).member_id
    desk.ask_sync(absent, 1, {absent: b"1"}, instance="a")
    newcomer, held = desk.enter(rebalance_ms=7_000)
    desk.pass_time(4)
    assert desk.heartbeat(absent, 1, instance="a") is ErrorCode.REBALANCE_IN_PROGRESS
    desk.pass_time(3.1)
    reply = desk.join_reply(held)
    assert {row.member_id for row in reply.members} == {absent, newcomer}
    desk.ask_sync(newcomer, reply.generation, {newcomer: b"2"})
    desk.pass_time(5)
    assert desk.heartbeat(newcomer, reply.generation) is ErrorCode.NONE
    desk.pass_time(2)
    assert desk.heartbeat(newcomer, reply.generation) is ErrorCode.REBALANCE_IN_PROGRESS


def test_an_administrator_removes_a_static_member_by_its_instance() -> None:
    desk = Desk()
    first, second, generation = form_static(desk)
    assert desk.leave(instance="b") is ErrorCode.NONE
    assert desk.heartbeat(second, generation, instance="b") is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.heartbeat(first, generation, instance="a") is ErrorCode.REBALANCE_IN_PROGRESS
    assert desk.leave(instance="nobody") is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.leave(second, instance="a") is ErrorCode.FENCED_INSTANCE_ID


def test_a_group_of_absent_static_members_waits_for_them_and_empties_in_the_end() -> None:
    desk = Desk()
    form_static(desk)
    assert desk.leave(instance="a") is ErrorCode.NONE  # starts a rebalance to which "b" never comes
    desk.pass_time(9.9)
    assert desk.state() == "PreparingRebalance"
    desk.pass_time(0.2)
    assert desk.state() == "Empty"
