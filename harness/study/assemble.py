"""From finished runs to the result document: judge each history, sum up over repeats, and put the ledgers beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import __version__
from harness.adapters.probes import PROBES
from harness.adapters.proven import Proven, fact_text, proven_for
from harness.checkers.expect import broken_expectations
from harness.checkers.judge import judge
from harness.errors import HarnessError
from harness.model.capability import Feature, Support
from harness.model.provisioning import Provisioning
from harness.model.result import (
    BrokerColumn,
    CapabilityCell,
    Fingerprint,
    Measure,
    ParityRow,
    ProvenProbe,
    Result,
    RunRecord,
    SyncRow,
    WorkloadRecord,
)
from harness.model.verdict import Verdict
from harness.model.workload import Workload
from harness.plan.bodies import Bodies
from harness.plan.loader import LoadedWorkload
from harness.reporting.answers import answer_of
from harness.statistics.summarise import summarise
from harness.statistics.trials import fault_trials
from harness.study import ledger
from harness.study.ceilings import stamp_client_bound
from harness.study.freshness import BEGINNING, cold_machines, stamp_cold
from harness.study.options import StudyOptions, as_run
from harness.study.server_defaults import server_rows

Say = Callable[[str], None]


def skeleton(options: StudyOptions, fingerprint: Fingerprint, created: str) -> Result:
    """A result with everything that is known before the first run."""
    return Result(
        harness_version=__version__,
        run_id=options.folder.name,
        title=options.title or _title(options),
        created=created,
        command=options.command,
        seed=options.seed,
        repeats=options.repeats,
        seconds=0.0,
        state="partial",
        fingerprint=fingerprint,
        workloads=[_workload_record(loaded, options) for loaded in options.workloads],
        brokers=[],
        runs=[],
        notes=[_entropy_note(loaded, options.seed) for loaded in options.workloads],
    )


def _title(options: StudyOptions) -> str:
    return " vs ".join(choice.label for choice in options.brokers)


def _workload_record(loaded: LoadedWorkload, options: StudyOptions) -> WorkloadRecord:
    tier = options.tier or loaded.workload.needs.durability
    return WorkloadRecord(
        name=loaded.workload.name,
        question=loaded.workload.question,
        sha256=loaded.sha256,
        text=loaded.text,
        tier=str(tier),
        tier_sentence=tier.sentence,
    )


def _entropy_note(loaded: LoadedWorkload, seed: int) -> str:
    messages = loaded.workload.messages
    mean = round(messages.size.mean)
    share = Bodies(messages.payload, seed).compressed_share(mean)
    return f"{loaded.workload.name}: payloads are {messages.payload}, {mean} bytes on average; zlib leaves {share:.0%} of them"


@dataclass(frozen=True, slots=True)
class Judged:
    """In words: the expectations that were broken, and the histories that could not be judged."""

    broken: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def fold_runs(result: Result, folder: Path, say: Say) -> Judged:
    """Judge every run with a history and fill in verdicts, measures, curves, cells and answers.

    A history that cannot be judged costs its own run, which becomes failed with the reason.
    """
    workloads = {record.name: as_run(record.text, record.name) for record in result.workloads}
    result.verdicts, result.measures, result.curves = [], [], []
    found = Judged()
    with_history = [run for run in result.runs if run.history]
    for number, run in enumerate(with_history, start=1):
        say(f"judging {number}/{len(with_history)}: {run.workload} on {run.broker}, repeat {run.repeat + 1}")
        try:
            judgement = judge(folder / run.history, workloads[run.workload])
        except HarnessError as error:
            run.state, run.error, run.next_command = "failed", error.message, error.next_command or ""
            found.damaged.append(f"{run.workload} on {run.broker}, repeat {run.repeat + 1}: {error.message}")
            continue
        result.verdicts.extend(judgement.verdicts)
        result.measures.extend(judgement.measures)
        result.curves.extend(judgement.curves)
        _complete_record(run, judgement.measures)
        found.broken.extend(_broken(run, workloads[run.workload], judgement.verdicts))
    stamp_client_bound(result.measures, result.ceilings, {name: one.publishers for name, one in workloads.items()})
    _summarise(result)
    result.notes = [note for note in result.notes if not note.startswith(LOAD_NOTE)] + _load_notes(result.runs)
    result.trials = fault_trials(result, workloads.values())
    for record in result.workloads:
        record.answer = answer_of(result, record.name)
    return found


LOAD_NOTE = "Load of "


def _load_notes(runs: Iterable[RunRecord]) -> list[str]:
    """Where the load of each run came from, and how far the clocks of its hosts can be trusted."""
    notes = []
    for run in runs:
        if run.load is None:
            continue
        parts = [
            f"{worker.name} on {worker.host} ({', '.join(worker.slice) or 'nothing'}): "
            + ("" if worker.state == "done" else "LOST in the middle of the run; ")
            + ("the master's clock" if worker.same_clock else "a clock of its own")
            + f", measured {worker.offset_us:+,.0f} µs from it to within {worker.bound_us:,.0f} µs in {worker.round_trips} round trips"
            for worker in run.load.workers
        ]
        bound = (
            "one clock, nothing to correct"
            if all(worker.same_clock for worker in run.load.workers)
            else f"times are corrected; a latency between two hosts is right to within {run.load.bound_us:,.0f} µs"
        )
        notes.append(
            f"{LOAD_NOTE}{run.workload} on {run.broker}, repeat {run.repeat + 1}: {run.load.engine}; {'; '.join(parts)}; {bound}."
        )
    return notes


def _broken(run: RunRecord, workload: Workload, verdicts: Iterable[Verdict]) -> list[str]:
    return [
        f"{run.workload} on {run.broker}, repeat {run.repeat + 1}: {text}"
        for text in broken_expectations(workload, list(verdicts))
    ]


def _complete_record(run: RunRecord, measures: list[Measure]) -> None:
    """What only the history can say: the generator's lag, and when the first message was acknowledged after a fault."""
    for phase in run.phases:
        lag = next((m for m in measures if m.metric == "generator_lag_p99" and m.phase == phase.name), None)
        if lag is not None:
            phase.generator_lag_p99_ms = lag.value
    for fault in run.faults:
        first = next(
            (m for m in measures if m.metric == "recovery_first_acknowledged" and m.phase == fault.phase), None
        )
        if first is not None and fault.kind == "kill" and first.state == "ok":
            fault.first_acknowledged_s = first.value


