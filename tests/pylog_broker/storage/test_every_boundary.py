"""A life of a broker, stopped before each call that changes the disk: kill -9, torn writes, and what a power cut can leave.

The life has appends, rolls, retention, compaction, deleted records, transactions of both outcomes, committed offsets, settings, a
topic that comes and goes, checkpoints and a clean restart. A ledger says what has been acknowledged at each boundary. From what the
end left, the next broker has to start; it serves nothing that was not written at that offset, nothing of an aborted
transaction, and, where each append is fsynced, everything that was acknowledged.
"""

from __future__ import annotations

import copy
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from harness.pylog_broker.storage.batch import CONTROL_BIT, build_batch, iterate_records, parse_header, verify_produced
from harness.pylog_broker.storage.errors import CorruptLog
from harness.pylog_broker.storage.log import PartitionLog
from tests.pylog_broker.handlers.local_broker import LocalBroker
from tests.pylog_broker.storage.batches import split_batches
from tests.pylog_broker.storage.disk import FaultyFileSystem, kill
from tests.pylog_broker.storage.power import ENDINGS, ForgetfulFileSystem
from tests.pylog_broker.transactions.client import Producer, committed_offset, fetch, next_offset, visible

PLAIN, COMPACTED, BOTH, BRIEF = "plain", "compacted", "transactional", "brief"
SMALL = {"segment.bytes": "500", "index.interval.bytes": "150", "retention.ms": "1000", "file.delete.delay.ms": "0"}
COMPACT = {"segment.bytes": "400", "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"}
EVERYTHING_SYNCED = {"log_flush_interval_messages": "1"}
SETTINGS = {"offsets_topic_num_partitions": "1", "transaction_state_log_num_partitions": "1"}
PRODUCER = {"producer_id": 4_000_000, "producer_epoch": 0}
Pair = tuple[bytes | None, bytes | None]


@dataclass
class Ledger:
    """What has been asked for and acknowledged so far. What is under way may be there or not."""

    topics: dict[str, bool | None] = field(default_factory=dict)
    """Whether a topic is there; None: it is being made or deleted."""
    config: set[str] = field(default_factory=lambda: {""})
    """What `retention.bytes` of the plain topic may be."""
    written: dict[str, dict[int, Pair]] = field(default_factory=dict)
    """Topic -> offset -> record, those under way too."""
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Topic -> end of what was acknowledged."""
    start: dict[str, int] = field(default_factory=dict)
    """Topic -> start of the log that was asked for by DeleteRecords and acknowledged."""
    expired: dict[str, int] = field(default_factory=dict)
    """Topic -> end of what retention or DeleteRecords may have taken."""
    decided: dict[bytes, bool | None] = field(default_factory=dict)
    """Value of a transaction -> whether it was committed; None: open, or being ended."""
    position: set[int] = field(default_factory=lambda: {-1})
    """What the group's committed offset may be."""
    sequence: tuple[int, int, list[Pair]] | None = None
    """Base offset, first sequence and records of the newest idempotent batch that was acknowledged."""


