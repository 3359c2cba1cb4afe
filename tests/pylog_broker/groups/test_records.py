"""Record formats of the offsets topic, byte by byte and round."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pylog_broker.groups.journal import partition_of
from harness.pylog_broker.groups.messages import StoredGroup, StoredMember
from harness.pylog_broker.groups.records import (
    CommittedOffset,
    GroupRecord,
    OffsetRecord,
    group_key,
    group_value,
    offset_key,
    offset_value,
    read_record,
)
from harness.pylog_broker.protocol.primitives import MalformedMessage

names = st.text(st.characters(codec="utf-8"), max_size=20)
numbers = st.integers(-(2**63), 2**63 - 1)
small = st.integers(-(2**31), 2**31 - 1)
members = st.builds(
    StoredMember, names, st.none() | names, names, names, st.integers(0, 2**31 - 1), small, st.binary(), st.binary()
)


def test_an_offset_is_laid_out_as_kafka_lays_it_out() -> None:
    key = offset_key("group", "topic", 7)
    assert key == b"\x00\x01\x00\x05group\x00\x05topic\x00\x00\x00\x07"
    value = offset_value(CommittedOffset(258, 3, "note", 1_000))
    assert value == (
        b"\x00\x03" + (258).to_bytes(8, "big") + b"\0\0\0\x03" + b"\x00\x04note" + (1_000).to_bytes(8, "big")
    )
    value = offset_value(CommittedOffset(258, 3, "note", 1_000, 2_000))
    assert value == (
        b"\x00\x01"
        + (258).to_bytes(8, "big")
        + b"\x00\x04note"
        + (1_000).to_bytes(8, "big")
        + (2_000).to_bytes(8, "big")
    )


def test_a_group_is_laid_out_as_kafka_lays_it_out() -> None:
    assert group_key("group") == b"\x00\x02\x00\x05group"
    member = StoredMember("m", None, "c", "/h", 30_000, 10_000, b"sub", b"asg")
    assert group_value(StoredGroup("consumer", 4, "range", "m", 99, (member,))) == (
        b"\x00\x03\x00\x08consumer\x00\x00\x00\x04\x00\x05range\x00\x01m"
        + (99).to_bytes(8, "big")
        + b"\x00\x00\x00\x01\x00\x01m\xff\xff\x00\x01c\x00\x02/h"
        + (30_000).to_bytes(4, "big")
        + (10_000).to_bytes(4, "big")
        + b"\x00\x00\x00\x03sub\x00\x00\x00\x03asg"
    )


@given(names, names, small, numbers, small, names, numbers)
def test_offsets_come_back(
    group: str, topic: str, partition: int, offset: int, epoch: int, metadata: str, timestamp: int
) -> None:
    committed = CommittedOffset(offset, epoch, metadata, timestamp)
    record = read_record(offset_key(group, topic, partition), offset_value(committed))
    assert record == OffsetRecord(group, topic, partition, committed)
    assert read_record(offset_key(group, topic, partition), None) == OffsetRecord(group, topic, partition, None)


@given(names, names, small, st.none() | names, st.none() | names, numbers, st.lists(members, max_size=3))
def test_groups_come_back(
    group: str,
    kind: str,
    generation: int,
    protocol: str | None,
    leader: str | None,
    since: int,
    rows: list[StoredMember],
) -> None:
    stored = StoredGroup(kind, generation, protocol, leader, since, tuple(rows))
    assert read_record(group_key(group), group_value(stored)) == GroupRecord(group, stored)
    assert read_record(group_key(group), None) == GroupRecord(group, None)


def test_older_values_are_read() -> None:
    key = offset_key("g", "t", 0)
    body = (5).to_bytes(8, "big") + b"\x00\x01x" + (9).to_bytes(8, "big")
    for version in (0, 2):
        record = read_record(key, version.to_bytes(2, "big") + body)
        assert record == OffsetRecord("g", "t", 0, CommittedOffset(5, -1, "x", 9))
    record = read_record(key, b"\x00\x01" + body + (11).to_bytes(8, "big"))
    assert record == OffsetRecord("g", "t", 0, CommittedOffset(5, -1, "x", 9, 11))
    head = b"\x00\x08consumer\x00\x00\x00\x01\x00\x01p\x00\x01m"
    member = b"\x00\x01m\x00\x01c\x00\x01h" + (7).to_bytes(4, "big") + b"\0\0\0\0" + b"\0\0\0\0"
    record = read_record(group_key("g"), b"\x00\x00" + head + b"\0\0\0\x01" + member)
    expected = StoredMember("m", None, "c", "h", 7, 7, b"", b"")
    assert record == GroupRecord("g", StoredGroup("consumer", 1, "p", "m", -1, (expected,)))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b"x"),
        (b"\x00\x09whatever", b"x"),
        (offset_key("g", "t", 0), b"\x00\x09"),
        (group_key("g"), b"\x00\x09"),
    ],
)
def test_records_of_later_kinds_and_versions_are_skipped(key: bytes | None, value: bytes) -> None:
    assert read_record(key, value) is None


@given(st.sampled_from([offset_key("g", "t", 0), group_key("g")]), st.binary(max_size=40))
def test_damaged_records_are_refused_with_one_error(key: bytes, value: bytes) -> None:
    for damaged_key in (key, key[:-1]):
        with contextlib.suppress(MalformedMessage):
            read_record(damaged_key, value)


@pytest.mark.parametrize(
    ("group", "java_hash"), [("", 0), ("abc", 96354), ("polygenelubricants", -(2**31)), ("\U0001f600", 1772899)]
)
def test_groups_go_to_the_partitions_where_kafka_puts_them(group: str, java_hash: int) -> None:
    assert partition_of(group, 50) == (java_hash & 0x7FFFFFFF) % 50
