"""One transactional id: frozen facts, and the moves from one to the next. Nothing here writes, waits or asks the time.

Epochs: a 16-bit number that goes up whenever an older producer must not be heard again. `EPOCH_LAST` is the last one that
a client ever gets; what the coordinator itself raises it to, to fence, may be one higher. After that the producer id changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.transactions.states import ENDING, IDLE, TransactionState

NO_PRODUCER_ID = -1
NO_EPOCH = -1
NO_TIME = -1
EPOCH_LAST = 2**15 - 2

EPOCH_BUMP_FROM = 2
"""`transaction.version` from which on the end of every transaction raises the epoch (KIP-890, EndTxn version 5)."""

Partition = tuple[str, int]
"""Topic and partition number."""


class ProducerIdentity(NamedTuple):
    """A producer id and its epoch, as a client says or gets them."""

    producer_id: int
    epoch: int


class Transaction(NamedTuple):
    """All that is known of a transactional id. Times are wall-clock milliseconds, or -1."""

    transactional_id: str
    producer_id: int
    epoch: int
    timeout_ms: int
    state: TransactionState = TransactionState.EMPTY
    partitions: frozenset[Partition] = frozenset()
    """Those of the open transaction; when it is ending, those that still lack their marker."""
    started_ms: int = NO_TIME
    updated_ms: int = NO_TIME
    last_epoch: int = NO_EPOCH
    """The epoch that the client held before it got the present one: a repeated request still names it."""
    previous_producer_id: int = NO_PRODUCER_ID
    next_producer_id: int = NO_PRODUCER_ID
    """The producer id that follows when the transaction has ended, because epochs are used up."""
    client_version: int = 0
    """`transaction.version` that the client goes by."""

    @property
    def identity(self) -> ProducerIdentity:
        """What a client has to name."""
        return ProducerIdentity(self.producer_id, self.epoch)

    @property
    def is_exhausted(self) -> bool:
        """Whether no further epoch can be given to a client under this producer id."""
        return self.epoch >= EPOCH_LAST

    @property
    def due_ms(self) -> int:
        """When an open transaction times out."""
        return self.started_ms + self.timeout_ms


# --- registering ---------------------------------------------------------------------------------------------------


def register(transactional_id: str, producer_id: int, timeout_ms: int, now_ms: int) -> Transaction:
    """A transactional id that is new here, with epoch 0."""
    return Transaction(transactional_id, producer_id, 0, timeout_ms, updated_ms=now_ms)


def refuse_renewal(transaction: Transaction, expected: ProducerIdentity | None) -> ErrorCode:
    """Say whether a producer that names its present identity (KIP-360) may get a new one; None: it starts afresh."""
    if expected is None or expected == transaction.identity or _repeats_renewal(transaction, expected):
        return ErrorCode.NONE
    return ErrorCode.PRODUCER_FENCED


def _repeats_renewal(transaction: Transaction, expected: ProducerIdentity) -> bool:
    """Whether the answer to the same request was lost on its way."""
    if transaction.state in ENDING or transaction.state is TransactionState.ONGOING:
        return False
    if expected.producer_id == transaction.producer_id:
        return expected.epoch == transaction.last_epoch != NO_EPOCH
    return (
        expected.producer_id == transaction.previous_producer_id
        and expected.epoch >= EPOCH_LAST
        and transaction.epoch == 0
    )


def renew(
    transaction: Transaction,
    expected: ProducerIdentity | None,
    timeout_ms: int,
    now_ms: int,
    fresh_producer_id: Callable[[], int],
) -> Transaction:
    """The same id with the next epoch, or with a new producer id where epochs are used up. No transaction is open."""
    assert transaction.state in IDLE
    renewed = transaction._replace(
        state=TransactionState.EMPTY,
        timeout_ms=timeout_ms,
        updated_ms=now_ms,
        started_ms=NO_TIME,
        partitions=frozenset(),
    )
    if expected is not None and expected != transaction.identity:
        return renewed  # given already
    last_epoch = transaction.epoch if expected is not None else NO_EPOCH
    if transaction.is_exhausted:
        return renewed._replace(
            previous_producer_id=transaction.producer_id,
            producer_id=fresh_producer_id(),
            epoch=0,
            last_epoch=last_epoch,
        )
    return renewed._replace(epoch=transaction.epoch + 1, last_epoch=last_epoch)


# --- the open transaction ------------------------------------------------------------------------------------------


def refuse_identity(transaction: Transaction | None, identity: ProducerIdentity) -> ErrorCode:
    """Say whether a producer with this identity speaks for the transactional id now."""
    if transaction is None or transaction.producer_id != identity.producer_id:
        return ErrorCode.INVALID_PRODUCER_ID_MAPPING
    if transaction.epoch != identity.epoch:
        return ErrorCode.PRODUCER_FENCED
    return ErrorCode.CONCURRENT_TRANSACTIONS if transaction.state in ENDING else ErrorCode.NONE


def add_partitions(
    transaction: Transaction, partitions: Iterable[Partition], now_ms: int, client_version: int
) -> Transaction:
    """Add partitions to the transaction, which begins with the first; the same object where all are in it already."""
    grown = transaction.partitions.union(partitions)
    is_open = transaction.state is TransactionState.ONGOING
    if is_open and len(grown) == len(transaction.partitions):
        return transaction
    return transaction._replace(
        state=TransactionState.ONGOING,
        partitions=grown,
        started_ms=transaction.started_ms if is_open else now_ms,
        updated_ms=now_ms,
        client_version=client_version,
    )


def fence(transaction: Transaction, now_ms: int) -> Transaction:
    """Abort an open transaction from here, with an epoch that its producer does not have."""
    assert transaction.state is TransactionState.ONGOING
    return transaction._replace(
        state=TransactionState.PREPARE_ABORT,
        epoch=transaction.epoch + 1,
        last_epoch=NO_EPOCH,
        updated_ms=now_ms,
        client_version=0,
    )


# --- the end -------------------------------------------------------------------------------------------------------


class Verdict(NamedTuple):
    """What becomes of an EndTxn: an error; or nothing to do, since it was done before; or the end is to be prepared."""

    error: ErrorCode
    prepare: bool = False


def judge_end(transaction: Transaction, identity: ProducerIdentity, *, commit: bool, client_version: int) -> Verdict:
    """Say what an EndTxn of a client with this identity comes to.

    From `EPOCH_BUMP_FROM` on the answer brings a new epoch. If it is lost, the client repeats the request with the epoch
    before, and gets the same answer. Such a client may also abort a transaction that never got as far as a partition.
    """
    bumps = client_version >= EPOCH_BUMP_FROM
    repeats = bumps and _repeats_end(transaction, identity)
    if transaction.producer_id != identity.producer_id and not repeats:
        return Verdict(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    if transaction.epoch != identity.epoch and not repeats:
        return Verdict(ErrorCode.PRODUCER_FENCED)
    state = transaction.state
    if state is TransactionState.ONGOING:
        return Verdict(ErrorCode.NONE, prepare=True)
    if state in ENDING:
        same = commit == (state is TransactionState.PREPARE_COMMIT)
        return Verdict(ErrorCode.CONCURRENT_TRANSACTIONS if same else ErrorCode.INVALID_TXN_STATE)
    done = TransactionState.COMPLETE_COMMIT if commit else TransactionState.COMPLETE_ABORT
    if bumps:
        if repeats:
            return Verdict(ErrorCode.NONE if state is done else ErrorCode.INVALID_TXN_STATE)
        return Verdict(ErrorCode.INVALID_TXN_STATE) if commit else Verdict(ErrorCode.NONE, prepare=True)
    return Verdict(ErrorCode.NONE if state is done else ErrorCode.INVALID_TXN_STATE)


def _repeats_end(transaction: Transaction, identity: ProducerIdentity) -> bool:
    if transaction.state in (TransactionState.EMPTY, TransactionState.ONGOING):
        return False
    if identity.producer_id == transaction.producer_id:
        return identity.epoch == transaction.epoch - 1 and transaction.client_version >= EPOCH_BUMP_FROM
    overflowed = identity.epoch == EPOCH_LAST and transaction.epoch == 0
    return overflowed and identity.producer_id == transaction.previous_producer_id


def prepare_end(
    transaction: Transaction,
    *,
    commit: bool,
    client_version: int,
    now_ms: int,
    fresh_producer_id: Callable[[], int],
) -> Transaction:
    """Decide the outcome. From `EPOCH_BUMP_FROM` on the markers carry the next epoch."""
    decided = transaction._replace(
        state=TransactionState.PREPARE_COMMIT if commit else TransactionState.PREPARE_ABORT,
        updated_ms=now_ms,
        client_version=client_version,
    )
    if transaction.state is not TransactionState.ONGOING:
        decided = decided._replace(partitions=frozenset(), started_ms=now_ms)
    if client_version < EPOCH_BUMP_FROM:
        return decided
    return decided._replace(
        epoch=transaction.epoch + 1,
        last_epoch=transaction.epoch,
        next_producer_id=fresh_producer_id() if transaction.is_exhausted else NO_PRODUCER_ID,
    )


def complete(transaction: Transaction, now_ms: int) -> Transaction:
    """Every partition has its marker."""
    assert transaction.state in ENDING
    committed = transaction.state is TransactionState.PREPARE_COMMIT
    ended = transaction._replace(
        state=TransactionState.COMPLETE_COMMIT if committed else TransactionState.COMPLETE_ABORT,
        partitions=frozenset(),
        updated_ms=now_ms,
        next_producer_id=NO_PRODUCER_ID,
    )
    if transaction.next_producer_id == NO_PRODUCER_ID:
        return ended
    return ended._replace(
        previous_producer_id=transaction.producer_id, producer_id=transaction.next_producer_id, epoch=0
    )
