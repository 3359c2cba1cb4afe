"""What the commands that run a study share: what flags mean for it, what is printed of it, and how it ends."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

from harness.brokers.address import address_variable
from harness.brokers.limits import limit_settings
from harness.cli.output import Progress, emit_json
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.model.result import Result
    from harness.study.options import BrokerChoice, StudyOptions
    from harness.study.study import FinishedStudy


def tell_plan(options: StudyOptions, as_json: bool) -> None:
    from harness.study.dry_run import describe

    plan = describe(options)
    emit_json(plan) if as_json else typer.echo(plan["text"])


def limits_of(memory: str | None, cpus: float | None, backend: str) -> Mapping[str, str]:
    limits = limit_settings(memory, cpus)
    if limits and backend != "docker":
        raise UsageError("--memory and --cpus limit containers", next_command="harness run ... --backend docker")
    return limits


def choices_of(brokers: str, urls: list[str], aa: bool) -> tuple[BrokerChoice, ...]:
    """What ``-b`` and ``--url`` name. Processes that carry the load find a login where this one would: in the environment."""
    from harness.study.options import check_urls, parse_broker, parse_urls, with_twins

    addresses = parse_urls(urls)
    for name, address in addresses.items():
        if ":" not in name:
            os.environ.setdefault(address_variable(name), address)
    names = [name.strip().replace("+", ",") for name in brokers.split(",") if name.strip()]
    choices = tuple(parse_broker(name, addresses) for name in names)
    check_urls(addresses, choices)
    return with_twins(choices, twin_of_first=aa)


def chosen_backend(asked: str, brokers: list[str]) -> str:
    """``auto`` is decided here, before anything starts; the reason goes to stderr."""
    if asked in ("process", "docker"):
        return asked
    if asked != "auto":
        raise UsageError(f"unknown backend {asked!r}; known: process, docker, auto", next_command="harness doctor")

    from harness.brokers.choose import choose_backend

    progress = Progress()
    choice = choose_backend(brokers, progress)
    progress.done()
    typer.echo(
        f"brokers as {'containers' if choice.backend == 'docker' else 'local copies'}: {choice.reason}", err=True
    )
    return choice.backend


def leave(finished: FinishedStudy) -> None:
    """Where it is and what went wrong, on stderr, and the exit code that says it."""
    typer.echo(f"\nreport: {finished.report}\nresult: {finished.folder / 'result.json'}", err=True)
    result, judged = finished.result, finished.judged
    for text in judged.broken:
        typer.echo(f"expectation broken: {text}", err=True)
    for text in judged.damaged:
        typer.echo(f"not judged: {text}", err=True)
    if result.state == "interrupted":
        raise typer.Exit(130)
    if all(column.state == "not_run" for column in result.brokers):
        raise typer.Exit(3)
    if all(run.state == "failed" and not run.history for run in result.runs):
        typer.echo(
            f"no run took place: {result.runs[0].error.splitlines()[0] if result.runs else 'no broker'}", err=True
        )
        raise typer.Exit(3)
    if judged.broken:
        raise typer.Exit(1)
    if judged.damaged or _cut_short(result):
        raise typer.Exit(5)


def _cut_short(result: Result) -> bool:
    """Whether a run began and did not get to its end; what a broker cannot do at all is no accident."""
    return any(run.state == "failed" and run.history for run in result.runs)
