"""A large history of a run that never was, written through the real writer in bounded memory: food for the judge.

Two publishers, five groups of two members, keys of a Zipf distribution on four partitions, priorities, times to live, failing and poison
messages with their retries and dead letters, a kill with unknown outcomes and redeliveries, one replay. Nothing is wrong with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.history.merge import merge_streams
from harness.history.meta import HistoryMeta, PhaseMeta
from harness.history.writer import EventLog, TableWriter
from harness.model.envelope import POISON
from harness.model.messages import DEAD_LETTERS, DispositionKind, Outcome, Reason
from harness.plan.loader import LoadedWorkload, parse_workload

WORKLOAD: Final = """
question: Can every checker judge a history of millions of deliveries?
messages:
  size: 1KiB
  key: zipf(users=10k, s=1.1)
  classes: {normal: 90%, urgent: 10%}
  ttl: {after: 60s, share: 5%}
  failures: {transient: 2%, attempts: 1, poison: 0.2%}
needs:
  groups: {analytics: 2, billing: 2, fraud: 2, recommend: 2, archive: 2}
  order: per_key
  partitions: 4
  replay: {group: fraud}
  priority_levels: 2
  expiry: true
  retry: {max: 2, backoff: [50ms, 100ms]}
  dead_letter: true
  prefetch: 500
processing: {once: true}
publishers: 2
phases:
  - {name: warmup, paced: 20k/s, for: 1s, warmup: true, drain: false}
  - {name: paced, paced: 20k/s, for: 100s, fault: {kill: broker, at: 50s}}
  - {name: flood, flood: {in_flight: 1000}, for: 10s}
  - {name: replay, replay: true}
