"""Flags that several commands take, said once: their names, what they mean, and how their values are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from harness.errors import UsageError
from harness.model.broker import Tier

DEFAULT_BROKERS = "pylog"
BROKERS_HELP = (
    "Comma-separated: pylog, kafka, rabbitmq, activemq, memory. Settings after a colon (rabbitmq:quorum, "
    "kafka:client=kafka-python), several with '+'. The first that runs is the baseline."
)

Brokers = Annotated[str, typer.Option("-b", "--brokers", help=BROKERS_HELP)]
Repeats = Annotated[
    int, typer.Option("-n", "--runs", min=1, max=100, help="Repeats; the brokers alternate in balanced order.")
]
Durability = Annotated[Tier | None, typer.Option(help="Durability tier instead of the workload's own.")]
Seed = Annotated[int, typer.Option(min=0, help="Decides every key, size, priority and failure.")]
Urls = Annotated[list[str] | None, typer.Option(help="BROKER=ADDRESS of a broker that runs already.")]
Backend = Annotated[str, typer.Option(help="process, docker, or auto (docker if all images can be had).")]
Memory = Annotated[
    str | None, typer.Option(help="Limit of each container, for example 2GiB; the same for every broker.")
]
Cpus = Annotated[float | None, typer.Option(help="Limit of each container, for example 1.5.")]
Replace = Annotated[bool, typer.Option("--replace", help="Move an earlier run in the same folder aside.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def quantity(text: str, parse: Callable[[str], Any], flag: str, *, command: str) -> float:
    """What a flag's text means; ``command`` is the one whose help is named. Raises UsageError, for nothing and less too."""
    help_ = f"harness {command} --help"
    try:
        value = float(parse(text))
    except ValueError as error:
        raise UsageError(f"{flag}: {error}", next_command=help_) from None
    if value <= 0:
        raise UsageError(f"{flag} must be more than {text}", next_command=help_)
    return value


def quantity_if(text: str | None, parse: Callable[[str], Any], flag: str, *, command: str) -> float | None:
    """The same for a flag that may be left out."""
    return None if text is None else quantity(text, parse, flag, command=command)
