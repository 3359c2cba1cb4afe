"""Committed offsets, restarts, bounds and administration of the coordinator."""

from __future__ import annotations

from harness.pylog_broker.groups.table import STALE_ALARMS_MAX
from harness.pylog_broker.protocol.errors import ErrorCode
from tests.pylog_broker.groups.desk import Desk

MINUTE_S = 60
DAY_S = 86_400


def subscription(*topics: str) -> bytes:
    """The metadata of a consumer that reads `topics`."""
    names = b"".join(len(topic).to_bytes(2, "big") + topic.encode() for topic in topics)
    return b"\x00\x01" + len(topics).to_bytes(4, "big") + names + b"\xff\xff\xff\xff" + b"\0\0\0\0"


# Committing


def test_trap_19_a_standalone_consumer_commits_without_a_group() -> None:
    desk = Desk()
    assert desk.commit(7, metadata="note é") is ErrorCode.NONE
    found = desk.coordinator.committed("g")["t"][0]
    assert (found.offset, found.metadata, found.commit_timestamp_ms) == (7, "note é", desk.now.wall_ms)
    assert desk.state() == "Empty"
    assert desk.committed(partition=1) is None


def test_trap_19_commits_of_members_are_checked() -> None:
    desk = Desk()
    (first,), generation = desk.form(1)
    assert desk.commit(1, member_id=first, generation=generation) is ErrorCode.NONE
    assert desk.commit(2, member_id=first, generation=generation - 1) is ErrorCode.ILLEGAL_GENERATION
    assert desk.commit(2, member_id=first, generation=generation + 1) is ErrorCode.ILLEGAL_GENERATION
    assert desk.commit(2, member_id="who", generation=generation) is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.commit(2) is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.commit(2, generation=3, group="none") is ErrorCode.ILLEGAL_GENERATION
    wrong = desk.commit(2, member_id=first, generation=generation, instance="a")
    assert wrong is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.committed() == 1


def test_commits_during_a_rebalance() -> None:
    desk = Desk()
    (first,), generation = desk.form(1)
    desk.enter()
    assert desk.commit(5, member_id=first, generation=generation) is ErrorCode.NONE  # before it rejoins
    generation = desk.join_reply(desk.ask_join(first)).generation
    assert desk.commit(6, member_id=first, generation=generation) is ErrorCode.REBALANCE_IN_PROGRESS
    assert desk.committed() == 5


def test_a_commit_keeps_the_session() -> None:
    desk = Desk()
    (first,), generation = desk.form(1)
    for offset in range(4):
        desk.pass_time(8)
        assert desk.commit(offset, member_id=first, generation=generation) is ErrorCode.NONE
    assert desk.state() == "Stable"


def test_bounds_of_commits() -> None:
    desk = Desk(offset_metadata_bytes_max=10, offsets_max=2, offset_metadata_bytes_total_max=12)
    assert desk.commit(1, metadata="x" * 11) is ErrorCode.OFFSET_METADATA_TOO_LARGE
    assert desk.commit(1, metadata="é" * 6) is ErrorCode.OFFSET_METADATA_TOO_LARGE
    assert desk.commit(1, metadata="x" * 10) is ErrorCode.NONE
    assert desk.commit(1, partition=1, metadata="xyz") is ErrorCode.POLICY_VIOLATION
    assert desk.commit(1, partition=1) is ErrorCode.NONE
    assert desk.commit(1, partition=2) is ErrorCode.POLICY_VIOLATION
    assert desk.commit(2, partition=1, metadata="x") is ErrorCode.NONE
    assert desk.commit(3, metadata="") is ErrorCode.NONE
    assert desk.coordinator._offsets.metadata_bytes == 1


def test_a_failing_disk_fails_the_commit_and_changes_nothing() -> None:
    desk = Desk()
    desk.commit(1)
    desk.journal.failing = True
    assert desk.commit(2) is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert desk.committed() == 1
    assert desk.commit(1, group="new") is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert desk.state("new") is None
    assert desk.coordinator.delete("g", desk.now) is ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert desk.coordinator.delete_offsets("g", [("t", 0)], desk.now) is ErrorCode.COORDINATOR_NOT_AVAILABLE
    desk.form(1)
    assert desk.state() == "Stable"


