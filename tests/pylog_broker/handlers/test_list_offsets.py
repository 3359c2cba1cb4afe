from __future__ import annotations

import pytest

from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.list_offsets import (
    ListOffsetsRequest,
    ListOffsetsRequestPartition,
    ListOffsetsRequestTopic,
)
from harness.pylog_broker.protocol.generated.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochRequestPartition,
    OffsetForLeaderEpochRequestTopic,
)
from harness.pylog_broker.storage.batch import Record, build_batch, verify_produced
from tests.pylog_broker.handlers.local_broker import NOW_MS, LocalBroker


@pytest.fixture
def filled(local: LocalBroker) -> LocalBroker:
    """Offsets 0 to 4 stamped NOW_MS + 0, 10, 40, 20, 30; the log starts at 1."""
    log = local.catalog.create_topic("topic", 1).partitions[0]
    for stamps in ((0, 10), (40, 20, 30)):
        batch = build_batch([Record(0, NOW_MS + stamp, None, b"v") for stamp in stamps], timestamp_ms=0)
        log.append(batch, verify_produced(batch), now_ms=NOW_MS)
    log.delete_records_before(1)
    return local


def look_up(local: LocalBroker, timestamp: int, version: int, **fields: int) -> tuple[int, int, int]:
    """(error code, offset, timestamp relative to NOW_MS or -1)"""
    row = ListOffsetsRequestPartition(fields.pop("partition", 0), fields.pop("epoch", -1), timestamp)
    request = ListOffsetsRequest(-1, fields.pop("isolation_level", 0), [ListOffsetsRequestTopic("topic", [row])])
    found = local.call(request, version).topics[0].partitions[0]
    if version >= 4:
        assert found.leader_epoch == (0 if found.offset >= 0 else -1)
    return found.error_code, found.offset, found.timestamp - NOW_MS if found.timestamp >= 0 else -1


@pytest.mark.parametrize("version", range(1, 12))
def test_trap_21_every_special_time_and_every_version(filled: LocalBroker, version: int) -> None:
    assert look_up(filled, -1, version) == (0, 5, -1)
    assert look_up(filled, -1, version, isolation_level=1) == (0, 5, -1)
    assert look_up(filled, -2, version) == (0, 1, -1)
    assert look_up(filled, NOW_MS - 1000, version) == (0, 1, 10)
    assert look_up(filled, NOW_MS + 11, version) == (0, 2, 40)
    assert look_up(filled, NOW_MS + 41, version) == (0, -1, -1)
    unsupported = (ErrorCode.UNSUPPORTED_VERSION, -1, -1)
    assert look_up(filled, -3, version) == ((0, 2, 40) if version >= 7 else unsupported)
    assert look_up(filled, -4, version) == ((0, 1, -1) if version >= 8 else unsupported)
    assert look_up(filled, -5, version) == ((0, -1, -1) if version >= 9 else unsupported)
    assert look_up(filled, -6, version) == ((0, -1, -1) if version >= 11 else unsupported)
    assert look_up(filled, -7, version) == unsupported


def test_errors(filled: LocalBroker) -> None:
    assert look_up(filled, -1, 9, partition=1) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1)
    assert look_up(filled, -1, 9, epoch=3) == (ErrorCode.UNKNOWN_LEADER_EPOCH, -1, -1)
    assert look_up(filled, -1, 9, epoch=0) == (0, 5, -1)


@pytest.mark.parametrize("version", [2, 3, 4])
def test_the_end_of_a_leader_epoch(filled: LocalBroker, version: int) -> None:
    rows = [OffsetForLeaderEpochRequestPartition(*row) for row in ((0, -1, 0), (0, -1, 1), (0, 2, 0), (4, -1, 0))]
    request = OffsetForLeaderEpochRequest(-1, [OffsetForLeaderEpochRequestTopic("topic", rows)])
    answers = [
        (row.error_code, row.partition, row.leader_epoch, row.end_offset)
        for row in filled.call(request, version).topics[0].partitions
    ]
    assert answers == [
        (0, 0, 0, 5),
        (0, 0, -1, -1),
        (ErrorCode.UNKNOWN_LEADER_EPOCH, 0, -1, -1),
        (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 4, -1, -1),
    ]
