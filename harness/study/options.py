"""What a person asked for: brokers, workloads, repeats, overrides. Parsed here, so that every mistake is told before anything starts."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from harness.brokers.address import from_command_line
from harness.errors import UsageError
from harness.model.broker import Tier
from harness.model.distribution import Spread
from harness.model.result import TWIN, SyncRow
from harness.model.workload import Needs, Phase, Workload
from harness.plan.loader import LoadedWorkload, parse_workload

# broker -> (adapter, setting that a bare word after the colon means)
OVERRIDDEN = "\n# overridden on the command line: "
WARM_UP_RATE = 100.0  # messages a second, for a workload without a rate of its own
BROKERS: Mapping[str, tuple[str, str]] = {
    "pylog": ("kafka", "client"),
    "kafka": ("kafka", "client"),
    "rabbitmq": ("rabbitmq", "queue_type"),
    "activemq": ("activemq", "mode"),
    "activemq-5.17": ("activemq", "mode"),
    "memory": ("memory", "bug"),
}


@dataclass(frozen=True, slots=True)
class BrokerChoice:
    """One column: ``label`` is what was typed (``rabbitmq:quorum``), ``settings`` go to the adapter."""

    label: str
    broker: str
    adapter: str
    settings: Mapping[str, str] = field(default_factory=dict)
    url: str | None = field(default=None, repr=False)  # it may hold a password


@dataclass(frozen=True, slots=True)
class StudyOptions:
    """Everything ``run`` needs. ``repeats`` interleave the brokers; ``seed`` decides the work."""

    workloads: tuple[LoadedWorkload, ...]
    brokers: tuple[BrokerChoice, ...]
    folder: Path
    repeats: int = 1
    seed: int = 1
    tier: Tier | None = None
    title: str = ""
    command: str = ""
    replace: bool = False
    resume: bool = False  # go on with the study in ``folder``
    keep_histories: bool = True
    syncs: tuple[SyncRow, ...] = ()  # rows of the fsync ledger that were measured for this run
    backend: str = "process"  # of brokers that have no address
    limits: Mapping[str, str] = field(default_factory=dict)  # of containers, the same for every broker


def parse_broker(text: str, urls: Mapping[str, str]) -> BrokerChoice:
    """``rabbitmq``, ``rabbitmq:quorum``, ``kafka:client=kafka-python``. Raises UsageError with the nearest name."""
    name, _, rest = text.partition(":")
    if name not in BROKERS:
        nearest = difflib.get_close_matches(name, BROKERS, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else f"; known: {', '.join(BROKERS)}"
        raise UsageError(f"unknown broker {name!r}{hint}", next_command="harness broker ls")
    adapter, bare = BROKERS[name]
    settings: dict[str, str] = {}
    for piece in (part for part in rest.split(",") if part):
        key, equals, value = piece.partition("=")
        settings[key if equals else bare] = value if equals else key
    return BrokerChoice(text, name, adapter, settings, urls.get(text) or urls.get(name))


def with_twins(choices: Sequence[BrokerChoice], *, twin_of_first: bool) -> tuple[BrokerChoice, ...]:
    """A broker that is named twice is compared with itself: its second column is called ``NAME#2``. Raises UsageError for a third."""
    if not choices:
        raise UsageError(
            "-b names at least one broker, for example -b pylog,rabbitmq", next_command="harness broker ls"
        )
    wanted = [*choices, choices[0]] if twin_of_first else list(choices)
    columns: dict[str, BrokerChoice] = {}
    for choice in wanted:
        label = choice.label if choice.label not in columns else choice.label + TWIN
        if label in columns:
            raise UsageError(f"-b names {choice.label} more than twice", next_command="harness run --help")
        columns[label] = replace(choice, label=label)
    return tuple(columns.values())


def check_urls(urls: Mapping[str, str], choices: Sequence[BrokerChoice]) -> None:
    """An address that no broker of the run takes would be left out in silence, and a local copy be measured instead. Raises UsageError."""
    used = {name for choice in choices for name in (choice.label.removesuffix(TWIN), choice.broker)}
    for name in urls:
        if name not in used:
            raise UsageError(
                f"--url gives an address of {name}, and -b does not name it: {', '.join(choice.label for choice in choices)}",
                next_command=f"harness run ... -b {name} --url {name}=...",
            )


def parse_urls(texts: list[str]) -> dict[str, str]:
    """``rabbitmq=amqp://host:5672`` -> mapping."""
    urls: dict[str, str] = {}
    for text in texts:
        name, equals, url = text.partition("=")
        if not equals or name.partition(":")[0] not in BROKERS:
            raise UsageError(
                f"--url takes BROKER=ADDRESS, for example rabbitmq=amqp://host:5672, got {text!r}",
                next_command="harness run --help",
            )
        urls[name] = from_command_line(name.partition(":")[0], url)
    return urls


