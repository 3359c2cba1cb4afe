"""``harness run``, ``check``, ``report`` and ``compare``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import replace as changed
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.flags import (
    DEFAULT_BROKERS,
    Backend,
    Brokers,
    Cpus,
    DryRun,
    Durability,
    Json,
    Memory,
    Repeats,
    Replace,
    Seed,
    Urls,
    quantity,
    quantity_if,
)
from harness.cli.loading import loading
from harness.cli.output import DOCUMENT_VERSION, Progress, emit_json, stdout_console
from harness.cli.studies import choices_of, chosen_backend, leave, limits_of, tell_plan
from harness.errors import UsageError
from harness.model.result import Result
from harness.model.units import parse_duration_s, parse_rate_per_s, parse_size
from harness.plan.bundled import find_workload
from harness.plan.loader import load_workload

if TYPE_CHECKING:
    from harness.plan.loader import LoadedWorkload
    from harness.runner.engine import LoadEngine
    from harness.study.options import StudyOptions


class Load(StrEnum):
    OWN = "own"
    LOCUST = "locust"


def register(app: typer.Typer) -> None:
    app.command("run")(run)
    app.command("check")(check)
    app.command("report")(report)
    app.command("compare")(compare)


def run(
    workloads: Annotated[list[str], typer.Argument(help="Names (harness workload ls) or files.")],
    brokers: Brokers = DEFAULT_BROKERS,
    repeats: Repeats = 1,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The run's folder [reports/<time>].")] = None,
    duration: Annotated[str | None, typer.Option(help="Length of each timed phase, for example 10s.")] = None,
    warm_up: Annotated[str | None, typer.Option(help="Length of the warm-up before anything is measured, for example 30s.")] = None,
    rate: Annotated[str | None, typer.Option(help="Rate of each paced phase, for example 2k/s.")] = None,
    size: Annotated[str | None, typer.Option(help="Message size, for example 1KiB.")] = None,
    in_flight: Annotated[int | None, typer.Option(min=1, max=100_000, help="Window of each flood phase.")] = None,
    durability: Durability = None,
    seed: Seed = 1,
    url: Urls = None,
    backend: Backend = "process",
    memory: Memory = None,
    cpus: Cpus = None,
    fsync: Annotated[bool, typer.Option("--fsync", help="Count syncs at these tiers first (strace), for the report.")] = False,
    title: Annotated[str, typer.Option(help="Title of the report.")] = "",
    replace: Replace = False,
    load: Annotated[Load, typer.Option(help="What carries the load: this machine's own processes, or Locust.")] = Load.OWN,
    workers: Annotated[int | None, typer.Option(min=0, max=64, help="Locust workers on this machine [1]; 0: one process in all.")] = None,
    web_port: Annotated[int | None, typer.Option(min=1, max=65535, help="With Locust's page on this port of 127.0.0.1.")] = None,
    print_command: Annotated[bool, typer.Option("--print-command", help="Print the locust commands and stop.")] = False,
    aa: Annotated[bool, typer.Option("--aa", help="The first broker against itself too: the noise floor.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in -o: what is finished is not run again.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Run workloads through brokers, judge what happened, and write the report."""
    with loading():
        from harness.study.options import StudyOptions
        from harness.study.shapes import named

    if load is Load.OWN and not print_command:
        _refuse_locust_options({"--workers": workers, "--web-port": web_port})
    choices = choices_of(brokers, url or [], aa)
    loaded = _workloads(workloads, duration, rate, size, in_flight, warm_up)
    if resume and (out is None or replace):
        raise UsageError("--resume goes on with a run in a folder: name it with -o, and leave --replace out")
    place = chosen_backend(backend, [choice.broker for choice in choices if choice.url is None])
    options = StudyOptions(
        workloads=loaded,
        brokers=named(choices, loaded, durability),
        folder=out or Path("reports") / datetime.now(UTC).strftime("%Y%m%d-%H%M%S"),
        repeats=repeats,
        seed=seed,
        tier=durability,
        title=title,
        command=shlex.join(["harness", *sys.argv[1:]]),
        replace=replace,
        resume=resume,
        backend=place,
        limits=limits_of(memory, cpus, place),
    )
    if dry_run:
        tell_plan(options, as_json)
        return
    from harness.swarm.engine import connect_to_bridge

    engine = connect_to_bridge()
    if engine is None and (load is Load.LOCUST or print_command):
        _through_locust(options.folder, 1 if workers is None else workers, web_port, print_command, as_json)
        return
    _perform(options, engine, fsync=fsync, as_json=as_json)


def _perform(options: StudyOptions, engine: LoadEngine | None, *, fsync: bool, as_json: bool) -> None:
    """The study, what came of it, and the exit code that says so."""
    with loading():
        from harness.study.study import run_study
    progress = Progress()
    if fsync:
        options = _with_syncs(options, progress)
    finished = run_study(options, progress, engine, _write_page)
    progress.done()
    _show(finished.result, as_json)
    leave(finished)


