"""The life of each real broker: started, killed, restarted, paused, wiped, stopped, and never left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.brokers import REGISTRY, BrokerState, create, ports
from harness.brokers.handshake import NotReady
from harness.brokers.process import ProcessBroker
from harness.errors import BrokerStartFailed, BrokerUnavailable, PortBusy, UsageError
from tests.brokers.processes import touching, wait_until_none

NAMES = ("pylog", "rabbitmq", "activemq", "kafka")
EACH = [pytest.param(name, marks=pytest.mark.broker(name)) for name in NAMES]


@contextlib.contextmanager
def instance(name: str, root: Path) -> Iterator[ProcessBroker]:
    broker = create(name, root=root)
    assert isinstance(broker, ProcessBroker)
    try:
        yield broker
    finally:
        broker.stop()


@pytest.mark.parametrize("name", EACH)
def test_a_whole_life(name: str, tmp_path: Path) -> None:
    """One start serves many looks: brokers take seconds to come up."""
    greet = REGISTRY[name].greet
    with instance(name, tmp_path) as broker:
        info = broker.start(tier="D1", settings={})
        assert (info.name, info.host, info.backend) == (name, "127.0.0.1", "process")
        assert info.version_tuple, info.version
        assert dict(info.settings) == REGISTRY[name].server_settings("D1")
        greet(info.host, info.port, 5.0)
        listeners_are_loopback_only(tmp_path)

        look = broker.inspect()
        assert (look.state, look.port, look.pid) == (BrokerState.RUNNING, info.port, broker.pids()[0])
        assert look.cpu_seconds > 0
        assert look.rss_bytes > 5_000_000
        assert 0 < look.uptime_s < 120

        paused = broker.pause()
        assert paused.bit
        assert paused.process_state == "T"
        assert broker.inspect().state is BrokerState.PAUSED
        with pytest.raises(NotReady):
            greet(info.host, info.port, 0.3)
        assert broker.resume().bit
        greet(info.host, info.port, 5.0)

        first = broker.pids()
        evidence = broker.kill()
        assert evidence.bit, evidence
        assert (evidence.exit_status, evidence.answers, evidence.pid) == (-signal.SIGKILL, False, first[0])
        assert 0 < evidence.at_ns <= evidence.seen_ns
        assert touching(tmp_path) == {}
        assert broker.inspect().state is BrokerState.STOPPED
        with pytest.raises(BrokerUnavailable):
            broker.kill()

        again = broker.restart()
        assert (again.port, again.settings) == (info.port, info.settings)
        assert broker.pids() != first
        assert broker.inspect().disk_bytes > 0
        assert broker.log_tail(5)
        with pytest.raises(UsageError):
            broker.wipe()

        broker.stop()
        assert touching(tmp_path) == {}
        assert broker.pids() == ()
        broker.stop()  # twice is fine
        broker.wipe()
        assert broker.inspect().disk_bytes == 0
        assert not ports.answers(info.host, info.port)


def listeners_are_loopback_only(folder: Path) -> None:
    """Every TCP listener of the broker's processes is on this machine's own addresses."""
    inodes = set()
    for pid in touching(folder):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                target = os.readlink(descriptor)
                if target.startswith("socket:["):
                    inodes.add(target[8:-1])
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                listening.append(fields[1].split(":")[0])
    assert listening
    # 127.0.0.1, the same inside IPv6, and ::1 (of RabbitMQ's epmd)
    loopback = {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"}
    assert set(listening) <= loopback


HARNESS = """
    import sys, time
    from pathlib import Path
    from harness.brokers import create
    broker = create(sys.argv[1], root=Path(sys.argv[2]))
    info = broker.start(tier="D1", settings={})
    if "paused" in sys.argv:
        assert broker.pause().bit
    print("ready", flush=True)
    time.sleep(100)
