"""One broker in one repeat: freshly started on an empty data folder, through every workload, and gone again."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.adapters.registry import create_adapter
from harness.brokers import Broker, create
from harness.brokers.doctor import resolve
from harness.errors import BrokerMissing, HarnessError, Unsupported
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Capabilities
from harness.model.messages import Adapter
from harness.model.provisioning import Provisioning
from harness.model.result import BrokerColumn, RunRecord
from harness.plan.loader import LoadedWorkload
from harness.runner.conductor import CellSpec, Conductor
from harness.runner.engine import LoadEngine
from harness.runner.groundwork import GroundMissing, Groundwork, Wanted
from harness.runner.pulse import Headed
from harness.runner.workers import start_fork_server
from harness.study.folder import StudyFolder
from harness.study.options import BrokerChoice, StudyOptions
from harness.study.shapes import mode_of, settings_for

Say = Callable[[str], None]
Keep = Callable[["Campaign"], None]


@dataclass(slots=True)
class Campaign:
    """What the runs left behind, apart from the histories."""

    runs: list[RunRecord] = field(default_factory=list)
    columns: dict[str, BrokerColumn] = field(default_factory=dict)
    plans: dict[tuple[str, str], Provisioning] = field(default_factory=dict)  # (workload, label)
    capabilities: dict[str, Capabilities] = field(default_factory=dict)
    interrupted: bool = False

    def has(self, workload: str, broker: str, repeat: int) -> bool:
        """Whether this run is over: never so before its turn, unless an earlier study finished it."""
        return any((run.workload, run.broker, run.repeat) == (workload, broker, repeat) for run in self.runs)


@dataclass(slots=True)
class Visit:
    """``run`` leaves nothing behind but what it adds to ``campaign``, whatever happens."""

    options: StudyOptions
    folder: StudyFolder
    campaign: Campaign
    choice: BrokerChoice
    repeat: int
    order: int
    say: Say
    engine: LoadEngine | None
    broker: Broker | None = None
    info: BrokerInfo | None = None
    ground: Groundwork = field(default_factory=Groundwork)
    ready_at: float = 0.0  # monotonic: the broker's process, started here, answered first
    root: Path = field(init=False)

    def run(self, keep: Keep) -> None:
        """Raises KeyboardInterrupt or Interrupted, after tidying up; everything else becomes a failed run or a reason."""
        self.root = Path(tempfile.mkdtemp(prefix=f"harness-{self.choice.broker}-"))
        try:
            self._run_workloads(keep)
        except (BrokerMissing, GroundMissing) as error:
            self.say(f"not run: {error.message}")
            self.campaign.columns[self.choice.label] = BrokerColumn(
                name=self.choice.label,
                label=self.choice.label,
                state="not_run",
                reason=error.message,
                next_command=error.next_command or "",
            )
        except HarnessError as error:
            self.say(f"failed: {error.message.splitlines()[0]}")
            self._mark_unstarted(error)
        finally:
            _end(self.broker, self.ground)
            shutil.rmtree(self.root, ignore_errors=True)

    def _run_workloads(self, keep: Keep) -> None:
        self.say("starting")
        source = resolve(self.choice.broker, self.choice.url, backend=self.options.backend)
        limits = self._limits(source.backend)
        broker = create(self.choice.broker, root=self.root, backend=source.backend, url=source.url)
        self.broker = broker
        workloads = self.options.workloads
        adapters = [create_adapter(self.choice.adapter, settings_for(self.choice, one.workload)) for one in workloads]
        started_for: tuple[Tier, Wanted] | None = None
        for loaded, adapter in zip(workloads, adapters, strict=True):
            if self.campaign.has(loaded.workload.name, self.choice.label, self.repeat):
                continue
            tier, wanted = self._tier(loaded), Wanted.by(loaded.workload)
            if (tier, wanted) != started_for:
                self._start(broker, source.backend, tier, wanted, limits)
                started_for = (tier, wanted)
                assert self.info is not None
                self._note_column(self.info, adapter.capabilities(self.info))
            record = self._run_cell(loaded, broker, adapter)
            self.campaign.runs.append(record)
            keep(self.campaign)
            if record.state == "interrupted":
                self.campaign.interrupted = True
                return
            if record.state == "failed":
                self.say(f"{loaded.workload.name} failed: {record.error.splitlines()[0]}")
                if broker.trouble():
                    return

    def _tier(self, loaded: LoadedWorkload) -> Tier:
        return self.options.tier or loaded.workload.needs.durability

    def _limits(self, backend: str) -> Mapping[str, str]:
        """Limits of the broker's container, once its image is there; nothing for other backends."""
        if backend != "docker":
            return {}
        from harness.brokers.images import ensure  # the engine's client is heavy, and most runs need none

        ensure(self.choice.broker, self.say)
        return self.options.limits

    def _start(self, broker: Broker, backend: str, tier: Tier, wanted: Wanted, limits: Mapping[str, str]) -> None:
        """On an empty folder: one that ran for another tier or on another ground is thrown away first."""
        if self.info is not None:
            broker.stop()
            self.ground.close()
            broker.wipe()
        self.ground = Groundwork.lay(wanted, self.choice.broker, backend, self.root)
        if self.engine is None:
            start_fork_server()  # both take their time
        self.info = self.ground.reached(broker.start(tier=str(tier), settings={**limits, **self.ground.settings}))
        self.ready_at = time.monotonic()

    def _run_cell(self, loaded: LoadedWorkload, broker: Broker, adapter: Adapter) -> RunRecord:
        assert self.info is not None
        workload, choice, campaign = loaded.workload, self.choice, self.campaign
        cell_folder = self.folder.cell(workload.name, choice.label, self.repeat)
        spec = self._cell_spec(loaded, cell_folder)
        started = time.monotonic()
        try:
            conductor = Conductor(
                spec, broker, self.info, adapter, Headed(self.say, workload.name), self.engine, self.ground
            )
        except Unsupported as error:
            return self._failed(workload.name, error, time.monotonic() - started)
        campaign.plans[workload.name, choice.label] = conductor.plan
        column = campaign.columns[choice.label]
        column.mode = mode_of({name: plan for (name, label), plan in campaign.plans.items() if label == choice.label})
        if not column.client:
            column.client = conductor.plan.parity.get("client", choice.adapter)
        began = time.monotonic()
        record = conductor.run()
        if self.info.backend != "external":
            record.broker_age_s = began - self.ready_at
            kills = [fault for fault in record.faults if fault.kind == "kill" and fault.recovered_s is not None]
            again = [began + fault.at_s + (fault.recovered_s or 0.0) for fault in kills]
            self.ready_at = max([self.ready_at, *again])
        record.history = str(cell_folder.relative_to(self.folder.path))
        return record

    def _cell_spec(self, loaded: LoadedWorkload, cell_folder: Path) -> CellSpec:
        name, label = loaded.workload.name, self.choice.label
        token = zlib.crc32(f"{self.folder.path.name}/{name}/{label}/{self.repeat}/{time.time_ns()}".encode())
        return CellSpec(
            workload=loaded.workload,
            workload_text=loaded.text,
            broker_name=label,
            adapter=self.choice.adapter,
            adapter_settings=settings_for(self.choice, loaded.workload),
            tier=self._tier(loaded),
            seed=self.options.seed,
            repeat=self.repeat,
            order=self.order,
            run_number=token,
            folder=cell_folder,
            prefix=f"h{token:08x}",
        )

    def _note_column(self, info: BrokerInfo, capabilities: Capabilities) -> None:
        label = self.choice.label
        if label in self.campaign.columns:
            return
        self.campaign.capabilities[label] = capabilities
        self.campaign.columns[label] = BrokerColumn(
            name=label,
            label=label,
            product=info.product,
            version=info.version,
            backend=info.backend,
            settings=dict(info.settings),
        )

    def _mark_unstarted(self, error: HarnessError) -> None:
        """Runs of this visit that did not take place are failed runs, not silence."""
        label = self.choice.label
        self.campaign.columns.setdefault(label, BrokerColumn(name=label, label=label))
        for loaded in self.options.workloads:
            if not self.campaign.has(loaded.workload.name, label, self.repeat):
                self.campaign.runs.append(self._failed(loaded.workload.name, error, 0.0))

    def _failed(self, workload: str, error: HarnessError, seconds: float) -> RunRecord:
        return RunRecord(
            workload=workload,
            broker=self.choice.label,
            repeat=self.repeat,
            order=self.order,
            seed=self.options.seed,
            state="failed",
            error=("unsupported: " if isinstance(error, Unsupported) else "") + error.message,
            next_command=error.next_command or "",
            seconds=seconds,
        )


def _end(broker: Broker | None, ground: Groundwork) -> None:
    """Its data is thrown away: an orderly end would only take time. One step that fails does not keep the others from being tried.

    The ground goes between: a folder that a file system is mounted on cannot be wiped.
    """
    if broker is not None:
        with contextlib.suppress(HarnessError):
            if broker.pids():
                broker.kill()
        with contextlib.suppress(HarnessError):
            broker.stop()
    ground.close()
    if broker is not None:
        with contextlib.suppress(HarnessError):
            broker.wipe()
