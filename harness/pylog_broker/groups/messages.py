"""What goes into a group and what comes out: frozen facts without wire formats or versions."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from harness.pylog_broker.protocol.errors import ErrorCode

NO_GENERATION = -1
NO_LEADER = ""
NO_MEMBER = ""


class Instant(NamedTuple):
    """A point in time on both clocks: timeouts run on the monotonic one, stored timestamps are wall-clock."""

    monotonic_s: float
    wall_ms: int


class ProtocolOffer(NamedTuple):
    """An assignment strategy that a member can use, with its metadata for it (opaque to the broker)."""

    name: str
    metadata: bytes


class JoinRequest(NamedTuple):
    """JoinGroup. `fresh_member_id` is the id to give if the member has none yet."""

    member_id: str
    fresh_member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocol_type: str
    protocols: tuple[ProtocolOffer, ...]
    requires_known_member_id: bool
    """Version 4 and later (KIP-394)."""
    supports_skip_assignment: bool
    """Version 9 and later (KIP-814)."""


class JoinedMember(NamedTuple):
    """One row of the member list that the leader gets."""

    member_id: str
    instance_id: str | None
    metadata: bytes


class JoinReply(NamedTuple):
    """Answer to JoinGroup."""

    error: ErrorCode
    member_id: str
    generation: int = NO_GENERATION
    protocol_type: str | None = None
    protocol_name: str | None = None
    leader_id: str = NO_LEADER
    members: tuple[JoinedMember, ...] = ()
    skip_assignment: bool = False


class SyncRequest(NamedTuple):
    """SyncGroup; `protocol_type` and `protocol_name` are checked where the client names them (version 5)."""

    member_id: str
    instance_id: str | None
    generation: int
    protocol_type: str | None
    protocol_name: str | None
    assignments: dict[str, bytes]


class SyncReply(NamedTuple):
    """Answer to SyncGroup."""

    error: ErrorCode
    assignment: bytes = b""
    protocol_type: str | None = None
    protocol_name: str | None = None


class MemberIdentity(NamedTuple):
    """Who leaves: by member id, or a static member by its instance id alone."""

    member_id: str
    instance_id: str | None


class Answer(NamedTuple):
    """The reply to the request that was given `token`."""

    token: Hashable
    reply: JoinReply | SyncReply


class DescribedMember(NamedTuple):
    """One member as DescribeGroups shows it."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    metadata: bytes
    assignment: bytes


class DescribedGroup(NamedTuple):
    """A group as DescribeGroups shows it."""

    group_id: str
    state: str
    protocol_type: str
    protocol_name: str
    members: tuple[DescribedMember, ...]


class StoredMember(NamedTuple):
    """A member as the journal keeps it."""

    member_id: str
    instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    metadata: bytes
    assignment: bytes


class StoredGroup(NamedTuple):
    """A stable or empty group as the journal keeps it."""

    protocol_type: str
    generation: int
    protocol_name: str | None
    leader_id: str | None
    state_since_ms: int
    members: tuple[StoredMember, ...]
