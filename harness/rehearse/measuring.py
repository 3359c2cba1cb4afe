"""A claim's experiment, run for a prediction that is locked. The one file of this room that starts brokers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from harness.claims.engine import chosen, describe, run_claim
from harness.claims.loader import load_claim
from harness.claims.rules import about
from harness.claims.store import Freshness
from harness.errors import UsageError
from harness.model.units import format_duration_s
from harness.rehearse.evidence import Item

Say = Callable[[str], None]


def measure(item: Item, brokers: Sequence[str] | None, findings: Path, say: Say) -> Item:
    """The card with the finding that its experiment left. Takes as long as the experiment does; raises Interrupted after Ctrl-C."""
    finding = run_claim(load_claim(Path(item.path)), say, brokers=brokers, folder=findings, command=item.run_command)
    return replace(item, finding=finding, freshness=Freshness.FRESH, trouble="")


def plan(item: Item, brokers: Sequence[str] | None) -> list[str]:
    """What will be run and for how long, and which brokers cannot run here, for before the lock. Starts nothing.

    Raises UsageError where the question is about a broker that was not asked for: its figure would not be measured.
    """
    loaded = load_claim(Path(item.path))
    labels = chosen(loaded, brokers)
    asked = item.claim.card.predict
    left_out = [label for label in item.claim.brokers if label not in labels]
    for label in left_out:
        if any(about(metric, label) for metric in (asked.metric, asked.of or "")):
            raise UsageError(
                f"the question of {item.claim.id} is about {label}, which -b leaves out",
                next_command=f"harness rehearse predict {item.claim.id} -b {','.join((*labels, label))}",
            )
    told = describe(loaded, brokers)
    where = f" on {', '.join(labels)}" if labels else ""
    away = told["missing"]
    assert isinstance(away, dict)
    first = f"measured after the lock: {told['what']}{where}, about {format_duration_s(float(str(told['seconds'])))}"
    return [first, *(f"not here: {label}: {reason}" for label, reason in away.items())]


def runs_here(item: Item, brokers: Sequence[str] | None) -> bool:
    """Whether all that the experiment needs is on this machine, and its question is about what was asked for. Starts nothing."""
    if item.claim.experiment.nodes > 1:
        return False
    try:
        return len(plan(item, brokers)) == 1
    except UsageError:
        return False