class Life:
    """One broker's life, as calls and as entries of the ledger."""

    def __init__(self, folder: Path, disk: ForgetfulFileSystem, settings: dict[str, str]) -> None:
        self.folder, self.disk, self.settings = folder, disk, settings
        self.ledger = Ledger()
        self.local: LocalBroker | None = None
        self.number = self.next_sequence = 0
        self.now = (1000.0, 1_790_000_000_000)

    @property
    def broker(self) -> LocalBroker:
        assert self.local is not None
        return self.local

    def start(self) -> None:
        self.local = start(self.folder, self.settings, disk=self.disk)
        self.local.now_s, self.local.now_ms = self.now

    def log(self, topic: str) -> PartitionLog:
        return self.broker.catalog.topics[topic].partitions[0]

    def live(self) -> None:
        self.start()
        for topic, config in ((PLAIN, SMALL), (COMPACTED, COMPACT), (BOTH, {**SMALL, "retention.ms": "-1"})):
            self.create(topic, config)
        for _ in range(7):
            self.append(PLAIN, idempotent=True)
        self.transaction(commit=True)
        self.commit_offset(3)
        self.broker.catalog.checkpoint([self.log(PLAIN), self.log(BOTH)])
        self.transaction(commit=False)
        self.delete_records(PLAIN, 3)
        for number in range(12):
            self.append(COMPACTED, key=b"key %d" % (number % 3), value=None if number == 10 else b"%d" % number)
        self.compact()
        self.configure("1000000")
        self.create(BRIEF, SMALL)
        self.append(BRIEF)
        self.delete_topic(BRIEF)
        self.restart()
        self.append(PLAIN, idempotent=True)
        self.retain()
        self.create(BRIEF, SMALL)
        self.append(BRIEF)
        self.transaction(commit=False)
        self.commit_offset(5)
        self.append(COMPACTED, key=b"key 1", value=b"last")
        for number in range(8):
            self.append(COMPACTED, key=b"key 7", value=b"%d" % number)
        self.compact()
        self.transaction(commit=True, end=False)
        self.broker.catalog.checkpoint([self.log(BOTH)])
        self.restart()
        self.append(PLAIN, idempotent=True)

    # --- what is done, and noted before and after ---------------------------------------------------------------------

    def create(self, topic: str, config: dict[str, str]) -> None:
        self.ledger.topics[topic] = None
        for table in (self.ledger.acknowledged, self.ledger.start, self.ledger.expired):
            table[topic] = 0
        self.ledger.written[topic] = {}
        self.broker.catalog.create_topic(topic, 1, config)
        self.ledger.topics[topic] = True

    def delete_topic(self, topic: str) -> None:
        self.ledger.topics[topic] = None
        self.broker.catalog.delete_topic(topic)
        self.ledger.topics[topic] = False

    def configure(self, value: str) -> None:
        self.ledger.config.add(value)
        self.broker.catalog.set_topic_config(PLAIN, {**SMALL, "retention.bytes": value})
        self.ledger.config = {value}

    def _fresh(self) -> bytes:
        self.number += 1
        return b"value %04d" % self.number + b"." * 60

    def append(self, topic: str, *, key: bytes = b"k", value: bytes | None = b"", idempotent: bool = False) -> None:
        rows: list[Pair] = [(key, self._fresh() if value == b"" else value)]
        if topic == PLAIN:
            rows.append((key, self._fresh()))
        log, fields = self.log(topic), {}
        base = log.log_end_offset
        if idempotent:
            fields = {**PRODUCER, "base_sequence": self.next_sequence}
        self.ledger.written[topic].update(enumerate(rows, start=base))
        batch = build_batch(rows, timestamp_ms=self.broker.now_ms, **fields)
        header = verify_produced(batch)
        assert log.append(batch, header, now_ms=self.broker.now_ms, deferred=True).base_offset == base
        if log.awaited_offset > base:
            sync = log.begin_sync()
            assert sync is not None
            sync.run()
            log.end_sync(sync)
        self.ledger.acknowledged[topic] = base + len(rows)
        if idempotent:
            self.ledger.sequence = base, self.next_sequence, rows
            self.next_sequence += len(rows)

    def transaction(self, *, commit: bool, end: bool = True) -> None:
        producer = Producer(self.broker)
        assert producer.init() == 0
        values = [self._fresh(), self._fresh()]
        for value in values:
            self.ledger.decided[value] = None
            self.ledger.written[BOTH][self.log(BOTH).log_end_offset] = (None, value)
            assert producer.send(BOTH, 0, value) == 0
        before = set(self.ledger.position)
        position = self.log(BOTH).log_end_offset
        if commit and end:
            self.ledger.position.add(position)
        assert producer.send_offsets("group", PLAIN, 0, position) == 0
        if not end:
            return
        assert producer.end(commit=commit) == 0
        self.ledger.position = {position} if commit else before
        self.ledger.acknowledged[BOTH] = self.log(BOTH).log_end_offset
        self.ledger.decided.update(dict.fromkeys(values, commit))

    def commit_offset(self, offset: int) -> None:
        self.ledger.position.add(offset)
        row = OffsetCommitRequestPartition(0, offset, committed_metadata="")
        request = OffsetCommitRequest("group", topics=[OffsetCommitRequestTopic(PLAIN, partitions=[row])])
        (answer,) = self.broker.call(request, 8).topics
        assert answer.partitions[0].error_code == 0
        self.ledger.position = {offset}

    def delete_records(self, topic: str, offset: int) -> None:
        self.ledger.expired[topic] = max(self.ledger.expired[topic], offset)
        self.log(topic).delete_records_before(offset)
        self.ledger.start[topic] = offset

    def retain(self) -> None:
        self.broker.now_ms += 5000
        self.ledger.expired[PLAIN] = self.log(PLAIN).log_end_offset
        self.log(PLAIN).apply_retention(self.broker.now_ms)

    def compact(self) -> None:
        self.broker.now_ms += 20_000
        for _ in range(20):
            self.broker.catalog.step_cleaner(self.broker.now_ms)
        assert not self.broker.catalog.cleaner.busy

    def restart(self) -> None:
        self.now = self.broker.now_s, self.broker.now_ms
        self.broker.close()
        self.start()


