"""``harness fault SCENARIO``: break each broker in one way, so many times, and say what that cost."""

from __future__ import annotations

import difflib
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.output import DOCUMENT_VERSION, Progress, emit_json, stdout_console
from harness.errors import UsageError
from harness.faults.scenarios import scenario_files
from harness.model.broker import Tier

if TYPE_CHECKING:
    from harness.plan.loader import LoadedWorkload
    from harness.study.study import FinishedStudy

LIST = "ls"
BROKERS = "pylog,kafka,rabbitmq,activemq"


def register(app: typer.Typer) -> None:
    app.command("fault")(fault)


def fault(
    scenario: Annotated[str, typer.Argument(help="A scenario's name, a workload file with a fault, or ls for a list.")],
    brokers: Annotated[str, typer.Option("-b", "--brokers", help="Comma-separated, as for harness run.")] = BROKERS,
    trials: Annotated[int, typer.Option("--trials", min=1, max=1000, help="Each on a fresh broker.")] = 3,
    durability: Annotated[Tier | None, typer.Option(help="Durability tier instead of the scenario's D1.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides the messages.")] = 1,
    backend: Annotated[str, typer.Option(help="process, docker, or auto.")] = "process",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Where the report goes [reports/<time>].")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Move an earlier run in the same folder aside.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Break brokers on purpose: lost, duplicated and unavailable, over many trials.

    Exit code 1: an acknowledged message was lost; 3: no broker could be run; 5: a fault did not bite in any trial of a broker, or
    none could be judged.
    """
    if scenario == LIST:
        _list(as_json)
        return
    from harness.study.options import StudyOptions, parse_broker
    from harness.study.shapes import check_settings
    from harness.study.study import run_study

    loaded = _load(scenario)
    choices = tuple(parse_broker(name.strip().replace("+", ","), {}) for name in brokers.split(",") if name.strip())
    if not choices or len({choice.label for choice in choices}) != len(choices):
        raise UsageError("-b names each broker once, for example -b pylog,rabbitmq", next_command="harness broker ls")
    check_settings(choices, [loaded])
    from harness.cli.studies import chosen_backend

    options = StudyOptions(
        workloads=(loaded,),
        brokers=choices,
        folder=out or Path("reports") / datetime.now(UTC).strftime(f"{loaded.workload.name}-%Y%m%d-%H%M%S"),
        repeats=trials,
        seed=seed,
        tier=durability,
        title=f"{loaded.workload.name.replace('_', ' ')}: {trials} trials each",
        command=shlex.join(["harness", *sys.argv[1:]]),
        replace=replace,
        backend=chosen_backend(backend, [choice.broker for choice in choices]),
    )
    progress = Progress()
    finished = run_study(options, progress)
    progress.done()
    document = _document(scenario, loaded, finished, trials)
    emit_json(document) if as_json else _show(document)
    typer.echo(f"\nreport: {finished.report}", err=True)
    _leave(finished)


def _load(scenario: str) -> LoadedWorkload:
    from harness.plan.loader import load_workload

    known = scenario_files()
    if scenario in known:
        return load_workload(known[scenario])
    path = Path(scenario)
    if path.suffix not in (".yaml", ".yml"):
        nearest = difflib.get_close_matches(scenario, known, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else f"; known: {', '.join(known)}"
        raise UsageError(f"no scenario named {scenario!r}{hint}", next_command="harness fault ls")
    loaded = load_workload(path)
    if all(phase.fault is None for phase in loaded.workload.phases):
        raise UsageError(f"no phase of {path} has a fault", next_command="harness fault ls")
    return loaded


def _list(as_json: bool) -> None:
    from harness.plan.loader import load_workload

    rows = [(name, load_workload(path)) for name, path in scenario_files().items()]
    if as_json:
        emit_json(
            {
                "document": "scenarios",
                "version": DOCUMENT_VERSION,
                "scenarios": [
                    {"name": name, "question": one.workload.question, "text": one.text} for name, one in rows
                ],
            }
        )
        return
    for name, one in rows:
        typer.echo(f"{name:<12} {one.text.splitlines()[0].removeprefix('# ')}")


def _document(scenario: str, loaded: LoadedWorkload, finished: FinishedStudy, trials: int) -> dict[str, Any]:
    result = finished.result
    return {
        "document": "fault",
        "version": DOCUMENT_VERSION,
        "scenario": scenario,
        "question": loaded.workload.question,
        "tier": result.workloads[0].tier,
        "tier_sentence": result.workloads[0].tier_sentence,
        "trials": trials,
        "state": result.state,
        "brokers": [column.model_dump(mode="json") for column in result.brokers],
        "rows": [row.model_dump(mode="json") for row in result.trials],
        "report": str(finished.report),
        "result": str(finished.folder / "result.json"),
    }


def _show(document: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from harness.model.result import FaultTrials
    from harness.reporting.faults import COLUMNS, cells_of

    console = stdout_console()
    console.print(Text(f"{document['question']}", style="bold"))
    console.print(Text(f"tier {document['tier']}: {document['tier_sentence']}; {document['trials']} trials a broker"))
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else box.ASCII2, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    rows = [FaultTrials.model_validate(row) for row in document["rows"]]
    for row in rows:
        table.add_row(*(Text(text) for text in cells_of(row, row.broker)))
    console.print(table)
    for row in rows:
        if row.reason:
            console.print(Text(f"{row.broker}: {row.reason.splitlines()[0]}"))
            if row.next_command:
                console.print(Text(f"  next: {row.next_command}", style="dim"))


def _leave(finished: FinishedStudy) -> None:
    result = finished.result
    if result.state == "interrupted":
        raise typer.Exit(130)
    ran = {column.name for column in result.brokers if column.state == "run"}
    if not ran:
        raise typer.Exit(3)
    confirmed = any(
        verdict.checker == "durability" and verdict.promised and verdict.validity == "invalid"
        for verdict in result.verdicts
    )
    if confirmed:
        raise typer.Exit(1)
    if any(row.broker in ran and not row.judged for row in result.trials):
        raise typer.Exit(5)
