"""Going on with a study that was cut off: what is finished is kept and not run again, the rest is run as if for the first time."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.errors import RunFolderError
from harness.model.result import CapabilityCell, ParityRow, Result, RunRecord
from harness.reporting.load import load_result
from harness.study.folder import PARTIAL_FILE, RESULT_FILE, StudyFolder

SAME_MACHINE = ("cpu_model", "cores", "kernel", "python", "clients", "containers")


def earlier_study(folder: Path) -> Result | None:
    """What a study left in ``folder``; None when no run of it was finished."""
    for name in (PARTIAL_FILE, RESULT_FILE):  # a partial one beside a whole one is the later of the two
        if (folder / name).exists():
            return load_result(folder / name)
    return None


def take_over(result: Result, earlier: Result) -> None:
    """Put into the new ``result`` what the earlier study found out. Raises RunFolderError when the two would not be one study."""
    differences = _differences(result, earlier)
    if differences:
        raise RunFolderError(
            f"the run in this folder cannot be gone on with, since it differs: {'; '.join(differences)}",
            next_command=f"{earlier.command} --resume",
        )
    result.notes = [*earlier.notes, f"gone on with at {result.created}, load before {result.fingerprint.load_before:g}"]
    result.created, result.title = earlier.created, earlier.title
    result.fingerprint, result.ceilings = earlier.fingerprint, earlier.ceilings
    result.brokers = [column for column in earlier.brokers if column.state == "run"]
    result.capabilities, result.parity = earlier.capabilities, earlier.parity
    result.runs = finished_runs(earlier)


def finished_runs(earlier: Result) -> list[RunRecord]:
    return [run for run in earlier.runs if run.state == "done" and run.history]


def clear_unfinished(folder: StudyFolder, kept: list[RunRecord]) -> None:
    """Histories that do not belong to a finished run make room for those that will."""
    wanted = {folder.path / run.history for run in kept}
    for history in (folder.path / "cells").glob("*/*/r*"):
        if history not in wanted:
            shutil.rmtree(history)
    (folder.path / RESULT_FILE).unlink(missing_ok=True)


def merge_ledgers(
    result: Result, capabilities: list[CapabilityCell], parity: list[ParityRow], fresh: set[tuple[str, str]]
) -> None:
    """Keep the earlier study's rows of (workload, broker) pairs that were not planned again."""
    result.capabilities += [row for row in capabilities if (row.workload, row.broker) not in fresh]
    rows = {(row.workload, row.setting): row for row in result.parity}
    for earlier in parity:
        values = {broker: value for broker, value in earlier.values.items() if (earlier.workload, broker) not in fresh}
        row = rows.get((earlier.workload, earlier.setting))
        if row is None and values:
            result.parity.append(earlier.model_copy(update={"values": values}))
        elif row is not None:
            row.values = {**values, **row.values}
            row.differs = len(set(row.values.values())) > 1


def _differences(result: Result, earlier: Result) -> list[str]:
    found = []
    if result.seed != earlier.seed:
        found.append(f"seed {result.seed} instead of {earlier.seed}")
    if result.repeats != earlier.repeats:
        found.append(f"{result.repeats} repeats instead of {earlier.repeats}")
    work = {record.name: (record.sha256, record.tier) for record in result.workloads}
    before = {record.name: (record.sha256, record.tier) for record in earlier.workloads}
    found += [f"workload {name} is another" for name in sorted({*work, *before}) if work.get(name) != before.get(name)]
    for name in SAME_MACHINE:
        now, then = getattr(result.fingerprint, name), getattr(earlier.fingerprint, name)
        if now != then:
            found.append(f"{name.replace('_', ' ')} {now} instead of {then}")
    return found
