"""A study from beginning to end, and its two halves that need no broker: judge again, draw again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import RunFolderError, UsageError
from harness.model.result import Fingerprint, Result
from harness.reporting.csv import write_csv
from harness.reporting.html import write_html
from harness.reporting.load import load_result
from harness.reporting.markdown import render_markdown
from harness.runner.engine import LoadEngine
from harness.study.assemble import (
    Judged,
    columns_in_order,
    fold_runs,
    note_cold_machines,
    note_plans,
    note_syncs,
    skeleton,
)
from harness.study.campaign import Campaign, run_campaign
from harness.study.ceilings import measure_ceilings
from harness.study.drivers import recorded_drivers
from harness.study.fingerprint import take_fingerprint
from harness.study.folder import PARTIAL_FILE, REPORT_FILE, RESULT_FILE, StudyFolder
from harness.study.options import StudyOptions
from harness.study.resume import clear_unfinished, earlier_study, merge_ledgers, take_over

Say = Callable[[str], None]
WritePage = Callable[[Result, Path], None]  # rooms above may put more on the page than the result


@dataclass(frozen=True, slots=True)
class FinishedStudy:
    """What a study left: the document, where it is, and what its judges found."""

    result: Result
    folder: Path
    report: Path
    judged: Judged


def run_study(
    options: StudyOptions, say: Say, engine: LoadEngine | None = None, write_page: WritePage = write_html
) -> FinishedStudy:
    """Raises RunFolderError before anything starts; what goes wrong later is in the result."""
    started = time.monotonic()
    with StudyFolder(options.folder, replace=options.replace, existing=options.resume) as folder:
        say("looking at this machine")
        created = datetime.now(UTC).isoformat(timespec="seconds")
        result = skeleton(options, _fingerprint(options), created)
        result.drivers = recorded_drivers()
        before_s = _go_on(result, options, folder)
        capabilities, parity = result.capabilities, result.parity

        def keep(campaign: Campaign) -> None:
            _note(result, options, campaign, before_s + time.monotonic() - started)
            merge_ledgers(result, capabilities, parity, set(campaign.plans))
            folder.write(PARTIAL_FILE, result.model_dump_json())

        say("measuring what the clients do against a broker that does nothing")
        result.ceilings = result.ceilings or measure_ceilings(
            {one.workload.name: one.workload for one in options.workloads}
        )
        earlier = Campaign(list(result.runs), {column.name: column for column in result.brokers})
        campaign = run_campaign(options, folder, say, keep, earlier, engine)
        keep(campaign)
        judged = fold_runs(result, options.folder, say)
        _state(result, campaign.interrupted)
        result.seconds = round(before_s + time.monotonic() - started, 3)
        report = _write(result, folder, say, write_page)
    return FinishedStudy(result, options.folder, report, judged)


def _go_on(result: Result, options: StudyOptions, folder: StudyFolder) -> float:
    """Take over what is finished when the study is to be gone on with; the seconds that it took."""
    earlier = earlier_study(options.folder) if options.resume else None
    if earlier is not None:
        take_over(result, earlier)
        folder.write(PARTIAL_FILE, earlier.model_dump_json())
    if options.resume:
        clear_unfinished(folder, result.runs)
    return earlier.seconds if earlier is not None else 0.0


def _fingerprint(options: StudyOptions) -> Fingerprint:
    taken = take_fingerprint(options.folder)
    if options.backend != "docker":
        return taken
    from harness.brokers.engine import describe
    from harness.brokers.limits import parse_limits

    limits = parse_limits(options.limits).settings()
    text = "; ".join([describe(), *(f"{name.partition('.')[2]} {value}" for name, value in limits.items())])
    return taken.model_copy(update={"containers": text})


def judge_again(path: Path, say: Say, write_page: WritePage = write_html) -> FinishedStudy:
    """Judge the histories of an earlier study anew: of a finished one, or of one whose harness was killed."""
    if not (path / RESULT_FILE).exists() and not (path / PARTIAL_FILE).exists():
        raise RunFolderError(
            f"{path} holds no run: there is neither {RESULT_FILE} nor {PARTIAL_FILE}", next_command="ls reports"
        )
    with StudyFolder(path, existing=True) as folder:
        source = path / RESULT_FILE if (path / RESULT_FILE).exists() else path / PARTIAL_FILE
        result = load_result(source)
        judged = fold_runs(result, path, say)
        if source.name == PARTIAL_FILE:
            _state(result, interrupted=True)
        report = _write(result, folder, say, write_page)
    return FinishedStudy(result, path, report, judged)


def write_report(path: Path, format_: str, out: Path | None, write_page: WritePage = write_html) -> Path | None:
    """Draw a result again. Returns the file written, or None when the text went to stdout."""
    result = load_result(path)
    folder = path if path.is_dir() else path.parent
    if format_ == "html":
        target = out or folder / REPORT_FILE
        write_page(result, target)
        return target
    if format_ == "csv":
        target = out or folder / "cells.csv"
        write_csv(result, target)
        return target
    if format_ not in ("md", "json", "text"):
        raise UsageError(
            f"unknown format {format_!r}; known: html, md, json, csv, text", next_command="harness report --help"
        )
    text = _text(result, format_)
    if out is None:
        import sys

        sys.stdout.write(text + "\n")
        return None
    out.write_text(text, encoding="utf-8")
    return out


def _text(result: Result, format_: str) -> str:
    if format_ == "json":
        return result.model_dump_json(indent=1)
    if format_ == "md":
        return render_markdown(result)
    from rich.console import Console

    from harness.reporting.terminal import render_terminal

    console = Console(width=120, no_color=True, highlight=False)
    with console.capture() as capture:
        render_terminal(result, console)
    return capture.get()


def _note(result: Result, options: StudyOptions, campaign: Campaign, seconds: float) -> None:
    result.runs = list(campaign.runs)
    result.brokers = columns_in_order(options, campaign.columns)
    result.seconds = round(seconds, 3)
    note_plans(result, campaign.plans)
    note_syncs(result, campaign.plans, options.syncs)
    note_cold_machines(result)


def _state(result: Result, interrupted: bool) -> None:
    if interrupted:
        result.state = "interrupted"
    elif any(run.state != "done" for run in result.runs) or not result.runs:
        result.state = "partial"
    else:
        result.state = "done"


def _write(result: Result, folder: StudyFolder, say: Say, write_page: WritePage) -> Path:
    say("writing the report")
    folder.write(RESULT_FILE, result.model_dump_json())
    (folder.path / PARTIAL_FILE).unlink(missing_ok=True)
    report = folder.path / REPORT_FILE
    write_page(result, report)
    return report