def _summarise(result: Result) -> None:
    ran = [column.name for column in result.brokers if column.state == "run"]
    baseline = ran[0] if ran else ""
    result.cells, result.noise = summarise(result, baseline=baseline)
    stamp_cold(result.cells, result.brokers, result.runs)


def note_cold_machines(result: Result) -> None:
    """A warning at the head of the report where Java brokers were measured soon after their start, as of all runs so far."""
    text = cold_machines(result.brokers, result.runs)
    others = [warning for warning in result.fingerprint.warnings if not warning.startswith(BEGINNING)]
    result.fingerprint.warnings = [*others, text] if text else others


def note_syncs(result: Result, plans: dict[tuple[str, str], Provisioning], measured: Sequence[SyncRow]) -> None:
    """The fsync ledger's rows of these brokers and tiers; a claim that one contradicts is a warning at the head of the report."""
    result.syncs = ledger.rows_for(result.brokers, plans, measured)
    warnings = result.fingerprint.warnings
    warnings += [text for text in ledger.contradictions(result.syncs) if text not in warnings]


def note_plans(result: Result, plans: dict[tuple[str, str], Provisioning]) -> None:
    """The capability matrix and the parity ledger, from what the adapters planned, and the proofs that the matrix rests on."""
    proven = {column.name: proven_for(_family(column.name), column.version) for column in result.brokers}
    result.proven = [
        ProvenProbe(
            product=one.product,
            version=one.version,
            probe=name,
            question=one.questions[name],
            facts={fact: fact_text(value) for fact, value in facts.items()},
        )
        for one in {one.file: one for one in proven.values() if one is not None}.values()
        for name, facts in one.answers.items()
    ]
    result.capabilities = [
        CapabilityCell(
            workload=workload,
            broker=broker,
            feature=str(feature),
            support=str(row.support),  # type: ignore[arg-type]
            how=row.how,
            why=row.why,
            probe=PROBES.get(Feature(feature), "") if row.support is not Support.IMPOSSIBLE else "",
            **_proof(proven.get(broker), feature, plan.shape),
        )
        for (workload, broker), plan in sorted(plans.items())
        for feature, row in plan.features.items()
    ]
    result.parity = []
    for name in dict.fromkeys(workload for workload, _ in plans):
        here = {broker: plan.parity for (workload, broker), plan in plans.items() if workload == name}
        for setting in dict.fromkeys(key for parity in here.values() for key in parity):
            values = {broker: parity.get(setting, "does not apply") for broker, parity in here.items()}
            result.parity.append(
                ParityRow(workload=name, setting=setting, values=values, differs=len(set(values.values())) > 1)
            )
        result.parity.extend(server_rows(name, [column for column in result.brokers if column.name in here]))


def _family(column: str) -> str:
    """``activemq-5.17:queues`` -> ``activemq``."""
    return column.partition(":")[0].partition("-")[0]


def _proof(proven: Proven | None, feature: Feature, shape: str) -> dict[str, Any]:
    """Which probes a cell rests on, and the version that answered them: the broker's own, else the newest of its series."""
    probes = proven.probes_for(feature, shape) if proven is not None else ()
    if proven is None or not probes:
        return {}
    return {"proof": list(probes), "proven_on": f"{proven.product} {proven.version}"}


def columns_in_order(options: StudyOptions, columns: dict[str, BrokerColumn]) -> list[BrokerColumn]:
    """As typed; a broker that was never reached is a column too."""
    return [
        columns.get(choice.label)
        or BrokerColumn(name=choice.label, label=choice.label, state="not_run", reason="the study ended before its turn",
                        next_command=options.command)
        for choice in options.brokers
    ]  # fmt: skip
