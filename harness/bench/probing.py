"""Asks a broker all its probes: starts a private one (or goes to an address), asks, stops it again."""

from __future__ import annotations

import functools
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from harness.adapters.proven import Facts, Probe, Proven, Target, gathered, probes_of
from harness.bench.strace import CannotTrace, Tracer
from harness.brokers import Broker, create
from harness.brokers.registry import product
from harness.errors import BrokerMissing, BrokerUnavailable, HarnessError, UsageError
from harness.model.broker import BrokerInfo

Say = Callable[[str], None]


def ask(name: str, *, backend: str, url: str | None, only: Sequence[str], say: Say) -> Proven:
    """Facts of the broker ``name``, of every probe or of those named in ``only``. Raises UsageError, BrokerMissing, BrokerUnavailable."""
    wanted = chosen(product(name).name, only)
    with tempfile.TemporaryDirectory(prefix=f"harness-{name}-") as root:
        broker = create(name, root=Path(root), backend="external" if url else backend, url=url)
        try:
            say(f"starting {name}")
            info = broker.start(tier="D1", settings={})
            return ask_running(info, broker, wanted, say)
        finally:
            _end(broker)


def chosen(name: str, only: Sequence[str]) -> tuple[Probe, ...]:
    """Raises UsageError for a probe that does not exist."""
    probes = probes_of(name)
    unknown = set(only) - {probe.name for probe in probes}
    if unknown:
        raise UsageError(
            f"{name} has no probe {sorted(unknown)[0]!r}; known: {', '.join(probe.name for probe in probes)}",
            next_command="harness broker probe --help",
        )
    return tuple(probe for probe in probes if not only or probe.name in only)


def ask_running(info: BrokerInfo, broker: Broker, probes: Sequence[Probe], say: Say) -> Proven:
    """The same of one that runs already; ``broker`` says which processes are its own."""
    prefix = f"hprobe{os.getpid()}x{time.monotonic_ns() % 1_000_000}"
    target = Target(info, prefix, functools.partial(_syncs_during, broker))
    answers: dict[Probe, Facts] = {}
    for probe in probes:
        say(f"{info.product} {info.version}: {probe.question}")
        answers[probe] = _asked(probe, target)
    return gathered(info, answers)


def _syncs_during(broker: Broker, action: Callable[[], None]) -> int | None:
    """How many durable syncs the broker made while ``action`` ran; None where nobody may look at it."""
    pids = broker.pids()
    if not pids:
        return None
    with tempfile.TemporaryDirectory(prefix="harness-strace-") as scratch:
        tracer = Tracer(pids, Path(scratch))
        try:
            with tracer:
                action()
        except (CannotTrace, BrokerMissing):
            return None
        return sum(sync.durable for sync in tracer.syncs)


def _asked(probe: Probe, target: Target) -> Facts:
    try:
        return probe.ask(target)
    except HarnessError:
        raise
    except Exception as problem:
        raise BrokerUnavailable(
            f"probe {probe.name} of {target.broker.product} {target.broker.version} failed: {type(problem).__name__}: {problem}",
            next_command=f"harness broker probe {target.broker.name} --only {probe.name}",
        ) from problem


def _end(broker: Broker) -> None:
    """Its data is thrown away."""
    with suppress(HarnessError):
        if broker.pids():
            broker.kill()
    with suppress(HarnessError):
        broker.stop()
    with suppress(HarnessError):
        broker.wipe()
