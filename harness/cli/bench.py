"""``harness bench pylog|judge|record|driver``: the speed of the harness and of the log broker themselves."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.output import Progress, emit_json
from harness.errors import UsageError
from harness.model.units import parse_count, parse_duration_s

bench_app = typer.Typer(
    name="bench", help="How fast the harness and the log broker are, on this machine.", no_args_is_help=True
)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    app.add_typer(bench_app)


@bench_app.command("record")
def record(
    pairs: Annotated[int, typer.Option(min=1, max=100, help="Paired runs with and without recording.")] = 5,
    seconds: Annotated[str, typer.Option(help="Length of each publishing run.")] = "1s",
    as_json: Json = False,
) -> None:
    """What recording a history costs each client library."""
    from harness.bench.record import bench_record, table

    progress = Progress()
    try:
        length = parse_duration_s(seconds)
    except ValueError as error:
        raise UsageError(f"--seconds: {error}") from None
    document = bench_record(pairs=pairs, seconds=length, progress=progress)
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
    as_json: Json = False,
) -> None:
    """pylog and Apache Kafka, alternating, through the same clients."""
    from harness.bench.pylog import bench_pylog
    from harness.bench.pylog import table as pylog_table

    progress = Progress()
    document = bench_pylog(pairs=pairs, quick=quick, progress=progress)
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

    names = tuple(name.strip() for name in brokers.split(",") if name.strip())
    if not names or set(names) - {"rabbitmq", "kafka"}:
        raise UsageError("-b takes rabbitmq, kafka, or both", next_command="harness bench driver --help")
    progress = Progress()
    document = bench_driver(pairs=pairs, length=Length(seconds=seconds), brokers=names, progress=progress)
    progress.done()
    emit_json(document) if as_json else typer.echo(driver_table(document))
