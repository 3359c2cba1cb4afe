"""Sizing by arithmetic: what ``harness size`` and the claims of kind ``model`` calculate. Pure; rates in bytes or messages a second."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping

from harness.errors import UsageError
from harness.model.claim import Figure, Measured, Scalar
from harness.model.names import hint
from harness.model.units import parse_count, parse_duration_s, parse_rate_per_s, parse_share, parse_size

Formula = Callable[..., dict[str, tuple[float, str]]]


def retention(
    rate_bytes_per_s: float, retention_s: float, replicas: float, kept_per_byte: float
) -> dict[str, tuple[float, str]]:
    """Disk for so long a history. ``kept_per_byte``: what the broker keeps of each byte published (compression, overhead of records)."""
    one = rate_bytes_per_s * retention_s * kept_per_byte
    return {"one_copy": (one, "B"), "all_copies": (one * replicas, "B")}


def write_capacity(
    partitions: float, brokers: float, disks_per_broker: float, disk_bytes_per_s: float, replicas: float
) -> dict[str, tuple[float, str]]:
    """What a cluster can take in: by partitions, if each had a disk to itself; and by the disks there are."""
    disks = brokers * disks_per_broker
    by_disks = disks * disk_bytes_per_s / replicas
    return {
        "by_partitions": (partitions * disk_bytes_per_s, "B/s"),
        "by_disks": (by_disks, "B/s"),
        "partitions_per_disk": (partitions * replicas / disks, ""),
        "shortfall": (partitions * disk_bytes_per_s / by_disks, ""),
    }


def consumers(rate_per_s: float, consumer_rate_per_s: float, utilisation: float) -> dict[str, tuple[float, str]]:
    """Consumers, and so partitions, for a rate: at the limit, and with room to catch up."""
    return {
        "at_the_limit": (math.ceil(rate_per_s / consumer_rate_per_s - 1e-9), ""),
        "with_room": (math.ceil(rate_per_s / (consumer_rate_per_s * utilisation) - 1e-9), ""),
    }


def catch_up(
    rate_per_s: float, consumer_rate_per_s: float, members: float, outage_s: float
) -> dict[str, tuple[float, str]]:
    """After an outage of all members: what has piled up, and how long they need to be level again (infinite at full load)."""
    backlog = rate_per_s * outage_s
    spare = members * consumer_rate_per_s - rate_per_s
    return {"backlog": (backlog, "messages"), "catch_up": (backlog / spare if spare > 0 else math.inf, "s")}


FORMULAS: Mapping[str, Formula] = {one.__name__: one for one in (retention, write_capacity, consumers, catch_up)}


def calculate(name: str, inputs: Mapping[str, Scalar]) -> Measured:
    """Figures named ``model.<output>``. Raises UsageError for a formula or an input that does not exist, or is missing."""
    if name not in FORMULAS:
        raise UsageError(f"no formula named {name!r}; {hint(name, FORMULAS)}", next_command="harness size --help")
    wanted = list(inspect.signature(FORMULAS[name]).parameters)
    given = {_parameter(key, wanted, name): _value(key, value) for key, value in inputs.items()}
    missing = [parameter for parameter in wanted if parameter not in given]
    if missing:
        raise UsageError(f"formula {name} needs {missing[0].removesuffix('_s')}", next_command="harness size --help")
    return {f"model.{output}": Figure.exact(value, unit) for output, (value, unit) in FORMULAS[name](**given).items()}


def _parameter(key: str, wanted: list[str], formula: str) -> str:
    for name in (key, f"{key}_s", f"{key}_per_s"):
        if name in wanted:
            return name
    raise UsageError(
        f"formula {formula} has no input {key!r}; {hint(key, wanted, 'it takes')}", next_command="harness size --help"
    )


def _value(key: str, value: Scalar) -> float:
    """Numbers as they are; text by the first way of writing quantities that fits: 7d, 1M/s, 200MB, 80%, 10k."""
    if not isinstance(value, str):
        return float(value)
    parsers = (parse_duration_s, parse_rate_per_s, parse_size, parse_share, parse_count)
    chosen = parsers[:1] if key in ("retention", "outage") else parsers[1:] if "rate" in key else parsers[2:]
    for parse in chosen:
        try:
            return float(parse(value))
        except ValueError:
            continue
    raise UsageError(
        f"{key}: {value!r} is no quantity such as 7d, 1M/s, 200MB or 80%", next_command="harness size --help"
    )
