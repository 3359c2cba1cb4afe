"""One member of a consumer-protocol group (KIP-848), and how it walks towards its target assignment.

A member moves in three states. It is STABLE when it has what it should have. When something is to be taken from it,
it stays at its epoch, UNREVOKED, until its own report no longer names those partitions. When something that it should
get is still held by another, it goes on to the target epoch, UNRELEASED, and gets each such partition once its holder
has let go. So a partition never has two readers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import NamedTuple

from harness.pylog_broker.groups.assignors import NOTHING, Partitions, TopicPartition
from harness.pylog_broker.groups.messages import ProtocolOffer

MEMBER_OVERHEAD_BYTES = 1_500
PARTITION_BYTES = 150
OFFER_BYTES = 200
NEVER_S = float("inf")
LEAVE_EPOCH = -1
LEAVE_STATIC_EPOCH = -2
JOIN_EPOCH = 0


class MemberState(IntEnum):
    """Where a member stands; the value is what the journal keeps."""

    STABLE = 0
    UNREVOKED = 1
    UNRELEASED = 2


class ClassicSide(NamedTuple):
    """What a member that speaks the classic protocol has beside the rest: its own session timeout, and its strategies."""

    session_timeout_ms: int
    protocols: tuple[ProtocolOffer, ...]


class Subscription(NamedTuple):
    """What a member says of itself, in full."""

    instance_id: str | None
    rack_id: str | None
    client_id: str
    client_host: str
    topic_names: tuple[str, ...]
    topic_pattern: str | None
    rebalance_timeout_ms: int
    assignor: str | None
    classic: ClassicSide | None = None
    """Set while the member speaks the classic protocol (JoinGroup, SyncGroup, Heartbeat)."""


class Standing(NamedTuple):
    """What a member has and where it stands."""

    epoch: int = JOIN_EPOCH
    previous_epoch: int = -1
    state: MemberState = MemberState.STABLE
    assigned: Mapping[TopicPartition, int] = {}
    """Partition -> the epoch at which it was given: what tells commits of a former owner from late ones (KIP-1251)."""
    revoking: Partitions = NOTHING

    @property
    def held(self) -> frozenset[TopicPartition]:
        """Everything that nobody else may get yet."""
        return self.revoking.union(self.assigned)


class ConsumerMember:
    """A member; deadlines are monotonic seconds."""

    __slots__ = (
        "join_deadline_s",
        "member_id",
        "revocation_deadline_s",
        "session_deadline_s",
        "standing",
        "subscription",
        "sync_deadline_s",
    )

    def __init__(self, member_id: str, subscription: Subscription) -> None:
        self.member_id = member_id
        self.subscription = subscription
        self.standing = Standing()
        self.session_deadline_s = NEVER_S
        self.revocation_deadline_s = NEVER_S
        """When a member that does not let go of partitions is given up."""
        self.join_deadline_s = NEVER_S
        """When a classic member that was told to join again and does not is given up."""
        self.sync_deadline_s = NEVER_S
        """When a classic member that has joined and does not fetch its assignment is given up."""

    @property
    def is_classic(self) -> bool:
        """Whether the member speaks the classic protocol."""
        return self.subscription.classic is not None

    @property
    def bytes_held(self) -> int:
        """Bytes that this member occupies, roughly."""
        said = self.subscription
        names = sum(len(name) + 60 for name in said.topic_names) + len(said.topic_pattern or "")
        names += len(self.member_id) + len(said.client_id) + len(said.instance_id or "") + len(said.rack_id or "")
        if said.classic is not None:
            names += sum(len(offer.name) + len(offer.metadata) + OFFER_BYTES for offer in said.classic.protocols)
        return MEMBER_OVERHEAD_BYTES + names

    @property
    def deadline_s(self) -> float:
        """When the member fails if nothing is heard of it, or if it does not do what it was told to."""
        return min(self.session_deadline_s, self.revocation_deadline_s, self.join_deadline_s, self.sync_deadline_s)


def next_standing(
    standing: Standing,
    target: Partitions,
    target_epoch: int,
    owned: Partitions | None,
    is_held_by_another: Callable[[TopicPartition], bool],
) -> Standing:
    """Return where a member stands after a heartbeat that reports `owned` (None: unchanged since the last)."""
    if standing.state is MemberState.STABLE and standing.epoch == target_epoch:
        return standing
    epoch = standing.epoch
    if standing.state is MemberState.UNREVOKED:
        if owned is None or owned & standing.revoking:
            return standing
        epoch += 1
    kept = {row: since for row, since in standing.assigned.items() if row in target}
    lost = frozenset(standing.assigned).difference(kept)
    if lost and (owned is None or owned & lost):
        return _moved(standing, epoch, MemberState.UNREVOKED, kept, lost)
    missing = target.difference(kept)
    free = [row for row in missing if not is_held_by_another(row)]
    state = MemberState.STABLE if len(free) == len(missing) else MemberState.UNRELEASED
    kept.update(dict.fromkeys(free, target_epoch))
    return _moved(standing, target_epoch, state, kept, NOTHING)


def _moved(
    before: Standing, epoch: int, state: MemberState, assigned: Mapping[TopicPartition, int], revoking: Partitions
) -> Standing:
    previous_epoch = before.epoch if epoch != before.epoch else before.previous_epoch
    return Standing(epoch, previous_epoch, state, assigned, revoking)
