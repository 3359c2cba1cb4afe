"""Delivery of one partition to one share group, offset by offset."""

from __future__ import annotations

import pytest

from harness.pylog_broker.share.partition import (
    NEVER_S,
    Acknowledgement,
    AcknowledgeType,
    Acquired,
    Limits,
    RecordState,
    Refusal,
    SharePartition,
    StateBatch,
)

A, B = "member-a", "member-b"
WIDE = Limits(1_000, 1_000, False, 2_000)
ACCEPT, RELEASE, REJECT, GAP, RENEW = (
    [AcknowledgeType.ACCEPT],
    [AcknowledgeType.RELEASE],
    [AcknowledgeType.REJECT],
    [AcknowledgeType.GAP],
    [AcknowledgeType.RENEW],
)
LIMIT = 5


def acquire(
    partition: SharePartition, member: str, *batches: tuple[int, int], limits: Limits = WIDE, deadline_s: float = 30
) -> list[Acquired]:
    return partition.acquire(member, batches, limits, deadline_s)[0]


def say(partition: SharePartition, member: str, *said: tuple[int, int, list[int]], limit: int = LIMIT) -> None:
    rows = [Acknowledgement(*row) for row in said]
    assert partition.check(member, rows) is None
    partition.apply(partition.outcome(rows, limit).changed)


def states(partition: SharePartition) -> list[tuple[int, int, str, int]]:
    return [(run.first, run.last, run.state.name, run.count) for run in partition.runs]


def test_new_records_are_handed_out_once_each() -> None:
    partition = SharePartition(0)
    assert acquire(partition, A, (0, 4), (5, 9)) == [(0, 9, 1)]
    assert partition.next_fetch_offset == 10
    assert acquire(partition, B, (10, 10)) == [(10, 10, 1)]
    assert states(partition) == [(0, 9, "ACQUIRED", 1), (10, 10, "ACQUIRED", 1)]


def test_the_start_moves_behind_what_is_done_with() -> None:
    partition = SharePartition(0)
    acquire(partition, A, (0, 9))
    say(partition, A, (4, 6, ACCEPT))
    assert (partition.start_offset, partition.completed_count) == (0, 3)
    say(partition, A, (0, 3, REJECT))
    assert (partition.start_offset, partition.end_offset, partition.completed_count) == (7, 10, 0)
    say(partition, A, (7, 9, GAP))
    assert (partition.start_offset, partition.end_offset, partition.runs) == (10, 10, [])


def test_the_outcome_says_where_the_start_will_be() -> None:
    partition = SharePartition(0)
    acquire(partition, A, (0, 9))
    say(partition, A, (2, 3, ACCEPT), (6, 7, ACCEPT))
    rows = [Acknowledgement(0, 1, ACCEPT), Acknowledgement(9, 9, RELEASE)]
    outcome = partition.outcome(rows, LIMIT)
    assert (outcome.start_offset, outcome.completed_count) == (4, 2)
    partition.apply(outcome.changed)
    assert (partition.start_offset, partition.completed_count) == (4, 2)


def test_released_records_come_again_with_a_higher_count_up_to_the_limit() -> None:
    partition = SharePartition(0)
    for count in range(1, LIMIT + 1):
        assert acquire(partition, A, (0, 2)) == [(0, 2, count)]
        say(partition, A, (0, 2, RELEASE))
    assert partition.start_offset == 3
    assert acquire(partition, A, (0, 2)) == []


def test_records_that_were_handed_out_often_come_in_smaller_company() -> None:
    limits = WIDE._replace(deliveries=LIMIT)
    partition = SharePartition(0)
    seen = []
    for _ in range(8):
        (acquired,) = acquire(partition, A, (0, 19), limits=limits)
        seen.append(acquired)
        say(partition, A, (acquired.first, acquired.last, RELEASE))
    assert seen[:4] == [(0, 19, 1), (0, 19, 2), (0, 19, 3), (0, 9, 4)]
    assert seen[4:] == [(0, 0, 5), (1, 1, 5), (2, 2, 5), (3, 3, 5)]


