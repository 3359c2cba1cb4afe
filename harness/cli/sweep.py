"""``harness sweep``: how brokers behave while one parameter grows, and where they stop keeping up."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
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
from harness.cli.output import DOCUMENT_VERSION, Progress, emit_json, stdout_console
from harness.cli.studies import choices_of, chosen_backend, leave, limits_of, tell_plan
from harness.errors import ResultError, UsageError
from harness.model.units import parse_duration_s, parse_rate_per_s, parse_size

if TYPE_CHECKING:
    from harness.study.options import StudyOptions
    from harness.study.study import FinishedStudy
    from harness.study.variants import Variants


def register(app: typer.Typer) -> None:
    app.command("sweep")(sweep)


def sweep(
    workload: Annotated[str, typer.Argument(help="A name (harness workload ls) or a file.")],
    parameter: Annotated[
        list[str],
        typer.Option(
            "-P", "--parameter",
            help="NAME=VALUE,VALUE,...; one of rate, size, in_flight, members, partitions, prefetch, publishers: rate=200,400,800,1.6k.",
        ),
    ],
    brokers: Brokers = DEFAULT_BROKERS,
    repeats: Repeats = 3,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The run's folder [reports/sweep-<time>].")] = None,
    limit: Annotated[str | None, typer.Option(help="p99 end to end that a sustained value stays within, for example 100ms.")] = None,
    duration: Annotated[str, typer.Option(help="Length of each phase that is measured.")] = "10s",
    warm_up: Annotated[str, typer.Option(help="Length of the warm-up before each value, at its rate.")] = "2s",
    rate: Annotated[str | None, typer.Option(help="Rate of the paced phase at every value, for example 2k/s.")] = None,
    size: Annotated[str | None, typer.Option(help="Message size at every value, for example 1KiB.")] = None,
    in_flight: Annotated[int | None, typer.Option(min=1, max=100_000, help="Window of the flood phase at every value.")] = None,
    durability: Durability = None,
    seed: Seed = 1,
    url: Urls = None,
    backend: Backend = "process",
    memory: Memory = None,
    cpus: Cpus = None,
    title: Annotated[str, typer.Option(help="Title of the pages.")] = "",
    replace: Replace = False,
    aa: Annotated[bool, typer.Option("--aa", help="The first broker against itself too.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the sweep in -o: what is finished is not run again.")] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Run one workload at growing values of one parameter; write sweep.html beside the report."""
    from harness.study.options import StudyOptions
    from harness.study.shapes import named

    if resume and (out is None or replace):
        raise UsageError("--resume goes on with a sweep in a folder: name it with -o, and leave --replace out")
    limit_s = quantity_if(limit, parse_duration_s, "--limit", command="sweep")
    of = _variants(
        workload,
        parameter,
        duration_s=quantity_if(duration, parse_duration_s, "--duration", command="sweep"),
        warm_up_s=quantity_if(warm_up, parse_duration_s, "--warm-up", command="sweep"),
        rate_per_s=quantity_if(rate, parse_rate_per_s, "--rate", command="sweep"),
        size_bytes=None if size is None else int(quantity(size, parse_size, "--size", command="sweep")),
        in_flight=in_flight,
    )
    if limit_s is not None and not of.paced:
        raise UsageError(
            f"--limit is of the latency in a paced phase, and {of.swept.parameter} is measured in floods only",
            next_command="harness sweep --help",
        )
    choices = choices_of(brokers, url or [], aa)
    place = chosen_backend(backend, [choice.broker for choice in choices if choice.url is None])
    options = StudyOptions(
        workloads=of.workloads,
        brokers=named(choices, of.workloads, durability),
        folder=out or Path("reports") / datetime.now(UTC).strftime("sweep-%Y%m%d-%H%M%S"),
        repeats=repeats,
        seed=seed,
        tier=durability,
        title=title or _title(of),
        command=shlex.join(["harness", *sys.argv[1:]]),
        replace=replace,
        resume=resume,
        backend=place,
        limits=limits_of(memory, cpus, place),
    )
    if dry_run:
        tell_plan(options, as_json)
        return
    _run(options, of, None if limit_s is None else limit_s * 1000, as_json)


def _run(options: StudyOptions, of: Variants, limit_ms: float | None, as_json: bool) -> None:
    """The study, and its answers also where its own report would be too large for a page: the result is written before it."""
    from harness.reporting.load import load_result
    from harness.study.folder import RESULT_FILE
    from harness.study.study import run_study
    from harness.study.sweep import write_sweep

    progress = Progress()
    try:
        finished = run_study(options, progress)
    except ResultError:
        if (options.folder / RESULT_FILE).exists():
            _, page = write_sweep(load_result(options.folder), options.folder, of, limit_ms)
            typer.echo(f"sweep: {page}", err=True)
        raise
    progress.done()
    _finish(finished, of, limit_ms, as_json)


def _title(of: Variants) -> str:
    from harness.model.sweep import PARAMETER_WORDS, value_text

    name, values = of.swept.parameter, of.swept.values
    span = " to ".join(dict.fromkeys(value_text(name, value) for value in (values[0], values[-1])))
    return f"{of.base.workload.name.replace('_', ' ')}: {PARAMETER_WORDS[name]} {span}"


def _variants(workload: str, parameters: list[str], **flags: object) -> Variants:
    from harness.plan.bundled import find_workload
    from harness.plan.loader import load_workload
    from harness.study.variants import parse_swept, variants

    if len(parameters) != 1:
        raise UsageError("a sweep has one parameter: -P once", next_command="harness sweep --help")
    return variants(load_workload(find_workload(workload)), parse_swept(parameters[0]), **flags)


def _finish(finished: FinishedStudy, of: Variants, limit_ms: float | None, as_json: bool) -> None:
    """The document and the page beside the study's own, the answers on stdout, and the study's exit code."""
    from harness.reporting.sweep import render_sweep_terminal
    from harness.study.sweep import write_sweep

    document, page = write_sweep(finished.result, finished.folder, of, limit_ms)
    if as_json:
        emit_json({"document": "sweep", "version": DOCUMENT_VERSION, "sweep": document.model_dump(mode="json")})
    else:
        render_sweep_terminal(document, stdout_console())
    typer.echo(f"\nsweep: {page}", err=True)
    leave(finished)
