"""Builds a history row by row, in milliseconds since the start of the run, and writes it as a run would.

story = Story(tmp_path, needs={"groups": {"all": 1}})
story.publish(0, at=10)
story.deliver("all", 0, at=12)
story.settle("all", 0, at=13)
judgement = story.judge()
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.checkers.case import Checker
from harness.checkers.judge import Judgement, judge
from harness.checkers.registry import ALL
from harness.history.merge import merge_streams
from harness.history.meta import HistoryMeta, PhaseMeta
from harness.history.schema import TABLES
from harness.history.writer import EventLog, TableWriter
from harness.model.envelope import NO_KEY
from harness.model.messages import DEAD_LETTERS, DispositionKind, Outcome
from harness.model.verdict import Verdict
from harness.model.workload import Workload

START_NS = 1_000_000_000_000


def at_ns(milliseconds: float) -> int:
    return START_NS + round(milliseconds * 1e6)


def workload(**parts: Any) -> Workload:
    """A small valid workload; ``needs`` and the others replace or add keys."""
    needs = {"groups": {"all": 1}, **parts.pop("needs", {})}
    document: dict[str, Any] = {
        "name": "story",
        "question": "Does the checker see what happened?",
        "messages": {"key": "uniform(10)"},
        "phases": [{"name": "paced", "paced": "100/s", "for": "1s"}],
        "needs": needs,
        **parts,
    }
    return Workload.model_validate(document)


class Story:
    """One history in the making. Rows may be told in any order."""

    def __init__(self, folder: Path, *, supports: dict[str, str] | None = None, **parts: Any) -> None:
        self.folder = folder
        self.workload = workload(**parts)
        groups = list(self.workload.needs.groups)
        if self.workload.needs.dead_letter or self.workload.needs.expiry:
            groups.append(DEAD_LETTERS)
        phases = [
            PhaseMeta(
                name=phase.name,
                kind=phase.kind,
                warmup=phase.warmup,
                start_ns=at_ns(1000 * number),
                end_ns=at_ns(1000 * number + 1000),
                drained=True,
                drained_ns=at_ns(1000 * number + 1000),
                offered_per_s=phase.paced,
            )
            for number, phase in enumerate(self.workload.phases)
        ]
        self.meta = HistoryMeta(
            workload=self.workload.name,
            workload_text="",
            broker="memory",
            repeat=0,
            seed=1,
            run_number=7,
            tier="D1",
            groups=groups,
            members=dict(self.workload.needs.groups),
            phases=phases,
            supports=supports or {},
            started_ns=START_NS,
            started_wall="2026-01-01T00:00:00+00:00",
            complete=True,
        )
        self.rows: dict[str, list[dict[str, Any]]] = {table: [] for table in TABLES if table != "event"}
        self.events: list[tuple[str, int, dict[str, Any]]] = []
        self._published: dict[tuple[int, int], dict[str, Any]] = {}

    def publish(self, sequence: int, at: float, *, ack: float | None = None, **more: Any) -> Story:
        """A publish intended and submitted ``at``, settled 1 ms later unless ``ack`` says when."""
        row: dict[str, Any] = {
            "producer": 0, "sequence": sequence, "attempt": 0, "key": NO_KEY, "key_sequence": sequence, "class": 0, "bytes": 100,
            "intended_ns": at_ns(at), "submitted_ns": at_ns(at), "settled_ns": at_ns(at + 1 if ack is None else ack),
            "outcome": int(Outcome.OK), "error": 0, "channel": 0, "partition": -1, "position": -1, "phase": 0, "ttl_ms": 0,
            "failures": 0, "work_us": 0,
        }  # fmt: skip
        row |= self._published.get((more.get("producer", 0), sequence), {}) | more
        same = ("key", "key_sequence", "class", "bytes", "phase", "ttl_ms", "failures", "work_us", "intended_ns")
        self._published.setdefault((row["producer"], sequence), {name: row[name] for name in same})
        self.rows["publish"].append(row)
        return self

    def deliver(self, group: str, sequence: int, at: float, **more: Any) -> Story:
        """A delivery received ``at``; what the envelope carries is taken from the publish told before."""
        known = self._published.get((more.get("producer", 0), sequence), {})
        row: dict[str, Any] = {
            "group": self.meta.groups.index(group), "member": 0, "incarnation": 0, "producer": 0, "sequence": sequence,
            "key": NO_KEY, "key_sequence": sequence, "class": 0, "bytes": 100, "intended_ns": 0, "received_ns": at_ns(at),
            "partition": -1, "position": -1, "redelivered": 0, "delivery_count": -1, "attempt": 0, "reason": 0, "checksum_ok": 1,
            "phase": 0, "reading": 0, "ttl_ms": 0,
        }  # fmt: skip
        kept = {name: value for name, value in known.items() if name in row}
        self.rows["deliver"].append(row | kept | more)
        return self

    def settle(self, group: str, sequence: int, at: float, **more: Any) -> Story:
        row: dict[str, Any] = {
            "group": self.meta.groups.index(group), "member": 0, "incarnation": 0, "producer": 0, "sequence": sequence,
            "disposition": int(DispositionKind.ACCEPT), "settled_ns": at_ns(at), "outcome": int(Outcome.OK), "failed": 0, "effect": 1,
            "copies": 0, "reading": 0,
        }  # fmt: skip
        self.rows["settle"].append(row | more)
        return self

    def through(self, sequence: int, at: float, **more: Any) -> Story:
        """Published, delivered to every group and accepted, without anything going wrong."""
        self.publish(sequence, at, **more)
        for place, group in enumerate(self.workload.needs.groups):
            self.deliver(group, sequence, at + 2 + place / 10, producer=more.get("producer", 0))
            self.settle(group, sequence, at + 3 + place / 10, producer=more.get("producer", 0))
        return self

    def event(self, kind: str, at: float, **detail: Any) -> Story:
        self.events.append((kind, at_ns(at), detail))
        return self

    def kill(self, at: float, *, bit: bool = True) -> Story:
        return self.event("fault", at, fault="kill", phase=self.workload.phases[0].name, evidence={}, bit=bit)

    def sample(self, at: float, role: str = "broker", worker: str = "memory", **more: int) -> Story:
        row = {
            "at_ns": at_ns(at),
            "role": role,
            "worker": worker,
            "cpu_ns": 0,
            "rss_bytes": 0,
            "written_bytes": 0,
            "disk_bytes": 0,
        }
        self.rows["sample"].append(row | more)
        return self

    def drop(self, table: str, **where: Any) -> Story:
        """Plant a loss: forget the rows with these values."""
        self.rows[table] = [row for row in self.rows[table] if any(row[name] != value for name, value in where.items())]
        return self

    def change(self, table: str, where: dict[str, Any], **values: Any) -> Story:
        """Plant a change in the rows with these values."""
        found = [row for row in self.rows[table] if all(row[name] == value for name, value in where.items())]
        assert found, f"no row in {table} has {where}"
        for row in found:
            row.update(values)
        return self

    def write(self) -> Path:
        """Write the streams; the rows of a group lie in a stream of their own, as a member's do."""
        for table, rows in self.rows.items():
            groups = sorted({row.get("group", 0) for row in rows}) or [0]
            for group in groups:
                writer = TableWriter(self.folder, table, f"g{group}")
                mine = [row for row in rows if row.get("group", 0) == group]
                if mine:
                    texts = ("role", "worker")
                    columns = {
                        name: [row[name] for row in mine] if name in texts else np.array([row[name] for row in mine])
                        for name in TABLES[table].names
                    }
                    writer.append(len(mine), columns)
                writer.close()
        log = EventLog(self.folder, "conductor")
        for kind, at, detail in self.events:
            log.add(kind, at_ns=at, **detail)
        log.close()
        self.meta.save(self.folder)
        return self.folder

    def judge(self, checkers: Sequence[type[Checker]] = ALL) -> Judgement:
        self.write()
        merge_streams(self.folder)
        return judge(self.folder, self.workload, checkers=checkers)

    def verdict(self, kind: type[Checker]) -> Verdict:
        """The only verdict of one checker."""
        (verdict,) = self.judge([kind]).verdicts
        return verdict
