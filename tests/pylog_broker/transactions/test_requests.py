"""Transactions request by request, over a whole broker without sockets: the traps of toy brokers, each by its number."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.pylog_broker.dispatch import Parked
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnRequestTransaction,
    AddPartitionsToTxnRequestTransactionTopic,
)
from harness.pylog_broker.protocol.generated.api_versions import ApiVersionsRequest
from harness.pylog_broker.protocol.generated.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersRequestTopic,
)
from harness.pylog_broker.protocol.generated.describe_transactions import DescribeTransactionsRequest
from harness.pylog_broker.protocol.generated.list_offsets import (
    ListOffsetsRequest,
    ListOffsetsRequestPartition,
    ListOffsetsRequestTopic,
)
from harness.pylog_broker.protocol.generated.list_transactions import ListTransactionsRequest
from harness.pylog_broker.protocol.generated.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochRequestPartition,
    OffsetForLeaderEpochRequestTopic,
)
from harness.pylog_broker.protocol.generated.write_txn_markers import (
    WriteTxnMarkersRequest,
    WriteTxnMarkersRequestMarker,
    WriteTxnMarkersRequestTopic,
)
from harness.pylog_broker.storage.batch import build_batch, verify_produced
from harness.pylog_broker.transactions.transaction import EPOCH_LAST
from tests.pylog_broker.handlers.local_broker import NOW_MS, LocalBroker, decode
from tests.pylog_broker.transactions.client import (
    NEW,
    OLD,
    Producer,
    committed_offset,
    fetch,
    fetch_request,
    next_offset,
    read_committed,
    read_uncommitted,
    visible,
)

kinds = pytest.mark.parametrize("kind", [OLD, NEW])
OPEN_WAIT_MS = 5_000


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalBroker]:
    broker = LocalBroker(tmp_path / "data")
    broker.catalog.create_topic("t", 3, {})
    broker.catalog.create_topic("u", 1, {})
    yield broker
    broker.close()


def _started(local: LocalBroker, kind: int = NEW, transactional_id: str = "x") -> Producer:
    producer = Producer(local, transactional_id, kind=kind)
    assert producer.init() == 0
    return producer


def _plain(local: LocalBroker, topic: str, partition: int, value: bytes) -> None:
    log = local.catalog.topics[topic].partitions[partition]
    batch = build_batch([(None, value)], timestamp_ms=local.now_ms)
    log.append(batch, verify_produced(batch), now_ms=local.now_ms)
    local.broker.waiters.appended(log, len(batch))


def _latest(local: LocalBroker, isolation: int, version: int = 8) -> int:
    request = ListOffsetsRequest(
        -1, isolation, [ListOffsetsRequestTopic("t", [ListOffsetsRequestPartition(0, -1, -1)])]
    )
    return int(local.call(request, version).topics[0].partitions[0].offset)


# --- what readers see ------------------------------------------------------------------------------------------------


@kinds
def test_trap_4_committed_readers_stop_at_the_last_stable_offset(local: LocalBroker, kind: int) -> None:
    producer = _started(local, kind)
    _plain(local, "t", 0, b"before")
    assert producer.send("t", 0, b"a", b"b") == 0
    _plain(local, "t", 0, b"behind")
    (row,) = fetch(local, "t", {0: 0})
    assert (row.high_watermark, row.last_stable_offset, visible(row)) == (4, 1, [b"before"])
    assert read_uncommitted(local, "t", 0) == [b"before", b"a", b"b", b"behind"]
    (row,) = fetch(local, "t", {0: 2})
    assert (row.error_code, row.records or b"") == (0, b""), "between the last stable offset and the log end: no error"
    assert (_latest(local, 1), _latest(local, 0)) == (1, 4)
    assert producer.commit() == 0
    assert read_committed(local, "t", 0) == [b"before", b"a", b"b", b"behind"]
    assert _latest(local, 1) == 5


def test_trap_4_consumers_read_below_the_high_watermark(local: LocalBroker) -> None:
    log = local.catalog.topics["t"].partitions[0]
    log._replicated_to = lambda _end: 1  # a replica that lags
    for value in (b"a", b"b", b"c"):
        _plain(local, "t", 0, value)
    (row,) = fetch(local, "t", {0: 0}, committed=False)
    assert (row.high_watermark, visible(row)) == (1, [b"a"])
    assert log.advance_high_watermark(2)
    assert not log.advance_high_watermark(1), "it never moves back"
    assert read_uncommitted(local, "t", 0) == [b"a", b"b"]
    log.advance_high_watermark(99)
    assert log.high_watermark == log.log_end_offset == 3


def test_trap_22_between_high_watermark_and_log_end_there_is_nothing_and_no_error(local: LocalBroker) -> None:
    log = local.catalog.topics["t"].partitions[0]
    log._replicated_to = lambda _end: 1
    for value in (b"a", b"b", b"c"):
        _plain(local, "t", 0, value)
    answers = {offset: fetch(local, "t", {0: offset}, committed=False)[0] for offset in (1, 2, 3, 4, -1)}
    assert [answers[offset].error_code for offset in (1, 2, 3)] == [0, 0, 0]
    assert all(not answers[offset].records for offset in (1, 2, 3))
    assert [answers[offset].error_code for offset in (4, -1)] == [ErrorCode.OFFSET_OUT_OF_RANGE] * 2


def test_trap_4_an_ended_transaction_is_stable_only_when_its_marker_is_replicated(local: LocalBroker) -> None:
    log = local.catalog.topics["t"].partitions[0]
    log._replicated_to = lambda end: max(1, end - 2)
    _plain(local, "t", 0, b"before")
    producer = _started(local)
    producer.send("t", 0, b"a")
    assert producer.commit() == 0
    log.high_watermark = 2  # the record is replicated, the marker at 2 is not
    assert log.last_stable_offset == 1
    log.advance_high_watermark(3)
    assert log.last_stable_offset == 3


@pytest.mark.parametrize("version", [4, 5, 7, 11, 12])
def test_trap_5_aborted_transactions_of_the_range_are_listed(local: LocalBroker, version: int) -> None:
    first, second = _started(local, OLD, "one"), _started(local, OLD, "two")
    first.send("t", 0, b"a")  # 0
    second.send("t", 0, b"b")  # 1
    first.abort()  # 2
    second.send("t", 0, b"c")  # 3
    second.commit()  # 4
    first.send("t", 0, b"d")  # 5
    first.abort()  # 6
    (row,) = fetch(local, "t", {0: 0}, version=version)
    assert visible(row) == [b"b", b"c"]
    listed = [(item.producer_id, item.first_offset) for item in row.aborted_transactions]
    assert listed == [(first.producer_id, 0), (first.producer_id, 5)]
    (row,) = fetch(local, "t", {0: 3}, version=version)
    assert [item.first_offset for item in row.aborted_transactions] == [5], "only those of the range"
    (row,) = fetch(local, "t", {0: 0}, committed=False, version=version)
    assert row.aborted_transactions is None


def test_trap_5_an_abort_is_found_in_a_later_segment(local: LocalBroker) -> None:
    local.catalog.create_topic("small", 1, {"segment.bytes": "200"})
    producer = _started(local)
    producer.send("small", 0, b"aborted")
    for number in range(9):
        _plain(local, "small", 0, b"%d" % number)
    assert producer.abort() == 0
    assert len(local.catalog.topics["small"].partitions[0].segments) > 3
    values: list[bytes] = []
    offset = 0
    while offset < 11:
        (row,) = fetch(local, "small", {0: offset})
        values += visible(row)
        offset = next_offset(row)
    assert values == [b"%d" % number for number in range(9)]


def test_trap_3_a_long_poll_counts_bytes_up_to_the_last_stable_offset_only(local: LocalBroker) -> None:
    producer = _started(local)
    producer.send("t", 0, b"first")
    parked = local.send(fetch_request("t", {0: 0}, wait_ms=OPEN_WAIT_MS), 12)
    assert isinstance(parked, Parked)
    assert producer.send("t", 0, b"second") == 0
    local.advance(0.1)
    assert not parked.deferred.done, "an open transaction is nothing that a reader waits for"
    assert producer.commit() == 0
    local.advance(0)
    assert parked.deferred.done
    (row,) = decode(parked.encode(), fetch_request("t", {}), 12).responses[0].partitions
    assert visible(row) == [b"first", b"second"]


def test_trap_3_a_poll_goes_on_waiting_when_a_transaction_ended_behind_another(local: LocalBroker) -> None:
    first, second = _started(local, transactional_id="one"), _started(local, transactional_id="two")
    first.send("t", 0, b"a")
    second.send("t", 0, b"b")
    parked = local.send(fetch_request("t", {0: 0}, wait_ms=OPEN_WAIT_MS), 12)
    second.commit()
    local.advance(0)
    assert isinstance(parked, Parked)
    assert not parked.deferred.done
    local.advance(OPEN_WAIT_MS / 1000)
    assert parked.deferred.done, "the deadline stands"


# --- producers -------------------------------------------------------------------------------------------------------


def test_trap_6_a_client_may_not_write_control_batches(local: LocalBroker) -> None:
    producer = _started(local)
    records = build_batch([(b"\0\0\0\1", b"")], timestamp_ms=NOW_MS, producer_id=producer.producer_id, attributes=0x30)
    with pytest.raises(Exception, match="control"):
        verify_produced(records)


def test_trap_11_duplicates_gaps_and_the_last_five_batches(local: LocalBroker) -> None:
    producer = _started(local)
    for number in range(6):
        assert producer.send("t", 0, b"%d" % number) == 0
    end = local.catalog.topics["t"].partitions[0].log_end_offset
    for sequence, error in ((5, 0), (1, 0), (0, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER), (7, 45)):
        producer.sequences["t", 0] = sequence
        assert producer.send("t", 0, b"%d" % sequence) == error
    assert local.catalog.topics["t"].partitions[0].log_end_offset == end


def test_trap_11_sequences_go_on_over_transactions_and_start_anew_with_an_epoch(local: LocalBroker) -> None:
    old = _started(local, OLD, "old")
    old.send("t", 0, b"a")
    old.commit()
    assert old.sequences["t", 0] == 1
    assert old.send("t", 0, b"b") == 0, "same epoch, next sequence"
    new = _started(local, NEW, "new")
    new.send("t", 1, b"a")
    new.commit()
    assert new.sequences == {}
    new.sequences["t", 1] = 1
    assert new.send("t", 1, b"b") == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    new.sequences.clear()
    assert new.send("t", 1, b"b") == 0


@kinds
def test_trap_12_a_stale_epoch(local: LocalBroker, kind: int) -> None:
    old = _started(local, kind)
    old.send("t", 0, b"old")
    new = _started(local, kind)
    assert (new.producer_id, new.epoch) == (old.producer_id, old.epoch + 2), "one fences, one is the new producer's"
    assert old.send("t", 0, b"late", version=9) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert old.send("t", 1, b"late", version=12) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert old.add("t", 1) == [ErrorCode.PRODUCER_FENCED]
    assert old.add("t", 1, version=1) == [ErrorCode.INVALID_PRODUCER_EPOCH]
    assert old.add_offsets("g") == ErrorCode.PRODUCER_FENCED
    assert old.end(commit=True) == ErrorCode.PRODUCER_FENCED
    assert old.end(commit=True, version=1) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert old.send_offsets("g", "t", 0, 1, version=3) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert old.init(known=True) == ErrorCode.PRODUCER_FENCED
    assert new.send("t", 0, b"new") == 0


def test_trap_14_init_aborts_what_is_open(local: LocalBroker) -> None:
    old = _started(local)
    old.send("t", 0, b"a")
    old.send_offsets("g", "u", 0, 5)
    new = _started(local)
    assert read_committed(local, "t", 0) == []
    assert committed_offset(local, "g", "u") == (0, -1)
    log = local.catalog.topics["t"].partitions[0]
    assert log.last_stable_offset == log.log_end_offset == 2
    new.send("t", 0, b"b")
    new.commit()
    assert read_committed(local, "t", 0) == [b"b"]


@kinds
def test_trap_14_a_timed_out_transaction_is_aborted_with_an_epoch_bump(local: LocalBroker, kind: int) -> None:
    producer = _started(local, kind)
    producer.init(timeout_ms=2_000)
    producer.send("t", 0, b"a")
    local.advance(1.9)
    assert local.catalog.topics["t"].partitions[0].last_stable_offset == 0
    local.advance(0.2)
    assert local.catalog.topics["t"].partitions[0].last_stable_offset == 2
    assert producer.commit() == ErrorCode.PRODUCER_FENCED
    assert producer.send("t", 0, b"b", version=9) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert read_committed(local, "t", 0) == []
    assert producer.init() == 0
    assert producer.send("t", 0, b"c") == 0


@pytest.mark.parametrize("timeout_ms", [0, -1, 900_001])
def test_trap_14_a_senseless_timeout_is_refused(local: LocalBroker, timeout_ms: int) -> None:
    assert Producer(local).init(timeout_ms=timeout_ms) == ErrorCode.INVALID_TRANSACTION_TIMEOUT
    assert Producer(local, "").init() == ErrorCode.INVALID_REQUEST


def test_kip_360_a_producer_goes_on_with_the_next_epoch(local: LocalBroker) -> None:
    producer = _started(local)
    producer.send("t", 0, b"a")
    producer_id, epoch = producer.producer_id, producer.epoch
    assert producer.init(known=True) == 0
    assert (producer.producer_id, producer.epoch) == (producer_id, epoch + 2)
    before = (producer.producer_id, producer.epoch)
    assert producer.init(known=True) == 0
    after = (producer.producer_id, producer.epoch)
    assert after == (producer_id, before[1] + 1)
    producer.producer_id, producer.epoch = before
    assert producer.init(known=True) == 0
    assert (producer.producer_id, producer.epoch) == after, "the same request once more gets the same answer"


# --- the transaction -------------------------------------------------------------------------------------------------


def test_a_partition_has_to_be_in_the_transaction(local: LocalBroker) -> None:
    producer = _started(local, OLD)
    assert producer.send("t", 0, b"a", version=9) == ErrorCode.INVALID_TXN_STATE
    assert producer.send("t", 0, b"a", version=11) == ErrorCode.TRANSACTION_ABORTABLE
    assert producer.send_offsets("g", "u", 0, 1, version=3) == ErrorCode.INVALID_TXN_STATE
    assert producer.send_offsets("g", "u", 0, 1, version=4) == ErrorCode.TRANSACTION_ABORTABLE
    assert local.catalog.topics["t"].partitions[0].log_end_offset == 0
    assert producer.send("t", 0, b"a", version=12) == 0


def test_a_plain_batch_in_the_middle_of_a_transaction_is_refused(local: LocalBroker) -> None:
    producer = _started(local)
    assert producer.send("t", 0, b"a") == 0
    assert producer.send("t", 0, b"b", transactional=False) == ErrorCode.INVALID_TXN_STATE


def test_all_partitions_of_a_request_are_added_or_none(local: LocalBroker) -> None:
    producer = _started(local, OLD)
    not_attempted = ErrorCode.OPERATION_NOT_ATTEMPTED
    assert producer.add("t", 0, 9, 1) == [not_attempted, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, not_attempted]
    assert producer.send("t", 0, b"a", version=9) == ErrorCode.INVALID_TXN_STATE
    producer.producer_id += 1
    assert producer.add("t", 0) == [ErrorCode.INVALID_PRODUCER_ID_MAPPING]
    assert Producer(local, "nobody").add("t", 0) == [ErrorCode.INVALID_PRODUCER_ID_MAPPING]


@pytest.mark.parametrize("version", [4, 5])
def test_several_transactions_are_added_or_verified_at_once(local: LocalBroker, version: int) -> None:
    one, two = _started(local, OLD, "one"), _started(local, OLD, "two")
    one.add("t", 0)

    def asked(producer: Producer, *, verify: bool) -> AddPartitionsToTxnRequestTransaction:
        topics = [AddPartitionsToTxnRequestTransactionTopic("t", [0, 1])]
        return AddPartitionsToTxnRequestTransaction(
            producer.transactional_id, producer.producer_id, producer.epoch, verify, topics
        )

    request = AddPartitionsToTxnRequest([asked(one, verify=True), asked(two, verify=False)])
    results = local.call(request, version).results_by_transaction
    errors = [[row.partition_error_code for row in result.topic_results[0].results_by_partition] for result in results]
    missing = ErrorCode.TRANSACTION_ABORTABLE if version >= 5 else ErrorCode.INVALID_TXN_STATE
    assert errors == [[0, missing], [0, 0]]
    assert two.send("t", 1, b"x", version=9) == 0


def test_the_end_of_an_older_client(local: LocalBroker) -> None:
    producer = _started(local, OLD)
    assert producer.commit() == ErrorCode.INVALID_TXN_STATE, "there is no transaction"
    producer.send("t", 0, b"a")
    assert producer.commit() == 0
    assert producer.commit() == 0, "the answer was lost: once more"
    assert producer.abort() == ErrorCode.INVALID_TXN_STATE, "what is committed stays so"
    assert producer.epoch == 0


def test_kip_890_every_end_brings_an_epoch_and_is_repeatable(local: LocalBroker) -> None:
    producer = _started(local)
    producer.send("t", 0, b"a")
    before = (producer.producer_id, producer.epoch)
    assert producer.commit() == 0
    after = (producer.producer_id, producer.epoch)
    assert after == (before[0], before[1] + 1)
    producer.producer_id, producer.epoch = before
    assert producer.commit() == 0
    assert (producer.producer_id, producer.epoch) == after
    producer.producer_id, producer.epoch = before
    assert producer.abort() == ErrorCode.INVALID_TXN_STATE
    producer.producer_id, producer.epoch = after
    assert producer.commit() == ErrorCode.INVALID_TXN_STATE, "an empty transaction cannot be committed"
    assert producer.abort() == 0, "but aborted, in case a request of it is still under way"
    assert producer.epoch == after[1] + 1


def test_kip_890_a_request_that_comes_late_does_not_hang_the_next_transaction(local: LocalBroker) -> None:
    producer = _started(local)
    producer.send("t", 0, b"a")
    late_epoch = producer.epoch
    producer.commit()
    late = Producer(local)
    late.producer_id, late.epoch = producer.producer_id, late_epoch
    assert late.send("t", 0, b"late") == ErrorCode.INVALID_PRODUCER_EPOCH
    assert local.catalog.topics["t"].partitions[0].last_stable_offset == 2


@kinds
def test_epochs_run_out_and_the_producer_id_changes(local: LocalBroker, kind: int) -> None:
    producer = _started(local, kind)
    coordinator = local.broker.transactions.coordinator
    found = coordinator.find("x")
    assert found is not None
    coordinator._transactions["x"] = found._replace(epoch=EPOCH_LAST)
    before, producer.epoch = producer.producer_id, EPOCH_LAST
    assert producer.send("t", 0, b"a") == 0
    assert producer.commit() == 0
    assert read_committed(local, "t", 0) == [b"a"]
    if kind == NEW:
        assert producer.producer_id != before
        assert producer.epoch == 0
        new_id, producer.producer_id, producer.epoch = producer.producer_id, before, EPOCH_LAST
        assert producer.commit() == 0
        assert producer.producer_id == new_id, "the repeated request gets the same new id"
    else:
        assert producer.init() == 0
        assert producer.producer_id != before
        assert producer.epoch == 0
    assert producer.send("t", 0, b"b") == 0
    assert producer.commit() == 0
    assert read_committed(local, "t", 0) == [b"a", b"b"]


# --- offsets ---------------------------------------------------------------------------------------------------------


@kinds
def test_trap_15_offsets_are_pending_until_the_marker(local: LocalBroker, kind: int) -> None:
    producer = _started(local, kind)
    assert producer.send_offsets("g", "u", 0, 5) == 0
    assert committed_offset(local, "g", "u") == (ErrorCode.UNSTABLE_OFFSET_COMMIT, -1)
    assert committed_offset(local, "g", "u", stable=False) == (0, -1)
    assert producer.commit() == 0
    assert committed_offset(local, "g", "u") == (0, 5)
    producer.send_offsets("g", "u", 0, 9)
    assert committed_offset(local, "g", "u", stable=False) == (0, 5)
    assert committed_offset(local, "g", "u")[0] == ErrorCode.UNSTABLE_OFFSET_COMMIT
    assert producer.abort() == 0
    assert committed_offset(local, "g", "u") == (0, 5)


def test_offsets_of_a_transaction_are_checked_like_any_commit(local: LocalBroker) -> None:
    producer = _started(local)
    assert producer.send_offsets("g", "u", 7, 1) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert producer.send_offsets("g", "u", 0, 1, generation=3, member_id="m") != 0
    assert producer.send_offsets("", "u", 0, 1) == ErrorCode.INVALID_GROUP_ID
    assert producer.commit() == 0


def test_a_deleted_topic_takes_its_pending_offsets_along(local: LocalBroker) -> None:
    producer = _started(local)
    producer.send("t", 0, b"a")
    producer.send_offsets("g", "u", 0, 5)
    local.broker.delete_topic(local.catalog.topics["u"])
    local.broker.delete_topic(local.catalog.topics["t"])
    assert producer.commit() == 0, "a partition that is gone needs no marker"
    local.catalog.create_topic("u", 1, {})
    assert committed_offset(local, "g", "u") == (0, -1)


# --- administration --------------------------------------------------------------------------------------------------


def test_producers_and_transactions_are_described(local: LocalBroker) -> None:
    producer = _started(local)
    producer.send("t", 1, b"a", b"b")
    (topic,) = local.call(DescribeProducersRequest([DescribeProducersRequestTopic("t", [0, 1, 9])]), 0).topics
    assert [row.error_code for row in topic.partitions] == [0, 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    assert topic.partitions[0].active_producers == []
    (row,) = topic.partitions[1].active_producers
    assert (row.producer_id, row.last_sequence, row.current_txn_start_offset) == (producer.producer_id, 1, 0)
    known, unknown = local.call(DescribeTransactionsRequest(["x", "y"]), 0).transaction_states
    assert (known.transaction_state, known.transaction_timeout_ms) == ("Ongoing", 60_000)
    assert [(item.topic, list(item.partitions)) for item in known.topics] == [("t", [1])]
    assert unknown.error_code == ErrorCode.TRANSACTIONAL_ID_NOT_FOUND


def test_transactions_are_listed_by_filters(local: LocalBroker) -> None:
    busy, idle = _started(local, transactional_id="busy"), _started(local, transactional_id="idle")
    busy.send("t", 0, b"a")
    local.advance(10)

    def listed(**filters: Any) -> list[str]:
        answer = local.call(ListTransactionsRequest(**filters), 2)
        return sorted(row.transactional_id for row in answer.transaction_states)

    assert listed() == ["busy", "idle"]
    assert listed(state_filters=["Ongoing"]) == ["busy"]
    assert listed(producer_id_filters=[idle.producer_id]) == ["idle"]
    assert listed(state_filters=["Ongoing"], duration_filter=9_000) == ["busy"]
    assert listed(state_filters=["Ongoing"], duration_filter=11_000) == []
    assert listed(transactional_id_pattern="b.*") == ["busy"]
    answer = local.call(ListTransactionsRequest(state_filters=["Fine"]), 2)
    assert (list(answer.unknown_state_filters), list(answer.transaction_states)) == (["Fine"], [])
    answer = local.call(ListTransactionsRequest(transactional_id_pattern="("), 2)
    assert answer.error_code == ErrorCode.INVALID_REGULAR_EXPRESSION


@pytest.mark.parametrize("version", [1, 2])
def test_an_administrator_aborts_a_transaction_by_its_marker(local: LocalBroker, version: int) -> None:
    producer = _started(local)
    producer.send("t", 0, b"a")

    def write(epoch: int, coordinator_epoch: int) -> int:
        marker = WriteTxnMarkersRequestMarker(
            producer.producer_id, epoch, False, [WriteTxnMarkersRequestTopic("t", [0])], coordinator_epoch
        )
        (answer,) = local.call(WriteTxnMarkersRequest([marker]), version).markers
        return int(answer.topics[0].partitions[0].error_code)

    assert write(-1, 0) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert write(producer.epoch, 7) == 0
    assert local.catalog.topics["t"].partitions[0].last_stable_offset == 2
    assert write(producer.epoch, 6) == ErrorCode.TRANSACTION_COORDINATOR_FENCED


def test_the_feature_is_finalized(local: LocalBroker) -> None:
    answer = local.call(ApiVersionsRequest("test", "1"), 4)
    assert ("transaction.version", 2) in [(row.name, row.max_version_level) for row in answer.finalized_features]
    versions = {row.api_key: row.max_version for row in answer.api_keys}
    assert (versions[0] >= 12, versions[26], versions[28]) == (True, 5, 5)


@pytest.mark.parametrize("version", [2, 3, 4])
def test_where_leader_epochs_end(local: LocalBroker, version: int) -> None:
    log = local.catalog.topics["t"].partitions[0]
    _plain(local, "t", 0, b"a")
    log.leader_epoch = 4
    log.leader_epochs.assign(4, 1)
    _plain(local, "t", 0, b"b")

    def asked(epoch: int, current: int = -1) -> tuple[int, int, int]:
        row = OffsetForLeaderEpochRequestPartition(0, current, epoch)
        request = OffsetForLeaderEpochRequest(topics=[OffsetForLeaderEpochRequestTopic("t", [row])])
        (answer,) = local.call(request, version).topics[0].partitions
        return answer.error_code, answer.leader_epoch, answer.end_offset

    assert [asked(epoch) for epoch in (0, 2, 4, 5)] == [(0, 0, 1), (0, 0, 1), (0, 4, 2), (0, -1, -1)]
    assert asked(0, current=3)[0] == ErrorCode.FENCED_LEADER_EPOCH
    assert asked(0, current=5)[0] == ErrorCode.UNKNOWN_LEADER_EPOCH


def test_idle_ids_are_forgotten(tmp_path: Path) -> None:
    settings = {
        "transactional.id.expiration.ms": "10000",
        "transaction.remove.expired.transaction.cleanup.interval.ms": "1000",
    }
    local = LocalBroker(tmp_path / "data", **settings)
    producer = _started(local)
    local.advance(9)
    assert local.broker.transactions.coordinator.find("x") is not None
    local.advance(2)
    assert local.broker.transactions.coordinator.find("x") is None
    assert producer.add("t", 0) != [0]
    local.close()


def test_ids_are_bounded(tmp_path: Path) -> None:
    local = LocalBroker(tmp_path / "data", **{"transactional.id.max.count": "2"})
    assert [Producer(local, name).init() for name in "abca"] == [0, 0, ErrorCode.POLICY_VIOLATION, 0]
    local.close()