def test_the_number_of_groups_is_bounded_and_void_ones_make_room() -> None:
    desk = Desk(groups_max=2)
    desk.commit(1, group="a")
    (member,), _ = desk.form(1, group="b")
    assert desk.commit(1, group="c") is ErrorCode.GROUP_MAX_SIZE_REACHED
    assert desk.join_reply(desk.ask_join(group="c")).error is ErrorCode.GROUP_MAX_SIZE_REACHED
    desk.leave(member, group="b")
    assert desk.state("b") == "Empty"
    desk.pass_time(2)
    assert desk.commit(1, group="c") is ErrorCode.NONE
    assert desk.state("b") is None


def test_the_bytes_of_all_members_are_bounded() -> None:
    desk = Desk(member_bytes_total_max=50_000)
    desk.form(1)
    big = (("range", b"x" * 49_000),)
    assert desk.join_reply(desk.ask_join(protocols=big, group="h")).error is ErrorCode.GROUP_MAX_SIZE_REACHED
    (first,), generation = desk.form(1, group="h")
    answer = desk.sync_reply(desk.ask_sync(first, generation, {first: b"x" * 50_000}, group="h"))
    assert answer.error is ErrorCode.GROUP_MAX_SIZE_REACHED
    desk.pass_time(100)
    assert desk.coordinator._member_bytes == 0


def test_a_join_with_absurd_names_or_numbers_is_refused() -> None:
    desk = Desk()
    absurd = [
        {"protocols": [("", b"")] * 101},
        {"protocols": [("x" * 32_768, b"")]},
        {"instance": "x" * 32_768},
    ]
    for how in absurd:
        assert desk.join_reply(desk.ask_join(**how)).error is ErrorCode.INVALID_REQUEST
    assert desk.join_reply(desk.ask_join(group="x" * 32_768)).error is ErrorCode.INVALID_GROUP_ID
    assert desk.commit(1, group="x" * 32_768) is ErrorCode.INVALID_GROUP_ID
    assert not desk.coordinator._groups


def test_alarms_of_groups_that_came_and_went_do_not_pile_up() -> None:
    desk = Desk()
    for number in range(3 * STALE_ALARMS_MAX):
        member = desk.join_reply(desk.ask_join(group=f"g{number}", session_ms=1_800_000)).member_id
        desk.leave(member, group=f"g{number}")
    assert len(desk.coordinator._alarms) <= STALE_ALARMS_MAX + 2
    assert not desk.coordinator._groups


# Restarts


def test_offsets_survive_a_restart() -> None:
    desk = Desk()
    for offset in range(10):
        desk.commit(offset, metadata=f"at {offset}")
        desk.commit(offset * 2, group="h", partition=3)
    before = desk.coordinator.committed("g")["t"][0]
    desk.restart()
    assert desk.coordinator.committed("g")["t"][0] == before
    assert desk.committed(group="h", partition=3) == 18
    assert desk.state() == "Empty"


def test_members_go_on_after_a_restart() -> None:
    desk = Desk()
    (first, second), generation = desk.form(2)
    described = desk.coordinator.describe("g")
    desk.restart()
    assert desk.coordinator.describe("g") == described
    assert desk.heartbeat(first, generation) is ErrorCode.NONE
    assert desk.commit(3, member_id=second, generation=generation) is ErrorCode.NONE
    assert desk.sync_reply(desk.ask_sync(second, generation)).assignment == f"{second}@{generation}".encode()
    desk.pass_time(10.1)
    assert desk.state() == "Empty"
    assert desk.committed() == 3


def test_a_restart_in_the_middle_of_a_rebalance_falls_back_to_the_last_generation() -> None:
    desk = Desk()
    (first,), generation = desk.form(1)
    newcomer, _ = desk.enter()
    joined = desk.join_reply(desk.ask_join(first)).generation
    desk.restart()
    assert desk.heartbeat(newcomer, joined) is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.heartbeat(first, joined) is ErrorCode.ILLEGAL_GENERATION
    reply = desk.join_reply(desk.ask_join(first))
    assert (reply.error, reply.generation) == (ErrorCode.NONE, generation + 1)


