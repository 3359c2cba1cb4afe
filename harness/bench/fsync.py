"""The fsync ledger: what each durability tier makes each broker do before it acknowledges, counted at the system call.

A D2 acknowledgement claims that the message is on stable storage. Necessary for that: between the moment the message was
submitted and the moment its acknowledgement came, some sync had begun and ended. At one message in flight that is one sync a
message or more; at a hundred, one sync may cover many (group commit), and each message is still looked at for itself. A claim
that even one message contradicts is contradicted.
"""

from __future__ import annotations

import bisect
import io
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from harness.adapters.registry import create_adapter
from harness.bench.strace import Sync, Tracer, family, synchronous_files
from harness.brokers import Broker, create
from harness.brokers.products.activemq import OLDER_NAME
from harness.errors import BrokerMissing, BrokerUnavailable, HarnessError, Unsupported
from harness.model.broker import BrokerInfo, Tier
from harness.model.messages import Adapter, Outcome, OutgoingBatch
from harness.model.provisioning import Provisioning
from harness.model.result import SyncRow
from harness.model.workload import Needs

Progress = Callable[[str], None]
CLAIMS = (Tier.D2, Tier.D4)
TIERS = (Tier.D0, Tier.D1, Tier.D2)
WINDOWS = (1, 100)
WARMUP = 20
SETTLE_DEADLINE_S = 60.0
POLL_S = 0.05
CLOCK_SLACK_S = 20e-6  # strace tells whole microseconds, and reads another clock
FILES_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Subject:
    """A broker in one shape: ``settings`` go to its adapter. ``family`` is what a report calls a copy of another version."""

    label: str
    broker: str
    adapter: str
    settings: Mapping[str, str]
    family: str = ""


SUBJECTS = (
    Subject("pylog", "pylog", "kafka", {}),
    Subject("kafka", "kafka", "kafka", {}),
    Subject("rabbitmq:classic", "rabbitmq", "rabbitmq", {"queue_type": "classic"}),
    Subject("rabbitmq:quorum", "rabbitmq", "rabbitmq", {"queue_type": "quorum"}),
    Subject("rabbitmq:stream", "rabbitmq", "rabbitmq", {"queue_type": "stream"}),
    Subject("activemq", "activemq", "activemq", {}),
    Subject(OLDER_NAME, OLDER_NAME, "activemq", {}, family="activemq"),
)


@dataclass(frozen=True, slots=True)
class Load:
    """How much is sent: messages at each window, bytes each."""

    messages: Mapping[int, int]
    payload_bytes: int = 1024


@dataclass(frozen=True, slots=True)
class Published:
    """When each acknowledged message was submitted and acknowledged, in seconds since 1970; how many were sent in all."""

    sent: int
    times: Sequence[tuple[float, float]]


def covered(times: Sequence[tuple[float, float]], syncs: Sequence[Sync]) -> int:
    """Messages for which a durable sync had begun after they were submitted and ended before they were acknowledged. Pure."""
    ordered = sorted((sync.begin_s, sync.end_s) for sync in syncs if sync.durable)
    begins = [begin for begin, _ in ordered]
    # of all syncs that begin no earlier than this one, the earliest end
    ends: list[float] = [0.0] * len(ordered)
    earliest = float("inf")
    for place in range(len(ordered) - 1, -1, -1):
        earliest = min(earliest, ordered[place][1])
        ends[place] = earliest
    count = 0
    for submitted, acknowledged in times:
        place = bisect.bisect_left(begins, submitted - CLOCK_SLACK_S)
        count += place < len(ends) and ends[place] <= acknowledged + CLOCK_SLACK_S
    return count


