"""``harness doctor``: what can run here, and the exact command that gets the rest."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from harness.brokers.doctor import doctor as look
from harness.brokers.registry import UNDER_TEST
from harness.cli.output import DOCUMENT_VERSION, emit_json, plain, stdout_console


def register(app: typer.Typer) -> None:
    app.command("doctor")(doctor)


def doctor(
    names: Annotated[list[str] | None, typer.Argument(help="Brokers to look at; all of them when unset.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Say what can run here and how, and the exact command that gets the rest. Exit code 3 when something is missing."""
    report = look(tuple(names or UNDER_TEST))
    if as_json:
        emit_json({"document": "doctor", "version": DOCUMENT_VERSION, **plain(report.as_document())})
        raise typer.Exit(0 if report.complete else 3)
    console = stdout_console()
    table = Table("broker", "", "version", "how", "where, or why not", "image", box=None)
    for check in report.brokers:
        mark = "ready" if check.available else "missing"
        table.add_row(
            check.name,
            mark,
            check.version,
            check.backend,
            check.where if check.available else check.reason,
            check.docker,
        )
    console.print(table)
    tools = Table("tool", "", "", "needed for", box=None)
    for tool in report.tools:
        tools.add_row(
            tool.name, "found" if tool.available else "missing", tool.version or tool.next_command, tool.needed_for
        )
    console.print()
    console.print(tools)
    console.print(f"\ncontainer engine: {report.engine}")
    taken = "containers" if report.demo == "docker" else "local copies"
    console.print(f"make demo takes {taken} as things stand; BACKEND=docker or BACKEND=process decides otherwise")
    console.print(f"local copies live in {report.cache}; {report.free_mb} MiB free")
    if not report.complete:
        console.print(f"next: {report.next_command}" if report.next_command else "next: see the reasons above")
        raise typer.Exit(3)