def test_a_static_member_keeps_its_place_over_a_restart() -> None:
    desk = Desk()
    first = desk.join_reply(desk.ask_join(instance="a")).member_id
    desk.ask_sync(first, 1, {first: b"1"}, instance="a")
    second = desk.join_reply(desk.ask_join(instance="a")).member_id
    desk.restart()
    assert desk.heartbeat(first, 1, instance="a") is ErrorCode.FENCED_INSTANCE_ID
    assert desk.heartbeat(second, 1, instance="a") is ErrorCode.NONE
    third = desk.join_reply(desk.ask_join(instance="a"))
    assert (third.generation, third.skip_assignment) == (1, True)


def test_a_restart_in_a_rebalance_does_not_bring_a_fenced_static_member_back() -> None:
    desk = Desk()
    first = desk.join_reply(desk.ask_join(instance="a")).member_id
    desk.ask_sync(first, 1, {first: b"1"}, instance="a")
    desk.enter()
    second = desk.ask_join(instance="a")  # takes over while the group rebalances
    living = desk.join_reply(second).member_id
    desk.restart()
    assert desk.heartbeat(living, 2, instance="a") is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.heartbeat(first, 1, instance="a") is not ErrorCode.NONE
    assert desk.join_reply(desk.ask_join(instance="a")).generation > 1


def test_the_generation_goes_on_after_an_empty_group_restarts() -> None:
    desk = Desk()
    (first,), generation = desk.form(1)
    desk.leave(first)
    desk.restart()
    assert desk.state() == "Empty"
    _, token = desk.enter()
    assert desk.join_reply(token).generation > generation


def test_offsets_of_topics_that_are_gone_are_dropped_at_a_restart() -> None:
    desk = Desk()
    desk.commit(1, topic="t")
    desk.commit(1, topic="gone")
    desk.restart(topics=["t"])
    assert (desk.committed(topic="t"), desk.committed(topic="gone")) == (1, None)
    desk.restart(topics=["t", "gone"])
    assert desk.committed(topic="gone") is None


# Compaction


def test_a_journal_that_has_outgrown_its_content_is_compacted() -> None:
    desk = Desk(compaction_bytes_min=2_000, offsets_partitions=1)
    (member,), generation = desk.form(1)
    for offset in range(500):
        desk.commit(offset, member_id=member, generation=generation, partition=offset % 3)
        desk.pass_time(0.02)
    assert desk.journal.size_bytes(0) < 3_000
    desk.restart()
    assert [desk.committed(partition=partition) for partition in range(3)] == [498, 499, 497]
    assert desk.heartbeat(member, generation) is ErrorCode.NONE


def test_a_crash_in_the_middle_of_compaction_loses_nothing() -> None:
    desk = Desk(compaction_bytes_min=10_000, offsets_partitions=1)
    numbers = range(450)
    for number in numbers:
        desk.commit(number, group=f"g{number}")
    assert desk.coordinator._compaction.running
    for step in range(6):
        desk.restart()
        assert [desk.committed(group=f"g{number}") for number in numbers] == list(numbers), step
        desk.pass_time(0.01)
    desk.pass_time(1)
    assert desk.journal.size_bytes(0) < 40_000
    assert not desk.coordinator._compaction.running


def test_a_commit_during_compaction_wins() -> None:
    desk = Desk(compaction_bytes_min=10_000, offsets_partitions=1)
    for number in range(450):
        desk.commit(number, group=f"g{number}")
    desk.pass_time(0.01)
    assert desk.coordinator._compaction.running
    for number in range(0, 450, 7):
        desk.commit(1_000 + number, group=f"g{number}")
    desk.coordinator.delete("g1", desk.now)
    desk.pass_time(1)
    assert not desk.coordinator._compaction.running
    desk.restart()
    assert [desk.committed(group=f"g{number}") for number in (0, 1, 2, 7)] == [1_000, None, 2, 1_007]


# Deleting and expiring


