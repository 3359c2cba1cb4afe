"""Order within a key, within a partition, over a producer; within members and across them."""

import pytest

from harness.checkers.ordering import Ordering
from harness.model.verdict import Validity
from tests.histories.builder import Story, at_ns

PER_KEY = {"groups": {"all": 2}, "order": "per_key", "partitions": 4}


def keyed(tmp_path, keys="ababab", *, needs=PER_KEY, **more):
    """One message a letter, its key; delivered 2 ms after it was published."""
    story = Story(tmp_path, needs=needs, **more)
    seen: dict[str, int] = {}
    for sequence, letter in enumerate(keys):
        story.publish(sequence, at=10 * sequence, key=ord(letter), key_sequence=seen.get(letter, 0))
        seen[letter] = seen.get(letter, 0) + 1
        story.deliver("all", sequence, at=10 * sequence + 2)
    return story


def swap(story, one, other, **members):
    """The two deliveries change their times."""
    rows = {row["sequence"]: row for row in story.rows["deliver"]}
    rows[one]["received_ns"], rows[other]["received_ns"] = rows[other]["received_ns"], rows[one]["received_ns"]
    for sequence, member in members.items():
        rows[int(sequence[1:])]["member"] = member
    return story


def test_a_clean_history_is_valid(tmp_path):
    verdict = keyed(tmp_path).verdict(Ordering)
    assert verdict.validity is Validity.VALID
    assert verdict.counts["checked"] == 6


def test_two_of_one_key_that_change_places_are_found(tmp_path):
    verdict = swap(keyed(tmp_path), 2, 4).verdict(Ordering)
    assert verdict.validity is Validity.INVALID
    assert verdict.counts["reordered_within_key"] == 1
    row = verdict.evidence[0]
    assert (row["sequence"], row["key"], row["key_sequence"], row["within"]) == (2, ord("a"), 1, "key")


def test_two_of_different_keys_may_change_places(tmp_path):
    verdict = swap(keyed(tmp_path), 2, 3).verdict(Ordering)
    assert verdict.validity is Validity.VALID
    assert verdict.counts["reordered_globally"] == 1


def test_global_order_forbids_that_too(tmp_path):
    needs = {"groups": {"all": 1}, "order": "global"}
    verdict = swap(keyed(tmp_path, needs=needs), 2, 3).verdict(Ordering)
    assert verdict.validity is Validity.INVALID


def test_equal_key_sequences_of_two_producers_are_not_compared(tmp_path):
    story = Story(tmp_path, needs=PER_KEY)
    for producer in (0, 1):
        for sequence in range(3):
            story.publish(sequence, at=10 * sequence, producer=producer, key=1)
            story.deliver("all", sequence, at=10 * sequence + 2 + 100 * (1 - producer), producer=producer)
    assert story.verdict(Ordering).validity is Validity.VALID


@pytest.mark.parametrize(("gap_ms", "late"), [(0.5, 0), (1.5, 1)])
def test_across_members_an_inversion_counts_beyond_a_millisecond(tmp_path, gap_ms, late):
    story = keyed(tmp_path, "aa").change("deliver", {"sequence": 1}, member=1, received_ns=at_ns(50))
    story.change("deliver", {"sequence": 0}, received_ns=at_ns(50 + gap_ms))
    assert story.verdict(Ordering).counts["reordered_within_key"] == late


def test_within_a_member_an_inversion_counts_however_small(tmp_path):
    story = keyed(tmp_path, "aab").change("deliver", {"sequence": 1}, received_ns=at_ns(50))
    story.change("deliver", {"sequence": 0}, received_ns=at_ns(50) + 1)
    assert story.verdict(Ordering).counts["reordered_within_key"] == 1


def test_a_member_that_came_back_is_another_one(tmp_path):
    story = keyed(tmp_path, "aa").change("deliver", {"sequence": 1}, incarnation=1, received_ns=at_ns(50))
    story.change("deliver", {"sequence": 0}, received_ns=at_ns(50) + 1)
    assert story.verdict(Ordering).validity is Validity.VALID


def test_redeliveries_are_not_out_of_order(tmp_path):
    story = keyed(tmp_path).deliver("all", 0, at=200, redelivered=1)
    assert story.verdict(Ordering).validity is Validity.VALID


def test_a_message_sent_again_may_be_late(tmp_path):
    story = swap(keyed(tmp_path), 2, 4).publish(2, at=45, attempt=1)
    verdict = story.verdict(Ordering)
    assert verdict.validity is Validity.VALID
    assert verdict.counts["sent_again"] == 1


def test_order_within_a_partition_is_that_of_its_positions(tmp_path):
    story = keyed(tmp_path, "abcdef")
    for sequence in range(6):
        story.change("publish", {"sequence": sequence}, partition=sequence % 2, position=sequence // 2)
    swap(story, 2, 4)
    verdict = story.verdict(Ordering)
    assert verdict.validity is Validity.INVALID
    assert (verdict.counts["reordered_within_key"], verdict.counts["reordered_within_partition"]) == (0, 1)


def test_where_order_is_impossible_an_inversion_is_a_finding(tmp_path):
    verdict = swap(keyed(tmp_path, supports={"order_per_key": "impossible"}), 2, 4).verdict(Ordering)
    assert (verdict.validity, verdict.promised) == (Validity.INVALID, False)


def test_nobody_asks_for_order_nobody_judges_it(tmp_path):
    assert Story(tmp_path).judge([Ordering]).verdicts == []


def test_an_empty_or_cut_history_is_unknown(tmp_path):
    assert Story(tmp_path, needs=PER_KEY).verdict(Ordering).validity is Validity.UNKNOWN
    story = keyed(tmp_path / "cut")
    story.meta.complete = False
    assert story.verdict(Ordering).validity is Validity.UNKNOWN
