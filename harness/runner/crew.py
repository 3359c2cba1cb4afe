"""The worker processes of one run: who they are, that they live, and their counters added up."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.history.writer import EventLog
from harness.model.broker import BrokerInfo
from harness.model.messages import DEAD_LETTERS
from harness.model.provisioning import Provisioning
from harness.runner.control import Counter, CrashBeforeSettling, Ready, WorkerSpec
from harness.runner.engine import ForkedEngine, LoadEngine, Worker
from harness.runner.publishing import ERRORS_MAX

if TYPE_CHECKING:
    from harness.runner.conductor import CellSpec

START_DEADLINE_S = 75.0


class Crew:
    """Owns every worker process of a run; ``end`` leaves none behind."""

    def __init__(
        self,
        cell: CellSpec,
        info: BrokerInfo,
        plan: Provisioning,
        groups: list[str],
        events: EventLog,
        *,
        engine: LoadEngine | None = None,
    ) -> None:
        self._cell = cell
        self._info = info
        self._plan = plan
        self._groups = groups
        self._events = events
        self._engine = engine or ForkedEngine()
        self.publishers: list[Worker] = []
        self._members: list[Worker] = []
        self._fallen: list[Worker] = []
        self._expected_deaths: set[str] = set()
        self._errors: dict[int, str] = {}

    def start(self) -> None:
        """All connect side by side; nothing is published before all are ready. Raises what a worker failed with."""
        for number, group in enumerate(self._groups):
            members = 1 if group == DEAD_LETTERS else self._cell.workload.needs.groups[group]
            self._members.extend(self._start_member(group, number, member, 0) for member in range(members))
        for producer in range(self._cell.workload.publishers):
            spec = self._spec("publisher", f"publisher-{producer}", producer=producer)
            self.publishers.append(self._engine.hire(spec))
        self._await_ready(self.all())

    def _spec(self, role: str, worker: str, **more: object) -> WorkerSpec:
        cell = self._cell
        return WorkerSpec(
            role=role,
            worker=worker,
            workload=cell.workload,
            adapter=cell.adapter,
            adapter_settings=cell.adapter_settings,
            broker=self._info,
            plan=self._plan,
            folder=cell.folder,
            gateway=cell.folder / "gateway.sqlite",
            seed=cell.seed,
            repeat=cell.repeat,
            run_number=cell.run_number,
            **more,  # type: ignore[arg-type]
        )

    def _start_member(self, group: str, number: int, member: int, incarnation: int) -> Worker:
        name = f"{group.strip('@')}-{member}" + (f"-{incarnation}" if incarnation else "")
        spec = self._spec("subscriber", name, group=group, group_number=number, member=member, incarnation=incarnation)
        return self._engine.hire(spec)

    def _await_ready(self, workers: list[Worker]) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        waiting = list(workers)
        while waiting and time.monotonic() < deadline:
            self._engine.check()
            waiting = [worker for worker in waiting if not isinstance(worker.reply(0.02), Ready)]

    # -- who ----------------------------------------------------------------------------------------------------------

    def all(self) -> list[Worker]:
        return [*self._members, *self.publishers]

    def members_of(self, group: str) -> list[Worker]:
        return [worker for worker in self._members if worker.spec.group == group]

    def ready(self) -> bool:
        return all(worker.count(Counter.READY) for worker in self.all())

    def check(self) -> None:
        """Raises what a worker failed with, WorkerDied when one ended that was not meant to; starts the successor of one that was."""
        self._engine.check()
        for worker in self.all():
            if worker.alive():
                continue
            if worker.spec.worker not in self._expected_deaths:
                raise worker.death()
            self._succeed(worker)

    def crash_member(self, group: str) -> int:
        """Tell the first member of ``group`` to die before it settles its next message; its pid."""
        victim = self.members_of(group)[0]
        self._expected_deaths.add(victim.spec.worker)
        victim.send(CrashBeforeSettling())
        return victim.pid

    def fallen(self, pid: int) -> bool:
        return any(worker.pid == pid for worker in self._fallen)

    def _succeed(self, dead: Worker) -> None:
        spec = dead.spec
        place = self._members.index(dead)
        self._fallen.append(dead)
        self._events.add("member_crashed", group=spec.group, member=spec.member, incarnation=spec.incarnation)
        self._members[place] = self._start_member(spec.group, spec.group_number, spec.member, spec.incarnation + 1)
        self._events.add("member_started", group=spec.group, member=spec.member, incarnation=spec.incarnation + 1)

    # -- sums ---------------------------------------------------------------------------------------------------------

    def acknowledged(self) -> int:
        return sum(worker.count(Counter.ACKNOWLEDGED) for worker in self.publishers)

    def doubtful(self) -> int:
        """Publishes of which it is not known whether the broker took them, and refused ones."""
        return sum(worker.count(Counter.UNKNOWN) + worker.count(Counter.FAILED) for worker in self.publishers)

    def submitted(self) -> int:
        return sum(worker.count(Counter.SUBMITTED) for worker in self.publishers)

    def of_group(self, group: str, counter: Counter) -> int:
        """Summed over the group's members, the crashed ones included."""
        return sum(worker.count(counter) for worker in [*self._members, *self._fallen] if worker.spec.group == group)

    def looks(self) -> dict[str, int]:
        """How often each member has said what it holds; empty where the broker's own backlog counts that."""
        looks = {worker.spec.worker: worker.count(Counter.LOOKS) for worker in self._members}
        return looks if any(looks.values()) else {}

    def held(self) -> int:
        return sum(worker.count(Counter.HELD) for worker in self._members)

    def last_activity_ns(self) -> int:
        return max((worker.count(Counter.LAST_ACTIVITY_NS) for worker in self.all()), default=0)

    def note_errors(self, errors: object) -> None:
        self._errors.update(errors)  # type: ignore[call-overload]

    def error_texts(self) -> list[str]:
        """Texts by number, for the history's meta."""
        texts = [""] * (1 + ERRORS_MAX * max(1, self._cell.workload.publishers))
        for number, text in self._errors.items():
            texts[number] = text
        return texts

    def end(self) -> None:
        """Every process of the crew is gone when this returns."""
        for worker in [*self.all(), *self._fallen]:
            worker.end(0.6 if worker.spec.role == "publisher" else 0.2)
