"""Fetch: every version, limits, long polls, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.pylog_broker.dispatch import Parked
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.fetch import (
    FetchRequest,
    FetchRequestPartition,
    FetchRequestReplicaState,
    FetchRequestTopic,
)
from harness.pylog_broker.protocol.generated.produce import (
    ProduceRequest,
    ProduceRequestPartition,
    ProduceRequestTopic,
)
from harness.pylog_broker.protocol.primitives import ZERO_UUID, MalformedMessage
from harness.pylog_broker.storage.batch import (
    TRANSACTIONAL_BIT,
    build_batch,
    iterate_records,
    parse_header,
    verify_produced,
)
from harness.pylog_broker.storage.log import PartitionLog
from tests.pylog_broker.handlers.local_broker import NOW_MS, LocalBroker, decode, frame

VERSIONS = range(4, 19)
NO_LIMIT = 2**31 - 1


def append(local: LocalBroker, log: PartitionLog, count: int = 1, size: int = 10) -> int:
    """Append one batch; returns its size in bytes."""
    batch = build_batch([(None, b"v" * size) for _ in range(count)], timestamp_ms=NOW_MS)
    log.append(batch, verify_produced(batch), now_ms=NOW_MS)
    local.broker.waiters.appended(log, len(batch))
    return len(batch)


def request(local: LocalBroker, topic: str, offsets: dict[int, int], **fields: Any) -> FetchRequest:
    known = local.catalog.topics.get(topic)
    partition_max_bytes = fields.pop("partition_max_bytes", NO_LIMIT)
    leader_epoch = fields.pop("current_leader_epoch", -1)
    rows = [
        FetchRequestPartition(
            partition, leader_epoch, offset, partition_max_bytes=partition_max_bytes, high_watermark=3
        )
        for partition, offset in offsets.items()
    ]
    defaults = {"max_wait_ms": 0, "min_bytes": 1, "max_bytes": NO_LIMIT, "replica_state": FetchRequestReplicaState()}
    topics = [FetchRequestTopic(topic, known.topic_id if known else ZERO_UUID, rows)]
    return FetchRequest(topics=topics, **{**defaults, **fields})


def rows_of(response: Any) -> list[Any]:
    return [row for topic in response.responses for row in topic.partitions]


def offsets_in(records: bytes) -> list[int]:
    """The offsets of all records in a run of batches."""
    found, position = [], 0
    while position < len(records):
        header = parse_header(records, position)
        found += [record.offset for record in iterate_records(records[position : position + header.length])]
        position += header.length
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_all_versions(local: LocalBroker, version: int) -> None:
    topic = local.catalog.create_topic("topic", 2)
    append(local, topic.partitions[0], count=3)
    append(local, topic.partitions[0], count=2)
    response = local.call(request(local, "topic", {1: 0, 0: 1}, isolation_level=version % 2), version)
    empty, full = rows_of(response)
    assert (empty.partition_index, empty.error_code, empty.high_watermark, empty.records) == (1, 0, 0, b"")
    assert (full.partition_index, full.error_code, full.high_watermark, full.last_stable_offset) == (0, 0, 5, 5)
    assert offsets_in(full.records) == [0, 1, 2, 3, 4], "the batch around the offset comes whole"
    assert full.aborted_transactions == (None if version % 2 == 0 else [])
    assert full.preferred_read_replica == -1
    if version >= 13:
        assert response.responses[0].topic_id == topic.topic_id
    else:
        assert response.responses[0].topic == "topic"
    if version >= 7:
        assert (response.error_code, response.session_id) == (0, 0)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("isolation_level", [0, 1])
def test_a_partition_that_is_read_up_to_its_end(local: LocalBroker, version: int, isolation_level: int) -> None:
    """With nothing to read the answer still says where the log begins, what is stable and where it ends."""
    log = local.catalog.create_topic("topic", 1).partitions[0]
    append(local, log, count=3)
    log.delete_records_before(1)
    producer = {"producer_id": 7, "producer_epoch": 0, "base_sequence": 0, "attributes": TRANSACTIONAL_BIT}
    opened = build_batch([(b"k", b"v"), (b"k", b"v")], timestamp_ms=NOW_MS, **producer)
    log.append(opened, verify_produced(opened), now_ms=NOW_MS)
    (row,) = rows_of(local.call(request(local, "topic", {0: 5}, isolation_level=isolation_level), version))
    assert (row.error_code, row.records) == (0, b"")
    assert (row.high_watermark, row.last_stable_offset) == (5, 3)
    assert version < 5 or row.log_start_offset == 1
    assert row.aborted_transactions == ([] if isolation_level else None)


@pytest.mark.parametrize("version", [4, 12, 13, 18])
def test_errors(local: LocalBroker, version: int) -> None:
    log = local.catalog.create_topic("topic", 1).partitions[0]
    append(local, log, count=3)
    log.delete_records_before(2)

    def error(topic: str, partition: int, offset: int, **fields: Any) -> int:
        (row,) = rows_of(local.call(request(local, topic, {partition: offset}, max_wait_ms=5000, **fields), version))
        assert row.records == b""
        return row.error_code

    unknown = ErrorCode.UNKNOWN_TOPIC_ID if version >= 13 else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert error("missing", 0, 0) == unknown
    assert error("topic", 1, 0) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert error("topic", -1, 0) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert error("topic", 0, 1) == ErrorCode.OFFSET_OUT_OF_RANGE
    assert error("topic", 0, 4) == ErrorCode.OFFSET_OUT_OF_RANGE
    assert error("topic", 0, -7) == ErrorCode.OFFSET_OUT_OF_RANGE
    if version >= 9:
        assert error("topic", 0, 3, current_leader_epoch=1) == ErrorCode.UNKNOWN_LEADER_EPOCH
        assert error("topic", 0, 3, current_leader_epoch=-5) == ErrorCode.FENCED_LEADER_EPOCH
    (row,) = rows_of(local.call(request(local, "topic", {0: 3}), version))
    assert (row.error_code, row.records, row.log_start_offset) == (0, b"", 2 if version >= 5 else -1)


def test_the_first_batch_comes_whatever_the_limits_then_they_are_hard(local: LocalBroker) -> None:
    logs = local.catalog.create_topic("topic", 3).partitions
    size, *_ = [append(local, log, size=1000) for log in logs]
    append(local, logs[0], size=1000)
    tiny = rows_of(local.call(request(local, "topic", {0: 0, 1: 0, 2: 0}, max_bytes=1), 12))
    assert [len(row.records) for row in tiny] == [size, 0, 0]
    local.peer.connection.fetch_start = 0
    limited = rows_of(local.call(request(local, "topic", {0: 0, 1: 0, 2: 0}, partition_max_bytes=1), 12))
    assert [len(row.records) for row in limited] == [size, 0, 0]
    half = rows_of(local.call(request(local, "topic", {0: 0, 1: 0, 2: 0}, max_bytes=2 * size + 10), 12))
    assert [len(row.records) for row in half] == [2 * size, 0, 0]


def test_partitions_take_turns_when_the_limit_cuts(local: LocalBroker) -> None:
    logs = local.catalog.create_topic("topic", 3).partitions
    for log in logs:
        append(local, log, size=1000)
    served = []
    for _ in range(6):
        rows = rows_of(local.call(request(local, "topic", {0: 0, 1: 0, 2: 0}, max_bytes=500), 12))
        assert [row.partition_index for row in rows] == [0, 1, 2], "the answer keeps the order of the request"
        served += [row.partition_index for row in rows if row.records]
    assert served == [0, 1, 2, 0, 1, 2]


def test_the_brokers_own_limit(tmp_path: Path) -> None:
    local = LocalBroker(tmp_path / "data", fetch_max_bytes="2000")
    logs = local.catalog.create_topic("topic", 2).partitions
    for log in logs:
        append(local, log, size=1500)
    assert sum(len(row.records) > 0 for row in rows_of(local.call(request(local, "topic", {0: 0, 1: 0}), 12))) == 1
    local.close()


def test_a_long_poll_ends_with_the_first_append(local: LocalBroker) -> None:
    logs = local.catalog.create_topic("topic", 2).partitions
    asked = request(local, "topic", {0: 0, 1: 0}, max_wait_ms=5000)
    parked = local.send(asked, 12)
    assert isinstance(parked, Parked)
    local.advance(4)
    assert not parked.deferred.done
    append(local, logs[1])
    append(local, logs[1])
    assert not parked.deferred.done, "it is answered at the end of the round"
    local.advance(0)
    assert [len(offsets_in(row.records)) for row in rows_of(decode(parked.encode(), asked, 12))] == [0, 2]
    assert local.broker.waiters.by_log == {}
    assert local.broker.timers.next_deadline_s() != local.now_s + 1, "its deadline is gone as well"


@pytest.mark.parametrize("times", [1, 3])
def test_produce_wakes_a_long_poll(local: LocalBroker, times: int) -> None:
    local.catalog.create_topic("topic", 1)
    records = bytes(build_batch([(None, b"v")], timestamp_ms=NOW_MS))
    for count in range(1, times + 1):  # the first request of a connection takes another path than those after it
        parked = local.send(request(local, "topic", {0: count - 1}, max_wait_ms=5000), 12)
        assert isinstance(parked, Parked)
        produce = ProduceRequest(
            acks=1, topic_data=[ProduceRequestTopic("topic", partition_data=[ProduceRequestPartition(0, records)])]
        )
        local.send(produce, 9)
        local.advance(0)
        assert parked.deferred.done


def test_a_long_poll_ends_at_its_deadline(local: LocalBroker) -> None:
    log = local.catalog.create_topic("topic", 1).partitions[0]
    size = append(local, log)
    asked = request(local, "topic", {0: 0}, max_wait_ms=5000, min_bytes=2 * size)
    parked = local.send(asked, 12)
    assert isinstance(parked, Parked)
    local.advance(4.999)
    assert not parked.deferred.done
    local.advance(0.002)
    assert offsets_in(rows_of(decode(parked.encode(), asked, 12))[0].records) == [0]


def test_min_bytes_counts_what_is_appended(local: LocalBroker) -> None:
    log = local.catalog.create_topic("topic", 1).partitions[0]
    size = append(local, log)
    parked = local.send(request(local, "topic", {0: 0}, max_wait_ms=5000, min_bytes=3 * size), 12)
    assert isinstance(parked, Parked)
    append(local, log)
    local.advance(0)
    assert not parked.deferred.done
    append(local, log)
    local.advance(0)
    assert parked.deferred.done
    assert not isinstance(local.send(request(local, "topic", {0: 0}, max_wait_ms=5000, min_bytes=3 * size), 12), Parked)


def test_data_in_the_next_segment_is_not_waited_for(tmp_path: Path) -> None:
    local = LocalBroker(tmp_path / "data", log_segment_bytes="1000")
    log = local.catalog.create_topic("topic", 1).partitions[0]
    for _ in range(3):
        append(local, log, size=800)
    assert len(log.segments) == 3
    asked = request(local, "topic", {0: 0}, max_wait_ms=5000, min_bytes=100_000)
    assert offsets_in(rows_of(local.call(asked, 12))[0].records) == [0]
    local.close()


def test_deleting_the_topic_ends_a_long_poll(local: LocalBroker) -> None:
    topic = local.catalog.create_topic("topic", 1)
    for version, error in ((12, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION), (13, ErrorCode.UNKNOWN_TOPIC_ID)):
        asked = request(local, "topic", {0: 0}, max_wait_ms=60_000)
        parked = local.send(asked, version)
        assert isinstance(parked, Parked)
        local.broker.delete_topic(topic)
        local.advance(0)
        assert rows_of(decode(parked.encode(), asked, version))[0].error_code == error
        topic = local.catalog.create_topic("topic", 1)


def test_a_connection_that_goes_away_leaves_nothing_behind(local: LocalBroker) -> None:
    log = local.catalog.create_topic("topic", 1).partitions[0]
    timers_before = len(local.broker.timers)
    for _ in range(100):
        parked = local.send(request(local, "topic", {0: 0}, max_wait_ms=2**31 - 1), 12)
        assert isinstance(parked, Parked)
        parked.deferred.cancel()
    assert local.broker.waiters.by_log == {}
    assert len(local.broker.timers) == timers_before
    append(local, log)
    local.advance(0)


def test_no_wait_and_no_partitions_answer_at_once(local: LocalBroker) -> None:
    local.catalog.create_topic("topic", 1)
    assert rows_of(local.call(request(local, "topic", {0: 0}), 12))[0].records == b""
    assert local.call(FetchRequest(max_wait_ms=5000, min_bytes=1), 12).responses == []
    response = local.call(request(local, "topic", {0: 0}, max_wait_ms=5000, min_bytes=0), 12)
    assert rows_of(response)[0].error_code == 0


def test_trap_25_sessions_are_not_kept(local: LocalBroker) -> None:
    local.catalog.create_topic("topic", 1)
    for version in (7, 12, 18):
        assert local.call(request(local, "topic", {0: 0}, session_id=0, session_epoch=0), version).session_id == 0
        unknown = local.call(request(local, "topic", {0: 0}, session_id=9, session_epoch=4), version)
        assert (unknown.error_code, unknown.responses) == (ErrorCode.FETCH_SESSION_ID_NOT_FOUND, [])


@pytest.mark.parametrize("version", VERSIONS)
def test_truncated_requests_are_malformed(local: LocalBroker, version: int) -> None:
    local.catalog.create_topic("topic", 1)
    asked = request(local, "topic", {0: 0})
    data = frame(asked, version)
    topics_end = data.rindex((NO_LIMIT).to_bytes(4, "big")) + 4
    for end in range(12, topics_end):
        with pytest.raises(MalformedMessage):
            pytest.fail(f"{end}: {local.dispatcher.handle(memoryview(data)[:end], local.peer)!r}")
