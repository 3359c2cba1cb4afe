"""Produce: every version, what is refused and with which error, and acks=0."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from harness.pylog_broker.handlers import CloseConnection
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.produce import (
    ProduceRequest,
    ProduceRequestPartition,
    ProduceRequestTopic,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID, MalformedMessage
from harness.pylog_broker.storage.batch import build_batch, checksum, iterate_records
from tests.pylog_broker.handlers.local_broker import NOW_MS, LocalBroker, decode, frame

VERSIONS = range(3, 14)


def batch(*values: bytes, **fields: Any) -> bytes:
    return bytes(build_batch([(None, value) for value in values or (b"value",)], timestamp_ms=NOW_MS, **fields))


def request(local: LocalBroker, topic: str, rows: list[tuple[int, bytes | None]], acks: int = 1) -> ProduceRequest:
    known = local.catalog.topics.get(topic)
    return ProduceRequest(
        acks=acks,
        timeout_ms=1000,
        topic_data=[
            ProduceRequestTopic(
                topic,
                known.topic_id if known else ZERO_UUID,
                [ProduceRequestPartition(index, records) for index, records in rows],
            )
        ],
    )


def outcomes(response: Any) -> list[tuple[int, int, int]]:
    return [
        (row.index, row.error_code, row.base_offset)
        for topic in response.responses
        for row in topic.partition_responses
    ]


def damaged(data: bytes, position: int, value: bytes, *, new_crc: bool = True) -> bytes:
    """A batch with bytes replaced, and the CRC made to fit unless it is to be wrong."""
    copy = bytearray(data)
    copy[position : position + len(value)] = value
    if new_crc:
        struct.pack_into(">I", copy, 17, checksum(copy, 21, len(copy)))
    return bytes(copy)


@pytest.mark.parametrize("version", VERSIONS)
def test_several_partitions_and_topics_in_one_request(local: LocalBroker, version: int) -> None:
    one, two = (local.catalog.create_topic(name, 2) for name in ("one", "two"))
    asked = request(local, "one", [(1, batch(b"a", b"b")), (0, batch(b"c"))])
    asked.topic_data = [*asked.topic_data, *request(local, "two", [(0, batch(b"d"))]).topic_data]
    response = local.call(asked, version)
    assert outcomes(response) == [(1, 0, 0), (0, 0, 0), (0, 0, 0)]
    assert response.responses[0].partition_responses[0].log_append_time_ms == -1
    if version >= 13:
        assert [topic.topic_id for topic in response.responses] == [one.topic_id, two.topic_id]
    else:
        assert [topic.name for topic in response.responses] == ["one", "two"]
    assert [log.log_end_offset for log in one.partitions] == [1, 2]
    assert outcomes(local.call(request(local, "one", [(1, batch(b"e"))]), version)) == [(1, 0, 2)]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_request_again_and_again(local: LocalBroker, version: int) -> None:
    log = local.catalog.create_topic("topic", 2).partitions[1]
    for index in range(5):
        value = b"v" * (1 + index * 100)  # the length's varint grows on the way
        assert outcomes(local.call(request(local, "topic", [(1, batch(value))]), version)) == [(1, 0, index)]
        assert outcomes(local.call(request(local, "topic", [(0, batch(value))]), version)) == [(0, 0, index)]
    stored = [log.read(offset, 10_000, limit_offset=offset + 1, at_least_one=True).read() for offset in range(5)]
    assert [next(iterate_records(data)).value for data in stored] == [b"v" * (1 + index * 100) for index in range(5)]


@pytest.mark.parametrize("version", VERSIONS)
def test_errors_after_the_request_has_become_familiar(local: LocalBroker, version: int) -> None:
    local.catalog.create_topic("topic", 1)
    for _ in range(3):
        local.call(request(local, "topic", [(0, batch())]), version)
    bad = damaged(batch(), 70, b"!", new_crc=False)
    assert outcomes(local.call(request(local, "topic", [(0, bad)]), version)) == [(0, ErrorCode.CORRUPT_MESSAGE, -1)]
    wrong = [(7, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1)]
    assert outcomes(local.call(request(local, "topic", [(7, batch())]), version)) == wrong
    negative = [(-1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1)]
    assert outcomes(local.call(request(local, "topic", [(-1, batch())]), version)) == negative
    asked = request(local, "topic", [(0, batch())])
    old_id = local.catalog.topics["topic"].topic_id
    local.broker.delete_topic(local.catalog.topics["topic"])
    gone = ErrorCode.UNKNOWN_TOPIC_ID if version >= 13 else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert outcomes(local.call(asked, version)) == [(0, gone, -1)]
    assert local.catalog.create_topic("topic", 1).topic_id != old_id
    expected = [(0, ErrorCode.UNKNOWN_TOPIC_ID, -1)] if version >= 13 else [(0, 0, 0)]
    assert outcomes(local.call(asked, version)) == expected


@pytest.mark.parametrize(
    ("records", "error"),
    [
        (batch()[:-1], ErrorCode.INVALID_RECORD),
        (damaged(batch(), 30, b"x", new_crc=False), ErrorCode.CORRUPT_MESSAGE),
        (b"", ErrorCode.INVALID_RECORD),
        (None, ErrorCode.INVALID_RECORD),
        (batch() * 2, ErrorCode.INVALID_RECORD),
        (damaged(batch(), 0, struct.pack(">q", 5)), ErrorCode.INVALID_RECORD),
        (damaged(batch(), 23, struct.pack(">i", 7)), ErrorCode.INVALID_RECORD),
        (batch(attributes=0x20), ErrorCode.INVALID_RECORD),
        (
            batch(attributes=0x10, producer_id=1, producer_epoch=0, base_sequence=0),
            ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        ),
        (batch(attributes=0x05), ErrorCode.UNSUPPORTED_COMPRESSION_TYPE),
        (damaged(batch(), 16, b"\1"), ErrorCode.INVALID_RECORD),
        (batch(b"x" * 1_048_588), ErrorCode.MESSAGE_TOO_LARGE),
        (batch(producer_id=5, producer_epoch=0, base_sequence=3), ErrorCode.NONE),
    ],
)
def test_trap_6_what_is_refused_and_how(local: LocalBroker, records: bytes | None, error: int) -> None:
    log = local.catalog.create_topic("topic", 1).partitions[0]
    (outcome,) = outcomes(local.call(request(local, "topic", [(0, records)]), 9))
    assert outcome[1] == error
    assert log.log_end_offset == (1 if error == ErrorCode.NONE else 0)


def test_zstd_needs_version_7(local: LocalBroker) -> None:
    local.catalog.create_topic("topic", 1)
    asked = request(local, "topic", [(0, batch(attributes=4))])
    assert outcomes(local.call(asked, 6)) == [(0, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, -1)]
    assert outcomes(local.call(asked, 7)) == [(0, 0, 0)]


def test_the_reason_is_told_from_version_8_on(local: LocalBroker) -> None:
    local.catalog.create_topic("topic", 1)
    for version in (8, 9, 13):
        response = local.call(request(local, "topic", [(0, batch()[:-1])]), version)
        assert "the batch says" in response.responses[0].partition_responses[0].error_message


def test_trap_11_idempotence_duplicates_and_gaps(local: LocalBroker) -> None:
    local.catalog.create_topic("topic", 1)

    def send(sequence: int, epoch: int = 0) -> tuple[int, int, int]:
        records = batch(producer_id=9, producer_epoch=epoch, base_sequence=sequence)
        (outcome,) = outcomes(local.call(request(local, "topic", [(0, records)], acks=-1), 9))
        return outcome

    assert send(0) == (0, 0, 0)
    assert send(1) == (0, 0, 1)
    assert send(0) == (0, 0, 0), "a duplicate succeeds with its first offset"
    assert send(3) == (0, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1)
    assert send(0, epoch=1) == (0, 0, 2)
    assert send(2, epoch=0) == (0, ErrorCode.INVALID_PRODUCER_EPOCH, -1)


@pytest.mark.parametrize("acks", [2, -2, 100])
def test_only_three_kinds_of_acks(local: LocalBroker, acks: int) -> None:
    log = local.catalog.create_topic("topic", 1).partitions[0]
    asked = request(local, "topic", [(0, batch())], acks=acks)
    assert outcomes(local.call(asked, 9)) == [(0, ErrorCode.INVALID_REQUIRED_ACKS, -1)]
    assert log.log_end_offset == 0


def test_acks_0_has_no_response_and_an_error_closes(local: LocalBroker) -> None:
    log = local.catalog.create_topic("topic", 1).partitions[0]
    for expected in (1, 2, 3):
        assert local.send(request(local, "topic", [(0, batch())], acks=0), 9) is None
        assert log.log_end_offset == expected
    for rows in ([(0, batch()[:-1])], [(1, batch())]):
        with pytest.raises(CloseConnection, match="acks=0"):
            local.send(request(local, "topic", rows, acks=0), 9)


def test_trap_10_acks_all_asks_for_replicas_before_it_appends(local: LocalBroker) -> None:
    log = local.catalog.create_topic("topic", 1, {"min.insync.replicas": "2"}).partitions[0]
    rows = [(0, batch())]
    refused = [(0, ErrorCode.NOT_ENOUGH_REPLICAS, -1)]
    assert outcomes(local.call(request(local, "topic", rows, acks=-1), 9)) == refused
    assert log.log_end_offset == 0
    assert outcomes(local.call(request(local, "topic", rows, acks=1), 9)) == [(0, 0, 0)]
    assert outcomes(local.call(request(local, "topic", rows, acks=-1), 9)) == refused


def test_a_plain_batch_of_a_transactional_producer_is_appended(local: LocalBroker) -> None:
    local.catalog.create_topic("topic", 1)
    asked = request(local, "topic", [(0, batch())])
    asked.transactional_id = "mine"
    for offset, version in enumerate((3, 9, 13)):
        assert outcomes(local.call(asked, version)) == [(0, ErrorCode.NONE, offset)]


def test_internal_topics_are_closed_to_clients(local: LocalBroker) -> None:
    local.catalog.create_topic("__inside", 1, internal=True)
    refused = [(0, ErrorCode.INVALID_TOPIC_EXCEPTION, -1)]
    assert outcomes(local.call(request(local, "__inside", [(0, batch())]), 9)) == refused


def test_trap_6_log_append_time_is_told(tmp_path: Path) -> None:
    local = LocalBroker(tmp_path / "data", log_message_timestamp_type="LogAppendTime")
    local.catalog.create_topic("topic", 1)
    local.now_ms += 5
    response = local.call(request(local, "topic", [(0, batch())]), 9)
    assert response.responses[0].partition_responses[0].log_append_time_ms == NOW_MS + 5
    local.close()


def test_nothing_is_appended_by_a_request_that_turns_out_malformed(local: LocalBroker) -> None:
    topic = local.catalog.create_topic("topic", 2)
    for version in VERSIONS:
        data = frame(request(local, "topic", [(0, batch()), (1, batch())]), version)
        for end in range(12, len(data)):
            with pytest.raises(MalformedMessage):
                pytest.fail(f"{end} of {len(data)}: {local.dispatcher.handle(memoryview(data)[:end], local.peer)!r}")
    assert [log.log_end_offset for log in topic.partitions] == [0, 0]


@pytest.mark.parametrize("version", VERSIONS)
def test_truncated_familiar_requests_are_malformed(local: LocalBroker, version: int) -> None:
    log = local.catalog.create_topic("topic", 1).partitions[0]
    local.call(request(local, "topic", [(0, batch())]), version)
    data = frame(request(local, "topic", [(0, batch())]), version)
    for end in range(12, len(data)):
        with pytest.raises(MalformedMessage):
            pytest.fail(f"{end} of {len(data)}: {local.dispatcher.handle(memoryview(data)[:end], local.peer)!r}")
    assert log.log_end_offset == 1
    assert decode(local.dispatcher.handle(memoryview(data), local.peer), request(local, "topic", []), version)


def test_tagged_fields_do_not_confuse_what_is_remembered(local: LocalBroker) -> None:
    """A request whose tags make it longer is answered like any other, also when it comes repeatedly."""
    log = local.catalog.create_topic("topic", 1).partitions[0]
    asked = request(local, "topic", [(0, batch())])
    tagged = bytes(frame(asked, 9)[:-1]) + b"\x01\x05\x02ab"
    for expected in range(4):
        data = bytearray(tagged if expected % 2 == 0 else frame(asked, 9))
        response = decode(local.dispatcher.handle(memoryview(data), local.peer), asked, 9)
        assert outcomes(response) == [(0, 0, expected)]
    assert log.log_end_offset == 4


@pytest.mark.parametrize("version", [8, 9, 13])
def test_records_that_are_refused_are_named(local: LocalBroker, version: int) -> None:
    local.catalog.create_topic("compacted", 1, {"cleanup.policy": "compact", "message.timestamp.after.max.ms": "1000"})
    keyless = build_batch([(b"k", b"v"), (None, b"v"), (b"k", b"v"), (None, b"v")], timestamp_ms=NOW_MS)
    ((row,),) = (
        topic.partition_responses
        for topic in local.call(request(local, "compacted", [(0, keyless)]), version).responses
    )
    assert row.error_code == ErrorCode.INVALID_RECORD
    assert [error.batch_index for error in row.record_errors] == [1, 3]
    assert row.record_errors[0].batch_index_error_message == row.error_message
    early = build_batch([(b"k", b"v"), (b"k", b"v")], timestamp_ms=NOW_MS + 2000)
    ((row,),) = (
        topic.partition_responses for topic in local.call(request(local, "compacted", [(0, early)]), version).responses
    )
    assert row.error_code == ErrorCode.INVALID_TIMESTAMP
    assert [error.batch_index for error in row.record_errors] == [0, 1]


def test_records_of_long_ago_can_be_read_for_some_minutes(local: LocalBroker) -> None:
    log = local.catalog.create_topic("t", 1).partitions[0]
    old = bytes(build_batch([(None, b"v")], timestamp_ms=1))
    assert outcomes(local.call(request(local, "t", [(0, old)]), 13)) == [(0, 0, 0)]
    local.catalog.maintain(NOW_MS + 299_000)
    assert log.log_start_offset == 0
    local.catalog.maintain(NOW_MS + 301_000)
    assert log.log_start_offset == 1
