"""The runs of a study, in balanced order: each repeat visits every broker once, freshly started on an empty data folder.

A broker that cannot run is a column "not run" with its reason; one that dies costs its own cells of this repeat, and the next broker
goes on. What is finished is written before the next run starts.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from harness.adapters.registry import create_adapter
from harness.brokers import Broker, create
from harness.brokers.doctor import resolve
from harness.errors import BrokerMissing, HarnessError, Interrupted, Unsupported
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
from harness.statistics.orders import balanced_orders
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


def run_campaign(
    options: StudyOptions,
    folder: StudyFolder,
    say: Say,
    keep: Keep,
    earlier: Campaign,
    engine: LoadEngine | None = None,
) -> Campaign:
    """All runs but those that are done in ``earlier``, which is added to; ``keep`` is called after each, to write down how far it got.

    Ctrl-C ends it after tidying up; what is finished is in the returned campaign.
    """
    campaign = earlier
    orders = balanced_orders(len(options.brokers), options.repeats)
    order = 0
    total = options.repeats * len(options.brokers)
    run_id = folder.path.name
    started, visited = time.monotonic(), 0
    for repeat, sequence in enumerate(orders):
        for place in sequence:
            order += 1
            choice = options.brokers[place]
            column = campaign.columns.get(choice.label)
            if column is not None and column.state == "not_run":
                continue
            if all(campaign.has(loaded.workload.name, choice.label, repeat) for loaded in options.workloads):
                continue
            prefix = f"[{order}/{total}] {choice.label}, repeat {repeat + 1}"
            say(prefix + _left(time.monotonic() - started, visited, visited + total - order + 1))
            visited += 1
            try:
                _visit(
                    options,
                    folder,
                    campaign,
                    choice,
                    repeat,
                    order,
                    run_id,
                    keep,
                    Headed(say, prefix),
                    engine,
                )
            except (KeyboardInterrupt, Interrupted):
                campaign.interrupted = True
            if campaign.interrupted:
                return campaign
    return campaign


def _left(elapsed_s: float, visited: int, total: int) -> str:
    """How long the rest will take, as fast as it went until now; nothing before the first visit is over."""
    if not visited:
        return ""
    left_s = elapsed_s / visited * (total - visited)
    return f", about {left_s / 60:.0f} min left" if left_s >= 90 else f", about {left_s:.0f} s left"


def _visit(
    options: StudyOptions,
    folder: StudyFolder,
    campaign: Campaign,
    choice: BrokerChoice,
    repeat: int,
    order: int,
    run_id: str,
    keep: Keep,
    say: Say,
    engine: LoadEngine | None,
) -> None:
    """One broker in one repeat: start it, run every workload, stop it, whatever happens."""
    tiers = [options.tier or loaded.workload.needs.durability for loaded in options.workloads]
    root = Path(tempfile.mkdtemp(prefix=f"harness-{choice.broker}-"))
    broker: Broker | None = None
    ground = Groundwork()
    try:
        say("starting")
        source = resolve(choice.broker, choice.url, backend=options.backend)
        settings = _limits(options, choice, source.backend, say)
        broker = create(choice.broker, root=root, backend=source.backend, url=source.url)
        adapters = [create_adapter(choice.adapter, settings_for(choice, each.workload)) for each in options.workloads]
        info: BrokerInfo | None = None
        started_for: tuple[Tier, Wanted] | None = None
        for loaded, tier, adapter in zip(options.workloads, tiers, adapters, strict=True):
            if campaign.has(loaded.workload.name, choice.label, repeat):
                continue
            wanted = Wanted.by(loaded.workload)
            if info is None or (tier, wanted) != started_for:
                if info is not None:
                    broker.stop()
                    ground.close()
                    broker.wipe()
                ground = Groundwork.lay(wanted, choice.broker, source.backend, root)
                info = ground.reached(broker.start(tier=str(tier), settings={**settings, **ground.settings}))
                started_for = (tier, wanted)
                _note_column(campaign, choice, info, adapter.capabilities(info))
            record = _run_cell(
                options,
                folder,
                campaign,
                choice,
                repeat,
                order,
                run_id,
                loaded,
                tier,
                broker,
                info,
                adapter,
                ground,
                say,
                engine,
            )
            campaign.runs.append(record)
            keep(campaign)
            if record.state == "interrupted":
                campaign.interrupted = True
                return
            if record.state == "failed":
                say(f"{loaded.workload.name} failed: {record.error.splitlines()[0]}")
                if broker.trouble():
                    break
    except (BrokerMissing, GroundMissing) as error:
        say(f"not run: {error.message}")
        campaign.columns[choice.label] = BrokerColumn(
            name=choice.label,
            label=choice.label,
            state="not_run",
            reason=error.message,
            next_command=error.next_command or "",
        )
    except HarnessError as error:
        say(f"failed: {error.message.splitlines()[0]}")
        _mark_unstarted(options, campaign, choice, repeat, order, error)
    finally:
        _end(broker, ground)
        shutil.rmtree(root, ignore_errors=True)


def _limits(options: StudyOptions, choice: BrokerChoice, backend: str, say: Say) -> Mapping[str, str]:
    """Limits of the broker's container, once its image is there; nothing for other backends."""
    if backend != "docker":
        return {}
    from harness.brokers.images import ensure  # the engine's client is heavy, and most runs need none

    ensure(choice.broker, say)
    return options.limits


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


