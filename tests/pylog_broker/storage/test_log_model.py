"""The log against a model: a dictionary of offset to value that never crashes.

Hypothesis drives appends, reads, deletion, retention, compaction, checkpoints, clean restarts, and crashes: before any write, in the middle
of one, with the tail of the last segment cut, zeroed or with a flipped bit, on the same boot of the machine or on another.
What must hold: nothing acknowledged and older than the damage is lost, nothing wrong is ever served, offsets go on.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from harness.pylog_broker.storage.batch import build_batch, parse_header, verify_produced
from harness.pylog_broker.storage.errors import CorruptLog
from harness.pylog_broker.storage.log import PartitionLog

from .batches import NOW_MS, append, read_records
from .disk import BOOT, OTHER_BOOT, Clock, FaultyFileSystem, PowerCut, kill, open_catalog

SETTINGS = {"segment.bytes": "600", "index.interval.bytes": "150", "retention.ms": "50", "max.message.bytes": "500"}
COMPACTED = {"segment.bytes": "400", "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01"}
boots = st.sampled_from([BOOT, OTHER_BOOT])


class LogModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="pylog-model-"))
        self.disk = FaultyFileSystem()
        self.clock = Clock(NOW_MS)
        self.boot = BOOT
        self.expected: dict[int, bytes] = {}
        self.times: dict[int, int] = {}
        self.start = self.end = 0
        self.sequence = self.values_made = 0
        self.producer_id = 1
        self.latest: dict[bytes, bytes | None] = {}  # of the compacted topic "c", by key
        self.latest_end = 0

    @initialize()
    def make(self) -> None:
        self._open(BOOT)
        self.catalog.create_topic("t", 1, SETTINGS)
        self.catalog.create_topic("c", 1, COMPACTED)

    def teardown(self) -> None:
        if hasattr(self, "catalog"):
            kill(self.catalog)
        shutil.rmtree(self.directory)

    @property
    def log(self) -> PartitionLog:
        return self.catalog.topics["t"].partitions[0]

    def _open(self, boot: str) -> None:
        self.boot = boot
        self.disk = FaultyFileSystem()
        self.catalog = open_catalog(self.directory, file_system=self.disk, clock=self.clock, boot_id=boot)

    def _values(self, count: int, size: int) -> list[bytes]:
        self.values_made += count
        return [b"%06d" % (self.values_made - n) + b"x" * size for n in range(count)]

    # --- ordinary life ------------------------------------------------------------------------------------------------

    def _append(self, values: list[bytes], *, idempotent: bool) -> int:
        fields = (
            {"producer_id": self.producer_id, "producer_epoch": 0, "base_sequence": self.sequence} if idempotent else {}
        )
        result = append(self.log, *values, timestamp_ms=self.clock.now_ms, **fields)
        assert not result.duplicate
        return result.base_offset

    def _acknowledged(self, base_offset: int, values: list[bytes], *, idempotent: bool) -> None:
        assert base_offset == self.end
        for offset, value in enumerate(values, start=base_offset):
            self.expected[offset], self.times[offset] = value, self.clock.now_ms
        self.end += len(values)
        if idempotent:
            self.sequence += len(values)
            self.newest = (base_offset, values, self.sequence - len(values))

    @rule(count=st.integers(1, 4), size=st.integers(0, 80), idempotent=st.booleans())
    def append(self, count: int, size: int, idempotent: bool) -> None:
        values = self._values(count, size)
        self._acknowledged(self._append(values, idempotent=idempotent), values, idempotent=idempotent)

    @precondition(lambda self: self.sequence > 0 and self.newest is not None and self.newest[0] >= self.start)
    @rule()
    def send_the_newest_again(self) -> None:
        base_offset, values, sequence = self.newest
        fields = {"producer_id": self.producer_id, "producer_epoch": 0, "base_sequence": sequence}
        result = append(self.log, *values, timestamp_ms=NOW_MS, **fields)
        assert (result.base_offset, result.duplicate) == (base_offset, True)

    newest: tuple[int, list[bytes], int] | None = None

    @rule(ms=st.integers(1, 30))
    def wait(self, ms: int) -> None:
        self.clock.now_ms += ms

    @rule(share=st.integers(0, 100), room=st.integers(0, 900), limit_share=st.integers(0, 100))
    def read_somewhere(self, share: int, room: int, limit_share: int) -> None:
        offset = self.start + (self.end - self.start) * share // 100
        limit = offset + (self.end - offset) * limit_share // 100
        part = self.log.read(offset, room, limit_offset=limit, at_least_one=True)
        if part.length == 0:
            whole = self.log.read(offset, 1, limit_offset=self.end, at_least_one=True)
            assert offset == limit or whole.next_offset > limit, "a batch below the limit was held back"
            return
        first = parse_header(part.read())
        assert first.base_offset <= offset <= first.last_offset
        assert part.length <= max(room, first.length)

    @rule(share=st.integers(0, 100))
    def look_up_by_time(self, share: int) -> None:
        wanted = NOW_MS + (self.clock.now_ms - NOW_MS) * share // 100
        matches = (o for o in range(self.start, self.end) if o in self.times and self.times[o] >= wanted)
        offset = next(matches, None)
        expected = None if offset is None else (offset, self.times[offset])
        assert self.log.offset_for_timestamp(wanted) == expected

    @rule(share=st.integers(0, 100))
    def delete_before(self, share: int) -> None:
        self.start = self.log.delete_records_before(self.start + (self.end - self.start) * share // 100)
        self._forget()

    @rule()
    def retain(self) -> None:
        self.log.apply_retention(self.clock.now_ms)
        assert self.log.log_start_offset >= self.start
        for offset in range(self.start, self.log.log_start_offset):
            assert self.clock.now_ms - self.times[offset] > 50, "a young record was deleted"
        self.start = self.log.log_start_offset
        self._forget()

    def _forget(self) -> None:
        for offset in [offset for offset in self.expected if offset < self.start]:
            del self.expected[offset], self.times[offset]

    @rule()
    def checkpoint(self) -> None:
        self.catalog.checkpoint([self.log, self.catalog.topics["c"].partitions[0]])

    @rule(rows=st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.booleans()), min_size=1, max_size=4))
    def write_keys(self, rows: list[tuple[bytes, bool]]) -> None:
        """Values, and tombstones now and then, to the topic that is compacted."""
        pairs = [(key, self._values(1, 60)[0] if alive else None) for key, alive in rows]
        batch = build_batch(pairs, timestamp_ms=self.clock.now_ms)
        log = self.catalog.topics["c"].partitions[0]
        assert log.append(batch, verify_produced(batch), now_ms=self.clock.now_ms).base_offset == self.latest_end
        self.latest.update(pairs)
        self.latest_end += len(pairs)

    @rule()
    def compact(self) -> None:
        self.clock.now_ms += 20_000  # beyond the backoff
        for _ in range(20):
            self.catalog.step_cleaner(self.clock.now_ms)
        assert not self.catalog.cleaner.busy

    # --- the end of a process -----------------------------------------------------------------------------------------

    @rule(boot=boots)
    def restart_cleanly(self, boot: str) -> None:
        self.catalog.close()
        self._open(boot)
        assert self.catalog.recovery_reports == {}

    @rule(boot=boots)
    def restart_after_kill(self, boot: str) -> None:
        kill(self.catalog)
        self._open(boot)

    @rule(
        calls=st.integers(1, 6),
        torn_bytes=st.integers(0, 300),
        boot=boots,
        idempotent=st.booleans(),
        action=st.sampled_from(["append", "checkpoint", "close", "retain", "compact"]),
    )
    def die_in_a_write(self, calls: int, torn_bytes: int, boot: str, idempotent: bool, action: str) -> None:
        """The process dies in one of its next writes, `torn_bytes` of which still arrive."""
        self.disk.die_at, self.disk.torn_bytes = self.disk.calls + calls, torn_bytes
        values: list[bytes] = []
        try:
            while action == "append" and not self.disk.dead:
                values = self._values(2, 60)
                base_offset = self._append(values, idempotent=idempotent)
                self._acknowledged(base_offset, values, idempotent=idempotent)
            {
                "checkpoint": self.checkpoint,
                "close": self.catalog.close,
                "retain": self.retain,
                "compact": self.compact,
            }.get(action, int)()
        except PowerCut:
            pass
        kill(self.catalog)
        self._open(boot)
        if self.log.log_end_offset > self.end:  # written as a whole, only its acknowledgement was lost
            self._acknowledged(self.end, values, idempotent=idempotent)
        if action == "retain":
            self.start = max(self.start, self.log.log_start_offset)
            self._forget()

    @precondition(lambda self: self.log.segments[-1].size > 0)
    @rule(
        damage=st.sampled_from(["cut", "zero", "flip", "garbage"]),
        back=st.integers(1, 400),
        bit=st.integers(0, 7),
        boot=boots,
        clean=st.booleans(),
    )
    def damage_the_tail(self, damage: str, back: int, bit: int, boot: str, clean: bool) -> None:
        path = Path(self.log.segments[-1].log_path)
        self.catalog.close() if clean else kill(self.catalog)
        data = bytearray(path.read_bytes())
        where = max(0, len(data) - back)
        first_lost = self._offset_at(data, where) if damage != "garbage" else self.end
        if damage == "cut":
            del data[where:]
        elif damage == "zero":
            data[where:] = bytes(len(data) - where)
        elif damage == "flip":
            data[where] ^= 1 << bit
        else:
            data += bytes([bit]) * back
        path.write_bytes(data)
        self._open(boot)
        self._accept_loss_from(first_lost)

    def _offset_at(self, data: bytearray, where: int) -> int:
        """Base offset of the batch that holds byte `where`."""
        position = 0
        while True:
            header = parse_header(data, position)
            position += header.length
            if position > where:
                return header.base_offset

    def _accept_loss_from(self, first_lost: int) -> None:
        """What is older than the damage is there; behind it there is nothing wrong; then go on with what is left."""
        log = self.log
        assert log.log_end_offset >= max(first_lost, self.start) or first_lost < self.start
        offset = log.log_start_offset
        try:
            while offset < log.log_end_offset:
                part = log.read(offset, 200, limit_offset=log.log_end_offset, at_least_one=True)
                first = parse_header(part.read())
                offset = first.next_offset
        except CorruptLog:
            assert offset >= first_lost or first_lost < self.start
            log.delete_records_before(log.log_end_offset)
        if first_lost < self.start:  # damage among deleted records lurks: a scan would cut off what is behind it
            log.delete_records_before(log.log_end_offset)
        self.start = log.log_start_offset
        self.end = log.log_end_offset
        for gone in [o for o in self.expected if not self.start <= o < self.end]:
            del self.expected[gone], self.times[gone]
        if self.newest is not None and self.newest[0] + len(self.newest[1]) > self.end:
            self.sequence = 0
            self.newest = None
            self.producer_id += 1  # its last batch is gone: a client asks for a new id then

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def everything_is_there(self) -> None:
        if not hasattr(self, "catalog") or "t" not in self.catalog.topics:
            return
        log = self.log
        assert (log.log_start_offset, log.log_end_offset) == (self.start, self.end)
        found = {record.offset: record.value for record in read_records(log, max_bytes=250)}
        assert found == {offset: value for offset, value in self.expected.items() if offset >= self.start}

    @invariant()
    def the_last_value_of_each_key_is_there(self) -> None:
        if not hasattr(self, "catalog") or "c" not in self.catalog.topics:
            return
        log = self.catalog.topics["c"].partitions[0]
        assert log.log_end_offset == self.latest_end
        records = read_records(log)
        assert [row.offset for row in records] == sorted({row.offset for row in records})
        found = {row.key: row.value for row in records}
        assert {key: value for key, value in found.items() if value is not None} == {
            key: value for key, value in self.latest.items() if value is not None
        }


LogModel.TestCase.settings = settings(
    max_examples=60,
    phases=[Phase.explicit, Phase.generate],
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestLogModel = LogModel.TestCase
