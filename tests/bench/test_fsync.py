"""The fsync ledger: strace's words, what covers an acknowledgement, and claims that do not hold."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.adapters.registry import create_adapter
from harness.bench.fsync import Load, Sync, _window, bench_fsync, covered, judge, table
from harness.bench.strace import CannotTrace, Tracer, parse, synchronous_files
from harness.brokers import create
from harness.model.broker import Tier
from harness.model.result import SyncRow
from harness.model.workload import Needs

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace: apt-get install strace")

WORDS = """\
101 1700000000.000100 fsync(3</data/a.log>) = 0 <0.000500>
102 1700000000.000200 fdatasync(4</data/b.log> <unfinished ...>
101 1700000000.000900 fsync(3</data/a.log>) = -1 EIO (Input/output error) <0.000100>
102 1700000000.002000 <... fdatasync resumed>) = 0 <0.001800>
103 1700000000.003000 msync(0x7f0000000000, 4096, MS_ASYNC) = 0 <0.000010>
103 1700000000.004000 msync(0x7f0000000000, 4096, MS_SYNC) = 0 <0.000010>
104 1700000000.005000 sync_file_range(5</data/c.log>, 0, 4096, SYNC_FILE_RANGE_WRITE) = 0 <0.000010>
105 1700000000.006000 fsync(6</data/d.log> <unfinished ...>
105 1700000000.007000 +++ exited with 0 +++
"""


def test_the_words_of_strace() -> None:
    found = list(parse(WORDS.splitlines()))
    assert [(sync.name, sync.path) for sync in found] == [
        ("fsync", "/data/a.log"),
        ("fdatasync", "/data/b.log"),
        ("msync", ""),
        ("sync_file_range", "/data/c.log"),
    ]
    assert found[0].end_s - found[0].begin_s == pytest.approx(0.0005, abs=1e-6)
    assert found[1].end_s - found[1].begin_s == pytest.approx(0.0018, abs=1e-6)
    assert [sync.durable for sync in found] == [True, True, True, False]


def _sync(begin: float, end: float, name: str = "fsync") -> Sync:
    return Sync(name, begin, end, "/data/log")


def test_a_message_is_covered_by_a_sync_between_its_submission_and_its_acknowledgement() -> None:
    times = [(1.0, 2.0)]
    assert covered(times, [_sync(1.2, 1.8)]) == 1
    assert covered(times, [_sync(0.5, 1.8)]) == 0, "it began before the message was there"
    assert covered(times, [_sync(1.2, 2.5)]) == 0, "it ended after the acknowledgement"
    assert covered(times, [_sync(1.2, 1.8, "sync_file_range")]) == 0, "it promises nothing"
    assert covered(times, []) == 0
    assert covered([(1.0, 2.0), (1.1, 2.0), (1.5, 2.0)], [_sync(1.2, 1.8)]) == 2, "one sync covers a group"
    assert covered(times, [_sync(1.1, 9.0), _sync(1.3, 1.4)]) == 1, "a long one does not hide a short one"


def _row(**parts: object) -> SyncRow:
    row = {
        "broker": "b",
        "label": "b",
        "tier": "D2",
        "window": 1,
        "payload_bytes": 1,
        "acknowledged": 10,
        "covered": 10,
    }
    return SyncRow.model_validate(row | {"syncs": {"fsync": 10}} | parts)


def test_claims_are_held_against_the_counts() -> None:
    assert judge(_row(), []).state == "proven"
    assert judge(_row(covered=9), []).state == "contradicted"
    assert judge(_row(syncs={"fsync": 9}), []).state == "contradicted", "at one in flight each needs its own"
    assert judge(_row(syncs={"sync_file_range": 10}), []).state == "contradicted"
    assert judge(_row(window=100, acknowledged=1000, covered=1000, syncs={"fsync": 10}), []).state == "proven"
    assert judge(_row(window=100, acknowledged=1000, covered=1000, syncs={"fsync": 9}), []).state == "contradicted"
    assert judge(_row(tier="D1", covered=0, syncs={}), []).state == "no_claim"
    assert judge(_row(covered=0), ["/data/sync"]).state == "not_run", "O_SYNC shows no call"
    assert judge(_row(acknowledged=0, covered=0), []).state == "not_run"
    assert "contradicted" in table([judge(_row(covered=9), [])])


SYNCING = """
import os, sys
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
durable = os.open(sys.argv[1] + ".sync", os.O_WRONLY | os.O_CREAT | os.O_DSYNC)
print("ready", flush=True)
for line in sys.stdin:
    os.write(file, b"x")
    os.fsync(file)
    print("done", flush=True)
"""


@needs_strace
def test_syncs_of_a_living_process_are_counted(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SYNCING, str(tmp_path / "file")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        assert synchronous_files([process.pid]) == [str(tmp_path / "file.sync")]
        with Tracer([process.pid], tmp_path) as tracer:
            for _ in range(3):
                process.stdin.write("go\n")
                process.stdin.flush()
                process.stdout.readline()
        assert [(sync.name, sync.path) for sync in tracer.syncs] == [("fsync", str(tmp_path / "file"))] * 3
        process.stdin.close()
    assert process.returncode == 0, "it was let go unharmed"


@needs_strace
def test_what_cannot_be_traced_is_said(tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    tracer = Tracer([gone.pid], tmp_path)
    tracer._pids = [gone.pid]
    with pytest.raises(CannotTrace, match="strace cannot look"), tracer:
        raise AssertionError("it attached to nothing")


@needs_strace
@pytest.mark.broker("pylog")
def test_pylog_proves_d2_and_a_false_claim_is_found(tmp_path: Path) -> None:
    load = Load({1: 20, 100: 200})
    one, many = bench_fsync(brokers=["pylog"], tiers=[Tier.D2], load=load)
    assert (one.state, one.covered, one.acknowledged) == ("proven", 20, 20), one
    assert (many.state, many.covered) == ("proven", 200), many
    assert one.syncs_per_message is not None
    assert one.syncs_per_message >= 1 > (many.syncs_per_message or 0) > 0

    broker = create("pylog", root=tmp_path / "broker")
    try:
        info = broker.start(tier="D1", settings={})
        adapter = create_adapter("kafka", {})
        plan = adapter.plan(info, Needs(groups={"one": 1}), Tier.D1, "hfalse")
        adapter.provision(info, plan)
        claimed = SyncRow(broker="pylog", label="pylog", tier="D2", window=0, payload_bytes=1024)
        row = _window(claimed, broker, info, adapter, plan, 1, 20, tmp_path)
    finally:
        broker.stop()
    assert row.state == "contradicted"
    assert row.acknowledged == 20
    assert (row.covered or 0) < 20