def test_one_type_for_each_offset() -> None:
    partition = SharePartition(0)
    acquire(partition, A, (0, 5))
    say(partition, A, (0, 5, [1, 1, 2, 3, 2, 1]))
    assert states(partition) == [
        *((2, 2, "AVAILABLE", 1), (3, 3, "ARCHIVED", 1), (4, 4, "AVAILABLE", 1), (5, 5, "ACKNOWLEDGED", 1)),
    ]
    assert partition.next_fetch_offset == 2
    assert acquire(partition, B, (0, 5), (6, 6)) == [(2, 2, 2), (4, 4, 2), (6, 6, 1)]


@pytest.mark.parametrize(
    ("member", "said", "refusal"),
    [
        (B, (0, 1, ACCEPT), Refusal.NOT_ACQUIRED),
        (A, (3, 4, ACCEPT), Refusal.NOT_ACQUIRED),
        (A, (5, 6, ACCEPT), Refusal.NOT_ACQUIRED),
        (A, (8, 10, ACCEPT), Refusal.NOT_FETCHED),
        (A, (0, 0, ACCEPT), None),
    ],
)
def test_what_is_refused(member: str, said: tuple[int, int, list[int]], refusal: Refusal | None) -> None:
    partition = SharePartition(0)
    acquire(partition, A, (0, 3))
    acquire(partition, B, (4, 5))
    acquire(partition, A, (6, 9))
    assert partition.check(member, [Acknowledgement(*said)]) is refusal


def test_nothing_can_be_said_of_what_was_never_handed_out_and_of_the_past_anything() -> None:
    partition = SharePartition(5)
    assert partition.check(A, [Acknowledgement(5, 5, ACCEPT)]) is Refusal.NOT_ACQUIRED
    assert partition.check(A, [Acknowledgement(0, 4, ACCEPT)]) is None
    assert partition.outcome([Acknowledgement(0, 4, ACCEPT)], LIMIT).changed == []


def test_locks_run_out_and_are_renewed() -> None:
    partition = SharePartition(0)
    acquire(partition, A, (0, 9), deadline_s=30)
    partition.renew([Acknowledgement(0, 4, RENEW)], 50)
    assert partition.next_deadline_s == 30
    assert partition.expire(29, LIMIT) == []
    assert partition.expire(30, LIMIT) == [(5, 9, RecordState.AVAILABLE, 1)]
    assert partition.next_deadline_s == 50
    assert partition.expire(50, 1) == [(0, 4, RecordState.ARCHIVED, 1)]
    assert partition.next_deadline_s == NEVER_S
    assert partition.start_offset == 5


def test_a_member_that_goes_gives_back_what_it_has() -> None:
    partition = SharePartition(0)
    acquire(partition, A, (0, 1))
    acquire(partition, B, (2, 3))
    assert partition.release(A, LIMIT) == [(0, 1, RecordState.AVAILABLE, 1)]
    assert acquire(partition, B, (0, 1)) == [(0, 1, 2)]
    assert partition.release(B, 2) == [(0, 1, RecordState.ARCHIVED, 2), (2, 3, RecordState.AVAILABLE, 1)]
    assert not partition.holds_any(A)


def test_limits_whole_batches_or_exact_records() -> None:
    batches = [(0, 9), (10, 19), (20, 29)]
    loose, strict = SharePartition(0), SharePartition(0)
    assert acquire(loose, A, *batches, limits=Limits(12, 100, False, 2_000)) == [(0, 19, 1)]
    assert acquire(strict, A, *batches, limits=Limits(12, 100, True, 2_000)) == [(0, 11, 1)]
    assert acquire(strict, B, *batches[1:], limits=Limits(12, 100, True, 2_000)) == [(12, 23, 1)]


def test_ranges_end_with_batches_once_they_are_large_enough() -> None:
    limits = Limits(1_000, 10, False, 2_000)
    batches = [(0, 3), (4, 7), (8, 11), (12, 15)]
    assert acquire(SharePartition(0), A, *batches, limits=limits) == [(0, 11, 1), (12, 15, 1)]


