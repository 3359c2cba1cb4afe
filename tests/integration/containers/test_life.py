"""The life of each broker in a container, and that nothing of one stays."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.brokers import REGISTRY, BrokerState, commands, create, engine, images, orphans, ports
from harness.brokers.docker import DockerBroker
from harness.brokers.handshake import NotReady
from harness.brokers.identity import ProcessIdentity
from harness.brokers.owner import DETACHED_LABEL, LABEL, Owner
from harness.errors import BrokerUnavailable, PortBusy, UsageError
from tests.integration.containers.engines import eventually, left_over

NAMES = ("pylog", "rabbitmq", "activemq", "kafka")
EACH = [pytest.param(name, marks=pytest.mark.container(name)) for name in NAMES]


@contextlib.contextmanager
def instance(name: str, root: Path) -> Iterator[DockerBroker]:
    broker = create(name, root=root, backend="docker")
    assert isinstance(broker, DockerBroker)
    try:
        yield broker
    finally:
        broker.stop()
        broker.wipe()


@pytest.mark.parametrize("name", EACH)
def test_a_whole_life(name: str, tmp_path: Path) -> None:
    greet = REGISTRY[name].greet
    with instance(name, tmp_path) as broker:
        info = broker.start(tier="D1", settings={"container.memory": "2g", "container.cpus": "1.5"})
        assert (info.name, info.host, info.backend) == (name, "127.0.0.1", "docker")
        assert info.version_tuple, info.version
        greet(info.host, info.port, 5.0)
        ours = {key: info.settings[key] for key in info.settings if key.startswith("container.")}
        assert ours["container.image.id"].startswith("sha256:")
        assert (ours["container.memory"], ours["container.cpus"]) == ("2048 MiB", "1.5")
        told = engine.connect().containers.get(info.management["container"]).attrs["HostConfig"]
        assert (told["Memory"], told["MemorySwap"], told["NanoCpus"]) == (2 << 30, 2 << 30, 1_500_000_000)
        assert told["PortBindings"] == {f"{info.port}/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(info.port)}]}

        look = broker.inspect()
        assert (look.state, look.port, look.pid) == (BrokerState.RUNNING, info.port, broker.pids()[0])
        assert look.cpu_seconds > 0
        assert look.rss_bytes > 5_000_000
        assert look.disk_bytes > 0
        from_engine = broker.container.engine_usage()
        assert from_engine is not None
        assert from_engine.cpu_seconds >= look.cpu_seconds * 0.5
        assert from_engine.rss_bytes > 5_000_000

        paused = broker.pause()
        assert paused.bit
        assert broker.inspect().state is BrokerState.PAUSED
        with pytest.raises(NotReady):
            greet(info.host, info.port, 0.3)
        assert broker.resume().bit
        greet(info.host, info.port, 5.0)
        assert broker.log_tail(5)
        with pytest.raises(UsageError):
            broker.wipe()

        broker.stop()
        assert broker.pids() == ()
        assert not ports.answers(info.host, info.port)
        assert [line for line in left_over(tmp_path, name) if line.startswith("container")] == []
        assert (tmp_path / "broker.log").stat().st_size > 0
        broker.stop()  # twice is fine
        broker.wipe()
        assert left_over(tmp_path, name) == []


@pytest.mark.container("pylog")
def test_killed_and_started_again_on_the_same_data(tmp_path: Path) -> None:
    with instance("pylog", tmp_path) as broker:
        info = broker.start(tier="D1", settings={})
        code, _ = broker.container._handle.exec_run(["touch", "/var/lib/pylog/mark"])
        assert code == 0
        first = broker.pids()
        evidence = broker.kill()
        assert evidence.bit, evidence
        assert (evidence.exit_status, evidence.answers, evidence.pid) == (-signal.SIGKILL, False, first[0])
        assert 0 < evidence.at_ns <= evidence.seen_ns
        assert broker.inspect().state is BrokerState.STOPPED
        assert "status 137" in broker.trouble()
        again = broker.restart()
        assert (again.port, again.settings) == (info.port, info.settings)
        assert broker.trouble() == ""
        broker.stop()
        broker.restart()  # a new container on the old volume
        code, _ = broker.container._handle.exec_run(["ls", "/var/lib/pylog/mark"])
        assert code == 0


@pytest.mark.container("pylog")
def test_one_folder_serves_one_broker(tmp_path: Path) -> None:
    with instance("pylog", tmp_path) as broker:
        broker.start(tier="D1", settings={})
        with pytest.raises(UsageError, match="runs already"):
            broker.start(tier="D1", settings={})
        with pytest.raises(PortBusy, match="another container is called"):
            create("pylog", root=tmp_path, backend="docker").start(tier="D1", settings={})
        assert broker.trouble() == ""
    with pytest.raises(BrokerUnavailable):
        broker.kill()


HARNESS = """
    import sys, time
    from pathlib import Path
    from harness.brokers import create
    broker = create("pylog", root=Path(sys.argv[1]), backend="docker")
    if "starting" in sys.argv:
        broker._await_greeting = lambda _: print("ready", flush=True) or time.sleep(100)
    broker.start(tier="D1", settings={})
    if "paused" in sys.argv:
        assert broker.pause().bit
    print("ready", flush=True)
    time.sleep(100)