def judge(row: SyncRow, synchronous: Sequence[str]) -> SyncRow:
    """Hold the counts against what the tier claims. Pure."""
    if row.tier not in CLAIMS:
        row.state = "no_claim"
        return row
    least = row.acknowledged if row.window == 1 else -(-row.acknowledged // row.window)
    syncs = sum(count for name, count in row.syncs.items() if name != "sync_file_range")
    if not row.acknowledged:
        row.state, row.reason = "not_run", "nothing was acknowledged"
    elif row.covered == row.acknowledged and syncs >= least:
        row.state = "proven"
        row.reason = "a sync had begun and ended between the submission and the acknowledgement of every message"
    elif synchronous:
        row.state = "not_run"
        row.reason = f"cannot be told: files are written with O_SYNC, which shows no call of its own ({synchronous[0]})"
    else:
        bare = row.acknowledged - (row.covered or 0)
        row.state = "contradicted"
        row.reason = f"{bare} of {row.acknowledged} were acknowledged without a sync since they were submitted; {syncs} syncs in all"
    return row


def bench_fsync(
    *,
    brokers: Sequence[str],
    tiers: Sequence[Tier] = TIERS,
    backend: str = "process",
    load: Load | None = None,
    progress: Progress = lambda _: None,
) -> list[SyncRow]:
    """Rows for each subject, tier and window. What cannot be measured is a row, too, with its reason; nothing raises but Ctrl-C."""
    load = load or Load({1: 100, 100: 2000})
    rows: list[SyncRow] = []
    for subject in SUBJECTS:
        if subject.label not in brokers and subject.broker not in brokers:
            continue
        for tier in tiers:
            progress(f"{subject.label}, tier {tier}")
            rows += _measure(subject, tier, backend, load)
    return rows


def _measure(subject: Subject, tier: Tier, backend: str, load: Load) -> list[SyncRow]:
    root = Path(tempfile.mkdtemp(prefix=f"harness-fsync-{subject.broker}-"))
    broker: Broker | None = None
    blank = SyncRow(
        broker=subject.family or subject.broker,
        label=subject.label,
        tier=str(tier),
        window=0,
        payload_bytes=load.payload_bytes,
    )
    try:
        if backend == "docker":
            from harness.brokers.images import ensure

            ensure(subject.broker, lambda _: None)
        broker = create(subject.broker, root=root, backend=backend)
        adapter = create_adapter(subject.adapter, subject.settings)
        info = broker.start(tier=str(tier), settings={})
        blank.version, blank.backend = info.version, info.backend
        plan = adapter.plan(info, Needs(groups={"one": 1}, durability=tier), tier, f"h{os.getpid():08x}")
        blank.mode = plan.mode
        adapter.provision(info, plan)
        return [
            _window(blank, broker, info, adapter, plan, window, count, root) for window, count in load.messages.items()
        ]
    except Unsupported as problem:
        blank.state, blank.reason = "unsupported", problem.message
    except HarnessError as problem:
        blank.state, blank.reason, blank.next_command = "not_run", problem.message, problem.next_command or ""
        if isinstance(problem, BrokerMissing):
            blank.next_command = problem.next_command or "harness doctor"
    finally:
        if broker is not None:
            if broker.pids():
                broker.kill()
            broker.stop()
            broker.wipe()
        shutil.rmtree(root, ignore_errors=True)
    return [blank]


def _window(
    blank: SyncRow,
    broker: Broker,
    info: BrokerInfo,
    adapter: Adapter,
    plan: Provisioning,
    window: int,
    count: int,
    scratch: Path,
) -> SyncRow:
    row = blank.model_copy(update={"window": window})
    publish(adapter, info, plan, WARMUP, window, row.payload_bytes)
    written = broker.inspect().write_bytes
    synchronous = synchronous_files(family(broker.pids()))
    with Tracer(broker.pids(), scratch) as tracer:
        published = publish(adapter, info, plan, count, window, row.payload_bytes)
    inside = [sync for sync in tracer.syncs if published.times and sync.begin_s >= min(t for t, _ in published.times)]
    row.messages, row.acknowledged = published.sent, len(published.times)
    row.syncs = dict(Counter(sync.name for sync in inside))
    row.files = dict(Counter(Path(sync.path).name for sync in inside if sync.path).most_common(FILES_SHOWN))
    row.covered = covered(published.times, inside)
    if row.acknowledged:
        row.syncs_per_message = round(sum(sync.durable for sync in inside) / row.acknowledged, 4)
        row.written_per_byte = round(
            (broker.inspect().write_bytes - written) / (row.acknowledged * row.payload_bytes), 3
        )
    return judge(row, synchronous)


def publish(
    adapter: Adapter, info: BrokerInfo, plan: Provisioning, count: int, window: int, payload_bytes: int
) -> Published:
    """``count`` messages with at most ``window`` unacknowledged. Raises BrokerUnavailable when they are not settled in time."""
    publisher = adapter.publisher(info, plan, window)
    offset_ns = time.time_ns() - time.monotonic_ns()
    body = os.urandom(payload_bytes)
    submitted: dict[int, int] = {}
    times: list[tuple[float, float]] = []
    settled = 0
    deadline = time.monotonic() + SETTLE_DEADLINE_S
    try:
        while settled < count:
            free = min(window - (len(submitted) - settled), count - len(submitted))
            if free > 0:
                first = len(submitted)
                at_ns = time.monotonic_ns()
                batch = OutgoingBatch(range(first, first + free), [body] * free, [None] * free, [0] * free, [0] * free)
                for number in range(first, first + publisher.submit(batch)):
                    submitted[number] = at_ns
            outcomes = publisher.poll(POLL_S)
            settled += len(outcomes)
            times += [
                ((submitted[number] + offset_ns) / 1e9, (at_ns + offset_ns) / 1e9)
                for number, outcome, at_ns in zip(
                    outcomes.indexes.tolist(), outcomes.outcomes.tolist(), outcomes.settled_ns.tolist(), strict=True
                )
                if outcome == Outcome.OK
            ]
            if time.monotonic() > deadline:
                raise BrokerUnavailable(
                    f"{count - settled} of {count} messages were not settled in {SETTLE_DEADLINE_S:g} s"
                )
    finally:
        publisher.close(1.0)
    return Published(count, times)


def document(rows: Sequence[SyncRow], fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    """The ledger as JSON: what was counted, and on which machine."""
    return {
        "document": "fsync_ledger",
        "version": 1,
        "fingerprint": dict(fingerprint),
        "rows": [row.model_dump(mode="json") for row in rows],
    }


def table(rows: Sequence[SyncRow]) -> str:
    """The ledger as text, 120 columns wide at most."""
    from harness.reporting.syncs import COLUMNS, cells_of

    drawn = Table(box=box.SIMPLE, title="syncs before an acknowledgement, counted at the system call")
    for column in COLUMNS:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*cells_of(row, reasons=False))
    out = io.StringIO()
    console = Console(file=out, width=120, highlight=False)
    console.print(drawn)
    for text in dict.fromkeys(
        f"{row.label} {row.tier}: {row.reason}" + (f"; next: {row.next_command}" if row.next_command else "")
        for row in rows
        if row.reason and row.state != "proven"
    ):
        console.print(text, markup=False)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines() if line.strip())
