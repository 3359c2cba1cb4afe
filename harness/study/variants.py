"""Variants of one workload in which one parameter grows: each a workload of its own, with only the phases that answer."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.errors import UsageError
from harness.model.sweep import PARAMETERS
from harness.model.units import parse_count, parse_rate_per_s, parse_size
from harness.model.workload import Phase, Workload
from harness.plan.loader import LoadedWorkload
from harness.study.options import override

VALUES_MAX = 12
NAME_MAX = 48  # of a workload
USUAL_PHASES = ("paced", "steady")
HELP = "harness sweep --help"
UNITS: Mapping[str, str] = {"rate": "msg/s", "size": "B"}
EXAMPLES: Mapping[str, str] = {"rate": "200,400,800,1.6k", "size": "1KiB,4KiB,16KiB"}
FLAGS: Mapping[str, str] = {
    "rate": "rate_per_s",
    "size": "size_bytes",
}  # what override() calls it, where that is not the name


@dataclass(frozen=True, slots=True)
class Swept:
    """``-P``, read: the parameter and its values, ascending."""

    parameter: str
    values: tuple[float, ...]

    @property
    def unit(self) -> str:
        return UNITS.get(self.parameter, "")


@dataclass(frozen=True, slots=True)
class Variants:
    """One workload a value, and the phases in which each is measured: one paced, one flood, either may be missing."""

    swept: Swept
    base: LoadedWorkload
    workloads: tuple[LoadedWorkload, ...]
    paced: str
    flood: str


def parse_swept(text: str) -> Swept:
    """``rate=200,400,1.6k``. Raises UsageError with what to type instead."""
    name, equals, listed = text.partition("=")
    name = name.strip().replace("-", "_")
    if name not in PARAMETERS:
        nearest = difflib.get_close_matches(name, PARAMETERS, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else f"; known: {', '.join(PARAMETERS)}"
        raise UsageError(f"unknown parameter {name!r}{hint}", next_command=HELP)
    example = f"harness sweep ... -P {name}={EXAMPLES.get(name, '1,2,4,8')}"
    texts = [one.strip() for one in listed.split(",") if one.strip()]
    if not equals or not texts:
        raise UsageError(f"-P {name} names no values", next_command=example)
    if len(texts) > VALUES_MAX:
        raise UsageError(
            f"-P {name} has {len(texts)} values, and a sweep has {VALUES_MAX} at most", next_command=example
        )
    values = [_value(name, one, example) for one in texts]
    repeated = next((text for text, value in zip(texts, values, strict=True) if values.count(value) > 1), None)
    if repeated is not None:
        raise UsageError(f"-P {name} names {repeated} more than once", next_command=example)
    return Swept(name, tuple(sorted(values)))


def _value(parameter: str, text: str, example: str) -> float:
    try:
        value = float(_parser(parameter)(text))
    except ValueError as error:
        raise UsageError(f"-P {parameter}: {error}", next_command=example) from None
    if value <= 0:
        raise UsageError(f"-P {parameter}: a value must be more than 0, got {text}", next_command=example)
    return value


def _parser(parameter: str) -> Callable[[str], Any]:
    if parameter == "rate":
        return lambda text: parse_rate_per_s(text if "/" in text else f"{text}/s")
    return parse_size if parameter == "size" else parse_count


def variants(base: LoadedWorkload, swept: Swept, **flags: Any) -> Variants:
    """A workload for each value; ``flags`` are those of ``override`` and hold for all. Raises UsageError when no phase answers."""
    paced, flood = answering(base.workload, swept.parameter)
    if paced is None and flood is None:
        wanted = {"rate": "a paced phase without a fault", "in_flight": "a flood phase"}.get(
            swept.parameter, "a paced or flood phase without a fault"
        )
        raise UsageError(
            f"{base.workload.name} has no phase that answers: {swept.parameter} needs {wanted}",
            next_command=f"harness workload show {base.workload.name}",
        )
    flag = FLAGS.get(swept.parameter, swept.parameter)
    if flags.get(flag) is not None:
        raise UsageError(
            f"-P {swept.parameter}=... and --{swept.parameter.replace('_', '-')} both say what it is: leave one out",
            next_command=HELP,
        )
    kept = [phase for phase in (*_warm_ups(base.workload), paced, flood) if phase is not None]
    names = tuple(phase.name for phase in base.workload.phases if phase in kept)  # in the file's order
    workloads = []
    for value in swept.values:
        chosen = value if swept.parameter == "rate" else int(value)
        changed = override(base, **{**dict.fromkeys(_REQUIRED), **flags, flag: chosen, "phases": names})
        name = variant_name(base.workload.name, swept.parameter, value)
        workloads.append(replace(changed, workload=changed.workload.model_copy(update={"name": name})))
    return Variants(swept, base, tuple(workloads), paced.name if paced else "", flood.name if flood else "")


_REQUIRED = ("duration_s", "rate_per_s", "size_bytes", "in_flight")


def answering(workload: Workload, parameter: str) -> tuple[Phase | None, Phase | None]:
    """The paced and the flood phase that tell something about the parameter."""
    calm = [phase for phase in workload.phases if phase.fault is None and not phase.warmup]
    paced = [phase for phase in calm if phase.paced is not None and parameter != "in_flight"]
    flood = [phase for phase in calm if phase.flood is not None and parameter != "rate"]
    usual = [phase for phase in paced if phase.name in USUAL_PHASES]
    return next(iter(usual or paced), None), next(iter(flood), None)


def _warm_ups(workload: Workload) -> tuple[Phase, ...]:
    return tuple(phase for phase in workload.phases if phase.warmup)


def variant_name(workload: str, parameter: str, value: float) -> str:
    """``clickstream_fanout__rate_200``: a workload's name, so letters, digits and underscores, 48 at most."""
    number = str(int(value)) if value == int(value) else f"{value:.9g}"
    suffix = f"__{parameter}_{re.sub(r'[^a-z0-9]', '_', number)}"
    return workload[: NAME_MAX - len(suffix)] + suffix
