"""ShareFetch and ShareAcknowledge over a broker without sockets: sessions, locks, long polls, crashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from harness.pylog_broker.dispatch import Peer
from harness.pylog_broker.groups.journal import JournalFailed
from harness.pylog_broker.handlers import ConnectionState, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.delete_groups import DeleteGroupsRequest
from harness.pylog_broker.storage.topic import SHARE_STATE
from tests.pylog_broker.handlers.local_broker import LocalBroker
from tests.pylog_broker.share.share_client import (
    ACCEPT,
    REJECT,
    RELEASE,
    RENEW,
    Member,
    acquired,
    batches_in,
    codes,
    configure,
    heartbeat,
    produce,
)


@pytest.fixture
def local(tmp_path: Path) -> Any:
    broker = LocalBroker(tmp_path / "data")
    broker.catalog.create_topic("t", 2)
    configure(broker)
    yield broker
    broker.close()


def joined(local: LocalBroker, *sizes: int) -> Member:
    """A member with a session over a topic with these batches."""
    produce(local, "t", *sizes)
    heartbeat(local, "m1", 0, "t")
    return Member(local, "t")


def test_the_answer_carries_the_batches_of_what_was_acquired_and_no_more(local: LocalBroker) -> None:
    member = joined(local, 3, 3, 3)
    answer = member.fetch(max_records=4)
    assert acquired(answer) == [(0, 5, 1)]
    assert batches_in(answer) == [(0, 2), (3, 5)]
    assert answer.acquisition_lock_timeout_ms == 30_000
    answer = member.fetch(max_records=2, share_acquire_mode=1)
    assert (acquired(answer), batches_in(answer)) == ([(6, 7, 1)], [(6, 8)])
    answer = member.fetch()
    assert (acquired(answer), batches_in(answer)) == ([(8, 8, 1)], [(6, 8)])
    assert member.fetch().responses == []


def test_released_records_are_fetched_from_the_batch_they_lie_in(local: LocalBroker) -> None:
    member = joined(local, 3, 3, 3)
    member.fetch()
    assert codes(member.acknowledge((0, 3, ACCEPT), (4, 4, RELEASE), (5, 8, REJECT))) == [0]
    answer = member.fetch()
    assert (acquired(answer), batches_in(answer)) == ([(4, 4, 2)], [(3, 5)])


def test_partitions_of_a_session_take_turns_and_share_the_limits(local: LocalBroker) -> None:
    produce(local, "t", 5, 5, partition=0)
    produce(local, "t", 5, 5, partition=1)
    heartbeat(local, "m1", 0, "t")
    member = Member(local, "t")
    first = member.fetch(max_records=5, partitions=(0, 1))
    second = member.fetch(max_records=5)
    for answer in (first, second):
        assert acquired(answer) == [(0, 4, 1)]
    served = [
        partition.partition_index
        for answer in (first, second)
        for topic in answer.responses
        for partition in topic.partitions
        if partition.acquired_records
    ]
    assert sorted(served) == [0, 1]


def test_locks_run_out_and_wake_who_waits(local: LocalBroker) -> None:
    one = joined(local, 4)
    two = Member(local, "t", "m2")
    assert acquired(one.fetch()) == [(0, 3, 1)]
    assert two.fetch(max_wait_ms=60_000) is None
    local.advance(29)
    assert two.parked_answer() is None
    local.advance(1.1)
    assert acquired(two.parked_answer()) == [(0, 3, 2)]
    assert codes(one.acknowledge((0, 3, ACCEPT))) == [ErrorCode.INVALID_RECORD_STATE]
    assert codes(two.acknowledge((0, 3, ACCEPT))) == [0]


def test_renewed_locks_last_longer_unless_the_group_forbids_it(local: LocalBroker) -> None:
    member = joined(local, 4)
    member.fetch()
    local.advance(20)
    assert codes(member.acknowledge((0, 1, RENEW))) == [ErrorCode.INVALID_REQUEST]
    assert codes(member.acknowledge((0, 1, RENEW), renews=True)) == [0]
    local.advance(11)
    assert acquired(member.fetch()) == [(2, 3, 2)]
    configure(local, share_renew_acknowledge_enable="false")
    assert codes(member.acknowledge((0, 1, RENEW), renews=True)) == [ErrorCode.INVALID_REQUEST]


def test_a_broker_that_stood_still_hears_its_members_first(local: LocalBroker) -> None:
    member = joined(local, 4)
    member.fetch()
    local.advance(40)
    assert codes(member.acknowledge((0, 1, ACCEPT))) == [0]
    local.advance(1.1)
    assert acquired(member.fetch()) == [(2, 3, 2)]


def test_the_delivery_limit_of_the_group_counts(local: LocalBroker) -> None:
    configure(local, share_delivery_count_limit="2", share_record_lock_duration_ms="15000")
    member = joined(local, 2)
    assert acquired(member.fetch()) == [(0, 1, 1)]
    local.advance(15)
    assert acquired(member.fetch()) == [(0, 1, 2)]
    local.advance(15)
    assert acquired(member.fetch()) == []


def test_an_append_answers_who_waits_and_the_deadline_who_waits_in_vain(local: LocalBroker) -> None:
    member = joined(local, 1)
    member.fetch()
    assert member.fetch(max_wait_ms=500) is None
    produce(local, "t", 2)
    local.broker.waiters.run_ready()
    assert acquired(member.parked_answer()) == [(1, 2, 1)]
    assert member.fetch(max_wait_ms=500) is None
    local.advance(0.6)
    assert member.parked_answer().responses == []


def test_minimum_bytes_are_waited_for(local: LocalBroker) -> None:
    member = joined(local, 1)
    assert member.fetch(max_wait_ms=500, min_bytes=130) is None
    produce(local, "t", 1)
    local.broker.waiters.run_ready()
    assert acquired(member.parked_answer()) == [(0, 1, 1)]
    assert member.fetch(max_wait_ms=500, min_bytes=1_000) is None
    produce(local, "t", 1)
    local.broker.waiters.run_ready()
    assert member.parked_answer() is None
    local.advance(0.6)
    assert acquired(member.parked_answer()) == [(2, 2, 1)]


def test_a_connection_that_goes_gives_everything_back(local: LocalBroker) -> None:
    one = joined(local, 4)
    one.fetch()
    state = local.peer.connection
    local.peer = Peer(ConnectionState(2, "/127.0.0.1"))
    two = Member(local, "t", "m2")
    assert two.fetch(max_wait_ms=1000) is None
    assert state.on_close is not None
    state.on_close()
    local.broker.waiters.run_ready()
    assert acquired(two.parked_answer()) == [(0, 3, 2)]
    assert one.fetch().error_code == ErrorCode.SHARE_SESSION_NOT_FOUND


def test_a_deleted_topic_answers_who_waits(local: LocalBroker) -> None:
    member = joined(local, 1)
    member.fetch()
    assert member.fetch(max_wait_ms=1000) is None
    local.broker.delete_topic(local.catalog.topics["t"])
    local.broker.waiters.run_ready()
    (topic,) = member.parked_answer().responses
    assert topic.partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_ID
    assert len(local.broker.share.store) == 0


def test_a_latest_group_begins_at_the_end_and_a_crash_does_not_move_it(local: LocalBroker, tmp_path: Path) -> None:
    configure(local, share_auto_offset_reset="latest")
    member = joined(local, 5)
    assert acquired(member.fetch()) == []
    produce(local, "t", 2)
    local.close()
    again = LocalBroker(tmp_path / "data")
    assert acquired(Member(again, "t").fetch()) == [(5, 6, 1)]
    again.close()


def test_a_group_may_begin_at_an_age(local: LocalBroker) -> None:
    configure(local, share_auto_offset_reset="by_duration:PT1H")
    local.now_ms += 7_200_000
    member = joined(local, 5)
    assert acquired(member.fetch()) == []
    configure(local, "h", share_auto_offset_reset="by_duration:P1DT1H")
    heartbeat(local, "m1", 0, "t", group="h")
    assert acquired(Member(local, "t", group="h").fetch()) == [(0, 4, 1)]


def test_records_below_the_log_start_are_left_behind(local: LocalBroker) -> None:
    member = joined(local, 2, 2, 2)
    assert acquired(member.fetch(max_records=2)) == [(0, 1, 1)]
    local.catalog.topics["t"].partitions[0].delete_records_before(4)
    assert acquired(member.fetch()) == [(4, 5, 1)]
    assert codes(member.acknowledge((0, 1, ACCEPT))) == [0]


def test_what_was_acknowledged_is_there_after_a_restart(local: LocalBroker, tmp_path: Path) -> None:
    member = joined(local, 10)
    member.fetch()
    member.acknowledge((0, 2, ACCEPT), (5, 5, RELEASE), (8, 8, REJECT))
    local.close()
    again = LocalBroker(tmp_path / "data")
    assert heartbeat(again, "m1", 2).error_code == 0
    assert acquired(Member(again, "t").fetch()) == [(3, 4, 1), (5, 5, 2), (6, 7, 1), (9, 9, 1)]
    again.close()


def test_state_goes_with_its_group(local: LocalBroker, tmp_path: Path) -> None:
    member = joined(local, 10)
    member.fetch()
    member.acknowledge((0, 9, ACCEPT))
    heartbeat(local, "m1", -1)
    (result,) = local.call(DeleteGroupsRequest(["g"]), 2).results
    assert result.error_code == 0
    assert len(local.broker.share.store) == 0
    assert member.fetch().error_code == ErrorCode.SHARE_SESSION_NOT_FOUND
    local.close()
    again = LocalBroker(tmp_path / "data")
    assert len(again.broker.share.store) == 0
    heartbeat(again, "m1", 0, "t")
    assert acquired(Member(again, "t").fetch()) == [(0, 9, 1)]
    again.close()


def test_a_member_without_a_group_gets_nothing(local: LocalBroker) -> None:
    produce(local, "t", 1)
    member = Member(local, "t")
    assert acquired(member.fetch()) == []
    assert codes(member.acknowledge((0, 0, ACCEPT))) == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    assert SHARE_STATE not in local.catalog.topics


def test_sessions_are_bounded(tmp_path: Path) -> None:
    local = LocalBroker(tmp_path / "data", group_share_max_share_sessions="2", group_share_partitions_max_count="3")
    local.catalog.create_topic("t", 4)
    members = [Member(local, "t", f"m{number}") for number in range(3)]
    assert [member.fetch().error_code for member in members] == [0, 0, ErrorCode.SHARE_SESSION_LIMIT_REACHED]
    assert members[0].fetch(partitions=(0, 1, 2)).error_code == ErrorCode.SHARE_SESSION_LIMIT_REACHED
    assert members[0].fetch(epoch=-1).error_code == 0
    assert members[2].fetch(epoch=0).error_code == 0
    local.close()


def test_state_is_bounded(tmp_path: Path) -> None:
    local = LocalBroker(tmp_path / "data", group_share_partitions_max_count="3")
    local.catalog.create_topic("t", 4)
    local.catalog.create_topic("u", 3)
    assert heartbeat(local, "m1", 0, "t").error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert heartbeat(local, "m1", 0, "u", group="h").error_code == 0
    local.close()


def test_topics_that_may_not_be_read(local: LocalBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    member = joined(local, 2)
    member.fetch()
    monkeypatch.setattr(RequestContext, "allows", lambda _self, _operation, _resource, name: name != "t")
    assert heartbeat(local, "m2", 0, "t").error_code == ErrorCode.TOPIC_AUTHORIZATION_FAILED
    (topic,) = member.fetch((0, 1, ACCEPT)).responses
    assert topic.partitions[0].error_code == ErrorCode.TOPIC_AUTHORIZATION_FAILED
    assert topic.partitions[0].acknowledge_error_code == ErrorCode.TOPIC_AUTHORIZATION_FAILED
    monkeypatch.setattr(RequestContext, "allows", lambda _self, _operation, _resource, name: name != "g")
    assert member.fetch().error_code == ErrorCode.GROUP_AUTHORIZATION_FAILED
    assert member.acknowledge((0, 1, ACCEPT)).error_code == ErrorCode.GROUP_AUTHORIZATION_FAILED


@pytest.mark.parametrize(
    ("said", "how", "error"),
    [
        ((0, 2**63 - 1, ACCEPT), {}, ErrorCode.INVALID_REQUEST),
        ((-5, 1, ACCEPT), {}, ErrorCode.INVALID_REQUEST),
        ((1, 0, ACCEPT), {}, ErrorCode.INVALID_REQUEST),
        ((0, 1, 0), {"types": []}, ErrorCode.INVALID_REQUEST),
        ((0, 1, 0), {"types": [1, 1, 1]}, ErrorCode.INVALID_REQUEST),
        ((0, 1, 9), {}, ErrorCode.INVALID_REQUEST),
        ((0, 1, -1), {}, ErrorCode.INVALID_REQUEST),
        ((0, 1, ACCEPT), {"topic_id": UUID(int=5)}, ErrorCode.UNKNOWN_TOPIC_ID),
        ((0, 1, ACCEPT), {"partition": 7}, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ((0, 1, ACCEPT), {"partition": 1}, ErrorCode.INVALID_RECORD_STATE),
    ],
)
def test_hostile_acknowledgements(
    local: LocalBroker, said: tuple[int, int, int], how: dict[str, Any], error: ErrorCode
) -> None:
    member = joined(local, 2)
    member.fetch()
    assert codes(member.acknowledge(said, **how)) == [error]
    assert codes(member.acknowledge((0, 1, ACCEPT))) == [0]


def test_an_acknowledgement_that_cannot_be_stored_changes_nothing(
    local: LocalBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = joined(local, 2)
    member.fetch()

    def fail(*_: Any) -> None:
        raise JournalFailed("no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(local.broker.share.journal, "append", fail)
        assert codes(member.acknowledge((0, 1, ACCEPT))) == [ErrorCode.KAFKA_STORAGE_ERROR]
    assert codes(member.acknowledge((0, 1, RELEASE))) == [0]
    assert acquired(member.fetch()) == [(0, 1, 2)]


def test_the_journal_does_not_grow_without_bound(tmp_path: Path) -> None:
    settings = {"share_coordinator_state_topic_compaction_min_bytes": "20000"}
    local = LocalBroker(tmp_path / "data", **settings)
    local.catalog.create_topic("t", 1)
    configure(local)
    member = joined(local, *[50] * 40)
    member.fetch(max_records=2_000)
    for offset in range(0, 2_000, 2):
        assert codes(member.acknowledge((offset, offset, ACCEPT))) == [0]
        local.advance(0.011)
    journal = local.broker.share.journal
    number = local.broker.share.store.journal_partition(local.broker.share.store.all_keys()[0])
    rewritten = journal.log(number)
    assert rewritten is not None
    assert rewritten.log_start_offset > 500
    local.close()
    local = LocalBroker(tmp_path / "data", **settings)
    again = Member(local, "t")
    handed_out = [first for first, last, _ in acquired(again.fetch(max_records=2_000)) if first == last]
    assert handed_out == list(range(1, 2_000, 2))
    local.close()
