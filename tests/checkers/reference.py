"""Slow and obvious implementations of the main checkers, a message at a time: what the fast ones are compared with."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

Row = dict[str, Any]
NS = 1_000_000


def lost(publish: list[Row], deliver: list[Row], groups: int) -> set[tuple[int, int, int]]:
    """(group, producer, sequence) of everything acknowledged and never delivered."""
    acknowledged = {(row["producer"], row["sequence"]) for row in publish if row["outcome"] == 0}
    came = {(row["group"], row["producer"], row["sequence"]) for row in deliver}
    return {(group, *name) for name in acknowledged for group in range(groups) if (group, *name) not in came}


def duplicated(publish: list[Row], deliver: list[Row], settle: list[Row]) -> dict[str, int]:
    """Deliveries beyond the first, less those that were asked for, by the first cause that has room."""
    counts = {"duplicated": 0, "resend": 0, "unsettled": 0, "unexplained": 0, "retries": 0}
    known = {(row["producer"], row["sequence"]) for row in publish}
    by_message: dict[tuple[int, int, int], list[Row]] = defaultdict(list)
    for row in deliver:
        if (row["producer"], row["sequence"]) in known:
            by_message[row["group"], row["producer"], row["sequence"]].append(row)
    for (group, producer, sequence), rows in by_message.items():
        extra = len(rows) - 1
        mine = [s for s in settle if (s["group"], s["producer"], s["sequence"]) == (group, producer, sequence)]
        retries = min(extra, sum(s["disposition"] == 1 for s in mine))
        counts["retries"] += retries
        extra -= retries
        counts["duplicated"] += extra
        attempts = [p for p in publish if (p["producer"], p["sequence"]) == (producer, sequence) and p["outcome"] != 1]
        resends = min(extra, max(0, len(attempts) - 1))
        counts["resend"] += resends
        extra -= resends
        confirmed = sum(s["outcome"] == 0 and s["disposition"] != 3 for s in mine)
        unsettled = min(extra, max(0, len(rows) - confirmed))
        counts["unsettled"] += unsettled
        counts["unexplained"] += extra - unsettled
    return counts


def late_within_key(publish: list[Row], deliver: list[Row], group: int) -> set[tuple[int, int]]:
    """(producer, sequence) of first deliveries after a later one of their key: to the same member, or more than 1 ms before."""
    first: dict[tuple[int, int], Row] = {}
    in_order = sorted((row for row in deliver if row["group"] == group), key=lambda row: row["received_ns"])
    known = {(row["producer"], row["sequence"]): row for row in publish}
    order: list[tuple[int, int]] = []
    for row in in_order:
        name = (row["producer"], row["sequence"])
        if name in known and name not in first:
            first[name] = row
            order.append(name)
    late = set()
    for place, name in enumerate(order):
        me, mine = first[name], known[name]
        for earlier in order[:place]:
            other, theirs = first[earlier], known[earlier]
            same_key = earlier[0] == name[0] and theirs["key"] == mine["key"]
            if not same_key or theirs["key_sequence"] <= mine["key_sequence"]:
                continue
            same_member = (other["member"], other["incarnation"]) == (me["member"], me["incarnation"])
            if same_member or other["received_ns"] < me["received_ns"] - NS:
                late.add(name)
    return late
