"""Share groups at work in a broker: sessions, record locks and their timer, fetches that wait, and what handlers ask for.

All calls come from the broker's one thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from harness.pylog_broker.controller.image import GROUP_RESOURCE
from harness.pylog_broker.groups.service import GRACE_S, STALL_S_MIN
from harness.pylog_broker.groups.settings import (
    SHARE_ISOLATION,
    SHARE_OFFSET_RESET,
    SHARE_RENEW,
    GroupSettings,
    duration_ms,
)
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.share.partition import (
    NEVER_S,
    UNRESOLVED,
    Acknowledgement,
    Acquired,
    Limits,
    Outcome,
    Refusal,
    SharePartition,
    StateBatch,
)
from harness.pylog_broker.share.reading import Span, aborted_ranges, spans
from harness.pylog_broker.share.sessions import SessionKey, ShareSessions, TopicPartition
from harness.pylog_broker.share.state_records import Key
from harness.pylog_broker.share.state_topic import ShareStateTopic
from harness.pylog_broker.share.store import ShareStore
from harness.pylog_broker.storage.batch import CONTROL_BIT
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.log import EMPTY_SLICE, LogSlice, PartitionLog
from harness.pylog_broker.timers import Timer, Timers
from harness.pylog_broker.waiters import Waiter, Waiters

if TYPE_CHECKING:
    from harness.pylog_broker.groups.coordinator import GroupCoordinator

logger = logging.getLogger(__name__)

EMPTY_READS_MAX = 16
"""Stretches of a log without a record for members that one fetch passes over."""

REFUSALS: Mapping[Refusal, tuple[ErrorCode, str]] = {
    Refusal.NOT_ACQUIRED: (ErrorCode.INVALID_RECORD_STATE, "The records are not acquired by this member."),
    Refusal.NOT_FETCHED: (ErrorCode.INVALID_REQUEST, "The records were never handed out."),
}

Said = tuple[ErrorCode, str | None]
"""Error code and message."""

FINE: Said = (ErrorCode.NONE, None)


class GroupRules(NamedTuple):
    """The settings of one group."""

    lock_duration_ms: int
    delivery_limit: int
    locks: int
    offset_reset: str
    committed_only: bool
    may_renew: bool


class Found(NamedTuple):
    """What was acquired of one partition: ranges, and the batches that they lie in."""

    records: LogSlice
    acquired: Sequence[Acquired]


NOTHING_FOUND = Found(EMPTY_SLICE, ())


class ShareService:
    """What the handlers talk to."""

    def __init__(
        self,
        catalog: Catalog,
        settings: GroupSettings,
        coordinator: GroupCoordinator,
        *,
        timers: Timers,
        waiters: Waiters,
        monotonic_s: Callable[[], float],
        wall_ms: Callable[[], int],
    ) -> None:
        """Replay what is stored in the catalog; state of groups and topics that are gone is dropped."""
        self._catalog = catalog
        self._settings = settings
        self._coordinator = coordinator
        self._timers = timers
        self._waiters = waiters
        self._monotonic_s = monotonic_s
        self._wall_ms = wall_ms
        self.journal = ShareStateTopic(catalog, settings.share_state_partitions, waiters.appended)
        self.store = ShareStore(
            self.journal,
            settings,
            timers=timers,
            monotonic_s=monotonic_s,
            wall_ms=wall_ms,
            leader_epoch=self._leader_epoch,
        )
        self.sessions = ShareSessions(settings.share_sessions_max, settings.share_partitions_max)
        self._locks: dict[Key, Timer] = {}
        self._waiting: dict[Key, dict[Waiter, None]] = {}
        self._restore()

    def _restore(self) -> None:
        self.store.restore()
        gone = []
        for key in self.store.all_keys():
            log = self.log(key.topic_id, key.partition)
            partition = self.store.find(key)
            if log is None or partition is None or self._coordinator.share_group(key.group_id) is None:
                gone.append(key)
            else:
                partition.cut_after(log.log_end_offset)
        self.store.forget(gone)

    # What there is

    def rules(self, group_id: str) -> GroupRules:
        """Return the settings in force for a group."""
        own = self._catalog.image.config(GROUP_RESOURCE, group_id)
        of_group = self._settings.of_group
        return GroupRules(
            of_group("share.record.lock.duration.ms", own),
            of_group("share.delivery.count.limit", own),
            of_group("share.partition.max.record.locks", own),
            own.get(SHARE_OFFSET_RESET, "latest"),
            own.get(SHARE_ISOLATION) == "read_committed",
            own.get(SHARE_RENEW, "true").lower() == "true",
        )

    def log(self, topic_id: UUID, partition: int) -> PartitionLog | None:
        """Return the log of a partition that exists."""
        topic = self._catalog.by_id(topic_id)
        if topic is None or not 0 <= partition < len(topic.partitions):
            return None
        return topic.partitions[partition]

    def _leader_epoch(self, topic_id: UUID, partition: int) -> int:
        log = self.log(topic_id, partition)
        return log.leader_epoch if log is not None else -1

    def is_group(self, group_id: str) -> bool:
        """Whether there is such a share group."""
        return self._coordinator.share_group(group_id) is not None

    def prepare(self, group_id: str) -> bool:
        """Make state for every partition that a group reads; False when that is not possible."""
        group = self._coordinator.share_group(group_id)
        if group is None:
            return False
        return self.store.ensure(
            Key(group_id, facts.topic_id, partition)
            for facts in group.topics_read().values()
            for partition in range(facts.partitions)
        )

    # Handing out

    def acquire(self, key: Key, member: str, limits: Limits, bytes_max: int, *, at_least_one: bool) -> Found:
        """Hand out records of a partition that exists to a member. Raises StorageError."""
        log, partition = self.log(key.topic_id, key.partition), self.store.find(key)
        if log is None or partition is None:
            return NOTHING_FOUND
        rules = self.rules(key.group_id)
        self._begin(key, partition, log, rules)
        limits = limits._replace(locks=rules.locks, deliveries=rules.delivery_limit)
        for _ in range(EMPTY_READS_MAX):
            offset = partition.next_fetch_offset
            records = self._read(partition, log, rules, bytes_max, at_least_one=at_least_one)
            found = self._take(key, partition, log, records, rules, member, limits)
            if found.acquired or partition.next_fetch_offset == offset:
                return found
        return NOTHING_FOUND

    def readable_bytes(self, key: Key, bytes_max: int) -> int:
        """How much of a partition could be handed out now, roughly. Raises StorageError."""
        log, partition = self.log(key.topic_id, key.partition), self.store.find(key)
        if log is None or partition is None:
            return 0
        rules = self.rules(key.group_id)
        self._begin(key, partition, log, rules)
        return self._read(partition, log, rules, bytes_max, at_least_one=True).length

    def _read(
        self, partition: SharePartition, log: PartitionLog, rules: GroupRules, bytes_max: int, *, at_least_one: bool
    ) -> LogSlice:
        offset = partition.next_fetch_offset
        limit = log.last_stable_offset if rules.committed_only else log.high_watermark
        if offset >= limit or not partition.can_acquire(rules.locks):
            return EMPTY_SLICE
        return log.read(offset, bytes_max, limit_offset=limit, at_least_one=at_least_one)

    def _take(
        self,
        key: Key,
        partition: SharePartition,
        log: PartitionLog,
        records: LogSlice,
        rules: GroupRules,
        member: str,
        limits: Limits,
    ) -> Found:
        if not records.length:
            return NOTHING_FOUND
        hidden = self._hidden(log, records, partition.next_fetch_offset) if rules.committed_only else frozenset()
        seen: list[Span] = []
        deadline_s = self._monotonic_s() + rules.lock_duration_ms / 1000
        visible = (
            (span.first, span.last)
            for span in _noted(records, seen)
            if not span.header.attributes & CONTROL_BIT and span.first not in hidden
        )
        acquired, is_over, missing = partition.acquire(member, visible, limits, deadline_s)
        if is_over and not acquired and seen:
            missing += partition.pass_over(seen[-1].last)  # markers and aborted records up to the end
        if missing:
            self._note(key, partition, missing)
        if not acquired:
            return NOTHING_FOUND
        self._arm(key, deadline_s)
        first = next(span for span in seen if span.last >= acquired[0].first)
        last = next(span for span in reversed(seen) if span.first <= acquired[-1].last)
        return Found(LogSlice(records.file, first.position, last.end - first.position, -1), acquired)

    def _hidden(self, log: PartitionLog, records: LogSlice, offset: int) -> frozenset[int]:
        """The first offsets of batches that belong to aborted transactions."""
        found = list(spans(records))
        if not found:
            return frozenset()
        aborted = log.aborted_transactions(min(offset, found[0].first), found[-1].last + 1)
        if not aborted:
            return frozenset()
        return frozenset(first for first, _ in aborted_ranges(records, found, aborted))

    def _begin(self, key: Key, partition: SharePartition, log: PartitionLog, rules: GroupRules) -> None:
        """Find out where a partition begins if nobody knows yet, and leave behind what retention has taken."""
        if partition.start_offset == UNRESOLVED:
            partition.begin_at(self._first_offset(log, rules.offset_reset))
            self.store.write(key, partition)
        partition.cut_before(log.log_start_offset)

    def _first_offset(self, log: PartitionLog, reset: str) -> int:
        if reset == "earliest":
            return log.log_start_offset
        age_ms = duration_ms(reset)
        found = log.offset_for_timestamp(self._wall_ms() - age_ms) if age_ms is not None else None
        return found[0] if found is not None else log.high_watermark

    # Taking back

    def acknowledge(self, key: Key, member: str, said: Sequence[Acknowledgement]) -> Said:
        """Take over what a member says of records, all of it or nothing; it is written down when this returns."""
        partition = self.store.find(key)
        if partition is None:
            return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, None
        refusal = partition.check(member, said)
        if refusal is not None:
            return REFUSALS[refusal]
        rules = self.rules(key.group_id)
        outcome = partition.outcome(said, rules.delivery_limit)
        if outcome.changed:
            if not self.store.write(key, partition, outcome):
                return ErrorCode.KAFKA_STORAGE_ERROR, "The acknowledgement could not be stored."
            partition.apply(outcome.changed)
            self._wake(key)
        partition.renew(said, self._monotonic_s() + rules.lock_duration_ms / 1000)
        return FINE

    def close_session(self, session_key: SessionKey) -> None:
        """A member's session has ended: what it holds is given back."""
        self.sessions.close(session_key)
        limit = self.rules(session_key.group_id).delivery_limit
        for row, partition in self.store.of_group(session_key.group_id).items():
            changed = partition.release(session_key.member_id, limit)
            if changed:
                key = Key(session_key.group_id, *row)
                self._note(key, partition, changed)
                self._wake(key)

    def connection_closed(self, connection_id: int) -> None:
        """A connection has gone, and the sessions that came by it."""
        for key in self.sessions.of_connection(connection_id):
            self.close_session(key)

    def _note(self, key: Key, partition: SharePartition, changed: Sequence[StateBatch]) -> None:
        """Write down what has happened by itself; a failure is logged, and after a crash it happens again."""
        self.store.write(key, partition, Outcome(list(changed), partition.start_offset, partition.completed_count))

    def _arm(self, key: Key, deadline_s: float) -> None:
        timer = self._locks.get(key)
        if timer is not None:
            if timer.deadline_s <= deadline_s:
                return
            timer.cancel()
        self._locks[key] = self._timers.schedule(deadline_s, lambda: self._expire(key))

    def _expire(self, key: Key) -> None:
        due_s = self._locks.pop(key).deadline_s
        partition, now_s = self.store.find(key), self._monotonic_s()
        if partition is None:
            return
        if now_s - due_s > STALL_S_MIN:  # acknowledgements that came during the stall are still in the sockets
            self._arm(key, now_s + GRACE_S)
            return
        changed = partition.expire(now_s, self.rules(key.group_id).delivery_limit)
        if changed:
            self._note(key, partition, changed)
            self._wake(key)
        if partition.next_deadline_s < NEVER_S:
            self._arm(key, partition.next_deadline_s)

    # Waiting

    def park(self, keys: Sequence[Key], bytes_missing: int, deadline_s: float, answer: Callable[[], None]) -> Waiter:
        """Have `answer` called when something may have come for one of `keys`, or at the deadline."""
        logs = [log for key in keys if (log := self.log(key.topic_id, key.partition)) is not None]
        committed_only = bool(keys) and self.rules(keys[0].group_id).committed_only

        def leave() -> None:
            self._leave(keys, waiter)
            answer()

        waiter = self._waiters.park(logs, bytes_missing, deadline_s, leave, committed_only=committed_only)
        for key in keys:
            self._waiting.setdefault(key, {})[waiter] = None
        return waiter

    def cancel(self, keys: Sequence[Key], waiter: Waiter) -> None:
        """The connection has gone: forget the fetch."""
        self._leave(keys, waiter)
        self._waiters.cancel(waiter)

    def _leave(self, keys: Sequence[Key], waiter: Waiter) -> None:
        for key in keys:
            waiting = self._waiting.get(key)
            if waiting is not None:
                waiting.pop(waiter, None)
                if not waiting:
                    del self._waiting[key]

    def _wake(self, key: Key) -> None:
        for waiter in list(self._waiting.get(key, ())):
            self._waiters.ring(waiter)

    # Administration

    def forget_group(self, group_id: str) -> None:
        """A group was deleted."""
        for session_key in self.sessions.of_group(group_id):
            self.sessions.close(session_key)
        self._forget(Key(group_id, *row) for row in self.store.of_group(group_id))

    def forget_topic(self, topic_id: UUID) -> None:
        """A topic was deleted."""
        self._forget(key for key in self.store.all_keys() if key.topic_id == topic_id)

    def delete_offsets(self, group_id: str, topic_id: UUID) -> bool:
        """Drop a group's state of a topic; False when that cannot be stored."""
        rows: list[TopicPartition] = [row for row in self.store.of_group(group_id) if row[0] == topic_id]
        return self._forget(Key(group_id, *row) for row in rows)

    def _forget(self, keys: Iterable[Key]) -> bool:
        gone = list(keys)
        for key in gone:
            timer = self._locks.pop(key, None)
            if timer is not None:
                timer.cancel()
        forgotten = self.store.forget(gone)
        for key in gone:
            self._wake(key)
        return forgotten


def _noted(records: LogSlice, seen: list[Span]) -> Iterator[Span]:
    for span in spans(records):
        seen.append(span)
        yield span
