"""Traces of transactions: what is committed and aborted, who is fenced, and what is seen of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from tests.conformance.batches import batch, create, fetch, list_offset, produce
from tests.conformance.trace import Trace

TRANSACTIONAL = 0x10


def transactions(trace: Trace) -> None:
    """One producer: begin, write, commit, abort; offsets in transactions; fencing."""
    topic, group, name = trace.topic("a"), trace.topic("g"), trace.topic("id")
    create(trace, topic)
    trace.call("coordinator", "FindCoordinator", 3, key=name, key_type=1)
    trace.call("group coordinator", "FindCoordinator", 3, key=group, key_type=0)
    trace.call("init with a long timeout", "InitProducerId", 4, transactional_id=name, transaction_timeout_ms=10**9)
    trace.call("init with an empty name", "InitProducerId", 4, transactional_id="", transaction_timeout_ms=10_000)
    made = trace.call("init", "InitProducerId", 4, transactional_id=name, transaction_timeout_ms=60_000)
    who = {"producer_id": made.producer_id, "producer_epoch": made.producer_epoch}
    sequence = 0

    def add(step: str, *, topic: str = topic, **how: Any) -> None:
        fields = {"transactional_id": name, "producer_id": who["producer_id"]}
        fields |= {"producer_epoch": who["producer_epoch"], **how}
        rows = [{"name": topic, "partitions": [0]}]
        trace.call(step, "AddPartitionsToTxn", 3, **fields, topics=rows)

    def write(step: str, **how: Any) -> None:
        nonlocal sequence
        stamped = batch(2, **{**who, **how}, base_sequence=sequence, attributes=TRANSACTIONAL)
        answer = produce(trace, step, topic, stamped, transactional_id=name, acks=-1)
        sequence += 2 if not answer.responses[0].partition_responses[0].error_code else 0

    def end(step: str, *, commit: bool, **how: Any) -> None:
        trace.call(step, "EndTxn", 3, transactional_id=name, **{**who, **how}, committed=commit)

    end("commit nothing", commit=True)
    add("add an unknown topic", topic=trace.topic("absent"))
    add("add")
    write("write")
    produce(
        trace,
        "write without a transactional id",
        topic,
        batch(1, **who, base_sequence=9, attributes=TRANSACTIONAL),
        acks=-1,
    )
    list_offset(trace, "end while it is open", topic, -1)
    list_offset(trace, "stable end while it is open", topic, -1, isolation=1)
    fetch(trace, "read committed while it is open", topic, 0, isolation=1)
    end("commit", commit=True)
    _settled(trace, "stable end after the commit", topic, 3)
    fetch(trace, "read committed up to the marker's segment, which is years younger", topic, 0, isolation=1)
    fetch(trace, "the marker of the commit", topic, 2, isolation=1)
    add("add again")
    write("write again")
    end("abort", commit=False)
    _settled(trace, "stable end after the abort", topic, 6)
    fetch(trace, "read committed after the abort", topic, 3, isolation=1)
    fetch(trace, "read uncommitted after the abort", topic, 3)
    offsets_in_transactions(trace, name, who, group, topic, end)
    end("end as an older epoch", commit=True, producer_epoch=99)
    again = trace.call("init again", "InitProducerId", 4, transactional_id=name, transaction_timeout_ms=60_000)
    trace.note("the same id", again.producer_id == made.producer_id)
    add("add of the fenced")
    write("write of the fenced")
    end("end of the fenced", commit=True)
    wrong = {"transactional_id": trace.topic("nobody"), "producer_id": 1}
    rows = [{"name": topic, "partitions": [0]}]
    trace.call("add of nobody", "AddPartitionsToTxn", 3, **wrong, topics=rows)


def offsets_in_transactions(
    trace: Trace, name: str, who: dict[str, Any], group: str, topic: str, end: Callable[..., None]
) -> None:
    """Offsets that count when the transaction does."""
    row = {"partition_index": 0, "committed_offset": 4, "committed_metadata": ""}
    asked = [{"name": topic, "partition_indexes": [0]}]
    for number, commit in enumerate((False, True)):
        trace.call(f"add offsets {number}", "AddOffsetsToTxn", 3, transactional_id=name, **who, group_id=group)
        fields = {"transactional_id": name, "group_id": group, **who}
        rows = [{"name": topic, "partitions": [row]}]
        trace.call(f"commit offsets {number}", "TxnOffsetCommit", 3, **fields, topics=rows)
        fetched = {"group_id": group, "topics": asked}
        trace.call(f"offsets while it is open {number}", "OffsetFetch", 7, **fetched, require_stable=False)
        trace.call(f"stable offsets while it is open {number}", "OffsetFetch", 7, **fetched, require_stable=True)
        end(f"end offsets {number}", commit=commit)
        trace.call(
            f"offsets afterwards {number}",
            *("OffsetFetch", 7),
            **fetched,
            require_stable=True,
            until=lambda answer: answer.topics[0].partitions[0].error_code != 88,
        )


def _settled(trace: Trace, step: str, topic: str, offset: int) -> None:
    """The last stable offset, once the markers are written."""
    row = {"partition_index": 0, "timestamp": -1, "current_leader_epoch": -1}
    topics = [{"name": topic, "partitions": [row]}]
    trace.call(
        *(step, "ListOffsets", 7),
        replica_id=-1,
        isolation_level=1,
        topics=topics,
        until=lambda answer: answer.topics[0].partitions[0].offset == offset,
    )


def epoch_bumps(trace: Trace) -> None:
    """A client of KIP-890: partitions are added by what it writes, every end brings an epoch and can be repeated."""
    topic, group, name = trace.topic("a"), trace.topic("g"), trace.topic("id")
    create(trace, topic)
    trace.call("coordinator", "FindCoordinator", 3, key=name, key_type=1)
    trace.call("group coordinator", "FindCoordinator", 3, key=group, key_type=0)
    made = trace.call("init", "InitProducerId", 5, transactional_id=name, transaction_timeout_ms=60_000)
    who = {"producer_id": made.producer_id, "producer_epoch": made.producer_epoch}

    def write(step: str, *, sequence: int = 0, version: int = 12, **how: Any) -> None:
        stamped = batch(1, **{**who, **how}, base_sequence=sequence, attributes=TRANSACTIONAL)
        produce(trace, step, topic, stamped, version=version, transactional_id=name, acks=-1)

    def end(step: str, *, commit: bool, **how: Any) -> Any:
        return trace.call(step, "EndTxn", 5, transactional_id=name, **{**who, **how}, committed=commit)

    def commit_offsets(step: str, version: int) -> None:
        row = {"partition_index": 0, "committed_offset": 1, "committed_metadata": ""}
        fields = {"transactional_id": name, "group_id": group, **who}
        trace.call(step, "TxnOffsetCommit", version, **fields, topics=[{"name": topic, "partitions": [row]}])

    end("commit nothing", commit=True)
    write("write what was not added", version=9)
    write("write what was not added, told to abort", version=11)
    commit_offsets("offsets that were not added, told to abort", 4)
    write("write")
    commit_offsets("offsets", 5)
    ended = end("commit", commit=True)
    before, who["producer_epoch"] = who["producer_epoch"], ended.producer_epoch
    _settled(trace, "stable end after the commit", topic, 2)
    end("commit once more", commit=True, producer_epoch=before)
    end("abort what is committed", commit=False, producer_epoch=before)
    write("write of the epoch before", producer_epoch=before, sequence=1)
    write("write with a sequence that goes on", sequence=1)
    write("write of the next epoch")
    ended = end("abort", commit=False)
    before, who["producer_epoch"] = who["producer_epoch"], ended.producer_epoch
    _settled(trace, "stable end after the abort", topic, 4)
    end("abort once more", commit=False, producer_epoch=before)
    fetch(trace, "read committed after the abort", topic, 2, isolation=1)
    ended = end("abort nothing", commit=False)
    who["producer_epoch"] = ended.producer_epoch
    trace.call("go on", "InitProducerId", 5, transactional_id=name, transaction_timeout_ms=60_000, **who)
    end("end of the epoch before", commit=False)
    trace.call("describe", "DescribeTransactions", 0, transactional_ids=[name, trace.topic("nobody")])
    row = {"name": topic, "partition_indexes": [0, 7]}
    trace.call("describe producers", "DescribeProducers", 0, topics=[row])


HAS_TRANSACTIONS = "end_txn" in import_module("harness.pylog_broker.handlers").MODULES
TRANSACTION_TRACES: tuple[Callable[[Trace], None], ...] = (transactions, epoch_bumps) if HAS_TRANSACTIONS else ()
