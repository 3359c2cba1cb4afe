"""Who may append to the metadata log, and what of it counts: a pure core, `step(state, message) -> (state, output)`.

The core touches no file, clock or socket. Whoever drives it has to *persist* what an output says, with fsync, before it
*sends* anything and before it *applies* anything; a state whose output could not be persisted is thrown away, and the
former one stays. That is the contract of a Raft core; this one has a single voter, whose own disk is the majority.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One proposal at its place in the log: the values of its records take the offsets from `offset` on."""

    offset: int
    epoch: int
    values: tuple[bytes, ...]

    @property
    def next_offset(self) -> int:
        return self.offset + len(self.values)


class HardState(NamedTuple):
    """What a voter must not forget: the newest epoch it has seen, and whom it voted for in that epoch."""

    epoch: int
    voted_for: int


class QuorumState(NamedTuple):
    """All that the core knows. `end_offset` is where the next entry goes."""

    node_id: int
    hard: HardState
    leader: int | None
    end_offset: int
    high_watermark: int


class Elect(NamedTuple):
    """Try to become the leader, in a new epoch."""


class Propose(NamedTuple):
    """Append the values of one atomic change. Only a leader may."""

    values: tuple[bytes, ...]


Message = Elect | Propose


class Output(NamedTuple):
    """What to do, in this order."""

    persist_state: HardState | None = None
    persist: tuple[Entry, ...] = ()
    send: tuple[Message, ...] = ()
    apply: tuple[Entry, ...] = ()


class NotLeader(Exception):
    """A proposal reached a voter that does not lead."""


def recovered(node_id: int, hard: HardState, end_offset: int, last_epoch: int) -> QuorumState:
    """The state of a voter that has just read its log; everything a single voter has persisted is committed."""
    epoch = max(hard.epoch, last_epoch)
    voted_for = hard.voted_for if epoch == hard.epoch else -1
    return QuorumState(node_id, HardState(epoch, voted_for), None, end_offset, end_offset)


def step(state: QuorumState, message: Message) -> tuple[QuorumState, Output]:
    """Take one message. Raises NotLeader for a proposal without leadership."""
    if isinstance(message, Elect):
        hard = HardState(state.hard.epoch + 1, state.node_id)
        return state._replace(hard=hard, leader=state.node_id), Output(persist_state=hard)
    if state.leader != state.node_id:
        raise NotLeader
    entry = Entry(state.end_offset, state.hard.epoch, message.values)
    after = state._replace(end_offset=entry.next_offset, high_watermark=entry.next_offset)
    return after, Output(persist=(entry,), apply=(entry,))
