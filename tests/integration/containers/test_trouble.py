"""What can be wrong with an engine, an image, a port or a limit: each a clear error, and nothing left."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from harness.brokers import create, engine, images
from harness.brokers.choose import choose_backend
from harness.errors import BrokerMissing, BrokerStartFailed, HarnessError, PortBusy, UsageError
from tests.end_to_end.harness_process import run_harness
from tests.integration.containers.engines import Doorway, environment, eventually, left_over


@pytest.fixture
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    address = f"unix://{tmp_path}/none.sock"
    monkeypatch.setenv("DOCKER_HOST", address)
    yield address
    engine.forget()


def test_no_engine(no_engine: str, tmp_path: Path) -> None:
    with pytest.raises(BrokerMissing, match=r"no container engine is running: there is no .*none\.sock") as caught:
        create("pylog", root=tmp_path, backend="docker").start(tier="D1", settings={})
    assert "systemctl start docker" in str(caught.value.next_command)
    choice = choose_backend(["pylog"], lambda _: None)
    assert choice.backend == "process"
    assert "no container engine" in choice.reason


def test_a_run_without_an_engine_says_so_for_every_broker(no_engine: str, tmp_path: Path) -> None:
    done = run_harness(tmp_path, "run", "password_reset", "-b", "pylog,rabbitmq", "--backend", "docker", "-o", "out")
    assert done.status == 3, done.err
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [(column["state"], "no container engine" in column["reason"]) for column in result["brokers"]] == [
        ("not_run", True)
    ] * 2


def test_something_else_listens_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{other.getsockname()[1]}")
        monkeypatch.setattr(engine, "TIMEOUT_S", 1.0)
        with pytest.raises(BrokerMissing, match="no container engine answers"):
            engine.connect()
    engine.forget()


@pytest.mark.container("pylog")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody without permission")
def test_no_permission_on_the_socket() -> None:
    engine.forget()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65_534)
            os.setuid(65_534)
            engine.connect()
            text = "connected"
        except HarnessError as error:
            text = f"{error.code} {error.message} | {error.next_command}"
        except BaseException as error:
            text = repr(error)
        os.write(write, text.encode())
        os._exit(0)
    os.close(write)
    text = os.read(read, 4096).decode()
    os.close(read)
    os.waitpid(child, 0)
    assert text.startswith("H010 no permission to talk to the container engine"), text
    assert "usermod -aG docker" in text


@pytest.mark.container("pylog")
def test_an_image_that_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_RABBITMQ_IMAGE", "127.0.0.1:9/no-such/image:1")
    with pytest.raises(BrokerMissing, match="cannot be pulled") as caught:
        create("rabbitmq", root=tmp_path, backend="docker").start(tier="D1", settings={})
    assert caught.value.next_command == "docker pull 127.0.0.1:9/no-such/image:1"
    choice = choose_backend(["pylog", "rabbitmq"], lambda _: None)
    assert (choice.backend, "docker pull" in choice.reason) == ("process", True)
    monkeypatch.delenv("HARNESS_RABBITMQ_IMAGE")
    with pytest.raises(BrokerMissing, match="cannot be pulled") as caught:
        images.pull("127.0.0.1:9/no-such/image:1", lambda _: None)
    assert caught.value.next_command == "make images"
    assert left_over(tmp_path, "rabbitmq") == []


@pytest.mark.container("pylog")
def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        broker = create("pylog", root=tmp_path, backend="docker", url=f"127.0.0.1:{port}")
        with pytest.raises(PortBusy, match=f"port {port} on 127.0.0.1 is taken"):
            broker.start(tier="D1", settings={})
    assert left_over(tmp_path) == []


@pytest.mark.container("pylog")
@pytest.mark.thorough  # over a minute of a kernel that looks for memory; the next one is killed for the same reason
def test_killed_by_its_memory_limit(tmp_path: Path) -> None:
    broker = create("pylog", root=tmp_path, backend="docker")
    with pytest.raises(BrokerStartFailed, match=r"memory limit \(8 MiB\)"):
        broker.start(tier="D1", settings={"container.memory": "8m"})
    broker.wipe()
    assert left_over(tmp_path) == []


@pytest.mark.container("activemq")
def test_killed_by_its_memory_limit_in_the_middle(tmp_path: Path) -> None:
    """Something else in the container takes what is left; the kernel kills the largest, which is the broker."""
    broker = create("activemq", root=tmp_path, backend="docker")
    try:
        info = broker.start(tier="D1", settings={"container.memory": "210m"})
        assert broker.trouble() == ""
        engine.connect().containers.get(info.management["container"]).exec_run(["tail", "/dev/zero"], detach=True)
        assert eventually(lambda: broker.trouble() == "it was killed by its memory limit (210 MiB)"), broker.trouble()
        assert broker.pids() == ()
    finally:
        broker.stop()
        broker.wipe()
    assert left_over(tmp_path, "activemq") == []


@pytest.mark.container("pylog")
def test_one_that_ends_while_starting_tells_its_words(tmp_path: Path) -> None:
    broker = create("pylog", root=tmp_path, backend="docker")
    with pytest.raises(BrokerStartFailed, match=r"no\.such\.setting"):
        broker.start(tier="D1", settings={"no.such.setting": "1"})
    broker.wipe()
    assert left_over(tmp_path) == []
    assert "no.such.setting" in (tmp_path / "broker.log").read_text()


@pytest.mark.container("pylog")
def test_somebody_removes_its_container(tmp_path: Path) -> None:
    broker = create("pylog", root=tmp_path, backend="docker")
    info = broker.start(tier="D1", settings={})
    engine.connect().containers.get(info.management["container"]).remove(force=True)
    assert eventually(lambda: broker.trouble() == "somebody removed its container")
    assert broker.pids() == ()
    broker.stop()
    broker.wipe()


def test_limits_of_a_process_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"container\.memory is a setting of containers"):
        create("pylog", root=tmp_path).start(tier="D1", settings={"container.memory": "1g"})


GONE = """
    import json, sys
    from pathlib import Path
    from harness.brokers import create
    from harness.errors import BrokerUnavailable
    broker = create("pylog", root=Path(sys.argv[1]), backend="docker")
    broker.start(tier="D1", settings={})
    print("ready", flush=True)
    sys.stdin.readline()
    while not (trouble := broker.trouble()):
        pass
    try:
        broker.stop()
    except BrokerUnavailable as error:
        print(json.dumps([trouble, error.message, list(broker.pids())]), flush=True)
"""


def ended(name: str) -> bool:
    """It has stopped, or whoever looks after it has removed it already."""
    try:
        return engine.connect().containers.get(name).status == "exited"
    except docker.errors.NotFound:
        return True


@pytest.mark.container("pylog")
def test_the_engine_dies_in_the_middle_and_comes_back(tmp_path: Path) -> None:
    """The broker ends with the run although nobody can be asked to stop it; what is left goes when the engine is back."""
    door = Doorway(tmp_path / "engine.sock")
    argv = [sys.executable, "-c", textwrap.dedent(GONE), str(tmp_path)]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(DOCKER_HOST=door.address)
    ) as harness:
        assert harness.stdin is not None
        assert harness.stdout is not None
        assert harness.stdout.readline() == "ready\n"
        door.close()
        harness.stdin.write("gone\n")
        harness.stdin.flush()
        trouble, error, pids = json.loads(harness.stdout.readline())
    assert "does not answer any more" in trouble
    assert "does not answer any more" in error
    assert pids == []
    name = left_over(tmp_path)[0].partition(" ")[2]
    assert eventually(lambda: ended(name))
    door.open()
    assert eventually(lambda: left_over(tmp_path) == [])
    door.close()
