"""What was published, as one row a message: the index that every checker looks messages up in.

Sequences are dense per producer, so a message's number is ``base[producer] + sequence`` and a look-up is an addition. Memory is
proportional to the messages, about 70 bytes each, whatever the number of groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from harness.history.view import Columns, History
from harness.model.messages import Outcome

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NEVER: Final = np.iinfo(np.int64).max
NOBODY: Final = -1

_SAME_ON_EVERY_ATTEMPT: Final = {
    "key": np.uint32, "key_sequence": np.uint32, "class": np.uint8, "phase": np.uint8, "ttl_ms": np.uint32,
    "failures": np.uint8, "work_us": np.uint32, "bytes": np.int32, "intended_ns": np.int64,
}  # fmt: skip
_OF_AN_ATTEMPT: Final = ("producer", "sequence", "submitted_ns", "settled_ns", "outcome", "partition", "position")


@dataclass
class Messages:
    """Arrays of shape (n,), one place a message; places that nobody published have ``published`` False.

    ``acknowledged_ns`` is the first OK, ``NEVER`` without one; ``settled_ns`` the last outcome of any kind; ``submissions`` counts the
    attempts that were not definitely without effect; ``first_submitted_ns`` is ``NEVER`` for what was never sent.
    """

    base: Numbers
    published: Flags
    acknowledged_ns: Numbers
    settled_ns: Numbers
    first_submitted_ns: Numbers
    submissions: npt.NDArray[np.uint8]
    attempts: npt.NDArray[np.uint8]
    partition: npt.NDArray[np.int32]
    position: Numbers
    constants: Columns = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.published)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A column that is the same on every attempt: key, key_sequence, class, phase, ttl_ms, failures, work_us, bytes, intended_ns."""
        return self.constants[name]

    @property
    def acknowledged(self) -> Flags:
        known: Flags = self.acknowledged_ns != NEVER
        return known

    def numbers(self, producer: npt.NDArray[Any], sequence: npt.NDArray[Any]) -> Numbers:
        """The number of each (producer, sequence); ``NOBODY`` for what nobody published."""
        producers = len(self.base) - 1
        owner = producer.astype(np.int64, copy=False)
        known = (owner >= 0) & (owner < producers) & (sequence >= 0)
        if not known.all():
            owner = np.where(known, owner, 0)
        if producers <= 0:
            return np.full(len(owner), NOBODY, dtype=np.int64)
        number: Numbers = self.base[owner] + sequence
        known &= number < self.base[owner + 1]
        number[~known] = 0
        known &= self.published[number] if len(self.published) else False
        number[~known] = NOBODY
        return number

    def within(self, producer: npt.NDArray[Any], sequence: npt.NDArray[Any]) -> Flags:
        """Whether each name lies among the published ones: a known producer, and no sequence above its last."""
        owner = np.clip(producer.astype(np.int64), 0, max(0, len(self.base) - 2))
        known: Flags = (producer == owner) & (sequence >= 0)
        if len(self.base) > 1:
            known &= sequence < self.base[owner + 1] - self.base[owner]
        else:
            known[:] = False
        return known

    def names(self, number: int) -> dict[str, int]:
        """Producer and sequence of a message, for evidence."""
        producer = int(np.searchsorted(self.base, number, side="right")) - 1
        return {"producer": producer, "sequence": int(number - self.base[producer])}


def index_messages(history: History) -> Messages:
    """Fold the publish table (the workload's own channel) into one row a message. Two passes, one batch in memory at a time."""
    messages = _empty(_sizes(history))
    wanted = [*_OF_AN_ATTEMPT, "channel", *_SAME_ON_EVERY_ATTEMPT]
    for batch in history.batches("publish", wanted):
        own = batch["channel"] == 0
        rows = batch if own.all() else {name: column[own] for name, column in batch.items()}
        _fold(messages, rows)
    return messages