def test_nothing_new_above_the_most_that_may_be_in_flight() -> None:
    limits = Limits(1_000, 1_000, False, 10)
    partition = SharePartition(0)
    assert acquire(partition, A, (0, 5), (6, 11), (12, 17), limits=limits) == [(0, 9, 1)]
    assert not partition.can_acquire(10)
    assert acquire(partition, B, (6, 11), (12, 17), limits=limits) == []
    say(partition, A, (6, 9, RELEASE))
    assert partition.can_acquire(10)
    assert acquire(partition, B, (6, 11), (12, 17), limits=limits) == [(6, 9, 2)]
    say(partition, A, (0, 5, ACCEPT))
    assert acquire(partition, B, (6, 11), (12, 17), limits=limits) == [(10, 15, 1)]


def test_offsets_without_records_are_passed_over() -> None:
    partition = SharePartition(0)
    acquired, is_over, missing = partition.acquire(A, [(3, 4), (8, 9)], WIDE, 30)
    assert acquired == [(3, 4, 1), (8, 9, 1)]
    assert is_over
    assert missing == [(0, 2, RecordState.ARCHIVED, 0), (5, 7, RecordState.ARCHIVED, 0)]
    assert partition.start_offset == 3
    assert partition.pass_over(12) == [(10, 12, RecordState.ARCHIVED, 0)]
    say(partition, A, (3, 4, ACCEPT), (8, 9, ACCEPT))
    assert partition.start_offset == 13


def test_released_records_that_have_gone_from_the_log_meanwhile_are_given_up() -> None:
    partition = SharePartition(0)
    acquire(partition, A, (0, 9))
    say(partition, A, (0, 9, RELEASE))
    assert acquire(partition, A, (0, 3), (8, 9)) == [(0, 3, 2), (8, 9, 2)]
    assert states(partition)[1] == (4, 7, "ARCHIVED", 1)


def test_retention_takes_records_from_under_the_group() -> None:
    partition = SharePartition(0)
    acquire(partition, A, (0, 9))
    partition.cut_before(4)
    assert (partition.start_offset, states(partition)) == (4, [(4, 9, "ACQUIRED", 1)])
    say(partition, A, (0, 5, ACCEPT))
    assert partition.start_offset == 6
    partition.cut_before(3)
    assert partition.start_offset == 6
    partition.cut_before(20)
    assert (partition.start_offset, partition.end_offset, partition.runs) == (20, 20, [])


def test_a_lost_tail_is_forgotten() -> None:
    partition = SharePartition(0)
    acquire(partition, A, (0, 9))
    say(partition, A, (5, 9, ACCEPT))
    partition.cut_after(7)
    assert (partition.end_offset, states(partition)) == (7, [(0, 4, "ACQUIRED", 1), (5, 6, "ACKNOWLEDGED", 1)])
    partition.cut_after(0)
    assert (partition.start_offset, partition.end_offset) == (0, 0)


def test_what_is_written_down_is_taken_up_again() -> None:
    partition = SharePartition(0)
    partition.restore(2, [StateBatch(5, 6, RecordState.ACKNOWLEDGED, 1), StateBatch(8, 8, RecordState.AVAILABLE, 3)])
    assert states(partition) == [
        *((2, 4, "AVAILABLE", 0), (5, 6, "ACKNOWLEDGED", 1), (7, 7, "AVAILABLE", 0), (8, 8, "AVAILABLE", 3)),
    ]
    assert acquire(partition, A, (0, 9)) == [(2, 4, 1), (7, 7, 1), (8, 8, 4), (9, 9, 1)]
    partition.restore(7, [StateBatch(0, 7, RecordState.ARCHIVED, 1)])
    assert partition.start_offset == 8


def test_what_is_kept_of_a_partition_restores_it() -> None:
    partition = SharePartition(10)
    acquire(partition, A, (10, 29))
    say(partition, A, (12, 13, RELEASE), (15, 20, ACCEPT))
    copy = SharePartition()
    copy.restore(partition.start_offset, partition.state_batches())
    assert copy.start_offset == 10
    assert states(copy) == [
        *((10, 11, "AVAILABLE", 0), (12, 13, "AVAILABLE", 1), (14, 14, "AVAILABLE", 0)),
        *((15, 20, "ACKNOWLEDGED", 1), (21, 29, "AVAILABLE", 0)),
    ]