def start(
    folder: Path, settings: dict[str, str], *, disk: ForgetfulFileSystem | None = None, boot_id: str = "boot"
) -> LocalBroker:
    return LocalBroker(folder, file_system=disk or FaultyFileSystem(), boot_id=boot_id, **SETTINGS, **settings)


# --- the next start -------------------------------------------------------------------------------------------------------


def rows_of(log: PartitionLog) -> dict[int, Pair]:
    """Offset -> record of all that is served; that offsets ascend is checked on the way.

    Where a closed segment is damaged a reader is refused, by name, and goes on behind it.
    """
    rows: dict[int, Pair] = {}
    offset = log.log_start_offset
    while offset < log.log_end_offset:
        try:
            data = log.read(offset, 1 << 20, limit_offset=log.log_end_offset, at_least_one=True).read()
        except CorruptLog:
            offset = next(segment.base_offset for segment in log.segments if segment.base_offset > offset)
            continue
        assert data, f"no progress at {offset}"
        for batch in split_batches(data):
            header = parse_header(batch)
            assert header.next_offset > offset
            offset = header.next_offset
            if not header.attributes & CONTROL_BIT:
                rows.update((row.offset, (row.key, row.value)) for row in iterate_records(batch))
    return {offset: row for offset, row in rows.items() if offset >= log.log_start_offset}


def committed_values(local: LocalBroker) -> list[bytes]:
    """What a reader of committed records gets of the transactional topic, over as many fetches as it takes."""
    log = local.catalog.topics[BOTH].partitions[0]
    values, offset = [], log.log_start_offset
    while offset < log.last_stable_offset:
        (row,) = fetch(local, BOTH, {0: offset})
        if row.error_code == ErrorCode.KAFKA_STORAGE_ERROR:
            offset = next(segment.base_offset for segment in log.segments if segment.base_offset > offset)
            continue
        assert row.error_code == 0
        values += visible(row)
        offset = next_offset(row)
    return values


class Afterwards:
    """A broker that starts on what is left, and what has to hold of it."""

    def __init__(self, local: LocalBroker, ledger: Ledger, now: tuple[float, int], *, promised: bool) -> None:
        self.local, self.ledger, self.promised = local, ledger, promised
        local.now_s, local.now_ms = now

    def check(self) -> None:
        topics = self.local.catalog.topics
        for topic, there in self.ledger.topics.items():
            assert there is None or (topic in topics) == there, topic
            if topic in topics:
                self._check_log(topic, topics[topic].partitions[0])
        if PLAIN in topics:
            assert topics[PLAIN].config_overrides.get("retention.bytes", "") in self.ledger.config
        self.local.advance(200)  # what is still open times out
        self._check_transactions()
        if self.promised and PLAIN in topics and self.ledger.position != {-1}:
            assert committed_offset(self.local, "group", PLAIN)[1] in self.ledger.position
        if self.promised:
            self._check_producer()

    def _check_log(self, topic: str, log: PartitionLog) -> None:
        written = self.ledger.written.get(topic, {})
        rows = rows_of(log)
        assert rows.items() <= written.items(), "something else is served than was written"
        if not self.promised:
            return
        assert log.log_start_offset >= self.ledger.start[topic]
        assert log.log_end_offset >= self.ledger.acknowledged[topic] or self.ledger.topics[topic] is None
        promised = {
            offset: row
            for offset, row in written.items()
            if self.ledger.expired[topic] <= offset < self.ledger.acknowledged[topic]
        }
        if topic == COMPACTED:
            found, last = dict(rows.values()), dict(promised.values())
            newer = {key for offset, (key, _) in written.items() if offset >= self.ledger.acknowledged[topic]}
            assert all(found.get(key) == value or key in newer for key, value in last.items())
        elif self.ledger.topics[topic]:
            assert promised.items() <= rows.items(), "something acknowledged is gone"

    def _check_transactions(self) -> None:
        if BOTH not in self.local.catalog.topics:
            return
        log = self.local.catalog.topics[BOTH].partitions[0]
        if self.promised:
            assert log.last_stable_offset == log.log_end_offset, "a transaction hangs"
        seen = set(committed_values(self.local))
        for value, committed in self.ledger.decided.items():
            if committed is False:
                assert value not in seen, "an aborted record is served"
            elif committed and self.promised:
                assert value in seen, "a committed record is not served"

    def _check_producer(self) -> None:
        """What an idempotent producer sends again is recognised."""
        if self.ledger.sequence is None:
            return
        base, sequence, rows = self.ledger.sequence
        log = self.local.catalog.topics[PLAIN].partitions[0]
        if base < log.log_start_offset:
            return
        batch = build_batch(rows, timestamp_ms=self.local.now_ms, base_sequence=sequence, **PRODUCER)
        result = log.append(batch, verify_produced(batch), now_ms=self.local.now_ms)
        assert (result.base_offset, result.duplicate) == (base, True)

    def go_on(self) -> dict[str, dict[int, Pair]]:
        """Write to everything that is there; what each log holds then."""
        for topic, row in self.local.catalog.topics.items():
            if row.internal:
                continue
            batch = build_batch([(b"after", b"after")], timestamp_ms=self.local.now_ms)
            row.partitions[0].append(batch, verify_produced(batch), now_ms=self.local.now_ms)
            assert rows_of(row.partitions[0])[row.partitions[0].log_end_offset - 1] == (b"after", b"after"), topic
        if BOTH in self.local.catalog.topics:
            producer = Producer(self.local)
            assert producer.init() == 0
            assert producer.send(BOTH, 0, b"after all") == 0
            assert producer.commit() == 0
            assert committed_values(self.local)[-1] == b"after all"
        return contents(self.local)


