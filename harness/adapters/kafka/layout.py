"""Which topics a workload becomes, and how their partitions are numbered outside.

One topic a priority class, one a group and retry delay, one for dead letters. A lane is a partition of one of them:
``topic number * partitions + partition``, so that lanes of a workload without priorities are simply its partitions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.adapters.emulation.retry_ladder import rungs_ms
from harness.model.messages import DEAD_LETTERS
from harness.model.provisioning import Provisioning
from harness.model.workload import Needs

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9-]")


@dataclass(frozen=True, slots=True)
class Rung:
    """A retry topic of one group."""

    topic: str
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Layout:
    """``topics`` in lane order: the classes, lowest first, then every group's rungs, then the dead letters."""

    prefix: str
    partitions: int
    classes: tuple[str, ...]
    rungs: dict[str, tuple[Rung, ...]]
    dead: str  # empty when the workload needs none
    topics: tuple[str, ...]

    def group_id(self, group: str) -> str:
        return f"{self.prefix}-{'dead-letters' if group == DEAD_LETTERS else group}"

    def read_by(self, group: str) -> tuple[str, ...]:
        """The topics that a group's members subscribe to."""
        if group == DEAD_LETTERS:
            return (self.dead,) if self.dead else ()
        return (*self.classes, *[rung.topic for rung in self.rungs[group]])

    def groups(self) -> tuple[str, ...]:
        return (*self.rungs, DEAD_LETTERS) if self.dead else tuple(self.rungs)

    def partitions_of(self, topic: str) -> int:
        return 1 if topic == self.dead else self.partitions

    def first_lane(self, topic: str) -> int:
        return self.topics.index(topic) * self.partitions

    def place(self, lane: int) -> tuple[str, int]:
        """Topic and partition of a lane."""
        number, partition = divmod(lane, self.partitions)
        return self.topics[number], partition


def partitions_for(needs: Needs) -> int:
    """Where order matters, what the workload says; a work queue gets at least a partition a member, or members would be idle."""
    if needs.order == "none":
        return max(needs.partitions, *needs.groups.values())
    return needs.partitions


def layout_for(needs: Needs, prefix: str) -> Layout:
    levels = needs.priority_levels
    classes = (
        (f"{prefix}-messages",) if levels == 1 else tuple(f"{prefix}-messages-class{level}" for level in range(levels))
    )
    delays = rungs_ms(needs.retry.backoff) if needs.retry is not None else ()
    rungs: dict[str, tuple[Rung, ...]] = {}
    for number, group in enumerate(needs.groups):
        name = f"{number}-{_NOT_IN_NAMES.sub('-', group)}"
        rungs[group] = tuple(Rung(f"{prefix}-retry-{name}-{delay}ms", delay) for delay in delays)
    dead = f"{prefix}-dead-letters" if needs.dead_letter else ""
    ladder = tuple(rung.topic for group in rungs.values() for rung in group)
    return Layout(prefix, partitions_for(needs), classes, rungs, dead, (*classes, *ladder, *([dead] if dead else [])))


def layout_of(plan: Provisioning) -> Layout:
    return layout_for(plan.needs, plan.prefix)
