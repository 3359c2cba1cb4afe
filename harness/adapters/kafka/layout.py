"""Which topics a workload becomes, and how their partitions are numbered outside.

One topic a priority class, one a group and retry delay, one for dead letters. A lane is a partition of one of them:
``topic number * partitions + partition``, so that lanes of a workload without priorities are simply its partitions.

Where groups share, the classes are read by share groups. What else there is to read, retries and dead letters, ordinary consumer
groups read all the same: a retry has to wait until it is due, and a share group counts each look as a delivery and takes back what is
held for long.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from harness.adapters.emulation.retry_ladder import rungs_ms
from harness.model.messages import DEAD_LETTERS
from harness.model.provisioning import Provisioning
from harness.model.workload import Needs

CONSUMPTION: Final = "consumption"
GROUPS: Final = "groups"
SHARE: Final = "share"
CONSUMPTIONS: Final = (GROUPS, SHARE)

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9-]")


@dataclass(frozen=True, slots=True)
class Rung:
    """A retry topic of one group."""

    topic: str
    delay_ms: int


@dataclass(frozen=True, slots=True)
class Layout:
    """``topics`` in lane order: the classes, lowest first, then every group's rungs, then the dead letters.

    ``partitions`` is the most that a topic has, ``class_partitions`` what the classes have.
    """

    prefix: str
    partitions: int
    class_partitions: int
    classes: tuple[str, ...]
    rungs: dict[str, tuple[Rung, ...]]
    dead: str  # empty when the workload needs none
    topics: tuple[str, ...]
    shared: bool = False

    def group_id(self, group: str) -> str:
        """The consumer group; beside a share group it is the one that reads the retries."""
        if group == DEAD_LETTERS:
            return f"{self.prefix}-dead-letters"
        return f"{self.prefix}-@retries-{group}" if self.shared else f"{self.prefix}-{group}"

    def share_group(self, group: str) -> str:
        return f"{self.prefix}-{group}"

    def share_groups(self) -> dict[str, str]:
        """Group -> the share group that reads the classes for it; empty where consumer groups do."""
        return {group: self.share_group(group) for group in self.rungs} if self.shared else {}

    def read_by(self, group: str) -> tuple[str, ...]:
        """The topics that the members of a consumer group subscribe to; none where there is no such group."""
        if group == DEAD_LETTERS:
            return (self.dead,) if self.dead else ()
        ladder = tuple(rung.topic for rung in self.rungs[group])
        return ladder if self.shared else (*self.classes, *ladder)

    def consumer_groups(self) -> tuple[str, ...]:
        """Groups with something to read as a consumer group."""
        return tuple(group for group in self.groups() if self.read_by(group))

    def groups(self) -> tuple[str, ...]:
        return (*self.rungs, DEAD_LETTERS) if self.dead else tuple(self.rungs)

    def partitions_of(self, topic: str) -> int:
        if topic == self.dead:
            return 1
        return self.class_partitions if topic in self.classes else self.partitions

    def first_lane(self, topic: str) -> int:
        return self.topics.index(topic) * self.partitions

    def place(self, lane: int) -> tuple[str, int]:
        """Topic and partition of a lane."""
        number, partition = divmod(lane, self.partitions)
        return self.topics[number], partition

    def level_of(self, lane: int, noted: int) -> int:
        """The class of a message: its topic's, or what a retried copy notes."""
        topic = lane // self.partitions
        return topic if topic < len(self.classes) else noted


def partitions_for(needs: Needs) -> int:
    """Where order matters, what the workload says; a work queue gets at least a partition a member, or members would be idle."""
    if needs.order == "none":
        return max(needs.partitions, *needs.groups.values())
    return needs.partitions


def layout_for(needs: Needs, prefix: str, *, shared: bool = False) -> Layout:
    """``shared``: any number of members share a partition, so a queue needs no more of them than the workload says."""
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
    topics = (*classes, *ladder, *([dead] if dead else []))
    partitions = partitions_for(needs)
    return Layout(prefix, partitions, needs.partitions if shared else partitions, classes, rungs, dead, topics, shared)


def layout_of(plan: Provisioning) -> Layout:
    return layout_for(plan.needs, plan.prefix, shared=plan.details.get(CONSUMPTION) == SHARE)
