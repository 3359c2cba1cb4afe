"""kill -9 at every write of a transaction: afterwards it is there as a whole or not at all, and nobody hangs."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

from harness.pylog_broker.storage.log import PartitionLog
from tests.pylog_broker.handlers.local_broker import LocalBroker
from tests.pylog_broker.storage.disk import FaultyFileSystem, PowerCut, kill
from tests.pylog_broker.transactions.client import (
    NEW,
    OLD,
    Producer,
    committed_offset,
    fetch,
    read_committed,
    read_uncommitted,
)

SETTINGS = {"offsets.topic.num.partitions": "1", "transaction.state.log.num.partitions": "1"}


def _start(folder: Path, disk: FaultyFileSystem | None = None) -> LocalBroker:
    """A broker whose disk does not sync: what is tested is the order of writes."""
    return LocalBroker(folder, file_system=disk or FaultyFileSystem(), **SETTINGS)


def _script(local: LocalBroker, kind: int, *, commit: bool) -> bool:
    """Two partitions and an offset in one transaction; True once its end was answered."""
    producer = Producer(local, kind=kind)
    assert producer.init() == 0
    for partition in (0, 1):
        assert producer.send("t", partition, b"%d" % partition) == 0
    assert producer.send_offsets("g", "u", 0, 5) == 0
    assert producer.end(commit=commit) == 0
    return True


def _logs(local: LocalBroker) -> list[PartitionLog]:
    return [log for topic in local.catalog.topics.values() for log in topic.partitions]


def _prepare(folder: Path) -> None:
    local = _start(folder)
    local.catalog.create_topic("t", 2, {})
    local.catalog.create_topic("u", 1, {})
    warm = Producer(local, "warm")
    warm.init()
    warm.send_offsets("warm", "u", 0, 1)
    warm.commit()
    local.close()


@pytest.mark.parametrize("torn_bytes", [0, 40])
@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("kind", [OLD, NEW])
def test_a_crash_at_any_write_leaves_all_or_nothing(tmp_path: Path, kind: int, commit: bool, torn_bytes: int) -> None:
    fates: set[bool] = set()
    _prepare(tmp_path / "prepared")
    for die_after in range(1, 60):
        folder = tmp_path / str(die_after)
        shutil.copytree(tmp_path / "prepared", folder)
        disk = FaultyFileSystem()
        disk.torn_bytes = torn_bytes
        local = _start(folder, disk)
        disk.die_at = disk.calls + die_after
        answered = False
        with contextlib.suppress(PowerCut):
            answered = _script(local, kind, commit=commit)
        kill(local.catalog)
        fates.add(_check_after_the_crash(folder, answered=answered, commit=commit))
        if answered:
            break
    else:
        pytest.fail("the script has more writes than expected")
    assert fates == {False, commit}, "crashes on both sides of the decision were met"


def _check_after_the_crash(folder: Path, *, answered: bool, commit: bool) -> bool:
    """Whether the transaction turned out to be committed."""
    local = _start(folder)
    local.advance(61)  # what is still open times out
    assert all(not log.producers.ongoing for log in _logs(local))
    seen = [read_committed(local, "t", 0), read_committed(local, "t", 1), committed_offset(local, "g", "u")[1]]
    assert seen in ([[b"0"], [b"1"], 5], [[], [], -1])
    committed = seen[2] == 5
    assert not committed or commit
    assert not answered or committed == commit, "what was promised holds"
    successor = Producer(local)
    assert successor.init() == 0
    assert successor.send("t", 0, b"next") == 0
    assert successor.commit() == 0
    assert read_committed(local, "t", 0)[-1] == b"next"
    local.close()
    return committed


def test_trap_13_producers_and_open_transactions_survive_a_kill(tmp_path: Path) -> None:
    _prepare(tmp_path / "data")
    local = _start(tmp_path / "data")
    producer = Producer(local, kind=OLD)
    producer.init()
    producer.send("t", 0, b"a")
    producer.send("t", 0, b"b")
    kill(local.catalog)
    local = producer.local = _start(tmp_path / "data")
    log = local.catalog.topics["t"].partitions[0]
    assert log.last_stable_offset == 0, "the transaction is still open"
    end = log.log_end_offset
    producer.sequences["t", 0] = 1
    assert producer.send("t", 0, b"b") == 0
    assert log.log_end_offset == end, "a duplicate from before the kill is recognised"
    assert producer.send("t", 0, b"c") == 0
    assert producer.commit() == 0
    assert read_committed(local, "t", 0) == [b"a", b"b", b"c"]
    local.close()


def test_trap_13_the_state_is_rebuilt_from_the_log_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    _prepare(folder)
    local = _start(folder)
    producer = Producer(local, kind=OLD)
    producer.init()
    producer.send("t", 0, b"a")
    producer.abort()
    producer.send("t", 0, b"b")
    kill(local.catalog)
    for pattern in ("*.snapshot", "*.txnindex", "*.index", "*.timeindex", "leader-epoch-checkpoint"):
        for path in folder.glob(f"*/{pattern}"):
            path.unlink()
    (folder / "meta" / "checkpoint.json").unlink()
    local = producer.local = _start(folder)
    assert local.catalog.topics["t"].partitions[0].last_stable_offset == 2
    producer.sequences["t", 0] = 3
    assert producer.send("t", 0, b"gap") != 0
    producer.sequences["t", 0] = 2
    assert producer.send("t", 0, b"c") == 0
    producer.commit()
    assert read_committed(local, "t", 0) == [b"b", b"c"], "the abort is known again"
    local.close()


def test_a_damaged_index_of_aborts_is_refused_never_believed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    _prepare(folder)
    local = _start(folder)
    producer = Producer(local)
    producer.init()
    producer.send("t", 0, b"a")
    producer.abort()
    local.close()
    (path,) = folder.glob("t-0/*.txnindex")
    data = bytearray(path.read_bytes())
    data[3] ^= 1
    path.write_bytes(data)
    local = _start(folder)
    (row,) = fetch(local, "t", {0: 0})
    assert (row.error_code, row.records or b"") == (56, b"")
    assert read_uncommitted(local, "t", 0) == [b"a"]
    local.close()


def test_a_transaction_that_no_coordinator_knows_is_aborted_at_start(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    _prepare(folder)
    local = _start(folder)
    producer = Producer(local)
    producer.init()
    producer.send("t", 0, b"a")
    kill(local.catalog)
    for path in folder.glob("__transaction_state-0/*.log"):
        path.write_bytes(b"")  # a power cut took it
    local = _start(folder)
    assert local.catalog.topics["t"].partitions[0].last_stable_offset == 2
    assert read_committed(local, "t", 0) == []
    local.close()


def test_compaction_of_committed_offsets_keeps_what_is_pending(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    _prepare(folder)
    small = {**SETTINGS, "offsets.topic.compaction.min.bytes": "3000"}
    local = LocalBroker(folder, file_system=FaultyFileSystem(), **small)
    held, busy = Producer(local), Producer(local, "busy")
    held.init()
    busy.init()
    held.send_offsets("g", "u", 0, 5)
    for offset in range(60):
        busy.send_offsets("busy", "u", 0, offset)
        busy.commit()
        local.advance(0.1)
    log = local.catalog.topics["__consumer_offsets"].partitions[0]
    assert log.log_start_offset == 0, "nothing is cut off while a transaction has records there"
    kill(local.catalog)
    local = held.local = busy.local = LocalBroker(folder, file_system=FaultyFileSystem(), **small)
    assert committed_offset(local, "g", "u") == (88, -1), "still pending after a kill"
    assert held.commit() == 0
    for offset in range(60):
        busy.send_offsets("busy", "u", 0, offset)
        busy.commit()
        local.advance(0.1)
    log = local.catalog.topics["__consumer_offsets"].partitions[0]
    assert log.log_start_offset > 0
    kill(local.catalog)
    local = LocalBroker(folder, file_system=FaultyFileSystem(), **small)
    assert [committed_offset(local, group, "u") for group in ("g", "busy")] == [(0, 5), (0, 59)]
    local.close()
