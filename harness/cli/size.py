"""``harness size``: how many partitions, how much disk, how long to catch up. Arithmetic; no broker is started."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.flags import Json, quantity
from harness.cli.output import DOCUMENT_VERSION, emit_json
from harness.model.units import (
    format_count,
    parse_count,
    parse_duration_s,
    parse_rate_per_s,
    parse_share,
    parse_size,
)
from harness.reporting.notation import seconds


def register(app: typer.Typer) -> None:
    app.command("size")(size)


def size(
    devices: Annotated[str, typer.Option(help="How many send, for example 1M.")] = "1M",
    hz: Annotated[str, typer.Option(help="How often each sends, for example 1/s.")] = "1/s",
    message: Annotated[str, typer.Option("--size", help="Bytes a message, for example 1kB.")] = "1KB",
    consumer_rate: Annotated[str, typer.Option(help="What one consumer manages, for example 50k/s.")] = "50k/s",
    utilisation: Annotated[str, typer.Option(help="How busy consumers shall be when nothing is wrong.")] = "70%",
    replicas: Annotated[int, typer.Option(min=1, max=15)] = 3,
    retention: Annotated[str, typer.Option(help="How long history is kept, for example 7d.")] = "7d",
    kept_per_byte: Annotated[float, typer.Option(help="Bytes kept for each byte published: compression, overhead of records.")] = 1.0,
    outage: Annotated[str, typer.Option(help="How long all consumers are away.")] = "10min",
    as_json: Json = False,
) -> None:  # fmt: skip
    """Size a log for a stream of messages: partitions, disk, and the time to catch up after an outage."""
    from harness.claims.formulas import calculate
    from harness.claims.notation import decimal
    from harness.claims.words import shown

    each = quantity(hz if "/" in hz else f"{hz}/s", parse_rate_per_s, "--hz", command="size")
    rate = quantity(devices, parse_count, "--devices", command="size") * each
    one = quantity(
        consumer_rate if "/" in consumer_rate else f"{consumer_rate}/s",
        parse_rate_per_s,
        "--consumer-rate",
        command="size",
    )
    bytes_per_s = rate * quantity(message, parse_size, "--size", command="size")
    share, kept_s = (
        quantity(utilisation, parse_share, "--utilisation", command="size"),
        quantity(retention, parse_duration_s, "--retention", command="size"),
    )
    away_s = quantity(outage, parse_duration_s, "--outage", command="size")
    figures = calculate("consumers", {"rate_per_s": rate, "consumer_rate_per_s": one, "utilisation": share})
    members = figures["model.with_room"].value
    figures |= calculate(
        "retention",
        {"rate_bytes_per_s": bytes_per_s, "retention": kept_s, "replicas": replicas, "kept_per_byte": kept_per_byte},
    )
    figures |= calculate(
        "catch_up", {"rate_per_s": rate, "consumer_rate_per_s": one, "members": members, "outage": away_s}
    )
    if as_json:
        plain = {
            name.removeprefix("model."): {"value": figure.value, "unit": figure.unit}
            for name, figure in figures.items()
        }
        emit_json(
            {"document": "size", "version": DOCUMENT_VERSION, "rate_per_s": rate, "bytes_per_s": bytes_per_s, **plain}
        )
        return
    at_limit = figures["model.at_the_limit"].value
    typer.echo(f"in: {format_count(rate)} messages/s, {decimal(bytes_per_s)}B/s; to {replicas} replicas")
    typer.echo(
        f"partitions: {at_limit:.0f} at full load, {members:.0f} at {share:.0%} (the same for each group that reads)"
    )
    typer.echo(
        f"disk for {retention}: {shown(figures['model.one_copy'])} a copy, {shown(figures['model.all_copies'])} in all"
    )
    again = figures["model.catch_up"].value
    words = "never: there is nothing to spare" if again == float("inf") else seconds(again)
    backlog = format_count(figures["model.backlog"].value)
    typer.echo(f"after {outage} without consumers: {backlog} messages wait; level again after {words}")
