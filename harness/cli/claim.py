"""``harness claim ls|show|run``: what is said about messaging models, and what this machine says to it."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from harness.cli.flags import Json
from harness.cli.output import DOCUMENT_VERSION, Progress, emit_error, emit_json, stdout_console
from harness.errors import HarnessError, UsageError
from harness.model.units import format_duration_s

if TYPE_CHECKING:
    from harness.claims.loader import LoadedClaim
    from harness.claims.store import Host
    from harness.model.claim import Finding

claim_app = typer.Typer(
    name="claim", help="Claims about messaging models, and experiments that could refute them.", no_args_is_help=True
)
Folder = Annotated[Path, typer.Option("--findings", help="Where findings are kept.")]
FINDINGS = Path("reports") / "claims"
MARKS = {
    "supported": "✓", "partly": "◐", "refuted": "✗", "inconclusive": "?", "not_comparable": "≠", "not_run": "–",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    app.add_typer(claim_app)


def verdict_words(verdict: str) -> str:
    """``✗ REFUTED``: a shape and a word, as in every report."""
    return f"{MARKS[verdict]} {verdict.upper().replace('_', '-')}"


@claim_app.command("ls")
def list_claims(findings: Folder = FINDINGS, as_json: Json = False) -> None:
    """List the claims, with what was found about each here and whether that is still fresh."""
    from harness.claims.loader import all_claims
    from harness.claims.store import host_here

    host = host_here()
    rows = [_row(one, findings, host) for one in all_claims()]
    if as_json:
        emit_json({"document": "claims", "version": DOCUMENT_VERSION, "claims": rows})
        return
    table = Table("id", "claim", "experiment", "takes about", "found here", box=None)
    for row in rows:
        found = verdict_words(row["verdict"]) if row["verdict"] else "not run yet"
        aside = "" if row["freshness"] in ("fresh", "none") else f" ({row['freshness']})"
        table.add_row(
            row["id"], Text(row["statement"]), Text(row["experiment"]), format_duration_s(row["seconds"]), found + aside
        )
    stdout_console().print(table)


def _row(loaded: LoadedClaim, findings: Path, host: Host) -> dict[str, Any]:
    from harness.claims.store import freshness, latest

    claim = loaded.claim
    finding = latest(claim.id, findings)
    return {
        "id": claim.id,
        "slug": claim.slug,
        "statement": claim.statement,
        "experiment": f"{claim.experiment.kind}{': ' if claim.brokers else ''}{', '.join(claim.brokers)}",
        "seconds": claim.experiment.takes,
        "verdict": finding.verdict.value if finding else "",
        "freshness": freshness(finding, claim, host, datetime.now(UTC)).value,
        "path": loaded.path,
    }


@claim_app.command("show")
def show_claim(
    name: Annotated[str, typer.Argument(help="An id (C33), a name, or a file.")],
    findings: Folder = FINDINGS,
    as_json: Json = False,
) -> None:
    """Print a claim, its rules, and what was found about it here."""
    from harness.claims.loader import find_claim, load_claim
    from harness.claims.store import freshness, host_here, latest

    loaded = load_claim(find_claim(name))
    finding = latest(loaded.claim.id, findings)
    fresh = freshness(finding, loaded.claim, host_here(), datetime.now(UTC)).value
    if as_json:
        emit_json(
            {
                "document": "claim",
                "version": DOCUMENT_VERSION,
                "claim": loaded.claim.model_dump(mode="json"),
                "finding": finding.model_dump(mode="json") if finding else None,
                "freshness": fresh,
                "path": loaded.path,
            }
        )
        return
    _print_claim(loaded)
    if finding is None:
        typer.echo(f"\nnot run here yet\n  next: harness claim run {loaded.claim.id}")
        return
    print_finding(finding, loaded)
    typer.echo(f"\n{finding.created}, {fresh}")


def _print_claim(loaded: LoadedClaim) -> None:
    from harness.claims.engine import describe

    claim, plan = loaded.claim, describe(loaded)
    typer.echo(f"{claim.id}  {claim.statement}\n\nwhy it is said: {claim.why_it_is_said}")
    typer.echo(f"\nexperiment: {plan['what']}{' on ' + ', '.join(claim.brokers) if claim.brokers else ''}")
    for line in _lines(plan["rules"]):
        typer.echo(f"  - {line}")
    for trap in claim.traps:
        typer.echo(f"trap: {trap}")


def _lines(value: object) -> list[str]:
    return [str(line) for line in value] if isinstance(value, list) else []


@claim_app.command("run")
def run_claims(
    names: Annotated[list[str] | None, typer.Argument(help="Ids, names or files; or --all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All claims that come with the harness.")] = False,
    brokers: Annotated[str | None, typer.Option("-b", "--brokers", help="Only these of its brokers; such a finding is kept aside.")] = None,
    findings: Folder = FINDINGS,
    expect: Annotated[str | None, typer.Option("--expect", help="Exit with 1 unless every verdict is this one.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run, and stop.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Make the experiments and judge the claims. A refuted claim is a good result: exit code 0.

    Exit code 3: nothing could be run here; 1: a verdict is not the one that --expect names.
    """
    from harness.claims.loader import all_claims, find_claim, load_claim

    if bool(names) == every:
        raise UsageError("name claims, or say --all", next_command="harness claim ls")
    loaded = all_claims() if every else [load_claim(find_claim(name)) for name in names or []]
    wanted = [name.strip() for name in brokers.split(",") if name.strip()] if brokers else None
    _check_expectation(expect)
    if wanted and every:
        loaded = [one for one in loaded if _concerns(one, wanted)]
    if dry_run:
        _tell_plan(loaded, wanted, as_json)
        return
    found = _run_all(loaded, wanted, findings, as_json)
    if as_json:
        emit_json(
            {
                "document": "findings",
                "version": DOCUMENT_VERSION,
                "findings": [one.model_dump(mode="json") for one in found],
            }
        )
    _leave(found, expect)


