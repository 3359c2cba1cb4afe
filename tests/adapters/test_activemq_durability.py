"""What an acknowledgement of ActiveMQ is worth at D1: the broker is killed while it syncs its journal, when it would lose most."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.adapters.activemq import ActivemqAdapter
from harness.bench.strace import Tracer
from harness.brokers import create
from harness.brokers.api import Broker
from harness.errors import BrokerMissing, BrokerUnavailable
from harness.model.broker import Tier
from harness.model.messages import Outcome
from harness.model.workload import Needs
from tests.contract.subject import Bench, batch_of, numbered, sequence_of, settle_all, take

pytestmark = [
    pytest.mark.broker("activemq"),
    pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace: apt-get install strace"),
]
GROUPS = {"a": 1, "b": 1, "c": 1}
MINUTE_US = 60_000_000


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = create("activemq", root=tmp_path / "activemq")
    yield broker
    broker.stop()


@contextmanager
def killed_while_it_syncs(broker: Broker, scratch: Path) -> Iterator[None]:
    """Every sync that begins from here on lasts until the end, and the end is signal 9."""
    (pid,) = broker.pids()
    with Tracer([pid], scratch):  # raises where nothing can be traced
        pass
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync"]
    command += ["-e", f"inject=fsync,fdatasync:delay_enter={MINUTE_US}", "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not all(_traced(task, process.pid) for task in Path(f"/proc/{pid}/task").iterdir()):
            assert time.monotonic() < deadline, "strace did not attach"
            time.sleep(0.01)
        yield
        os.kill(pid, signal.SIGKILL)
        process.kill()  # a tracer that holds a dying process up


def _traced(task: Path, tracer: int) -> bool:
    try:
        return f"TracerPid:\t{tracer}\n" in (task / "status").read_text()
    except OSError:  # a thread that has ended
        return True


def started(broker: Broker) -> Bench:
    try:
        info = broker.start(tier="D1", settings={})
    except BrokerMissing as missing:
        pytest.skip(f"{missing}")
    adapter = ActivemqAdapter({})
    plan = adapter.plan(info, Needs(groups=GROUPS), Tier.D1, "durable")
    assert plan.shape == "virtual-topics"
    adapter.provision(info, plan)
    return Bench(adapter, info, plan)


def test_what_was_acknowledged_while_the_journal_syncs_survives_a_kill(broker: Broker, tmp_path: Path) -> None:
    """With journalDiskSyncStrategy=periodic, all that is acknowledged during a sync waits in memory for the journal's one writer."""
    bench = started(broker)
    bench.publish_ok(numbered(20))
    acknowledged = set(range(20))
    publisher = bench.publisher()
    with killed_while_it_syncs(broker, tmp_path):
        number, deadline = 20, time.monotonic() + 2.5
        while time.monotonic() < deadline:
            number += publisher.submit(batch_of(numbered(1, start=number), first=number))
            outcomes = publisher.poll(0.02)
            acknowledged.update(outcomes.indexes[outcomes.outcomes == Outcome.OK].tolist())
            time.sleep(0.01)
    with pytest.raises(BrokerUnavailable):
        settle_all(publisher, [], 10_000)
    bench.broker = broker.restart()
    for group in GROUPS:
        got = {sequence_of(row.payload) for row in take(bench.subscriber(group), len(acknowledged))}
        assert acknowledged <= got, f"{group} lost {len(acknowledged - got)} of {len(acknowledged)}"


def test_a_message_for_several_groups_is_synced_once(broker: Broker, tmp_path: Path) -> None:
    """Not once a group: sent alone, each of its copies would be a transaction of the store."""
    bench = started(broker)
    publisher = bench.publisher(window=1)
    count = 20
    with Tracer(broker.pids(), tmp_path) as tracer:
        for number in range(count):
            assert publisher.submit(batch_of(numbered(1, start=number), first=number)) == 1
            settle_all(publisher, [], 1)
    journal = [sync for sync in tracer.syncs if sync.path.endswith(".log")]
    assert count <= len(journal) < 1.5 * count
