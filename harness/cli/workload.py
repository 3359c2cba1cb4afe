"""``harness workload ls|show|new|check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from harness.cli.flags import Json
from harness.cli.output import DOCUMENT_VERSION, emit_json, stdout_console
from harness.errors import UsageError
from harness.model.units import format_duration_s
from harness.plan.bundled import find_workload, workload_files
from harness.plan.loader import LoadedWorkload, load_workload

workload_app = typer.Typer(
    name="workload", help="The workloads: list, show, check, or start a new one.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    app.add_typer(workload_app)


@workload_app.command("ls")
def list_workloads(as_json: Json = False) -> None:
    """List the workloads that come with the harness."""
    loaded = [load_workload(path) for path in workload_files().values()]
    if as_json:
        emit_json(
            {"document": "workloads", "version": DOCUMENT_VERSION, "workloads": [_summary(one) for one in loaded]}
        )
        return
    table = Table("workload", "question", "takes about", box=None)
    for one in loaded:
        table.add_row(one.workload.name, one.workload.question, format_duration_s(_seconds(one)))
    stdout_console().print(table)


@workload_app.command("show")
def show_workload(name: str, as_json: Json = False) -> None:
    """Print a workload's file."""
    loaded = load_workload(find_workload(name))
    if as_json:
        emit_json({"document": "workload", "version": DOCUMENT_VERSION, **_summary(loaded), "text": loaded.text})
        return
    typer.echo(loaded.text, nl=False)


@workload_app.command("check")
def check_workload(files: Annotated[list[str], typer.Argument(help="Files or names.")], as_json: Json = False) -> None:
    """Say whether workload files are sound; complaints name file, line and the nearest key."""
    loaded = [load_workload(find_workload(name)) for name in files]
    if as_json:
        emit_json(
            {"document": "workloads", "version": DOCUMENT_VERSION, "workloads": [_summary(one) for one in loaded]}
        )
        return
    for one in loaded:
        typer.echo(f"{one.path}: sound; {len(one.workload.phases)} phases, about {format_duration_s(_seconds(one))}")


@workload_app.command("new")
def new_workload(
    path: Annotated[Path, typer.Argument(help="The file to create.")],
    template: Annotated[str, typer.Option("--from", help="The workload to start from.")] = "clickstream_fanout",
) -> None:
    """Start a new workload file from one that exists."""
    if path.exists():
        raise UsageError(f"{path} exists; it is not written over", next_command=f"harness workload check {path}")
    if path.suffix != ".yaml":
        raise UsageError(
            "a workload file ends in .yaml", next_command=f"harness workload new {path.with_suffix('.yaml')}"
        )
    path.write_text(load_workload(find_workload(template)).text, encoding="utf-8")
    typer.echo(f"{path} written; edit it, then: harness workload check {path}")


def _summary(loaded: LoadedWorkload) -> dict[str, object]:
    workload = loaded.workload
    return {
        "name": workload.name,
        "question": workload.question,
        "path": loaded.path,
        "sha256": loaded.sha256,
        "groups": dict(workload.needs.groups),
        "tier": str(workload.needs.durability),
        "phases": [phase.name for phase in workload.phases],
        "seconds": _seconds(loaded),
    }


def _seconds(loaded: LoadedWorkload) -> float:
    """Publishing time alone; drains and restarts come on top."""
    return round(sum(phase.for_ or 0.0 for phase in loaded.workload.phases), 3)
