"""Which shape of a broker a column is: the one that was typed, else the one that the workload names, else the adapter's own choice.

A workload states needs and no broker's objects; what it may name is the shape that its question is asked of (``shapes:``), as a default
that ``-b`` overrides. The shape is part of a column's name wherever all workloads have the same, and of its mode always.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Mapping, Sequence

from harness.adapters.registry import create_adapter
from harness.errors import Unsupported, UsageError
from harness.model.broker import BrokerInfo, Tier
from harness.model.provisioning import Provisioning
from harness.model.workload import Workload
from harness.plan.loader import LoadedWorkload
from harness.study.options import BROKERS, BrokerChoice


def settings_for(choice: BrokerChoice, workload: Workload) -> dict[str, str]:
    """What the adapter gets for one workload."""
    _, bare = BROKERS[choice.broker]
    named = workload.shapes.get(choice.broker)
    return ({bare: named} if named else {}) | dict(choice.settings)


def check(workload: Workload) -> None:
    """Raises UsageError for a broker or a shape that does not exist, before anything starts."""
    for broker, shape in workload.shapes.items():
        if broker not in BROKERS:
            nearest = difflib.get_close_matches(broker, BROKERS, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(BROKERS)}"
            raise UsageError(
                f"workload {workload.name} names a shape of {broker!r}, which is no broker; {hint}",
                next_command="harness broker ls",
            )
        adapter, bare = BROKERS[broker]
        create_adapter(adapter, {bare: shape})


def check_settings(choices: Sequence[BrokerChoice], workloads: Sequence[LoadedWorkload]) -> None:
    """Raises UsageError for a misspelt setting of a broker: now, and not as a failed run minutes later."""
    for loaded in workloads:
        for choice in choices:
            create_adapter(choice.adapter, settings_for(choice, loaded.workload))


def named(
    choices: Sequence[BrokerChoice], workloads: Sequence[LoadedWorkload], tier: Tier | None
) -> tuple[BrokerChoice, ...]:
    """The choices with their shape in the label, ``rabbitmq`` as ``rabbitmq:classic``.

    Raises UsageError for a wrong setting, and where two columns are then the same.
    """
    for loaded in workloads:
        check(loaded.workload)
    check_settings(choices, workloads)
    resolved = tuple(_named(choice, workloads, tier) for choice in choices)
    labels = [choice.label for choice in resolved]
    double = next((label for label in labels if labels.count(label) > 1), None)
    if double is not None:
        raise UsageError(
            f"-b names {double} twice: it is what {double.partition(':')[0]} means here",
            next_command="harness run --help",
        )
    return resolved


def _named(choice: BrokerChoice, workloads: Sequence[LoadedWorkload], tier: Tier | None) -> BrokerChoice:
    _, bare = BROKERS[choice.broker]
    if bare in choice.settings:
        return choice
    typed = {"", *choice.settings.values()}  # what was said in full needs no second name
    shapes = {_shape(choice, loaded.workload, tier) for loaded in workloads} - typed
    return dataclasses.replace(choice, label=f"{choice.label}:{shapes.pop()}") if len(shapes) == 1 else choice


def _shape(choice: BrokerChoice, workload: Workload, tier: Tier | None) -> str:
    """Planning asks no broker; what cannot be planned has no shape, and says so when its turn comes."""
    nowhere = BrokerInfo(choice.broker, choice.broker, "", "127.0.0.1", 0, "none")
    adapter = create_adapter(choice.adapter, settings_for(choice, workload))
    try:
        return adapter.plan(nowhere, workload.needs, tier or workload.needs.durability, "x").shape
    except Unsupported:
        return ""


def mode_of(plans: Mapping[str, Provisioning]) -> str:
    """One column's mode over its workloads: ``streams``, or ``streams (clickstream_fanout); classic queues (priority_tasks)``."""
    modes: dict[str, list[str]] = {}
    for workload, plan in plans.items():
        modes.setdefault(plan.mode, []).append(workload)
    if len(modes) == 1:
        return next(iter(modes))
    return "; ".join(f"{mode} ({', '.join(names)})" for mode, names in modes.items())