def override(
    loaded: LoadedWorkload,
    *,
    duration_s: float | None,
    rate_per_s: float | None,
    size_bytes: int | None,
    in_flight: int | None,
    warm_up_s: float | None = None,
    members: int | None = None,
    partitions: int | None = None,
    prefetch: int | None = None,
    publishers: int | None = None,
    phases: tuple[str, ...] | None = None,
) -> LoadedWorkload:
    """The workload with flags applied: they change the work, so they change its digest too.

    ``members`` is that of every group; of the file's phases only those named in ``phases`` are kept. Raises UsageError for a
    number that no workload may have.
    """
    flags: dict[str, object] = {
        "duration": duration_s,
        "rate": rate_per_s,
        "size": size_bytes,
        "in_flight": in_flight,
        "warm_up": warm_up_s,
    }
    needs = {"members": members, "partitions": partitions, "prefetch": prefetch}
    further = {**needs, "publishers": publishers, "phases": None if phases is None else ",".join(phases)}
    flags |= {
        name: value for name, value in further.items() if value is not None
    }  # unset ones leave digests as they were
    if all(value is None for value in flags.values()):
        return loaded
    told = " ".join(f"{name}={value}" for name, value in flags.items())
    workload = loaded.workload
    kept = tuple(phase for phase in workload.phases if phases is None or phase.name in phases)
    try:
        changed_phases = tuple(_overridden(phase, duration_s, rate_per_s, in_flight) for phase in kept)
        if warm_up_s is not None:
            changed_phases = _warmed_up(changed_phases, warm_up_s)
        messages = workload.messages
        if size_bytes is not None:
            messages = messages.model_copy(update={"size": Spread("constant", float(size_bytes))})
        update: dict[str, object] = {"phases": changed_phases, "messages": messages, "needs": _needing(workload, needs)}
        if publishers is not None:
            update["publishers"] = publishers
        changed = Workload.model_validate({**dict(workload), **update})
    except ValidationError as error:
        given = ", ".join(
            f"{name} {value}" for name, value in further.items() if value is not None and name != "phases"
        )
        raise UsageError(
            f"{workload.name} cannot have {given or told}: {error.errors()[0]['msg'].removeprefix('Value error, ')}",
            next_command=f"harness workload show {workload.name}",
        ) from None
    digest = hashlib.sha256((loaded.text + "\n" + told).encode()).hexdigest()
    return LoadedWorkload(changed, f"{loaded.text}{OVERRIDDEN}{told}\n", digest, loaded.path)


def _needing(workload: Workload, changes: Mapping[str, int | None]) -> Needs:
    """The needs with other numbers: validated anew, since a copy is not."""
    given = {name: value for name, value in changes.items() if value is not None}
    if not given:
        return workload.needs
    members = given.pop("members", None)
    groups = workload.needs.groups if members is None else dict.fromkeys(workload.needs.groups, members)
    return Needs.model_validate({**dict(workload.needs), "groups": groups, **given})


def as_run(text: str, name: str) -> Workload:
    """The workload of a result document's text, with what flags changed in it: phases must be those that ran."""
    plain, _, told = text.partition(OVERRIDDEN)
    loaded = parse_workload(plain, name=name, path=f"{name}.yaml")
    found = dict(part.split("=", 1) for part in told.split())
    flags = {flag: value for flag, value in found.items() if value != "None"}

    def number(flag: str) -> float | None:
        return float(flags[flag]) if flag in flags else None

    def whole(flag: str) -> int | None:
        return int(float(flags[flag])) if flag in flags else None

    return override(
        loaded,
        duration_s=number("duration"),
        rate_per_s=number("rate"),
        size_bytes=whole("size"),
        in_flight=whole("in_flight"),
        warm_up_s=number("warm_up"),
        members=whole("members"),
        partitions=whole("partitions"),
        prefetch=whole("prefetch"),
        publishers=whole("publishers"),
        phases=tuple(flags["phases"].split(",")) if "phases" in flags else None,
    ).workload


def _warmed_up(phases: tuple[Phase, ...], seconds: float) -> tuple[Phase, ...]:
    """The warm-up lasts so long; a workload without one gets it, at the rate of its first paced phase."""
    if any(phase.warmup for phase in phases):
        return tuple(phase.model_copy(update={"for_": seconds}) if phase.warmup else phase for phase in phases)
    taken = {phase.name for phase in phases}
    name = next(
        name for name in ("warmup", "warm_up", *(f"warmup_{n}" for n in range(len(taken)))) if name not in taken
    )
    rate = next((phase.paced for phase in phases if phase.paced is not None), WARM_UP_RATE)
    plain = {"name": name, "warmup": True, "ttl": "none", "failures": {}}
    return (Phase.model_validate({**plain, "paced": rate, "for": seconds}), *phases)


def _overridden(phase: Phase, duration_s: float | None, rate_per_s: float | None, in_flight: int | None) -> Phase:
    update: dict[str, object] = {}
    if duration_s is not None and phase.for_ is not None and not phase.warmup:
        update["for_"] = duration_s
        if phase.fault is not None:
            at = min(phase.fault.at, duration_s / 2)
            shorter = {} if phase.fault.for_ is None else {"for_": min(phase.fault.for_, duration_s - at)}
            update["fault"] = phase.fault.model_copy(update={"at": at, **shorter})
    if rate_per_s is not None and phase.paced is not None:
        update["paced"] = rate_per_s
    if in_flight is not None and phase.flood is not None:
        update["flood"] = phase.flood.model_copy(update={"in_flight": in_flight})
    return phase.model_copy(update=update)
