"""``harness bench pylog|judge|record|driver|fsync``: the speed of the harness and of the log broker themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.flags import Json
from harness.cli.output import Progress, emit_json
from harness.errors import UsageError
from harness.model.units import parse_count, parse_duration_s, parse_size

bench_app = typer.Typer(
    name="bench", help="How fast the harness and the log broker are, on this machine.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    app.add_typer(bench_app)


@bench_app.command("record")
def record(
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Floods, and readings of their backlog.")] = 5,
    seconds: Annotated[str, typer.Option(help="Length of each flood.")] = "3s",
    as_json: Json = False,
) -> None:
    """What recording a history costs each client library."""
    from harness.bench.record import bench_record, table

    progress = Progress()
    try:
        length = parse_duration_s(seconds)
    except ValueError as error:
        raise UsageError(f"--seconds: {error}") from None
    document = bench_record(rounds=rounds, seconds=length, progress=progress)
    progress.done()
    emit_json(document) if as_json else typer.echo(table(document))


@bench_app.command("judge")
def judge(
    events: Annotated[str, typer.Option(help="Deliveries in the history that is judged, for example 10M.")] = "1M",
    seed: Annotated[int, typer.Option(min=0)] = 1,
    as_json: Json = False,
) -> None:
    """How long all checkers take over a long history, and how much memory."""
    from harness.bench.judge import bench_judge

    progress = Progress()
    try:
        count = parse_count(events)
    except ValueError as error:
        raise UsageError(f"--events: {error}") from None
    document = bench_judge(events=count, seed=seed, progress=progress)
    progress.done()
    if as_json:
        emit_json(document)
    else:
        typer.echo("\n".join(f"{name}: {value}" for name, value in document.items()))


@bench_app.command("pylog")
def pylog(
    pairs: Annotated[int, typer.Option(min=1, max=50, help="Alternating pairs of runs.")] = 3,
    quick: Annotated[bool, typer.Option("--quick", help="Shorter runs: a look, not a result.")] = False,
    suite: Annotated[
        str,
        typer.Option(help="core, matrix, fan-out, latency, recovery, scaling, tools; several with commas, or all."),
    ] = "core",
    chart: Annotated[Path | None, typer.Option(help="Write the rows as a page with charts.")] = None,
    as_json: Json = False,
) -> None:
    """pylog and Apache Kafka, alternating, through the same clients."""
    from harness.bench.pylog import bench_pylog
    from harness.bench.pylog import table as pylog_table
    from harness.bench.pylog_page import write_page
    from harness.bench.suites import suites

    progress = Progress()
    known = tuple(suites())
    chosen = known if suite == "all" else tuple(name.strip() for name in suite.split(",") if name.strip())
    if not chosen or set(chosen) - set(known):
        raise UsageError(f"--suite takes {', '.join(known)}, or all", next_command="harness bench pylog --help")
    document = bench_pylog(pairs=pairs, quick=quick, progress=progress, chosen=chosen)
    if chart is not None:
        write_page(document, chart)
    progress.done()
    emit_json(document) if as_json else typer.echo(pylog_table(document))


@bench_app.command("driver")
def driver(
    pairs: Annotated[int, typer.Option(min=1, max=50, help="Alternating pairs of runs.")] = 3,
    seconds: Annotated[
        int, typer.Option(min=1, max=120, help="Length of each run, after a warm-up of two seconds.")
    ] = 5,
    brokers: Annotated[str, typer.Option("-b", "--brokers", help="rabbitmq, kafka, or both.")] = "rabbitmq,kafka",
    as_json: Json = False,
) -> None:
    """The adapters beside the field's own load tools: PerfTest, kafka-producer-perf-test, kafka-consumer-perf-test."""
    from harness.bench.driver import Length, bench_driver
    from harness.bench.driver import table as driver_table
    from harness.study.drivers import record_here

    names = tuple(name.strip() for name in brokers.split(",") if name.strip())
    if not names or set(names) - {"rabbitmq", "kafka"}:
        raise UsageError("-b takes rabbitmq, kafka, or both", next_command="harness bench driver --help")
    progress = Progress()
    document = bench_driver(pairs=pairs, length=Length(seconds=seconds), brokers=names, progress=progress)
    progress.done()
    kept = record_here()
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(document, indent=1))
    typer.echo(f"kept for the method section of later reports: {kept}", err=True)
    emit_json(document) if as_json else typer.echo(driver_table(document))


@bench_app.command("fsync")
def fsync(
    brokers: Annotated[
        str, typer.Option("-b", "--brokers", help="Comma-separated; rabbitmq is all its shapes, rabbitmq:quorum one.")
    ] = "pylog,kafka,rabbitmq,activemq",
    tiers: Annotated[str, typer.Option(help="Comma-separated durability tiers.")] = "D0,D1,D2",
    backend: Annotated[str, typer.Option(help="process or docker.")] = "process",
    messages: Annotated[int, typer.Option(min=10, max=100_000, help="Messages at one in flight; twenty times as many at 100.")] = 100,
    size: Annotated[str, typer.Option(help="Bytes of each message, for example 8KiB.")] = "1KiB",
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Write the ledger there, too.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Count fsyncs before each acknowledgement, by tier and broker. Exit code 1 when a claim is contradicted."""
    from harness.bench.fsync import SUBJECTS, Load, bench_fsync, document
    from harness.bench.fsync import table as sync_table
    from harness.model.broker import Tier
    from harness.study.fingerprint import take_fingerprint

    names = [name.strip() for name in brokers.split(",") if name.strip()]
    known = {subject.label for subject in SUBJECTS} | {subject.broker for subject in SUBJECTS}
    for name in names:
        if name not in known:
            raise UsageError(
                f"unknown broker {name!r}; known: {', '.join(sorted(known))}", next_command="harness broker ls"
            )
    try:
        wanted = [Tier(tier.strip()) for tier in tiers.split(",")]
        load = Load({1: messages, 100: 20 * messages}, parse_size(size))
    except ValueError as error:
        raise UsageError(f"{error}", next_command="harness bench fsync --help") from None
    progress = Progress()
    rows = bench_fsync(brokers=names, tiers=wanted, backend=backend, load=load, progress=progress)
    progress.done()
    ledger = document(rows, take_fingerprint(Path.cwd()).model_dump(mode="json"))
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(ledger, indent=1) + "\n", encoding="utf-8")
    emit_json(ledger) if as_json else typer.echo(sync_table(rows))
    if all(row.state == "not_run" for row in rows):
        raise typer.Exit(3)
    if any(row.state == "contradicted" for row in rows):
        raise typer.Exit(1)
