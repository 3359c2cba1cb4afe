"""``harness rehearse predict|drill|mock|traps|worksheet|export|stats``: the quiz over the claims' cards."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.claims.store import FINDINGS
from harness.cli.flags import Json
from harness.cli.output import DOCUMENT_VERSION, Progress, emit_json, stdout_console
from harness.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from harness.rehearse.desk import ConsoleDesk
    from harness.rehearse.evidence import Item
    from harness.rehearse.state import RehearsalState

rehearse_app = typer.Typer(
    name="rehearse",
    help="Rehearse what the claims teach: predict a figure before it is measured, drill, be interviewed.",
    no_args_is_help=True,
)

Names = Annotated[list[str] | None, typer.Argument(help="Claims by id (harness claim ls) or file; all when unset.")]
StateFile = Annotated[
    Path | None,
    typer.Option("--state", help="What you answered [$XDG_STATE_HOME/messaging-harness/rehearsal.sqlite]."),
]
Findings = Annotated[Path, typer.Option("--findings", help="The folder of findings.")]
Answers = Annotated[
    Path | None, typer.Option("--answers", help="A file of answers, a line for each question, instead of the terminal.")
]


NOTHING_MEASURED = (
    "Nothing was measured here yet. next: harness rehearse predict (measures), or harness claim run --all"
)
NOTHING_RUNS = "No claim's experiment can run here. next: harness doctor, or harness rehearse predict --offline"


class SheetFormat(StrEnum):
    MD = "md"
    HTML = "html"


def register(app: typer.Typer) -> None:
    app.add_typer(rehearse_app)


def _now() -> datetime:
    return datetime.now(UTC)


def _items(names: list[str] | None, findings: Path) -> list[Item]:
    from harness.rehearse.deck import open_deck

    return open_deck(names or [], _now(), findings)


@contextmanager
def _state(path: Path | None) -> Iterator[RehearsalState]:
    """The state, open; an interrupt says that nothing is lost."""
    from harness.rehearse.state import RehearsalState, default_file

    with RehearsalState(path or default_file()) as kept:
        try:
            yield kept
        except Interrupted as error:  # while an experiment ran
            raise Interrupted(
                f"{error.message}; your prediction is kept in {kept.path} and settled once it is measured",
                next_command=error.next_command,
            ) from None
        except KeyboardInterrupt:
            if sys.stdin.isatty():  # what was typed stands there still
                typer.echo(err=True)
            raise Interrupted(
                f"interrupted; what you answered is kept in {kept.path}", next_command="harness rehearse stats"
            ) from None


def _desk(answers: Path | None) -> ConsoleDesk:
    from harness.rehearse.desk import open_desk

    lines = None if answers is None else answers.read_text(encoding="utf-8", errors="replace").splitlines()
    return open_desk(stdout_console(), lines)


@rehearse_app.command("predict")
def predict(
    names: Names = None,
    offline: Annotated[bool, typer.Option("--offline", help="Measure nothing: take the latest finding.")] = False,
    brokers: Annotated[
        str | None, typer.Option("-b", "--brokers", help="Only these of the experiment's brokers, comma-separated.")
    ] = None,
    count: Annotated[int, typer.Option("--count", min=1, help="Claims, without names.")] = 1,
    state: StateFile = None,
    findings: Findings = FINDINGS,
    answers: Answers = None,
) -> None:
    """Lock in a direction or an interval; then the claim's experiment runs, and you see how it came out."""
    from harness.rehearse.predicting import in_order, settle_open, settled_since
    from harness.rehearse.predicting import predict as session
    from harness.rehearse.showing import SOFT

    if offline and brokers:
        raise UsageError("--offline starts no brokers: leave -b out", next_command="harness rehearse predict --offline")
    items = _items(names, findings)
    chosen = [one.strip() for one in brokers.split(",") if one.strip()] if brokers else None
    desk = _desk(answers)
    with _state(state) as kept:
        for one in settle_open(items, kept, _now):
            desk.say(settled_since(one), SOFT)
        if not names:
            items = list(islice(_fitting(in_order(items, kept.predictions()), offline, chosen), count))
        if not items:
            desk.say(NOTHING_MEASURED if offline else NOTHING_RUNS)
        elif offline:
            session(items, desk, kept, _now, None)
        else:
            from harness.rehearse.measuring import plan

            session(
                items, desk, kept, _now, lambda item: _measure(item, chosen, findings), lambda item: plan(item, chosen)
            )


def _fitting(items: list[Item], offline: bool, brokers: list[str] | None) -> Iterator[Item]:
    """What can be settled at once: it was measured, or can be measured here."""
    if offline:
        return (item for item in items if item.finding is not None)
    from harness.rehearse.measuring import runs_here

    return (item for item in items if runs_here(item, brokers))


def _measure(item: Item, brokers: list[str] | None, findings: Path) -> Item:
    from harness.rehearse.measuring import measure

    progress = Progress()
    try:
        return measure(item, brokers, findings, progress)
    finally:
        progress.done()