"""
GROUPS: Final = 5
MEMBERS: Final = 2
PARTITIONS: Final = 4
KEYS: Final = 10_000
CHUNK: Final = 1 << 16
GAP_NS: Final = 50_000  # between two messages of the paced phase, all publishers together
FLOOD_SHARE: Final = 0.2
START_NS: Final = 5_000_000_000_000

Ints = npt.NDArray[np.int64]
Rows = dict[str, npt.NDArray[Any]]


def synthetic_workload() -> LoadedWorkload:
    return parse_workload(WORKLOAD, name="synthetic", path="synthetic.yaml")


@dataclass
class _Writers:
    """One stream a worker, as in a run."""

    folder: Path
    publish: list[TableWriter] = field(default_factory=list)
    deliver: list[TableWriter] = field(default_factory=list)
    settle: list[TableWriter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.publish = [TableWriter(self.folder, "publish", f"publisher-{number}") for number in range(2)]
        workers = [f"group{number:02d}-{member}" for number in range(GROUPS) for member in range(MEMBERS)]
        self.deliver = [TableWriter(self.folder, "deliver", worker) for worker in [*workers, "dead-0"]]
        self.settle = [TableWriter(self.folder, "settle", worker) for worker in workers]

    def close(self) -> None:
        for writer in [*self.publish, *self.deliver, *self.settle]:
            writer.close()


def write_synthetic(folder: Path, *, messages: int, seed: int) -> int:
    """Write the history and merge it. Returns how many deliveries it has."""
    generator = np.random.Generator(np.random.PCG64(seed))
    writers = _Writers(folder)
    run = _Run(generator, messages, writers)
    for first in range(0, messages, CHUNK):
        run.chunk(first, min(CHUNK, messages - first))
    for first in range(0, messages, CHUNK):
        run.replay(first, min(CHUNK, messages - first))
    writers.close()
    _marks(folder, run)
    merge_streams(folder)
    return run.deliveries


class _Run:
    """Draws the run a chunk at a time; what it remembers does not grow with the messages, but for the keys' counters."""

    def __init__(self, generator: np.random.Generator, messages: int, writers: _Writers) -> None:
        self._generator = generator
        self._writers = writers
        self.deliveries = 0
        self.messages = messages
        self.paced = int(messages * (1 - FLOOD_SHARE))
        weights = 1.0 / np.arange(1, KEYS + 1) ** 1.1
        self._cumulative = np.cumsum(weights / weights.sum())
        self._key_counts = np.zeros((2, KEYS), dtype=np.int64)
        self._last_received_ns = [0] * GROUPS
        self._seed = int(generator.integers(1 << 62))
        self.kill_ns = START_NS + self.paced // 2 * GAP_NS
        self.end_ns = START_NS + messages * GAP_NS

    def _drawn(self, first: int, count: int) -> Rows:
        """The same messages for the same numbers: the replay draws them again instead of keeping them."""
        generator = np.random.Generator(np.random.PCG64([self._seed, first]))
        number = np.arange(first, first + count)
        share = generator.random(count)
        return {
            "number": number,
            "producer": number % 2,
            "sequence": number // 2,
            "key": np.searchsorted(self._cumulative, generator.random(count)).clip(max=KEYS - 1),
            "class": (generator.random(count) < 0.1).astype(np.int64),
            "phase": np.where(number < self.paced, np.where(number < 20_000, 0, 1), 2),
            "ttl_ms": np.where(generator.random(count) < 0.05, 60_000, 0),
            "failures": np.where(share < 0.002, POISON, np.where(share < 0.022, 1, 0)),
            "intended_ns": START_NS + number * GAP_NS,
            "bytes": np.full(count, 1024),
            "work_us": np.zeros(count, dtype=np.int64),
        }

    def _key_sequences(self, rows: Rows) -> Ints:
        sequence = np.zeros(len(rows["number"]), dtype=np.int64)
        for producer in range(2):
            mine = np.flatnonzero(rows["producer"] == producer)
            order = mine[np.argsort(rows["key"][mine], kind="stable")]
            keys = rows["key"][order]
            starts = np.searchsorted(keys, keys, side="left")
            sequence[order] = self._key_counts[producer][keys] + np.arange(len(keys)) - starts
            self._key_counts[producer] += np.bincount(keys, minlength=KEYS)
        return sequence

    def chunk(self, first: int, count: int) -> None:
        rows = self._drawn(first, count)
        rows["key_sequence"] = self._key_sequences(rows)
        submitted = rows["intended_ns"] + self._generator.integers(5_000, 80_000, count)
        settled = np.maximum.accumulate(submitted + self._generator.exponential(400_000, count).astype(np.int64))
        unknown = (submitted < self.kill_ns) & (settled >= self.kill_ns)
        partition = rows["key"] % PARTITIONS
        own = {name: column for name, column in rows.items() if name != "number"}
        published = own | {
            "attempt": np.zeros(count), "submitted_ns": submitted, "settled_ns": settled,
            "outcome": np.where(unknown, int(Outcome.INFO), int(Outcome.OK)), "error": np.zeros(count), "channel": np.zeros(count),
            "partition": partition, "position": rows["number"],
        }  # fmt: skip
        for producer, writer in enumerate(self._writers.publish):
            _append(writer, published, rows["producer"] == producer)
        for group in range(GROUPS):
            self._receive(group, rows, partition, settled)

    def _receive(self, group: int, rows: Rows, partition: Ints, settled: Ints) -> None:
        """First deliveries in order, retries after their delay, poison to the dead letters, and some redelivered after the kill."""
        latency = self._generator.exponential(900_000, len(settled)).astype(np.int64)
        received = np.maximum(np.maximum.accumulate(settled + latency), self._last_received_ns[group])
        self._last_received_ns[group] = received[-1]
        failures = rows["failures"]
        self._deliver(group, rows, partition, received, attempt=0)
        self._settle(group, rows, partition, received, attempt=0)
        for attempt, delay_ms in ((1, 50), (2, 100)):
            again = (failures > attempt - 1) if attempt == 1 else failures == POISON
            received = received + delay_ms * 1_000_000 + 300_000
            self._deliver(group, rows, partition, received, attempt=attempt, only=again)
            self._settle(group, rows, partition, received, attempt=attempt, only=again)
        redelivered = (received < self.kill_ns) & (received > self.kill_ns - 20_000_000)
        self._deliver(group, rows, partition, received + 2_000_000_000, attempt=0, only=redelivered, flag=1)
        if group == 0:
            dead = failures == POISON
            self._bury(rows, received + 1_000_000, dead)

    def _deliver(
        self, group: int, rows: Rows, partition: Ints, received: Ints, *, attempt: int,
        only: npt.NDArray[np.bool_] | None = None, flag: int = 0, reading: int = 0,
    ) -> None:  # fmt: skip
        count = len(received)
        zeros = np.zeros(count, dtype=np.int64)
        columns = rows | {
            "group": zeros + group, "incarnation": zeros, "received_ns": received, "partition": partition, "position": rows["number"],
            "redelivered": zeros + flag, "delivery_count": zeros + attempt, "attempt": zeros + attempt, "reason": zeros,
            "checksum_ok": zeros + 1, "reading": zeros + reading, "member": partition % MEMBERS,
        }  # fmt: skip
        for member in range(MEMBERS):
            keep = columns["member"] == member
            keep = keep if only is None else keep & only
            self.deliveries += int(np.count_nonzero(keep))
            _append(self._writers.deliver[group * MEMBERS + member], columns, keep)

    def _settle(
        self, group: int, rows: Rows, partition: Ints, received: Ints, *, attempt: int, only: npt.NDArray[np.bool_] | None = None
    ) -> None:  # fmt: skip
        zeros = np.zeros(len(received), dtype=np.int64)
        failed = rows["failures"] > attempt
        how = np.where(
            failed, int(DispositionKind.RETRY if attempt < 2 else DispositionKind.DEAD), int(DispositionKind.ACCEPT)
        )
        columns = rows | {
            "group": zeros + group, "incarnation": zeros, "settled_ns": received + 200_000, "disposition": how, "outcome": zeros,
            "failed": failed.astype(np.int64), "effect": (~failed).astype(np.int64), "copies": zeros, "reading": zeros,
            "member": partition % MEMBERS,
        }  # fmt: skip
        for member in range(MEMBERS):
            keep = columns["member"] == member
            _append(self._writers.settle[group * MEMBERS + member], columns, keep if only is None else keep & only)

    def _bury(self, rows: Rows, received: Ints, dead: npt.NDArray[np.bool_]) -> None:
        zeros = np.zeros(len(received), dtype=np.int64)
        columns = rows | {
            "group": zeros + GROUPS, "member": zeros, "incarnation": zeros, "received_ns": received, "partition": zeros,
            "position": rows["number"], "redelivered": zeros, "delivery_count": zeros, "attempt": zeros + 2,
            "reason": zeros + int(Reason.REJECTED), "checksum_ok": zeros + 1, "reading": zeros,
        }  # fmt: skip
        self.deliveries += int(np.count_nonzero(dead))
        _append(self._writers.deliver[-1], columns, dead)

    def replay(self, first: int, count: int) -> None:
        """The group fraud reads it all again, after everything else."""
        if first == 0:
            self._key_counts[:] = 0
        rows = self._drawn(first, count)
        rows["key_sequence"] = self._key_sequences(rows)
        received = self.end_ns + 5_000_000_000 + rows["number"] * 5_000
        self._deliver(2, rows, rows["key"] % PARTITIONS, received, attempt=0, reading=1)