def contents(local: LocalBroker) -> dict[str, dict[int, Pair]]:
    return {name: rows_of(topic.partitions[0]) for name, topic in local.catalog.topics.items()}


@contextmanager
def surviving(folder: Path, life: Life, ledger: Ledger, *, boot_id: str, promised: bool) -> Iterator[Afterwards]:
    local = start(folder, life.settings, boot_id=boot_id)
    now = life.now if life.local is None else (life.local.now_s, life.local.now_ms)
    try:
        yield Afterwards(local, ledger, now, promised=promised)
    finally:
        kill(local.catalog)


WAYS = [
    ("kill -9", "everything", True),
    ("kill -9 in the write", "everything", True),
    *(("power cut", ending, kept) for ending in ENDINGS for kept in (True, False)),
]
"""How the broker may end, what becomes of unsynced bytes, and whether the folders' unsynced entries are there."""


class Boundaries:
    """Stops the world before each call, lays out what an end there leaves, and looks at the next start."""

    def __init__(self, life: Life, folder: Path, *, synced: bool, first_way: int) -> None:
        self.life, self.folder, self.synced, self.first_way = life, folder, synced, first_way
        self.calls = 0
        self.faults: list[str] = []

    def __call__(self, call: str, path: str, data: bytes) -> None:
        self.calls += 1
        name, ending, entries_kept = WAYS[(self.calls + self.first_way) % len(WAYS)]
        target, torn = self.folder / str(self.calls), name == "kill -9 in the write" and call == "write"
        self.life.disk.aftermath(target, ENDINGS[ending], random.Random(self.calls), entries_kept=entries_kept)
        if torn:
            with (target / Path(path).relative_to(self.life.folder)).open("ab") as file:
                file.write(data[: len(data) // 2])
        try:
            self._next_start(target, killed=name != "power cut")
        except Exception as error:
            where = f"call {self.calls}, {call} {Path(path).relative_to(self.life.folder)}"
            self.faults.append(f"{name} ({ending}, entries {entries_kept}) before {where}: {error!r}")
        shutil.rmtree(target)

    def _next_start(self, target: Path, *, killed: bool) -> None:
        ledger = copy.deepcopy(self.life.ledger)
        boot_id = "boot" if killed else "another boot"
        with surviving(target, self.life, ledger, boot_id=boot_id, promised=killed or self.synced) as after:
            after.check()
            if self.calls % 4:
                return
            expected = after.go_on()
        with surviving(target, self.life, ledger, boot_id=boot_id, promised=False) as after:
            assert contents(after.local) == expected


@pytest.mark.timeout(900)  # hundreds of starts of a broker: five minutes beside a dozen other processes
@pytest.mark.parametrize(
    ("synced", "first_way"), [(True, 0), pytest.param(True, 5, marks=pytest.mark.thorough), (False, 3)]
)
def test_an_end_at_any_boundary(tmp_path: Path, first_way: int, synced: bool) -> None:
    """Each boundary gets one of the ways, in turn; over all values of `first_way`, each gets all of them."""
    for name in ("ends", "data"):
        (tmp_path / name).mkdir()
    disk = ForgetfulFileSystem(tmp_path / "data")
    life = Life(tmp_path / "data", disk, EVERYTHING_SYNCED if synced else {})
    disk.before = boundaries = Boundaries(life, tmp_path / "ends", synced=synced, first_way=first_way)
    life.live()
    disk.before = lambda _call, _path, _data: None
    life.broker.close()
    assert boundaries.calls > 200
    assert not boundaries.faults, "\n".join(boundaries.faults)
