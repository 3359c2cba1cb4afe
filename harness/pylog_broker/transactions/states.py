"""The states of a transactional id and every move between them, as tables that documents are drawn from."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class TransactionState(Enum):
    """State of a transactional id; the value is the name that clients see, `STORED` the number in the topic."""

    EMPTY = "Empty"
    ONGOING = "Ongoing"
    PREPARE_COMMIT = "PrepareCommit"
    PREPARE_ABORT = "PrepareAbort"
    COMPLETE_COMMIT = "CompleteCommit"
    COMPLETE_ABORT = "CompleteAbort"
    DEAD = "Dead"
    PREPARE_EPOCH_FENCE = "PrepareEpochFence"


STORED: dict[TransactionState, int] = {state: number for number, state in enumerate(TransactionState)}
BY_NUMBER: dict[int, TransactionState] = {number: state for state, number in STORED.items()}

IDLE = frozenset({TransactionState.EMPTY, TransactionState.COMPLETE_COMMIT, TransactionState.COMPLETE_ABORT})
"""No transaction is open: a producer may begin one."""

ENDING = frozenset({TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT})
"""The outcome is decided and written down, but markers are missing: nothing else may happen before they are there."""

MEANINGS: dict[TransactionState, str] = {
    TransactionState.EMPTY: "registered; no transaction since",
    TransactionState.ONGOING: "partitions were added; the transaction is open",
    TransactionState.PREPARE_COMMIT: "commit is decided; markers are being written",
    TransactionState.PREPARE_ABORT: "abort is decided; markers are being written",
    TransactionState.COMPLETE_COMMIT: "the last transaction was committed, every partition has its marker",
    TransactionState.COMPLETE_ABORT: "the last transaction was aborted, every partition has its marker",
    TransactionState.DEAD: "expired; the name may be used anew",
    TransactionState.PREPARE_EPOCH_FENCE: "the epoch is raised so that an abort cannot be overtaken; never stored",
}


class Transition(NamedTuple):
    """One allowed move, and what causes it."""

    origin: TransactionState
    target: TransactionState
    cause: str


_S = TransactionState
TRANSITIONS: tuple[Transition, ...] = (
    *(Transition(state, _S.EMPTY, "InitProducerId: the epoch goes up") for state in TransactionState if state in IDLE),
    *(
        Transition(state, _S.ONGOING, "a first partition or group is added")
        for state in TransactionState
        if state in IDLE
    ),
    Transition(_S.ONGOING, _S.ONGOING, "another partition or group is added"),
    Transition(_S.ONGOING, _S.PREPARE_COMMIT, "EndTxn: commit"),
    Transition(_S.ONGOING, _S.PREPARE_ABORT, "EndTxn: abort"),
    Transition(_S.ONGOING, _S.PREPARE_EPOCH_FENCE, "the timeout passed, or InitProducerId came"),
    Transition(_S.PREPARE_EPOCH_FENCE, _S.PREPARE_ABORT, "at once, with the raised epoch"),
    *(
        Transition(state, _S.PREPARE_ABORT, "EndTxn version 5: abort of a transaction without partitions")
        for state in TransactionState
        if state in IDLE
    ),
    Transition(_S.PREPARE_COMMIT, _S.COMPLETE_COMMIT, "every partition has its marker"),
    Transition(_S.PREPARE_ABORT, _S.COMPLETE_ABORT, "every partition has its marker"),
    *(
        Transition(state, _S.DEAD, "not used for transactional.id.expiration.ms")
        for state in TransactionState
        if state in IDLE
    ),
)

ALLOWED: frozenset[tuple[TransactionState, TransactionState]] = frozenset(
    (transition.origin, transition.target) for transition in TRANSITIONS
)


def transition_table_markdown() -> str:
    """Return the transitions as a Markdown table, for the documents."""
    lines = ["| from | to | when |", "|--|--|--|"]
    lines += [f"| {move.origin.value} | {move.target.value} | {move.cause} |" for move in TRANSITIONS]
    return "\n".join(lines) + "\n"