def _check_expectation(expect: str | None) -> None:
    if expect is not None and expect.replace("-", "_").lower() not in MARKS:
        raise UsageError(
            f"--expect is one of {', '.join(MARKS)}, not {expect!r}", next_command="harness claim run --help"
        )


def _concerns(loaded: LoadedClaim, wanted: list[str]) -> bool:
    labels = loaded.claim.brokers
    return any(label in wanted or label.partition(":")[0] in wanted for label in labels)


def _tell_plan(loaded: list[LoadedClaim], wanted: list[str] | None, as_json: bool) -> None:
    from harness.claims.engine import describe

    plans = [describe(one, wanted) for one in loaded]
    seconds = sum(float(str(plan["seconds"])) for plan in plans)
    if as_json:
        emit_json({"document": "plan", "version": DOCUMENT_VERSION, "seconds": seconds, "claims": plans})
        return
    for plan in plans:
        on = f" on {', '.join(_lines(plan['brokers']))}" if plan["brokers"] else ""
        typer.echo(f"{plan['claim']}  {plan['what']}{on}: about {format_duration_s(float(str(plan['seconds'])))}")
        for line in _lines(plan["rules"]):
            typer.echo(f"  - {line}")
        if isinstance(plan["missing"], dict):
            for label, reason in plan["missing"].items():
                typer.echo(f"  not here: {label}: {reason}")
    typer.echo(
        f"\nabout {format_duration_s(seconds)} in all; brokers listen on 127.0.0.1, their data goes to a temporary folder"
    )


def _run_all(loaded: list[LoadedClaim], wanted: list[str] | None, findings: Path, as_json: bool) -> list[Finding]:
    from harness.claims.engine import run_claim
    from harness.runner.pulse import Headed

    progress = Progress()
    found = []
    for number, one in enumerate(loaded, start=1):
        claim = one.claim
        head = f"{claim.id} ({number} of {len(loaded)})" if len(loaded) > 1 else claim.id
        progress(f"{head}: {claim.statement} About {format_duration_s(claim.experiment.takes)}.")
        command = shlex.join(["harness", *sys.argv[1:]])
        try:
            finding = run_claim(one, Headed(progress, head), brokers=wanted, folder=findings, command=command)
        except HarnessError as error:
            if len(loaded) == 1 or error.exit_code in (2, 130):
                raise
            emit_error(error, as_json=False)
            continue
        progress.done()
        found.append(finding)
        if not as_json:
            print_finding(finding, one)
    return found


def print_finding(finding: Finding, loaded: LoadedClaim) -> None:
    """Verdict, the reason in words, and each rule with what was found."""
    from harness.claims.notation import quantity, span
    from harness.claims.words import fill

    console = stdout_console()
    console.print(Text(f"\n{finding.claim}  {verdict_words(finding.verdict)}  {finding.statement}", style="bold"))
    console.print(Text(f"  {finding.reason}"))
    lesson = loaded.claim.if_refuted
    if lesson and finding.verdict in ("refuted", "partly") and not finding.partial:
        console.print(Text(f"  {fill(lesson, finding.measured)}"))
    if finding.next_command:
        console.print(Text(f"  next: {finding.next_command}", style="dim"))
    table = Table("rule", "found", "wanted", "", box=None, pad_edge=False)
    for rule in finding.rules:
        role = " (control)" if rule.control else "" if rule.required else " (not required)"
        value = "" if rule.value is None else f"{quantity(rule.value, rule.unit)}{span(rule.low, rule.high, rule.unit)}"
        aside = f": {rule.reason}" if rule.outcome in ("undecided", "not_comparable") and rule.reason else ""
        table.add_row(
            Text(rule.when + role), Text(value), Text(rule.wanted), Text(rule.outcome.replace("_", " ") + aside)
        )
    console.print(table)
    for warning in finding.fingerprint.warnings:
        console.print(Text(f"  beware: {warning}"))
    where = f"; study: {finding.study}/report.html" if finding.study else ""
    cores = finding.fingerprint.cores
    console.print(
        Text(f"  {finding.seconds:.0f} s on {finding.fingerprint.cpu_model}, {cores} cores{where}", style="dim")
    )


def _leave(found: list[Finding], expect: str | None) -> None:
    if not found or all(one.verdict == "not_run" for one in found):
        raise typer.Exit(3)
    if expect is not None:
        wanted = expect.replace("-", "_").lower()
        others = [one for one in found if one.verdict != wanted]
        for one in others:
            typer.echo(f"expected {wanted}: {one.claim} is {one.verdict}", err=True)
        if others:
            raise typer.Exit(1)
