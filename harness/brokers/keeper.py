"""The keeper: a small process between the harness and one broker, so that no broker outlives the harness.

Run by path with ``python -I -S keeper.py``, its order as one JSON line on standard input. It imports nothing of the
project, so that it is up in milliseconds. What it holds on to:

* its standard input is a pipe from the harness. When that closes, however the harness ended, the broker and
  everything it started are killed with signal 9, a paused broker too;
* a pidfd of the harness says the same, in case a forked child of the harness still holds the pipe open;
* it is the *child subreaper* (prctl(2)), so helpers that a broker puts in sessions of their own, or orphans, come
  back here and are killed too;
* the broker carries a parent-death signal: if the keeper itself is killed, the kernel kills the broker.

The order has ``argv``, ``env``, ``cwd``, ``log``, ``companions`` (more argument lists), ``owner`` (pid of the
harness), ``lock`` (path or empty) and ``grace_s``.

Commands, one a line: ``signal N`` to the broker itself; ``kill``, signal 9 to its process group and then to every
descendant; ``stop``, signal 15, and signal 9 after ``grace_s``; ``release``, to let go of the harness: from now on
the broker is detached.

Reports, one JSON object a line on standard output: ``started`` (pid), ``failed`` (reason), ``signalled`` (number,
monotonic ns), ``exited`` (status as ``subprocess`` has it, ns), ``clean`` (nothing is left).

A detached keeper lives until the broker exits or until it gets signal 15, and stops the broker in order then.
``lock`` names a file that the keeper holds an exclusive lock on as long as it lives.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CLEAN_DEADLINE_S = 10.0  # processes that are killed with signal 9 and stay longer than this are stuck in the kernel
ORDER_LIMIT_BYTES = 1 << 20


class Keeper:
    """One broker, from its exec to the end of its last descendant."""

    def __init__(self, order: dict[str, object]) -> None:
        self._order = order
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._main = 0
        self._main_pidfd = -1
        self._status: int | None = None
        self._stop_at = 0.0
        self._input = b""
        self._released = False

    def run(self) -> int:
        """Start, hold, and leave nothing. Returns the exit code of the keeper."""
        self._libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        try:
            owner_fd = os.pidfd_open(int(str(self._order["owner"])))
        except OSError:
            return 1  # the harness is gone already
        try:
            for companion in _lists(self._order["companions"]):
                self._spawn(companion)
            self._main = self._spawn(_strings(self._order["argv"]))
            self._main_pidfd = os.pidfd_open(self._main)
        except OSError as error:
            self._report("failed", reason=f"{error.strerror}: {error.filename}")
            self._clean()
            return 1
        self._report("started", pid=self._main)
        self._hold(owner_fd, wake_read)
        self._clean()
        self._report("clean")
        return 0

    def _hold(self, owner_fd: int, wake_read: int) -> None:
        poll = select.poll()
        for descriptor in (self._main_pidfd, wake_read, 0, owner_fd):
            poll.register(descriptor, select.POLLIN)
        while True:
            self._reap()
            if self._status is not None:
                return
            timeout_ms = None
            if self._stop_at:
                left_s = self._stop_at - time.monotonic()
                if left_s <= 0:
                    self._kill()
                timeout_ms = max(10, int(left_s * 1000))
            ready = {fd for fd, _ in poll.poll(timeout_ms)}
            if wake_read in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(wake_read, 512)
            if 0 in ready and not self._commands():
                return
            if self._released:
                for descriptor in (0, owner_fd):
                    with contextlib.suppress(KeyError):
                        poll.unregister(descriptor)
            elif owner_fd in ready:
                return

    def _commands(self) -> bool:
        """Carry out what came in. False when the pipe is closed."""
        chunk = os.read(0, 4096)
        if not chunk:
            return False
        *lines, self._input = (self._input + chunk).split(b"\n")
        for line in lines:
            word, _, argument = line.decode().partition(" ")
            if word == "signal":
                self._signal(int(argument))
            elif word == "kill":
                self._kill()
            elif word == "stop":
                self._stop()
            elif word == "release":
                self._released = True
        return True

    def _signal(self, number: int) -> None:
        """To the broker itself: it is our child and not reaped yet, so the pid cannot be anybody else's."""
        at_ns = time.monotonic_ns()
        os.kill(self._main, number)
        self._report("signalled", number=number, at_ns=at_ns)

    def _kill(self) -> None:
        at_ns = time.monotonic_ns()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._main, signal.SIGKILL)
        self._report("signalled", number=int(signal.SIGKILL), at_ns=at_ns)

    def _stop(self) -> None:
        if self._stop_at or not self._main:
            return
        self._stop_at = time.monotonic() + float(str(self._order["grace_s"]))
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._main, signal.SIGTERM)
            os.kill(self._main, signal.SIGCONT)  # a paused broker must be able to obey

    def _spawn(self, argv: list[str]) -> int:
        """Fork and exec in a new session, its output appended to the log. Raises OSError when the program cannot be started."""
        failed_read, failed_write = os.pipe2(os.O_CLOEXEC)
        keeper = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(argv, keeper, failed_write)
        os.close(failed_write)
        text = b""
        while chunk := os.read(failed_read, 4096):
            text += chunk
        os.close(failed_read)
        if text:
            os.waitpid(pid, 0)
            number, _, name = text.decode().partition(" ")
            raise OSError(int(number), os.strerror(int(number)), name)
        return pid

    def _become(self, argv: list[str], keeper: int, failed: int) -> None:
        try:
            os.setsid()
            self._libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != keeper:  # it died before the line above
                os._exit(1)
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            null = os.open(os.devnull, os.O_RDONLY)
            log = os.open(str(self._order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(null, 0)
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.chdir(str(self._order["cwd"]))
            os.execve(argv[0], argv, _mapping(self._order["env"]))  # noqa: S606 - an argument list, no shell
        except OSError as error:
            os.write(failed, f"{error.errno} {error.filename or argv[0]}".encode())
        os._exit(127)

    def _reap(self) -> None:
        """Collect every child that ended; orphans of the broker are children here."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._main and self._status is None:
                self._status = os.waitstatus_to_exitcode(status)
                self._report("exited", status=self._status, at_ns=time.monotonic_ns())

    def _clean(self) -> None:
        """Kill every descendant until none is left: killing a parent hands us its children, so look again."""
        deadline = time.monotonic() + CLEAN_DEADLINE_S
        while time.monotonic() < deadline:
            for pid in descendants(os.getpid()):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            self._reap()
            try:
                os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            time.sleep(0.005)

    def _report(self, event: str, **fields: object) -> None:
        """Nobody may be listening any more; that must not stop the keeper from cleaning up."""
        with contextlib.suppress(OSError):
            os.write(1, (json.dumps({"event": event, **fields}) + "\n").encode())


def descendants(root: int) -> list[int]:
    """Pids of all processes below ``root`` in the process tree, from one look at /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as stat:
                parent = int(stat.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    queue = [root]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def _strings(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(item) for item in value]


def _lists(value: object) -> list[list[str]]:
    assert isinstance(value, list)
    return [_strings(item) for item in value]


def _mapping(value: object) -> dict[str, str]:
    assert isinstance(value, dict)
    return {str(key): str(item) for key, item in value.items()}


def _read_order() -> dict[str, object]:
    """The first line of standard input, read byte by byte so that commands after it stay in the pipe."""
    line = bytearray()
    while len(line) < ORDER_LIMIT_BYTES:
        byte = os.read(0, 1)
        if byte in (b"", b"\n"):
            break
        line += byte
    order = json.loads(line)
    assert isinstance(order, dict)
    return order


def _lock(path: str) -> bool:
    """Hold the lock file for life (the descriptor stays open on purpose). False when another keeper holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return True


def main() -> int:
    """Entry point; see the module's docstring."""
    order = _read_order()
    if order["lock"] and not _lock(str(order["lock"])):
        os.write(1, b'{"event": "failed", "reason": "locked"}\n')
        return 1
    return Keeper(order).run()


if __name__ == "__main__":
    sys.exit(main())
