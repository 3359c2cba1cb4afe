"""Carries out the faults that a phase asks for, at their time, and keeps their evidence."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from harness.brokers import Broker
from harness.errors import HarnessError, NotAllowedExternally, Unsupported
from harness.faults.disk import fill_disk
from harness.faults.evidence import FaultEvidence
from harness.faults.kill import kill_broker
from harness.faults.network import cut_link, slow_link
from harness.faults.pause import answered_again, pause_broker
from harness.history.writer import EventLog
from harness.model.workload import Fault
from harness.runner.crew import Crew
from harness.runner.groundwork import Groundwork

CRASH_DEADLINE_S = 20.0
STANDSTILL_S = 5.0  # after a full disk has room again: a broker that takes nothing for so long is started again
LOOK_S = 0.02


@dataclass(slots=True)
class FaultDone:
    """A fault that was carried out; ``recovered_s`` is the time until the broker was ready again."""

    phase: str
    evidence: FaultEvidence
    recovered_s: float | None = None


class Unrest:
    """At most one fault at a time. It takes seconds, so it goes on in a thread while the load goes on."""

    def __init__(self, broker: Broker, crew: Crew, events: EventLog, ground: Groundwork) -> None:
        self._broker = broker
        self._crew = crew
        self._events = events
        self._ground = ground
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
        """Something is broken on purpose."""
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
        self._thread = threading.Thread(target=self._carry_out, args=(phase, fault), name="fault", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for a fault that is going on, its mending included."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _carry_out(self, phase: str, fault: Fault) -> None:
        try:
            if fault.kind == "kill":
                self._kill_and_restart(phase, fault)
            else:
                done = self._note(phase, self._break(fault))
                self._mend(done)
                self._events.add("broker_ready_again", fault=fault.kind, seconds=done.recovered_s)
        except NotAllowedExternally as refusal:
            self._events.add("fault_refused", fault=fault.kind, phase=phase, reason=refusal.message)
        except HarnessError as error:
            self._failure = error
        except OSError as error:
            self._failure = Unsupported(f"the fault {fault.kind} could not be carried out: {error}")

    def _note(self, phase: str, evidence: FaultEvidence) -> FaultDone:
        done = FaultDone(phase, evidence)
        self.done.append(done)
        self._events.add(
            "fault",
            at_ns=evidence.at_ns,
            fault=evidence.kind,
            phase=phase,
            evidence=dict(evidence.detail),
            bit=evidence.bit,
        )
        return done

    def _kill_and_restart(self, phase: str, fault: Fault) -> None:
        done = self._note(phase, kill_broker(self._broker))
        time.sleep(fault.restart_after)
        self._broker.restart()
        done.recovered_s = (time.monotonic_ns() - done.evidence.at_ns) / 1e9
        self._events.add("broker_ready_again", fault="kill", seconds=done.recovered_s)

    def _break(self, fault: Fault) -> FaultEvidence:
        """A fault that lasts, from its beginning to its end."""
        through, direct = self._ground.answer(through_link=True), self._ground.answer(through_link=False)
        link, disk, for_s = self._ground.link, self._ground.disk, fault.length_s
        match fault.kind:
            case "pause":
                return pause_broker(self._broker, for_s, through)
            case "cut" if link is not None:
                return cut_link(link, fault.how, for_s, through, direct)
            case "slow" if link is not None:
                return slow_link(link, delay_s=fault.delay, bytes_per_s=fault.rate, for_s=for_s, through=through)
            case "fill" if disk is not None:
                return fill_disk(disk, for_s, self._broker.log_tail)
        raise Unsupported(f"nothing was prepared for the fault {fault.kind}")

    def _mend(self, done: FaultDone) -> None:
        """Wait until the broker answers again. One that a full disk has brought down, or to a standstill, is started again."""
        evidence = done.evidence
        if evidence.kind == "fill":
            how = self._recovery()
            if how != "by itself":
                self._broker.restart()
            self._events.add("warning", text=f"after the disk had room again the broker came back: {how}")
            done.evidence = FaultEvidence(
                evidence.kind, evidence.at_ns, evidence.bit, {**evidence.detail, "came_back": how}
            )
        if answered_again(self._ground.answer(through_link=True)) is not None:
            done.recovered_s = (time.monotonic_ns() - evidence.at_ns) / 1e9

    def _recovery(self) -> str:
        """Watch what it does by itself: it has ended, takes messages again, or stands still."""
        taken = self._crew.acknowledged()
        deadline = time.monotonic() + STANDSTILL_S
        while time.monotonic() < deadline:
            if not self._broker.pids():
                return "started again, because it had ended"
            if self._crew.acknowledged() > taken:
                return "by itself"
            time.sleep(LOOK_S)
        return f"started again, because it took nothing for {STANDSTILL_S:g} s"

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