def _sizes(history: History) -> Numbers:
    """How many sequences each producer used, shape (producers,)."""
    sizes = np.zeros(0, dtype=np.int64)
    for batch in history.batches("publish", ["producer", "sequence", "channel"]):
        own = batch["channel"] == 0
        producer, sequence = batch["producer"][own], batch["sequence"][own]
        if not len(producer):
            continue
        most = int(producer.max()) + 1
        if most > len(sizes):
            sizes = np.concatenate([sizes, np.zeros(most - len(sizes), dtype=np.int64)])
        np.maximum.at(sizes, producer, sequence + 1)
    return sizes


def _empty(sizes: Numbers) -> Messages:
    count = int(sizes.sum())
    return Messages(
        base=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        published=np.zeros(count, dtype=bool),
        acknowledged_ns=np.full(count, NEVER, dtype=np.int64),
        settled_ns=np.zeros(count, dtype=np.int64),
        first_submitted_ns=np.full(count, NEVER, dtype=np.int64),
        submissions=np.zeros(count, dtype=np.uint8),
        attempts=np.zeros(count, dtype=np.uint8),
        partition=np.full(count, -1, dtype=np.int32),
        position=np.full(count, -1, dtype=np.int64),
        constants={name: np.zeros(count, dtype=kind) for name, kind in _SAME_ON_EVERY_ATTEMPT.items()},
    )


def _fold(messages: Messages, rows: Columns) -> None:
    number = messages.base[rows["producer"]] + rows["sequence"]
    messages.published[number] = True
    for name in _SAME_ON_EVERY_ATTEMPT:
        messages.constants[name][number] = rows[name]
    np.maximum.at(messages.settled_ns, number, rows["settled_ns"])
    np.add.at(messages.attempts, number, 1)
    sent = rows["submitted_ns"] > 0
    np.minimum.at(messages.first_submitted_ns, number[sent], rows["submitted_ns"][sent])
    may_have_happened = rows["outcome"] != Outcome.FAIL
    np.add.at(messages.submissions, number[may_have_happened], 1)
    good = rows["outcome"] == Outcome.OK
    np.minimum.at(messages.acknowledged_ns, number[good], rows["settled_ns"][good])
    messages.partition[number[good]] = rows["partition"][good]
    messages.position[number[good]] = rows["position"][good]


@dataclass
class Sections:
    """An order of messages in sections that each have an order of their own: ``number[i]`` belongs to ``section[i]``.

    Sections ascend and are dense from 0; within one, messages come as they were published.
    """

    number: Numbers
    section: Numbers


class Orders:
    """The orders in which messages may have been promised, each sorted once and kept."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages

    @cached_property
    def by_key(self) -> Sections:
        """Sections are (producer, key), in the order of the key's sequence."""
        messages = self._messages
        producer = _producers(messages)
        number = np.flatnonzero(messages.published)
        section = (producer[number] << 32) | messages["key"][number].astype(np.int64)
        # numbers of one producer ascend in publishing order, so a stable sort by section keeps each key's order
        return _sections(number, section)

    @cached_property
    def by_producer(self) -> Sections:
        """Sections are producers, in the order of the sequence."""
        number = np.flatnonzero(self._messages.published)
        return _sections(number, _producers(self._messages)[number])

    @cached_property
    def by_partition(self) -> Sections:
        """Sections are partitions, in the order of the positions that the broker acknowledged; empty where it names none."""
        messages = self._messages
        number = np.flatnonzero(messages.acknowledged & (messages.partition >= 0) & (messages.position >= 0))
        number = number[np.argsort(messages.position[number], kind="stable")]
        return _sections(number, messages.partition[number].astype(np.int64))


def _producers(messages: Messages) -> Numbers:
    return np.repeat(np.arange(len(messages.base) - 1, dtype=np.int64), np.diff(messages.base))


def _sections(number: Numbers, name: Numbers) -> Sections:
    """Sort by section name, keeping the order within; then number the sections densely."""
    if not len(number):
        return Sections(number, np.zeros(0, dtype=np.int64))
    order = np.argsort(name, kind="stable")
    ordered = name[order]
    section = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])])
    return Sections(number[order], section.astype(np.int64))
