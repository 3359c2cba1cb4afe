"""What goes into a share group and what comes out: frozen facts without wire formats or versions (KIP-932)."""

from __future__ import annotations

from typing import NamedTuple

from harness.pylog_broker.groups.assignors import NOTHING, Partitions
from harness.pylog_broker.protocol.errors import ErrorCode


class ShareHeartbeat(NamedTuple):
    """ShareGroupHeartbeat; None means "as before"."""

    member_id: str
    epoch: int
    """0 joins, -1 leaves."""
    rack_id: str | None
    topic_names: tuple[str, ...] | None
    client_id: str
    client_host: str

    @property
    def bytes_held(self) -> int:
        """Bytes of the texts in it."""
        names = self.topic_names or ()
        return sum(len(name) for name in names) + len(self.member_id) + len(self.rack_id or "")


class ShareReply(NamedTuple):
    """Answer to ShareGroupHeartbeat; `assignment` None: as before."""

    error: ErrorCode
    message: str | None = None
    member_id: str | None = None
    epoch: int = 0
    heartbeat_interval_ms: int = 0
    assignment: Partitions | None = None


class ShareSubscription(NamedTuple):
    """What a member says of itself, in full."""

    rack_id: str | None
    client_id: str
    client_host: str
    topic_names: tuple[str, ...]


class ShareStanding(NamedTuple):
    """What a member has and where it stands."""

    epoch: int = 0
    previous_epoch: int = 0
    assigned: Partitions = NOTHING


class DescribedShareMember(NamedTuple):
    """One member as ShareGroupDescribe shows it."""

    member_id: str
    subscription: ShareSubscription
    epoch: int
    assigned: Partitions


class DescribedShareGroup(NamedTuple):
    """A group as ShareGroupDescribe shows it."""

    group_id: str
    state: str
    epoch: int
    assignment_epoch: int
    assignor: str
    members: tuple[DescribedShareMember, ...]


class StoredShareGroup:
    """A group as the journal tells it, record by record."""

    def __init__(self) -> None:
        self.epoch: int | None = None
        """None until the record of the group itself has come: without it there is no group."""
        self.metadata_hash = 0
        self.assignment_epoch = 0
        self.subscriptions: dict[str, ShareSubscription] = {}
        self.standings: dict[str, ShareStanding] = {}
        self.targets: dict[str, Partitions] = {}
