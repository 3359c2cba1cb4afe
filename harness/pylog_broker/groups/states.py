"""The states of a classic group and every move between them, as tables that documents are drawn from."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class GroupState(Enum):
    """State of a classic group; the value is the name that clients see in DescribeGroups and ListGroups."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


MEANINGS: dict[GroupState, str] = {
    GroupState.EMPTY: "no members; committed offsets are kept until they expire",
    GroupState.PREPARING_REBALANCE: "waiting for the known members to join the next generation",
    GroupState.COMPLETING_REBALANCE: "the generation is formed; waiting for the leader's assignment",
    GroupState.STABLE: "every member has its assignment of this generation",
    GroupState.DEAD: "removed, with its offsets; the name may be used anew",
}


class Transition(NamedTuple):
    """One allowed move, and what causes it."""

    origin: GroupState
    target: GroupState
    cause: str


TRANSITIONS: tuple[Transition, ...] = (
    Transition(GroupState.EMPTY, GroupState.PREPARING_REBALANCE, "a first member joins"),
    Transition(GroupState.EMPTY, GroupState.DEAD, "deleted, or its last offset expired"),
    Transition(
        GroupState.PREPARING_REBALANCE,
        GroupState.COMPLETING_REBALANCE,
        "all known members have joined, or the rebalance timeout has passed",
    ),
    Transition(GroupState.PREPARING_REBALANCE, GroupState.EMPTY, "the last member has left or failed"),
    Transition(GroupState.COMPLETING_REBALANCE, GroupState.STABLE, "the leader's assignment arrives"),
    Transition(
        GroupState.COMPLETING_REBALANCE,
        GroupState.PREPARING_REBALANCE,
        "a member joins, changes its metadata, leaves or fails before the assignment",
    ),
    Transition(
        GroupState.STABLE,
        GroupState.PREPARING_REBALANCE,
        "a member joins, changes its metadata, leaves or fails; or the leader asks for it by joining again",
    ),
)

ALLOWED: frozenset[tuple[GroupState, GroupState]] = frozenset(
    (transition.origin, transition.target) for transition in TRANSITIONS
)


def transition_table_markdown() -> str:
    """Return the transitions as a Markdown table, for the documents."""
    lines = ["| from | to | when |", "|--|--|--|"]
    lines += [f"| {move.origin.value} | {move.target.value} | {move.cause} |" for move in TRANSITIONS]
    return "\n".join(lines) + "\n"