"""


@pytest.mark.container("pylog")
@pytest.mark.parametrize("how", ["running", "paused", "starting"])
def test_nothing_outlives_a_killed_harness(how: str, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", textwrap.dedent(HARNESS), str(tmp_path), how]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as harness:
        try:
            assert harness.stdout is not None
            assert harness.stdout.readline() == "ready\n"
            assert len(left_over(tmp_path)) == 2
        finally:
            harness.kill()
    assert eventually(lambda: left_over(tmp_path) == [])


@pytest.mark.container("pylog")
def test_an_orphan_is_told_from_a_broker_of_a_run_that_goes_on(tmp_path: Path) -> None:
    client = engine.connect()
    mine = Owner.mine()
    gone = Owner(
        ProcessIdentity(mine.process.pid, mine.process.started_ticks - 1, mine.process.boot_id),
        mine.pid_namespace,
        mine.host,
    )
    elsewhere = Owner(gone.process, gone.pid_namespace, "another-machine")
    cases = {
        "alive": ({LABEL: mine.label()}, False),
        "dead": ({LABEL: gone.label()}, True),
        "elsewhere": ({LABEL: elsewhere.label()}, False),
        "left": ({LABEL: gone.label(), DETACHED_LABEL: "/somewhere"}, False),
        "left-here": ({LABEL: gone.label(), DETACHED_LABEL: str(tmp_path)}, True),
        "odd": ({LABEL: "{"}, False),
    }
    found = images.present("pylog")
    assert found is not None
    made = {}
    try:
        for case, (labels, _) in cases.items():
            made[case] = client.containers.create(found.name, name=f"{tmp_path.name}-{case}", labels=labels)
        removed = orphans.sweep(client, state_folder=str(tmp_path))
        assert {case: made[case].name in removed for case in cases} == {case: dead for case, (_, dead) in cases.items()}
    finally:
        for container in made.values():
            orphans.remove_container(container)


@pytest.mark.container("pylog")
def test_up_outlives_its_command_and_down_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_HOME", str(tmp_path))
    code = "from harness.brokers import commands; print(commands.up('pylog', backend='docker').info.port)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    port = int(done.stdout)
    assert ports.answers("127.0.0.1", port)
    (up,) = commands.ls()
    try:
        assert up.alive
        assert commands.logs("pylog")
        with pytest.raises(UsageError, match="runs already"):
            commands.up("pylog", backend="docker")
        commands.down("pylog")
        assert not ports.answers("127.0.0.1", port)
        assert left_over(up.folder) == [f"volume {up.container}"]  # its data, for the next time
        assert commands.logs("pylog")  # of one that is down
        again = commands.up("pylog", backend="docker")
        assert again.container == up.container
    finally:
        assert len(commands.down_all(wipe=True)) == 1
    assert left_over(up.folder) == []