def _run_cell(
    options: StudyOptions,
    folder: StudyFolder,
    campaign: Campaign,
    choice: BrokerChoice,
    repeat: int,
    order: int,
    run_id: str,
    loaded: LoadedWorkload,
    tier: Tier,
    broker: Broker,
    info: BrokerInfo,
    adapter: object,
    ground: Groundwork,
    say: Say,
    engine: LoadEngine | None,
) -> RunRecord:
    workload = loaded.workload
    cell_folder = folder.cell(workload.name, choice.label, repeat)
    token = zlib.crc32(f"{run_id}/{workload.name}/{choice.label}/{repeat}/{time.time_ns()}".encode())
    spec = CellSpec(
        workload=workload,
        workload_text=loaded.text,
        broker_name=choice.label,
        adapter=choice.adapter,
        adapter_settings=settings_for(choice, workload),
        tier=tier,
        seed=options.seed,
        repeat=repeat,
        order=order,
        run_number=token,
        folder=cell_folder,
        prefix=f"h{token:08x}",
    )
    started = time.monotonic()
    try:
        conductor = Conductor(spec, broker, info, cast(Adapter, adapter), Headed(say, workload.name), engine, ground)
    except Unsupported as error:
        return RunRecord(
            workload=workload.name, broker=choice.label, repeat=repeat, order=order, seed=options.seed,
            state="failed", error=f"unsupported: {error.message}", seconds=time.monotonic() - started,
        )  # fmt: skip
    campaign.plans[workload.name, choice.label] = conductor.plan
    column = campaign.columns[choice.label]
    column.mode = mode_of({name: plan for (name, label), plan in campaign.plans.items() if label == choice.label})
    if not column.client:
        column.client = conductor.plan.parity.get("client", choice.adapter)
    record = conductor.run()
    record.history = str(cell_folder.relative_to(folder.path))
    return record


def _note_column(campaign: Campaign, choice: BrokerChoice, info: BrokerInfo, capabilities: Capabilities) -> None:
    if choice.label in campaign.columns:
        return
    campaign.capabilities[choice.label] = capabilities
    campaign.columns[choice.label] = BrokerColumn(
        name=choice.label,
        label=choice.label,
        product=info.product,
        version=info.version,
        backend=info.backend,
        settings=dict(info.settings),
    )


def _mark_unstarted(
    options: StudyOptions, campaign: Campaign, choice: BrokerChoice, repeat: int, order: int, error: HarnessError
) -> None:
    """Runs of this visit that did not take place are failed runs, not silence."""
    done = {(run.workload, run.broker, run.repeat) for run in campaign.runs}
    campaign.columns.setdefault(choice.label, BrokerColumn(name=choice.label, label=choice.label))
    for loaded in options.workloads:
        if (loaded.workload.name, choice.label, repeat) not in done:
            campaign.runs.append(
                RunRecord(
                    workload=loaded.workload.name,
                    broker=choice.label,
                    repeat=repeat,
                    order=order,
                    seed=options.seed,
                    state="failed",
                    error=("unsupported: " if isinstance(error, Unsupported) else "") + error.message,
                    next_command=error.next_command or "",
                    seconds=0.0,
                )
            )