"""


@pytest.mark.parametrize(
    ("name", "how"),
    [
        pytest.param(name, how, marks=pytest.mark.broker(name))
        for name, how in [(name, "running") for name in NAMES] + [("pylog", "paused"), ("rabbitmq", "paused")]
    ],
)
def test_nothing_outlives_a_killed_harness(name: str, how: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", textwrap.dedent(HARNESS), name, str(tmp_path), how]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as harness:
        try:
            assert harness.stdout is not None
            assert harness.stdout.readline() == "ready\n"
            assert len(touching(tmp_path)) >= 2
        finally:
            harness.kill()
    assert wait_until_none(tmp_path) == {}


@pytest.mark.broker("kafka")
def test_nothing_outlives_a_harness_killed_during_the_start(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", textwrap.dedent(HARNESS), "kafka", str(tmp_path), "running"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as harness:
        while not any("/bin/java" in text for text in touching(tmp_path).values()):
            assert harness.poll() is None
        harness.kill()
    assert wait_until_none(tmp_path) == {}


@pytest.mark.parametrize("name", [*EACH[:2]])
def test_two_of_a_kind_run_side_by_side(name: str, tmp_path: Path) -> None:
    with instance(name, tmp_path / "a") as one, instance(name, tmp_path / "b") as two:
        first = one.start(tier="D1", settings={})
        second = two.start(tier="D1", settings={})
        assert first.port != second.port
        one.kill()
        REGISTRY[name].greet(second.host, second.port, 5.0)


def test_one_folder_serves_one_broker(tmp_path: Path) -> None:
    with instance("pylog", tmp_path) as one, instance("pylog", tmp_path) as two:
        one.start(tier="D1", settings={})
        with pytest.raises(PortBusy, match="another pylog is running on the folder"):
            two.start(tier="D1", settings={})
        REGISTRY["pylog"].greet("127.0.0.1", one.inspect().port, 5.0)


@pytest.mark.parametrize("name", EACH)
def test_a_busy_port_is_named_with_its_holder(name: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        broker = create(name, root=tmp_path, url=f"127.0.0.1:{port}")
        with pytest.raises(PortBusy, match=f"port {port} .*pid {os.getpid()}") as caught:
            broker.start(tier="D1", settings={})
    assert str(port) in (caught.value.next_command or "")
    assert touching(tmp_path) == {}


WRONG = {
    "pylog": {"log.segment.bytes": "many"},
    "rabbitmq": {"no.such.key": "1"},
    "activemq": {"memoryUsage": "plenty"},
    "kafka": {"log.segment.bytes": "many"},
}


@pytest.mark.parametrize("name", EACH)
def test_one_that_dies_at_start_is_an_error_with_its_last_words(name: str, tmp_path: Path) -> None:
    with instance(name, tmp_path) as broker:
        with pytest.raises(BrokerStartFailed) as caught:
            broker.start(tier="D1", settings=WRONG[name])
        (culprit,) = WRONG[name].values() if name != "rabbitmq" else ("no.such.key",)
        assert culprit in caught.value.message
        assert "while starting" in caught.value.message
        assert caught.value.next_command == f"harness doctor {name}"
        assert touching(tmp_path) == {}
        assert broker.pids() == ()


def test_a_kill_that_came_too_late_did_not_bite(tmp_path: Path) -> None:
    with instance("pylog", tmp_path) as broker:
        broker.start(tier="D1", settings={})
        os.kill(broker.pids()[0], signal.SIGTERM)
        assert broker.supervisor.join(10)
        evidence = broker.kill()
        assert (evidence.bit, evidence.exit_status) == (False, 0)
        assert broker.restart()


def test_a_death_in_the_middle_is_seen(tmp_path: Path) -> None:
    with instance("pylog", tmp_path) as broker:
        broker.start(tier="D1", settings={})
        os.kill(broker.pids()[0], signal.SIGKILL)
        supervisor = broker.supervisor
        assert supervisor.join(10)
        assert broker.pids() == ()
        assert broker.inspect().state is BrokerState.STOPPED
        with pytest.raises(UsageError, match="never"):
            create("pylog", root=tmp_path / "x").restart()
        assert broker.restart().port == broker.inspect().port
