"""Carries out the faults that a phase asks for, at their time, and keeps their evidence."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from harness.brokers import Broker
from harness.errors import HarnessError
from harness.faults.kill import FaultEvidence, kill_broker
from harness.history.writer import EventLog
from harness.model.workload import Fault
from harness.runner.crew import Crew

CRASH_DEADLINE_S = 20.0


@dataclass(slots=True)
class FaultDone:
    """A fault that was carried out; ``recovered_s`` is the time until the broker was ready again."""

    phase: str
    evidence: FaultEvidence
    recovered_s: float | None = None


class Unrest:
    """At most one fault at a time. A broker's restart takes seconds, so it goes on in a thread while the load goes on."""

    def __init__(self, broker: Broker, crew: Crew, events: EventLog) -> None:
        self._broker = broker
        self._crew = crew
        self._events = events
        self._armed: tuple[str, Fault, int] | None = None
        self._thread: threading.Thread | None = None
        self._failure: HarnessError | None = None
        self._victim: tuple[str, str, int, int] | None = None  # phase, group, pid, since
        self.done: list[FaultDone] = []

    def arm(self, phase: str, fault: Fault, start_ns: int) -> None:
        self._armed = (phase, fault, start_ns + int(fault.at * 1e9))

    def pending(self) -> bool:
        """A fault is armed or still going on."""
        return self._armed is not None or self.active() or self._victim is not None

    def active(self) -> bool:
        """The broker is down on purpose."""
        return self._thread is not None

    def tick(self) -> None:
        """Start what is due. Raises what a restart failed with."""
        self._watch_victim()
        if self._thread is not None and not self._thread.is_alive():
            self._thread.join()
            self._thread = None
            if self._failure is not None:
                raise self._failure
        if self._armed is None or time.monotonic_ns() < self._armed[2]:
            return
        phase, fault, _ = self._armed
        self._armed = None
        if fault.crash is not None:
            pid = self._crew.crash_member(fault.crash)
            self._victim = (phase, fault.crash, pid, time.monotonic_ns())
            return
        self._thread = threading.Thread(target=self._kill_and_restart, args=(phase, fault), name="fault", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for a restart that is going on."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _kill_and_restart(self, phase: str, fault: Fault) -> None:
        try:
            evidence = kill_broker(self._broker)
            done = FaultDone(phase, evidence)
            self.done.append(done)
            self._events.add(
                "fault",
                at_ns=evidence.at_ns,
                fault="kill",
                phase=phase,
                evidence=dict(evidence.detail),
                bit=evidence.bit,
            )
            time.sleep(fault.restart_after)
            self._broker.restart()
            done.recovered_s = (time.monotonic_ns() - evidence.at_ns) / 1e9
            self._events.add("broker_ready_again", fault="kill", seconds=done.recovered_s)
        except HarnessError as error:
            self._failure = error

    def _watch_victim(self) -> None:
        if self._victim is None:
            return
        phase, group, pid, since = self._victim
        fallen = self._crew.fallen(pid)
        if not fallen and time.monotonic_ns() - since < CRASH_DEADLINE_S * 1e9:
            return
        self._victim = None
        detail = {"group": group, "pid": str(pid), "signal": "9" if fallen else "none"}
        self.done.append(FaultDone(phase, FaultEvidence("crash", since, fallen, detail)))
        self._events.add("fault", at_ns=since, fault="crash", phase=phase, evidence=detail, bit=fallen)