def _append(writer: TableWriter, columns: Rows, keep: npt.NDArray[np.bool_]) -> None:
    count = int(np.count_nonzero(keep))
    writer.append(count, {name: column[keep] for name, column in columns.items() if name != "number"})


def _marks(folder: Path, run: _Run) -> None:
    """Phases, the kill, samples, and the names behind the numbers."""
    loaded = synthetic_workload()
    needs = loaded.workload.needs
    edges = [
        START_NS,
        START_NS + 20_000 * GAP_NS,
        START_NS + run.paced * GAP_NS,
        run.end_ns,
        run.end_ns + 9_000_000_000,
    ]
    log = EventLog(folder, "conductor")
    log.add("fault", at_ns=run.kill_ns, fault="kill", phase="paced", evidence={}, bit=True)
    log.close()
    samples = TableWriter(folder, "sample", "conductor")
    at = np.arange(START_NS, run.end_ns, 200_000_000)
    for role, worker in [("broker", "synthetic"), *[("client", f"publisher-{number}") for number in range(2)]]:
        samples.append(
            len(at),
            {
                "at_ns": at, "role": [role] * len(at), "worker": [worker] * len(at), "cpu_ns": (at - START_NS) // 3,
                "rss_bytes": at * 0 + (1 << 28), "written_bytes": (at - START_NS) // 50, "disk_bytes": (at - START_NS) // 60,
            },
        )  # fmt: skip
    samples.close()
    HistoryMeta(
        workload="synthetic", workload_text=WORKLOAD, broker="synthetic", repeat=0, seed=0, run_number=1, tier="D1",
        groups=[*needs.groups, DEAD_LETTERS], members=dict(needs.groups),
        phases=[
            PhaseMeta(
                name=phase.name, kind=phase.kind, warmup=phase.warmup, start_ns=start, end_ns=end, drained=True,
                drained_ns=end + 3_000_000_000, offered_per_s=phase.paced,
            )
            for phase, start, end in zip(loaded.workload.phases, edges, edges[1:], strict=False)
        ],
        supports={}, started_ns=START_NS, started_wall="2026-01-01T00:00:00+00:00", complete=True,
    ).save(folder)  # fmt: skip