def test_groups_with_members_cannot_be_deleted() -> None:
    desk = Desk()
    (first,), generation = desk.form(1)
    desk.commit(1, member_id=first, generation=generation)
    assert desk.coordinator.delete("g", desk.now) is ErrorCode.NON_EMPTY_GROUP
    desk.leave(first)
    assert desk.coordinator.delete("g", desk.now) is ErrorCode.NONE
    assert desk.coordinator.delete("g", desk.now) is ErrorCode.GROUP_ID_NOT_FOUND
    assert desk.committed() is None
    desk.restart()
    assert desk.state() is None
    assert desk.committed() is None


def test_offsets_of_subscribed_topics_cannot_be_deleted() -> None:
    desk = Desk()
    (first,), generation = desk.form(1, protocols=(("range", subscription("t")),))
    for topic in ("t", "u"):
        desk.commit(1, member_id=first, generation=generation, topic=topic)
    keys = [("t", 0), ("u", 0), ("u", 5)]
    errors = desk.coordinator.delete_offsets("g", keys, desk.now)
    assert errors == [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC, ErrorCode.NONE, ErrorCode.NONE]
    assert (desk.committed(topic="t"), desk.committed(topic="u")) == (1, None)
    desk.restart(topics=["t", "u"])
    assert (desk.committed(topic="t"), desk.committed(topic="u")) == (1, None)
    assert desk.coordinator.delete_offsets("none", keys, desk.now) is ErrorCode.GROUP_ID_NOT_FOUND


def test_offsets_of_a_group_whose_subscription_cannot_be_read_are_protected() -> None:
    desk = Desk()
    (first,), generation = desk.form(1, protocols=(("range", b"\x00\x01\x7f"),))
    desk.commit(1, member_id=first, generation=generation)
    assert desk.coordinator.delete_offsets("g", [("t", 0)], desk.now) == [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC]
    desk.form(1, group="c", protocol_type="connect")
    assert desk.coordinator.delete_offsets("c", [], desk.now) is ErrorCode.NON_EMPTY_GROUP


def test_a_deleted_topic_takes_its_offsets_along() -> None:
    desk = Desk()
    desk.commit(1)
    desk.commit(1, group="h")
    desk.commit(1, group="h", topic="u")
    desk.coordinator.forget_topic("t", desk.now)
    assert (desk.committed(), desk.committed(group="h"), desk.committed(group="h", topic="u")) == (None, None, 1)
    desk.restart(topics=["t", "u"])
    assert desk.committed(group="h") is None


def test_offsets_of_an_empty_group_expire_and_the_group_with_them() -> None:
    desk = Desk(offsets_retention_minutes=60)
    (first,), generation = desk.form(1)
    desk.commit(1, member_id=first, generation=generation)
    for _ in range(2 * 60 * 8):
        desk.pass_time(7.5)
        assert desk.heartbeat(first, generation) is ErrorCode.NONE
    desk.leave(first)
    desk.pass_time(59 * MINUTE_S)
    assert desk.committed() == 1
    desk.pass_time(11 * MINUTE_S)
    assert desk.committed() is None
    assert desk.state() is None
    desk.restart()
    assert desk.state() is None


def test_offsets_of_topics_that_a_live_group_no_longer_reads_expire() -> None:
    desk = Desk(offsets_retention_minutes=30)
    (first,), generation = desk.form(1, protocols=(("range", subscription("t")),), session_ms=1_800_000)
    for topic in ("t", "old"):
        desk.commit(1, member_id=first, generation=generation, topic=topic)
    desk.pass_time(25 * MINUTE_S)
    desk.heartbeat(first, generation)
    desk.pass_time(20 * MINUTE_S)
    assert (desk.committed(topic="t"), desk.committed(topic="old")) == (1, None)


def test_offsets_of_standalone_consumers_expire_from_their_commit() -> None:
    desk = Desk(offsets_retention_minutes=60)
    desk.commit(1)
    desk.commit(1, partition=1, retention_ms=3 * 3_600_000)
    desk.pass_time(50 * MINUTE_S)
    desk.commit(1, partition=2)
    desk.pass_time(25 * MINUTE_S)
    assert [desk.committed(partition=partition) for partition in range(3)] == [None, 1, 1]
    desk.restart()
    assert desk.committed(partition=1) == 1
    desk.pass_time(3 * 60 * MINUTE_S)
    assert desk.state() is None
