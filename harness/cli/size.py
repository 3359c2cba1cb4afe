"""``harness size``: how many partitions, how much disk, how long to catch up. Arithmetic; no broker is started."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.output import DOCUMENT_VERSION, emit_json
from harness.errors import UsageError
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


def _read(flag: str, parse: object, text: str) -> float:
    try:
        value = float(parse(text))  # type: ignore[operator]
    except ValueError as error:
        raise UsageError(f"{flag}: {error}", next_command="harness size --help") from None
    if value <= 0:
        raise UsageError(f"{flag} must be more than {text}", next_command="harness size --help")
    return value


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
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:  # fmt: skip
    """Size a log for a stream of messages: partitions, disk, and the time to catch up after an outage."""
    from harness.claims.formulas import calculate
    from harness.claims.notation import decimal
    from harness.claims.words import shown

    each = _read("--hz", parse_rate_per_s, hz if "/" in hz else f"{hz}/s")
    rate = _read("--devices", parse_count, devices) * each
    one = _read("--consumer-rate", parse_rate_per_s, consumer_rate if "/" in consumer_rate else f"{consumer_rate}/s")
    bytes_per_s = rate * _read("--size", parse_size, message)
    share, kept_s = _read("--utilisation", parse_share, utilisation), _read("--retention", parse_duration_s, retention)
    away_s = _read("--outage", parse_duration_s, outage)
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