def _workloads(
    names: list[str],
    duration: str | None,
    rate: str | None,
    size: str | None,
    in_flight: int | None,
    warm_up: str | None,
) -> tuple[LoadedWorkload, ...]:
    """The workloads with what the command line changes in them."""
    from harness.study.options import override

    loaded = tuple(
        override(
            load_workload(find_workload(name)),
            duration_s=quantity_if(duration, parse_duration_s, "--duration", command="run"),
            rate_per_s=quantity_if(rate, parse_rate_per_s, "--rate", command="run"),
            size_bytes=None if size is None else int(quantity(size, parse_size, "--size", command="run")),
            in_flight=in_flight,
            warm_up_s=quantity_if(warm_up, parse_duration_s, "--warm-up", command="run"),
        )
        for name in names
    )
    if len({one.workload.name for one in loaded}) != len(loaded):
        raise UsageError("each workload once, please")
    return loaded


def _with_syncs(options: StudyOptions, progress: Progress) -> StudyOptions:
    """Rows of the fsync ledger for the run's own brokers and tiers, measured now."""
    from harness.bench.fsync import bench_fsync

    tiers = list(dict.fromkeys(options.tier or one.workload.needs.durability for one in options.workloads))
    names = [choice.broker for choice in options.brokers if choice.url is None]
    rows = bench_fsync(brokers=names, tiers=tiers, backend=options.backend, progress=progress)
    return changed(options, syncs=tuple(rows))


def _refuse_locust_options(given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if value is not None:
            raise UsageError(
                f"{name} is for Locust, and this run's load is the harness's own: a process for each publisher and member",
                next_command=f"harness run ... --load locust {name} {value}",
            )


def _through_locust(folder: Path, workers: int, web_port: int | None, print_command: bool, as_json: bool) -> None:
    """The same study, in a child of a Locust master; this process only waits, and shows what came of it."""
    import shutil

    from harness.reporting.load import load_result
    from harness.swarm.launch import LocustRun, free_port, run_locust, scratch_logs, without_own_options

    arguments = without_own_options(sys.argv[2:])
    if not {"-o", "--out"} & set(arguments) and not any(one.startswith("--out=") for one in arguments):
        arguments = (*arguments, "-o", str(folder))
    if print_command:
        typer.echo("\n".join(LocustRun(arguments, workers, web_port).lines()))
        return
    logs = scratch_logs()
    try:
        code = run_locust(LocustRun(arguments, workers, web_port, port=free_port()), logs)
        if (folder / "result.json").exists():
            shutil.copytree(logs, folder / "locust", dirs_exist_ok=True)
            _show(load_result(folder), as_json)
    finally:
        shutil.rmtree(logs, ignore_errors=True)
    raise typer.Exit(code)


def _show(result: Result, as_json: bool) -> None:
    from harness.reporting.terminal import render_terminal

    if as_json:
        emit_json({"document": "result", "version": DOCUMENT_VERSION, "result": result.model_dump(mode="json")})
    else:
        render_terminal(result, stdout_console())


def _write_page(result: Result, path: Path) -> None:
    """The report with the claims that were tested here and the cards that this run has figures for."""
    from harness.rehearse.report import report_deck
    from harness.reporting.html import write_html

    write_html(result, path, report_deck(result, datetime.now(UTC)))


def check(
    folder: Annotated[Path, typer.Argument(help="A run's folder.")],
    as_json: Json = False,
) -> None:
    """Judge a run's histories again, without a broker, and write its result and report anew."""
    from harness.study.study import judge_again

    progress = Progress()
    finished = judge_again(folder, progress, _write_page)
    progress.done()
    _show(finished.result, as_json)
    leave(finished)


def report(
    folder: Annotated[Path, typer.Argument(help="A run's folder, or its result.json.")],
    format_: Annotated[str, typer.Option("--format", help="html, md, json, csv or text.")] = "html",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Where to [html, csv: the run's folder; others: stdout].")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Draw a run's report again from its result document."""
    from harness.study.study import write_report

    target = write_report(folder, format_, out, _write_page)
    if target is not None:
        typer.echo(str(target))
        if open_:
            import webbrowser

            webbrowser.open(target.resolve().as_uri())


def compare(
    first: Annotated[Path, typer.Argument(help="The baseline: a run's folder, result.json or report.html.")],
    second: Annotated[Path, typer.Argument(help="What is compared with it.")],
    as_json: Json = False,
) -> None:
    """Compare two runs: what differs in their fingerprints, and by how much their figures differ."""
    from harness.reporting import compare as comparing
    from harness.reporting.load import load_result

    comparison = comparing.compare(load_result(first), load_result(second))
    if as_json:
        emit_json(comparing.as_document(comparison))
    else:
        comparing.render(comparison, stdout_console())
