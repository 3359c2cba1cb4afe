"""The owner of all transactional ids of one broker.

Requests come with the time; `next_deadline_s` is the one instant at which `tick` wants to be called. Whatever must survive
a crash is in the journal before it takes effect. The end of a transaction takes three steps, a decision in the journal, a
marker in each partition, and a second line in the journal that says so. All of them are taken at once; where a partition's
disk refuses its marker, the rest is tried again later, and requests for that id meanwhile get CONCURRENT_TRANSACTIONS.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from harness.pylog_broker.groups.journal import Compaction, JournalFailed, partition_of
from harness.pylog_broker.groups.messages import Instant
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.transactions import transaction as moves
from harness.pylog_broker.transactions.ports import StateJournal, Surroundings
from harness.pylog_broker.transactions.records import (
    JournalRecord,
    StoredTransaction,
    journal_record,
    transaction_key,
)
from harness.pylog_broker.transactions.settings import TransactionSettings
from harness.pylog_broker.transactions.states import ALLOWED, ENDING, IDLE, TransactionState
from harness.pylog_broker.transactions.transaction import (
    NO_EPOCH,
    NO_PRODUCER_ID,
    Partition,
    ProducerIdentity,
    Transaction,
)

logger = logging.getLogger(__name__)

RETRY_S = 0.5
"""How long to wait before markers that a partition refused are tried again."""

COMPACTION_PAUSE_S = 0.01
"""Between two steps of compaction, so that requests come through."""

STALE_DEADLINES_MAX = 1_000
"""Deadlines of transactions that have ended are kept until they pass, up to this many more than live ones."""

ID_BYTES_MAX = 32_767
"""What the classic encoding of a string can carry."""

NOBODY = ProducerIdentity(NO_PRODUCER_ID, NO_EPOCH)

GONE = frozenset(
    {
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,  # deleted meanwhile
        ErrorCode.INVALID_PRODUCER_EPOCH,  # a later transaction of the producer has ended there already
        ErrorCode.TRANSACTION_COORDINATOR_FENCED,  # or was ended by somebody who knows better
    }
)
"""Answers to a marker after which there is nothing left to do for that partition."""


class Registration(NamedTuple):
    """Answer to InitProducerId and EndTxn: an error, or the identity to go on with."""

    error: ErrorCode
    identity: ProducerIdentity = NOBODY


class TransactionCoordinator:
    """All transactional ids of one broker; see the module's text."""

    def __init__(
        self, settings: TransactionSettings, journal: StateJournal, surroundings: Surroundings, now: Instant
    ) -> None:
        self.settings = settings
        self._journal = journal
        self._surroundings = surroundings
        self._transactions: dict[str, Transaction] = {}
        self._due: dict[str, int] = {}
        """Id of an open transaction -> wall-clock ms at which it times out; other entries of the heap are stale."""
        self._deadlines: list[tuple[int, str]] = []
        self._unfinished: set[str] = set()
        """Ids whose outcome is decided while markers are missing."""
        self._retry_at_s = float("inf")
        self._expire_at_s = now.monotonic_s + settings.expiry_check_interval_ms / 1000
        self._compact_at_s = float("inf")
        self._wall_offset_ms = now.wall_ms - now.monotonic_s * 1000
        self._compaction = Compaction(
            journal,
            bytes_min=settings.compaction_bytes_min,
            groups_in=self._ids_in,
            records_of=self._records_of,
        )

    def __len__(self) -> int:
        return len(self._transactions)

    # --- producers -------------------------------------------------------------------------------------------------

    def register(
        self, transactional_id: str, timeout_ms: int, expected: ProducerIdentity | None, now: Instant
    ) -> Registration:
        """InitProducerId of a transactional producer: fence its predecessor, abort what that left open.

        `expected` is the identity that a producer names which wants to go on after an error (KIP-360).
        """
        if not transactional_id or not _fits(transactional_id):
            return Registration(ErrorCode.INVALID_REQUEST)
        if not 0 < timeout_ms <= self.settings.timeout_ms_max:
            return Registration(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
        present = self._transactions.get(transactional_id)
        try:
            if present is None:
                return self._register_new(transactional_id, timeout_ms, now)
            error = moves.refuse_renewal(present, expected)
            if error is not ErrorCode.NONE:
                return Registration(error)
            if present.state is TransactionState.ONGOING:
                present = self._apply(moves.fence(present, now.wall_ms), now)
                expected = None  # it was right until now
            if present.state in ENDING:
                present = self._finish(present, now)
            if present.state in ENDING:
                return Registration(ErrorCode.CONCURRENT_TRANSACTIONS)
            fresh = self._surroundings.fresh_producer_id
            renewed = self._apply(moves.renew(present, expected, timeout_ms, now.wall_ms, fresh), now)
        except JournalFailed as failure:
            return Registration(_journal_error(transactional_id, failure))
        return Registration(ErrorCode.NONE, renewed.identity)

    def _register_new(self, transactional_id: str, timeout_ms: int, now: Instant) -> Registration:
        if len(self._transactions) >= self.settings.ids_max:
            self._expire(now)
            if len(self._transactions) >= self.settings.ids_max:
                return Registration(ErrorCode.POLICY_VIOLATION)
        fresh = self._surroundings.fresh_producer_id()
        created = self._apply(moves.register(transactional_id, fresh, timeout_ms, now.wall_ms), now)
        return Registration(ErrorCode.NONE, created.identity)

    # --- the open transaction --------------------------------------------------------------------------------------

    def add_partitions(
        self,
        transactional_id: str,
        identity: ProducerIdentity,
        partitions: Collection[Partition],
        now: Instant,
        *,
        client_version: int = 0,
    ) -> ErrorCode:
        """Add partitions to the producer's transaction, which begins with the first."""
        present = self._transactions.get(transactional_id)
        error = moves.refuse_identity(present, identity)
        if error is not ErrorCode.NONE or present is None:
            return error
        grown = moves.add_partitions(present, partitions, now.wall_ms, client_version)
        if grown is not present:
            try:
                self._apply(grown, now)
            except JournalFailed as failure:
                return _journal_error(transactional_id, failure)
        return ErrorCode.NONE

    def verify_partition(self, transactional_id: str, identity: ProducerIdentity, partition: Partition) -> ErrorCode:
        """Say whether the producer has a transaction open that this partition is in; INVALID_TXN_STATE if not."""
        present = self._transactions.get(transactional_id)
        error = moves.refuse_identity(present, identity)
        if error is not ErrorCode.NONE or present is None:
            return error
        if present.state is TransactionState.ONGOING and partition in present.partitions:
            return ErrorCode.NONE
        return ErrorCode.INVALID_TXN_STATE

    # --- the end ---------------------------------------------------------------------------------------------------

    def end(
        self, transactional_id: str, identity: ProducerIdentity, now: Instant, *, commit: bool, client_version: int
    ) -> Registration:
        """EndTxn. The identity that comes back is the one to go on with; it is new from `transaction.version` 2 on."""
        if not transactional_id:
            return Registration(ErrorCode.INVALID_REQUEST)
        present = self._transactions.get(transactional_id)
        if present is None:
            return Registration(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
        verdict = moves.judge_end(present, identity, commit=commit, client_version=client_version)
        if verdict.error is not ErrorCode.NONE:
            return Registration(verdict.error)
        if not verdict.prepare:
            return Registration(ErrorCode.NONE, present.identity)
        try:
            decided = moves.prepare_end(
                present,
                commit=commit,
                client_version=client_version,
                now_ms=now.wall_ms,
                fresh_producer_id=self._surroundings.fresh_producer_id,
            )
            ended = self._finish(self._apply(decided, now), now)
        except JournalFailed as failure:
            return Registration(_journal_error(transactional_id, failure))
        if decided.next_producer_id != NO_PRODUCER_ID:
            return Registration(ErrorCode.NONE, ProducerIdentity(decided.next_producer_id, 0))
        return Registration(ErrorCode.NONE, ended.identity)

    def _finish(self, decided: Transaction, now: Instant) -> Transaction:
        """Write the markers that are missing, and say so in the journal; what could not be done is tried again.

        Returns the transaction as it is then: complete, or still ending. The decision stands in any case.
        """
        transactional_id = decided.transactional_id
        committed = decided.state is TransactionState.PREPARE_COMMIT
        epoch = self._journal.coordinator_epoch(self._partition_of(transactional_id))
        missing = set(decided.partitions)
        for partition in sorted(decided.partitions):
            error = self._surroundings.write_marker(
                partition, decided.identity, committed=committed, coordinator_epoch=epoch
            )
            if error is ErrorCode.NONE or error in GONE:
                missing.discard(partition)
            else:
                logger.error("transaction %s: no marker in %s-%d: %s", transactional_id, *partition, error.name)
        present = decided._replace(partitions=frozenset(missing))
        self._transactions[transactional_id] = present
        if not missing:
            try:
                present = self._apply(moves.complete(present, now.wall_ms), now)
            except JournalFailed as failure:
                logger.error("transaction %s: its end could not be written down: %s", transactional_id, failure)
        if present.state in ENDING:
            self._unfinished.add(transactional_id)
            self._retry_at_s = min(self._retry_at_s, now.monotonic_s + RETRY_S)
        else:
            self._unfinished.discard(transactional_id)
        return present

    # --- time ------------------------------------------------------------------------------------------------------

    @property
    def next_deadline_s(self) -> float:
        """Monotonic second at which `tick` next has something to do."""
        deadlines = self._deadlines
        while deadlines and self._due.get(deadlines[0][1]) != deadlines[0][0]:
            heapq.heappop(deadlines)
        due_s = (deadlines[0][0] - self._wall_offset_ms) / 1000 if deadlines else float("inf")
        return min(due_s, self._retry_at_s, self._expire_at_s, self._compact_at_s)

    def tick(self, now: Instant) -> None:
        """Abort what has timed out, try missing markers again, forget expired ids, go on with compaction."""
        self._wall_offset_ms = now.wall_ms - now.monotonic_s * 1000
        timed_out = [key for key, due_ms in self._due.items() if due_ms <= now.wall_ms] if self._is_overdue(now) else []
        for transactional_id in timed_out:
            present = self._transactions[transactional_id]
            logger.info("transaction %s timed out after %d ms", transactional_id, present.timeout_ms)
            try:
                self._finish(self._apply(moves.fence(present, now.wall_ms), now), now)
            except JournalFailed as failure:
                _journal_error(transactional_id, failure)
                self._watch(present._replace(started_ms=now.wall_ms + int(RETRY_S * 1000) - present.timeout_ms))
        if self._retry_at_s <= now.monotonic_s:
            self._retry_at_s = float("inf")
            for transactional_id in sorted(self._unfinished):
                self._finish(self._transactions[transactional_id], now)
        if self._expire_at_s <= now.monotonic_s:
            self._expire_at_s = now.monotonic_s + self.settings.expiry_check_interval_ms / 1000
            self._expire(now)
        if self._compact_at_s <= now.monotonic_s:
            self._compact(now)

    def _is_overdue(self, now: Instant) -> bool:
        return bool(self._deadlines) and self._deadlines[0][0] <= now.wall_ms

    def _watch(self, transaction: Transaction) -> None:
        """Note when an open transaction times out, and that any other does not."""
        transactional_id = transaction.transactional_id
        if transaction.state is not TransactionState.ONGOING:
            self._due.pop(transactional_id, None)
            return
        if self._due.get(transactional_id) == transaction.due_ms:
            return
        self._due[transactional_id] = transaction.due_ms
        heapq.heappush(self._deadlines, (transaction.due_ms, transactional_id))
        if len(self._deadlines) > 2 * len(self._due) + STALE_DEADLINES_MAX:
            self._deadlines = [(due_ms, key) for key, due_ms in self._due.items()]
            heapq.heapify(self._deadlines)

    def _expire(self, now: Instant) -> None:
        """Forget ids that had no transaction for long."""
        for transactional_id, present in list(self._transactions.items()):
            if present.state in IDLE and now.wall_ms - present.updated_ms >= self.settings.id_expiration_ms:
                try:
                    self._write(transactional_id, [(transaction_key(transactional_id), None)], now)
                except JournalFailed as failure:
                    _journal_error(transactional_id, failure)
                    return
                del self._transactions[transactional_id]

    # --- administration --------------------------------------------------------------------------------------------

    def find(self, transactional_id: str) -> Transaction | None:
        """Return what is known of a transactional id, or None."""
        return self._transactions.get(transactional_id)

    def all(self) -> Iterator[Transaction]:
        """Return every transactional id, for ListTransactions."""
        return iter(self._transactions.values())

    def open_in(self) -> set[tuple[int, Partition]]:
        """Return (producer id, partition) of everything that is in an open or ending transaction."""
        return {
            (present.producer_id, partition)
            for present in self._transactions.values()
            for partition in present.partitions
        }

    # --- the journal -----------------------------------------------------------------------------------------------

    def restore(self, records: Iterable[StoredTransaction], now: Instant) -> None:
        """Replay the journal, oldest first, and carry out what was decided before the crash."""
        for transactional_id, stored in records:
            if stored is None:
                self._transactions.pop(transactional_id, None)
            else:
                self._transactions[transactional_id] = stored
        for present in list(self._transactions.values()):
            self._watch(present)
            if present.state in ENDING:
                self._finish(present, now)
        for partition in range(self._journal.partition_count):
            self._compaction.consider(partition)
        self._schedule_compaction(now)

    def _apply(self, changed: Transaction, now: Instant) -> Transaction:
        """Write a change down, then let it take effect. Raises JournalFailed, and nothing has changed then."""
        present = self._transactions.get(changed.transactional_id)
        assert present is None or _may_move(present, changed), f"{present} -> {changed}"
        self._write(changed.transactional_id, [journal_record(changed)], now)
        self._transactions[changed.transactional_id] = changed
        self._watch(changed)
        return changed

    def _write(self, transactional_id: str, records: Sequence[JournalRecord], now: Instant) -> None:
        partition = self._partition_of(transactional_id)
        self._journal.append(partition, records, now.wall_ms)
        self._compaction.consider(partition)
        self._schedule_compaction(now)

    def _partition_of(self, transactional_id: str) -> int:
        return partition_of(transactional_id, self._journal.partition_count)

    def _schedule_compaction(self, now: Instant) -> None:
        if not self._compaction.running:
            self._compact_at_s = float("inf")
        elif self._compact_at_s == float("inf"):
            self._compact_at_s = now.monotonic_s + COMPACTION_PAUSE_S

    def _compact(self, now: Instant) -> None:
        try:
            self._compaction.step(now.wall_ms)
        except JournalFailed as error:
            logger.error("compaction of the transactions' states stopped: %s", error)
        self._compact_at_s = float("inf")
        self._schedule_compaction(now)

    def _ids_in(self, partition: int) -> list[str]:
        return [key for key in self._transactions if self._partition_of(key) == partition]

    def _records_of(self, transactional_id: str) -> Iterator[JournalRecord]:
        present = self._transactions.get(transactional_id)
        if present is not None:
            yield journal_record(present)


def _may_move(present: Transaction, changed: Transaction) -> bool:
    if present.state is TransactionState.ONGOING and changed.epoch != present.epoch:
        # A fenced transaction passes through a state that nobody ever sees.
        via = TransactionState.PREPARE_EPOCH_FENCE
        if (present.state, via) in ALLOWED and (via, changed.state) in ALLOWED:
            return True
    return (present.state, changed.state) in ALLOWED


def _journal_error(transactional_id: str, failure: JournalFailed) -> ErrorCode:
    logger.error("transaction %s: its state could not be stored: %s", transactional_id, failure)
    return ErrorCode.COORDINATOR_NOT_AVAILABLE


def _fits(transactional_id: str) -> bool:
    return len(transactional_id) * 4 <= ID_BYTES_MAX or len(transactional_id.encode()) <= ID_BYTES_MAX
