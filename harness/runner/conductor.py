"""Leads one workload on one broker, once: provision, start workers, walk through the phases, break, drain, merge.

Everything it learns goes into the history; the ``RunRecord`` it returns only says what happened in which order.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.brokers import Broker
from harness.errors import BrokerUnavailable, HarnessError, Interrupted, WorkerDied
from harness.history.merge import merge_streams
from harness.history.meta import HistoryMeta, PhaseMeta
from harness.history.writer import EventLog
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Feature, Support
from harness.model.messages import DEAD_LETTERS, Adapter
from harness.model.provisioning import Provisioning
from harness.model.result import FaultRecord, PhaseRecord, RunRecord
from harness.model.workload import Phase, Workload
from harness.runner.control import PhaseDone, Rewind, Rewound, RunPhase, Stop, Stopped
from harness.runner.crew import Crew
from harness.runner.drain import Drain
from harness.runner.engine import ForkedEngine, LoadEngine
from harness.runner.groundwork import Groundwork
from harness.runner.pulse import Pulse
from harness.runner.sampling import Sampler
from harness.runner.unrest import Unrest

TICK_S = 0.02
SETTLE_IN_DEADLINE_S = 30.0
STOP_DEADLINE_S = 15.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class CellSpec:
    """One workload on one broker, once. ``folder`` must be fresh; the history goes there."""

    workload: Workload
    workload_text: str
    broker_name: str
    adapter: str
    adapter_settings: dict[str, str]
    tier: Tier
    seed: int
    repeat: int
    order: int
    run_number: int
    folder: Path
    prefix: str


class Conductor:
    """Use once: ``run`` returns the record, whatever happened; the history is readable either way."""

    def __init__(
        self,
        cell: CellSpec,
        broker: Broker,
        info: BrokerInfo,
        adapter: Adapter,
        say: Say,
        engine: LoadEngine | None = None,
        ground: Groundwork | None = None,
    ) -> None:
        self._cell = cell
        self._workload = cell.workload
        self._broker = broker
        self._info = info
        self._adapter = adapter
        self._say = say
        self._started_ns = time.monotonic_ns()
        cell.folder.mkdir(parents=True, exist_ok=False)
        self.plan: Provisioning = adapter.plan(info, cell.workload.needs, cell.tier, cell.prefix)
        groups = list(cell.workload.needs.groups)
        if cell.workload.needs.dead_letter or cell.workload.needs.expiry:
            groups.append(DEAD_LETTERS)
        self._meta = HistoryMeta(
            workload=cell.workload.name,
            workload_text=cell.workload_text,
            broker=cell.broker_name,
            repeat=cell.repeat,
            seed=cell.seed,
            run_number=cell.run_number,
            tier=str(cell.tier),
            groups=groups,
            members=dict(cell.workload.needs.groups),
            supports={str(feature): str(row.support) for feature, row in self.plan.features.items()},
            started_ns=self._started_ns,
            started_wall=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        self._events = EventLog(cell.folder, "conductor")
        self._engine = engine or ForkedEngine()
        self._crew = Crew(cell, info, self.plan, groups, self._events, engine=self._engine)
        self._drain = Drain(adapter, info, self.plan, cell.workload, self._crew)
        self._unrest = Unrest(broker, self._crew, self._events, ground or Groundwork.beside(info))
        self._pulse = Pulse(self._crew, cell.workload.needs.groups, say)
        self._phases: list[PhaseRecord] = []
        self._fair_at = 0.0

    # -- the whole run ----------------------------------------------------------------------------------------------

    def run(self) -> RunRecord:
        """Never raises for what goes wrong in a run; the record says it. Ctrl-C becomes state ``interrupted``."""
        state, error, next_command = "done", "", ""
        sampler = Sampler(self._cell.folder, self._targets, self._disk_bytes, self._broker_usage)
        self._meta.save(self._cell.folder)
        sampler.start()
        try:
            self._engine.open(self._cell.folder, self._cell.broker_name, self._meta, self._events)
            self._adapter.provision(self._info, self.plan)
            self._fair_at = time.monotonic() + float(self.plan.details.get("settling_s", "0"))
            self._crew.start()
            self._settle_in()
            for index, phase in enumerate(self._workload.phases):
                self._run_phase(index, phase)
            self._stop_crew()
        except (KeyboardInterrupt, Interrupted):
            state, error = "interrupted", "interrupted by the user"
        except HarnessError as problem:
            state, error, next_command = "failed", problem.message, problem.next_command or ""
        finally:
            with _uninterrupted():
                self._crew.end()
                self._unrest.finish()
                sampler.stop()
                state, error = self._gather(state, error)
                self._events.close()
                self._close_history(complete=state == "done")
        if state == "done" or self._info.backend == "external":
            with _uninterrupted():
                self._tear_down()  # a broker of our own is wiped anyway; on another's nothing may stay
        return RunRecord(
            workload=self._workload.name,
            broker=self._cell.broker_name,
            repeat=self._cell.repeat,
            order=self._cell.order,
            seed=self._cell.seed,
            state=state,  # type: ignore[arg-type]
            error=error,
            next_command=next_command,
            seconds=self._since_start(time.monotonic_ns()),
            phases=self._phases,
            faults=self._fault_records(),
            load=self._engine.record(),
        )

    def _gather(self, state: str, error: str) -> tuple[str, str]:
        """Bring the workers' histories here; one that is not whole makes a finished run a failed one."""
        try:
            self._engine.gather()
        except HarnessError as problem:
            self._events.add("warning", text=problem.message)
            return ("failed", problem.message) if state == "done" else (state, error)
        return state, error

    def _tear_down(self) -> None:
        """What cannot be removed is said; it costs no finished run."""
        try:
            self._adapter.teardown(self._info, self.plan)
        except Exception as error:  # noqa: BLE001 - a client library may raise anything here
            self._say(f"objects under {self.plan.prefix} were not removed: {type(error).__name__}: {error}")
        if self._info.backend == "external":  # a broker of our own is wiped
            for line in self.plan.stays:
                self._say(line)

    def _close_history(self, *, complete: bool) -> None:
        self._meta.errors = self._crew.error_texts()
        self._meta.complete = complete
        with contextlib.suppress(HarnessError):
            merge_streams(self._cell.folder)
            self._meta.save(self._cell.folder)

    # -- phases -----------------------------------------------------------------------------------------------------

    def _run_phase(self, index: int, phase: Phase) -> None:
        if phase.kind == "replay":
            self._replay(index, phase)
            return
        if phase.fault is not None and phase.fault.kill is not None:
            self._await_fair_kill()
        start_ns = time.monotonic_ns() + int(self._engine.lead_s * 1e9)
        length_s = phase.for_ or 0.0
        deadline_ns = start_ns + int((length_s + self._workload.drain_deadline) * 1e9)
        self._events.add("phase_started", at_ns=start_ns, phase=index, name=phase.name)
        self._say(f"{phase.name} ({phase.kind})")
        self._pulse.begin(phase.name, until_ns=start_ns + int(length_s * 1e9))
        for publisher in self._crew.publishers:
            publisher.send(RunPhase(index, start_ns, deadline_ns))
        if phase.fault is not None:
            self._unrest.arm(phase.name, phase.fault, start_ns)
        before = self._crew.acknowledged()
        waiting = list(self._crew.publishers)
        offered, end_ns = 0, start_ns
        while waiting:
            self._tick()
            for publisher in list(waiting):
                reply = publisher.reply(TICK_S / len(waiting))
                if isinstance(reply, PhaseDone):
                    offered += reply.offered
                    end_ns = max(end_ns, reply.end_ns)
                    waiting.remove(publisher)
            if time.monotonic_ns() > deadline_ns + int(STOP_DEADLINE_S * 1e9):
                raise WorkerDied(f"a publisher did not finish phase {phase.name!r} by its deadline")
        while self._unrest.pending():
            self._tick()
            time.sleep(TICK_S)
        end_ns = max(end_ns, start_ns + int(length_s * 1e9))
        self._events.add("phase_ended", at_ns=end_ns, phase=index, name=phase.name, offered=offered)
        drained, drained_ns = None, None
        last = index == len(self._workload.phases) - 1
        if phase.drain or last:
            drained = self._wait_drained(index, phase.name, last=last or phase.fault is not None)
            drained_ns = time.monotonic_ns()
        # a flood ends when its last messages were taken, which may be later than planned
        offered_per_s = offered / ((end_ns - start_ns) / 1e9) if phase.kind == "flood" and end_ns > start_ns else None
        self._note_phase(
            phase,
            index,
            start_ns,
            end_ns,
            drained,
            drained_ns,
            offered,
            offered_per_s,
            self._crew.acknowledged() - before,
        )

    def _await_fair_kill(self) -> None:
        """A plan may say how long after provisioning a kill is fair; earlier phases have mostly taken longer."""
        while time.monotonic() < self._fair_at:
            self._tick()
            time.sleep(TICK_S)

    def _replay(self, index: int, phase: Phase) -> None:
        assert self._workload.needs.replay is not None
        group = self._workload.needs.replay.group
        start_ns = time.monotonic_ns()
        if self.plan.features[Feature.REPLAY].support is Support.IMPOSSIBLE:
            self._events.add("warning", text=f"no replay: {self.plan.features[Feature.REPLAY].why}")
            self._note_phase(phase, index, start_ns, start_ns, None, None, 0, None, 0)
            return
        self._say(f"replay ({group})")
        self._pulse.begin("replay", replayed=group)
        self._events.add("phase_started", at_ns=start_ns, phase=index, name=phase.name)
        members = self._crew.members_of(group)
        for member in members:
            member.send(Rewind())
        waiting = list(members)
        while waiting:
            self._tick()
            waiting = [member for member in waiting if not isinstance(member.reply(TICK_S), Rewound)]
        drained = self._drain.wait_replayed(group, self._tick)
        end_ns = time.monotonic_ns()
        self._events.add("phase_ended", at_ns=end_ns, phase=index, name=phase.name, offered=0)
        self._note_phase(phase, index, start_ns, end_ns, drained, end_ns, 0, None, 0)

    def _note_phase(
        self,
        phase: Phase,
        index: int,
        start_ns: int,
        end_ns: int,
        drained: bool | None,
        drained_ns: int | None,
        offered: int,
        offered_per_s: float | None,
        acknowledged: int,
    ) -> None:
        self._meta.phases.append(
            PhaseMeta(
                name=phase.name,
                kind=phase.kind,
                warmup=phase.warmup,
                start_ns=start_ns,
                end_ns=end_ns,
                drained=drained,
                drained_ns=drained_ns,
                offered=offered,
                offered_per_s=phase.paced if phase.paced is not None else offered_per_s,
            )
        )
        self._phases.append(
            PhaseRecord(
                index=index,
                name=phase.name,
                kind=phase.kind,
                warmup=phase.warmup,
                start_s=self._since_start(start_ns),
                end_s=self._since_start(end_ns),
                offered_per_s=phase.paced if phase.paced is not None else offered_per_s,
                offered=offered,
                acknowledged=acknowledged,
                drained=drained,
            )
        )

    def _wait_drained(self, index: int, name: str, *, last: bool) -> bool:
        started = time.monotonic_ns()
        self._pulse.begin(f"{name}, draining")
        drained = self._drain.wait(self._tick, last=last)
        self._events.add(
            "drained", phase=index, groups=self._drain.state(), seconds=(time.monotonic_ns() - started) / 1e9
        )
        if not drained:
            self._say(f"{name}: not every group caught up within {self._workload.drain_deadline:g} s")
        return drained

    def _settle_in(self) -> None:
        """Wait until every worker is connected and every member has its share; late joiners would blur the first phase."""
        deadline = time.monotonic() + SETTLE_IN_DEADLINE_S
        while not self._crew.ready() and time.monotonic() < deadline:
            self._tick()
            time.sleep(TICK_S)
        if not self._crew.ready():
            self._events.add("warning", text=f"not every worker was ready after {SETTLE_IN_DEADLINE_S:g} s")

    def _tick(self) -> None:
        """Look after everything that may happen at any time: faults that are due, dead workers, a dead broker."""
        self._unrest.tick()
        self._crew.check()
        self._pulse.beat()
        if not self._unrest.active() and (trouble := self._broker.trouble()):
            tail = "\n".join(self._broker.log_tail(5))
            words = f"; its last words:\n{tail}" if tail else ""
            raise BrokerUnavailable(
                f"{self._cell.broker_name} died in the middle of {self._workload.name}: {trouble}{words}",
                next_command=f"harness doctor {self._broker.name}",
            )

    def _stop_crew(self) -> None:
        for worker in self._crew.all():
            worker.send(Stop())
        waiting = self._crew.all()
        deadline = time.monotonic() + STOP_DEADLINE_S
        while waiting and time.monotonic() < deadline:
            for worker in list(waiting):
                reply = worker.reply(TICK_S / len(waiting))
                if isinstance(reply, Stopped):
                    self._crew.note_errors(reply.errors)
                    waiting.remove(worker)
        if waiting:
            names = ", ".join(worker.spec.worker for worker in waiting)
            self._events.add("warning", text=f"did not stop in time and were ended: {names}")

    # -- odds and ends ----------------------------------------------------------------------------------------------

    def _targets(self) -> dict[tuple[str, str], tuple[int, ...]]:
        targets: dict[tuple[str, str], tuple[int, ...]] = {("broker", self._cell.broker_name): self._broker.pids()}
        for worker in self._crew.all():
            if worker.local:
                targets["client", worker.spec.worker] = (worker.pid,)
        return targets

    def _broker_usage(self) -> tuple[float, int, int] | None:
        usage = self._broker.usage()
        return (usage.cpu_seconds, usage.rss_bytes, usage.write_bytes) if usage is not None else None

    def _disk_bytes(self) -> int:
        try:
            return int(self._broker.inspect().disk_bytes)
        except (HarnessError, OSError):
            return 0

    def _fault_records(self) -> list[FaultRecord]:
        return [
            FaultRecord(
                phase=fault.phase,
                kind=fault.evidence.kind,
                at_s=self._since_start(fault.evidence.at_ns),
                evidence=dict(fault.evidence.detail),
                bit=fault.evidence.bit,
                recovered_s=fault.recovered_s,
            )
            for fault in self._unrest.done
        ]

    def _since_start(self, at_ns: int) -> float:
        return round((at_ns - self._started_ns) / 1e9, 6)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """A second Ctrl-C must not stop the tidying up."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
