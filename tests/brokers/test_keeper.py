"""The keeper with real processes: shells and sleeps that do what badly behaved brokers do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.brokers.process import process_state
from harness.brokers.supervisor import Order, Supervisor
from tests.brokers.processes import touching, wait_until_none

ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for pid in touching(tmp_path):  # a failed test must not leave what it was looking for
        os.kill(pid, signal.SIGKILL)


def order(folder: Path, script: str, *, grace_s: float = 5.0, lock: Path | None = None) -> Order:
    env = ENVIRONMENT | {"MARK": str(folder)}
    argv = ["/bin/sh", "-c", textwrap.dedent(script)]
    return Order(argv, env, folder, folder / "log", lock=lock, grace_s=grace_s)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path.name}"
        time.sleep(0.005)


def test_kill_reports_signal_nine_and_leaves_nothing(folder: Path) -> None:
    supervisor = Supervisor(order(folder, "exec sleep 1000"))
    before = time.monotonic_ns()
    sent_ns = supervisor.kill()
    assert supervisor.exit_status == -signal.SIGKILL
    assert before <= sent_ns <= supervisor.exited_ns <= time.monotonic_ns()
    assert not supervisor.alive
    assert touching(folder) == {}


def test_helpers_in_sessions_of_their_own_die_too(folder: Path) -> None:
    script = """
        setsid sh -c 'setsid sleep 1001 & touch helper; exec sleep 1002' &
        while [ ! -e helper ]; do sleep 0.01; done
        touch ready
        exec sleep 1003
    """
    supervisor = Supervisor(order(folder, script))
    wait_for(folder / "ready")
    assert len([text for text in touching(folder).values() if "sleep 100" in text]) >= 3
    supervisor.kill()
    assert touching(folder) == {}


def test_orphans_of_a_broker_that_ends_by_itself_die_too(folder: Path) -> None:
    supervisor = Supervisor(order(folder, "setsid sleep 1001 & exit 3"))
    assert supervisor.join(10)
    assert supervisor.exit_status == 3
    assert touching(folder) == {}


def test_stop_is_in_order_first_and_by_force_after_the_grace_period(folder: Path) -> None:
    polite = Supervisor(order(folder, "trap 'touch asked; exit 0' TERM; touch ready; while :; do sleep 0.01; done"))
    wait_for(folder / "ready")
    polite.stop()
    assert polite.exit_status == 0
    assert (folder / "asked").exists()

    script = "trap '' TERM; touch deaf; while :; do sleep 0.01; done"
    deaf = Supervisor(order(folder, script, grace_s=0.1))
    wait_for(folder / "deaf")
    deaf.stop()
    assert deaf.exit_status == -signal.SIGKILL
    assert touching(folder) == {}


def test_a_paused_one_obeys_stop(folder: Path) -> None:
    supervisor = Supervisor(order(folder, "exec sleep 1000"))
    supervisor.signal(signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while process_state(supervisor.pid) != "T":
        assert time.monotonic() < deadline
        time.sleep(0.001)
    supervisor.stop()
    assert supervisor.exit_status == -signal.SIGTERM


HARNESS = """
    import os, signal, sys, time
    from pathlib import Path
    from harness.brokers.supervisor import Order, Supervisor
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have us ignore it
    folder = Path(sys.argv[1])
    script = "setsid sleep 1001 & exec sleep 1000"
    supervisor = Supervisor(Order(["/bin/sh", "-c", script], {"PATH": "/usr/bin:/bin", "MARK": str(folder)}, folder, folder / "log"))
    if "paused" in sys.argv:
        supervisor.signal(signal.SIGSTOP)
    if "forked" in sys.argv and os.fork() == 0:
        time.sleep(30)  # a worker that inherited every descriptor and outlives its parent
        os._exit(0)
    if "leaked" in sys.argv:  # somebody handed the pipe itself on; only the pidfd can tell now
        import subprocess
        pipe = supervisor._process.stdin.fileno()
        subprocess.Popen(["/bin/sleep", "30"], pass_fds=[pipe], env={}, cwd="/", stdout=subprocess.DEVNULL)
    print(supervisor.pid, supervisor.keeper_pid, flush=True)
    time.sleep(60)
"""


def start_harness(folder: Path, *how: str) -> tuple[subprocess.Popen[str], int, int]:
    argv = [sys.executable, "-c", textwrap.dedent(HARNESS), str(folder), *how]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    main, keeper = process.stdout.readline().split()
    return process, int(main), int(keeper)


@pytest.mark.parametrize("how", ["plain", "paused", "forked", "leaked"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_outlives_the_harness(folder: Path, how: str, number: signal.Signals) -> None:
    process, _, _ = start_harness(folder, how)
    os.kill(process.pid, number)
    process.wait()
    try:
        assert wait_until_none(folder, besides_group=process.pid) == {}
    finally:
        if how in ("forked", "leaked"):
            os.killpg(process.pid, signal.SIGKILL)
        assert process.stdout is not None
        process.stdout.close()


def test_the_broker_dies_with_its_keeper(folder: Path) -> None:
    supervisor = Supervisor(order(folder, "exec sleep 1000"))
    os.kill(supervisor.keeper_pid, signal.SIGKILL)
    assert supervisor.join(10)
    assert wait_until_none(folder) == {}
    assert not supervisor.alive
    assert supervisor.exit_status is None  # nobody was there to see it


def test_a_forked_child_lets_go_of_the_pipe(folder: Path) -> None:
    """A worker that forks from the harness holds a copy of every descriptor; this one must lead nowhere."""
    look = """
        child = os.fork()
        if child == 0:
            print(os.readlink(f"/proc/self/fd/{supervisor._process.stdin.fileno()}"), flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        supervisor.kill()
    """
    code = textwrap.dedent(HARNESS).replace("time.sleep(60)", textwrap.dedent(look))
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "/dev/null"


@pytest.mark.parametrize("deaf", [False, True])
def test_a_released_one_lives_on_until_its_keeper_is_asked(folder: Path, deaf: bool) -> None:
    code = HARNESS.replace("time.sleep(60)", "supervisor.release()")
    if deaf:
        code = code.replace('folder / "log"', 'folder / "log", grace_s=0.1')
        code = code.replace('script = "', "script = \"trap '' TERM; ")
    argv = [sys.executable, "-c", textwrap.dedent(code), str(folder)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    main, keeper = (int(word) for word in done.stdout.split())
    time.sleep(0.1)
    assert main in touching(folder)
    os.kill(keeper, signal.SIGTERM)
    assert wait_until_none(folder) == {}


def test_a_program_that_is_not_there_is_an_error_with_its_name(folder: Path) -> None:
    missing = Order([str(folder / "no-such-broker")], ENVIRONMENT, folder, folder / "log")
    with pytest.raises(OSError, match="no-such-broker"):
        Supervisor(missing)
    assert touching(folder) == {}


def test_the_lock_keeps_a_second_one_out_while_the_first_lives(folder: Path) -> None:
    lock = folder / "lock"
    first = Supervisor(order(folder, "exec sleep 1000", lock=lock))
    with pytest.raises(OSError, match="locked"):
        Supervisor(order(folder, "exec sleep 1000", lock=lock))
    first.kill()
    Supervisor(order(folder, "exec sleep 1000", lock=lock)).kill()
    assert touching(folder) == {}


def test_commands_to_one_that_is_gone_say_so(folder: Path) -> None:
    supervisor = Supervisor(order(folder, "exit 0"))
    assert supervisor.join(10)
    assert supervisor.signal(signal.SIGSTOP) == 0
    assert supervisor.kill() == 0
    supervisor.stop()