@rehearse_app.command("drill")
def drill(
    names: Names = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Cards at most.")] = 10,
    ahead: Annotated[bool, typer.Option("--all", help="Also cards that are not due yet.")] = False,
    state: StateFile = None,
    findings: Findings = FINDINGS,
    answers: Answers = None,
) -> None:
    """The cards that are due: answer in your own words, see what was found in them, grade yourself."""
    from harness.rehearse.drilling import drill as session
    from harness.rehearse.drilling import due_cards
    from harness.rehearse.schedule import in_words

    items = every = _items(names, findings)
    desk = _desk(answers)
    with _state(state) as kept:
        schedules = kept.schedules()
        if not names and not ahead:
            chosen = due_cards(items, schedules, _now())
            if not chosen:
                first = min(schedules[item.claim.id].due for item in items)
                desk.say(
                    f"Nothing is due; the next card is, {in_words(first - _now())}. Ahead of time: --all, or name one."
                )
                return
            items = chosen
        done = session(items[:limit], desk, kept, _now, time.monotonic)
        left = 0 if names else len(due_cards(every, kept.schedules(), _now()))
        desk.say(f"\n{len(done)} answered" + (f"; {left} more are due or new" if left else ""))


@rehearse_app.command("mock")
def mock(
    names: Names = None,
    count: Annotated[int, typer.Option("--questions", min=1, help="Questions, drawn from all cards.")] = 5,
    seconds: Annotated[int, typer.Option("--seconds", min=10, help="For each question.")] = 180,
    follow_ups: Annotated[
        int, typer.Option("--follow-ups", min=0, help="For each question, where the card has them.")
    ] = 2,
    seed: Annotated[int | None, typer.Option(min=0, help="Draw the same questions again.")] = None,
    state: StateFile = None,
    findings: Findings = FINDINGS,
    answers: Answers = None,
) -> None:
    """An interview: timed, typed, with follow-ups; the key and a summary come at the end."""
    from harness.rehearse.interviewing import interview, questions

    items = _items(names, findings)
    if not names:
        items = questions(items, count, time.time_ns() if seed is None else seed)
    with _state(state) as kept:
        interview(items, _desk(answers), kept, _now, limit_s=seconds, follow_ups=follow_ups)


@rehearse_app.command("traps")
def traps(
    names: Names = None,
    list_: Annotated[bool, typer.Option("--list", help="Show them all, without a quiz.")] = False,
    state: StateFile = None,
    findings: Findings = FINDINGS,
    answers: Answers = None,
    as_json: Json = False,
) -> None:
    """What everybody says and the data here refuted, or supported only in part."""
    from harness.rehearse import trapping

    items = trapping.traps_of(_items(names, findings))
    if as_json:
        emit_json(
            {"document": "traps", "version": DOCUMENT_VERSION, "traps": [trapping.as_document(one) for one in items]}
        )
        return
    desk = _desk(answers)
    if not items:
        desk.say(trapping.NONE_YET)
    elif list_:
        trapping.list_traps(items, desk)
    else:
        with _state(state) as kept:
            trapping.trap(items, desk, kept, _now, time.monotonic)


@rehearse_app.command("worksheet")
def worksheet(
    names: Names = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="The file [stdout]; .html makes a page.")] = None,
    format_: Annotated[
        SheetFormat | None, typer.Option("--format", help="md or html [by the file's name, else md].")
    ] = None,
    findings: Findings = FINDINGS,
) -> None:
    """The cards on paper, with room to write, and the key at the end."""
    from harness.rehearse.worksheet import as_html, as_markdown

    html = format_ is SheetFormat.HTML or (format_ is None and out is not None and out.suffix in (".html", ".htm"))
    text = (as_html if html else as_markdown)(_items(names, findings), _now())
    if out is None:
        typer.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8")
    typer.echo(f"{out} written", err=True)


@rehearse_app.command("export")
def export(
    names: Names = None,
    anki: Annotated[Path | None, typer.Option("--anki", help="An Anki package, FILE.apkg.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="A CSV file; - for stdout.")] = None,
    findings: Findings = FINDINGS,
) -> None:
    """The cards for other programs, with the figures measured here."""
    from harness.rehearse.export import as_csv, write_anki

    if anki is None and csv is None:
        raise UsageError("say what to export", next_command="harness rehearse export --anki cards.apkg")
    items = _items(names, findings)
    if csv == Path("-"):
        typer.echo(as_csv(items), nl=False)
    elif csv is not None:
        csv.write_text(as_csv(items), encoding="utf-8", newline="")
        typer.echo(f"{csv} written: {len(items)} cards", err=True)
    if anki is not None:
        write_anki(items, anki, _now())
        typer.echo(f"{anki} written: {len(items)} cards", err=True)


@rehearse_app.command("stats")
def stats(state: StateFile = None, findings: Findings = FINDINGS, as_json: Json = False) -> None:
    """How well calibrated you are, and what is due."""
    from harness.rehearse.predicting import settle_open, settled_since
    from harness.rehearse.stats import fold, in_words

    items = _items(None, findings)
    with _state(state) as kept:
        since = settle_open(items, kept, _now)
        found = fold(kept.predictions(), kept.reviews(), kept.schedules(), [one.claim.id for one in items], _now())
    if as_json:
        emit_json({"document": "rehearsal", "version": DOCUMENT_VERSION, **found.as_document()})
        return
    desk = _desk(None)
    for line in (*map(settled_since, since), *in_words(found)):
        desk.say(line)
