"""A worker that ends is told of by what it said, else by how it ended: also where it was gone before anybody listened."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from harness.errors import BrokerUnavailable, HarnessError, WorkerDied
from harness.plan.bundled import workload_files
from harness.plan.loader import load_workload
from harness.runner.control import Failed, Ready, Stop, Stopped, WorkerSpec, end_in_words
from harness.runner.workers import WorkerHandle
from harness.swarm import carrying
from harness.swarm.carrying import Slice
from harness.swarm.messages import Death, Hire, Open, Order, Word
from harness.swarm.nodes import Node, RemoteWorker

REASON = BrokerUnavailable("the broker at 127.0.0.1:9 refuses the login")
Script = Callable[[Connection], None]


class Process:
    """A worker process whose whole life is over when ``start`` returns, and with it its end of the pipe."""

    pid = 4711
    daemon = True

    def __init__(self, script: Script, status: int | None, pipe: Connection) -> None:
        self._script, self._status, self._pipe = script, status, pipe
        self.exitcode: int | None = None

    def start(self) -> None:
        self._script(self._pipe)
        self.exitcode = self._status

    def join(self, timeout_s: float) -> None:
        pass

    def is_alive(self) -> bool:
        return self.exitcode is None

    def kill(self) -> None:
        pass


class Context:
    """Makes such processes instead of real ones."""

    Pipe = staticmethod(multiprocessing.Pipe)

    def __init__(self, script: Script, status: int | None = 0) -> None:
        self._script, self._status = script, status

    def RawArray(self, kind: str, count: int) -> Any:  # noqa: N802 - multiprocessing's name
        return multiprocessing.RawArray(kind, count)

    def Process(self, *, args: tuple[Any, ...], **_: Any) -> Process:  # noqa: N802
        return Process(self._script, self._status, args[1])


def spec(tmp_path: Path) -> WorkerSpec:
    workload: Any = load_workload(workload_files()["password_reset"]).workload
    nothing: Any = None
    return WorkerSpec(
        "subscriber", "mailer-1", workload, "null", {}, nothing, nothing, tmp_path, tmp_path / "g", 1, 0, 7
    )


def fails(pipe: Connection) -> None:
    pipe.send(Failed(REASON))


def says_nothing(pipe: Connection) -> None:
    pass


def hired(tmp_path: Path, script: Script, status: int | None = 0) -> WorkerHandle:
    context: Any = Context(script, status)
    return WorkerHandle(context, spec(tmp_path))


def test_the_end_of_a_process_in_words() -> None:
    assert end_in_words(0) == "ended with status 0"
    assert end_in_words(-9) == "was ended by signal 9 (SIGKILL)"
    assert end_in_words(-63) == "was ended by signal 63"
    assert end_in_words(None) == "closed its pipe, and how it ended is not known"


@pytest.mark.parametrize("ask", [lambda worker: worker.reply(0.0), lambda worker: worker.send(Stop())])
def test_one_that_gave_up_and_is_gone_is_told_of_in_its_own_words(
    tmp_path: Path, ask: Callable[[WorkerHandle], object]
) -> None:
    worker = hired(tmp_path, fails)
    with pytest.raises(HarnessError) as caught:
        ask(worker)
    assert caught.value.message == REASON.message


def test_the_reason_of_a_death_is_what_the_worker_said(tmp_path: Path) -> None:
    assert hired(tmp_path, fails).death().message == REASON.message


@pytest.mark.parametrize(
    ("status", "words"), [(0, "ended with status 0"), (-9, "signal 9"), (None, "how it ended is not known")]
)
def test_one_that_said_nothing_is_told_of_by_how_it_ended(tmp_path: Path, status: int | None, words: str) -> None:
    worker = hired(tmp_path, says_nothing, status)
    for _ in range(2):
        with pytest.raises(WorkerDied, match=words):
            worker.reply(0.0)
    with pytest.raises(WorkerDied, match=words):
        worker.send(Stop())


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node("n")
    node.begin(1, "locust-2", tmp_path / "gathered")
    yield node
    node.close_files()


def remote(node: Node, tmp_path: Path) -> RemoteWorker:
    node.workers["mailer-1"] = worker = RemoteWorker(spec(tmp_path), node, lambda *_: None)
    return worker


def heard_of(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: Context) -> RemoteWorker:
    """What the master knows of a worker that a Locust worker carried, after it ended there."""
    monkeypatch.setattr(carrying, "worker_context", lambda: context)
    worker = remote(node, tmp_path)
    slice_ = Slice(Open(1, "locust-2", "pylog", "w", ("mailer",)), lambda message: _pass(node, message), lambda _: None)
    try:
        slice_.hire(Hire(1, worker.spec).spec)
        order = Order(1, "mailer-1", Stop())
        slice_.order(order.worker, order.command)  # gone already: that must not eat its words
        for _ in range(3):
            slice_.turn()
    finally:
        slice_.end()
    return worker


def _pass(node: Node, message: object) -> None:
    node.hear(message, 0)


def test_the_words_of_a_worker_far_away_come_though_it_is_gone(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = heard_of(node, tmp_path, monkeypatch, Context(fails))
    assert not worker.alive()
    with pytest.raises(BrokerUnavailable, match="refuses the login"):
        worker.reply(0.0)


@pytest.mark.parametrize("status", [0, -11, None])
def test_a_silent_end_far_away_is_told_with_its_place(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int | None
) -> None:
    worker = heard_of(node, tmp_path, monkeypatch, Context(says_nothing, status))
    assert not worker.alive()
    with pytest.raises(WorkerDied) as caught:
        worker.reply(60.0)  # at once: nothing more can come
    assert caught.value.message == f"the worker process mailer-1 of locust-2 on n {end_in_words(status)}"


def test_what_was_said_before_the_end_is_heard_first(node: Node, tmp_path: Path) -> None:
    worker = remote(node, tmp_path)
    node.hear(Word(1, "mailer-1", Ready()), 0)
    node.hear(Word(1, "mailer-1", Stopped()), 0)
    node.hear(Death(1, "mailer-1", 0), 0)
    assert isinstance(worker.reply(0.0), Ready)
    assert isinstance(worker.reply(0.0), Stopped)
    with pytest.raises(WorkerDied):
        worker.reply(0.0)
