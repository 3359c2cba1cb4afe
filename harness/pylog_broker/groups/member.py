"""One member of a classic group."""

from __future__ import annotations

from collections.abc import Hashable

from harness.pylog_broker.groups.messages import DescribedMember, JoinRequest, ProtocolOffer, StoredMember

MEMBER_OVERHEAD_BYTES = 1_000
"""What a member costs beside its metadata and assignment: the objects that keep it."""


OFFER_OVERHEAD_BYTES = 200
"""The same for each protocol that it offers."""


class Member:
    """A member and where it stands in the current rebalance. Deadlines are monotonic seconds."""

    __slots__ = (
        "assignment",
        "client_host",
        "client_id",
        "instance_id",
        "join_deadline_s",
        "join_token",
        "member_id",
        "owes_sync",
        "protocols",
        "rebalance_timeout_s",
        "session_deadline_s",
        "session_timeout_s",
        "sync_token",
    )

    def __init__(
        self,
        *,
        member_id: str,
        instance_id: str | None,
        client_id: str,
        client_host: str,
        session_timeout_s: float,
        rebalance_timeout_s: float,
        protocols: tuple[ProtocolOffer, ...],
        session_deadline_s: float,
        assignment: bytes = b"",
    ) -> None:
        self.member_id = member_id
        self.instance_id = instance_id
        self.client_id = client_id
        self.client_host = client_host
        self.session_timeout_s = session_timeout_s
        self.rebalance_timeout_s = rebalance_timeout_s
        self.protocols = protocols
        self.session_deadline_s = session_deadline_s
        self.assignment = assignment
        self.join_token: Hashable | None = None
        """The held JoinGroup, if there is one."""
        self.sync_token: Hashable | None = None
        """The held SyncGroup, if there is one."""
        self.join_deadline_s = float("inf")
        """When a member that waits for its very first generation is given up: nobody may be there any more."""
        self.owes_sync = False
        """It was told of a generation and has not asked for its assignment yet."""

    @classmethod
    def from_request(cls, member_id: str, request: JoinRequest, now_s: float) -> Member:
        """Make a member from its first JoinGroup."""
        member = cls(
            member_id=member_id,
            instance_id=request.instance_id,
            client_id=request.client_id,
            client_host=request.client_host,
            session_timeout_s=0,
            rebalance_timeout_s=0,
            protocols=(),
            session_deadline_s=0,
        )
        member.update(request, now_s)
        return member

    @classmethod
    def from_stored(cls, stored: StoredMember, protocol_name: str | None, now_s: float) -> Member:
        """Make a member as the journal remembers it; its session starts anew."""
        session_timeout_s = stored.session_timeout_ms / 1000
        return cls(
            member_id=stored.member_id,
            instance_id=stored.instance_id,
            client_id=stored.client_id,
            client_host=stored.client_host,
            session_timeout_s=session_timeout_s,
            rebalance_timeout_s=stored.rebalance_timeout_ms / 1000,
            protocols=(ProtocolOffer(protocol_name or "", stored.metadata),),
            session_deadline_s=now_s + session_timeout_s,
            assignment=stored.assignment,
        )

    def update(self, request: JoinRequest, now_s: float) -> None:
        """Take over timeouts and protocols from a JoinGroup, which also proves the member alive."""
        self.client_id = request.client_id
        self.client_host = request.client_host
        self.session_timeout_s = request.session_timeout_ms / 1000
        self.rebalance_timeout_s = request.rebalance_timeout_ms / 1000
        self.protocols = request.protocols
        self.touch(now_s)

    def touch(self, now_s: float) -> None:
        """Start the session anew."""
        self.session_deadline_s = now_s + self.session_timeout_s

    @property
    def deadline_s(self) -> float:
        """When the member fails if nothing is heard of it; a member that waits for the broker does not fail."""
        if self.join_token is not None:
            return self.join_deadline_s
        if self.sync_token is not None:
            return float("inf")
        return self.session_deadline_s

    def metadata_for(self, protocol_name: str | None) -> bytes:
        """Return the member's metadata for the chosen protocol."""
        for offer in self.protocols:
            if offer.name == protocol_name:
                return offer.metadata
        return b""

    @property
    def bytes_held(self) -> int:
        """Bytes that this member occupies, roughly."""
        offered = sum(len(offer.name) + len(offer.metadata) for offer in self.protocols)
        names = len(self.member_id) + len(self.client_id) + len(self.client_host) + len(self.instance_id or "")
        offered += OFFER_OVERHEAD_BYTES * len(self.protocols)
        return MEMBER_OVERHEAD_BYTES + offered + names + len(self.assignment)

    def described(self, protocol_name: str | None) -> DescribedMember:
        """Return the member for DescribeGroups; without a protocol its metadata stays out."""
        return DescribedMember(
            member_id=self.member_id,
            instance_id=self.instance_id,
            client_id=self.client_id,
            client_host=self.client_host,
            metadata=self.metadata_for(protocol_name) if protocol_name is not None else b"",
            assignment=self.assignment,
        )

    def stored(self, protocol_name: str | None) -> StoredMember:
        """Return the member for the journal."""
        return StoredMember(
            member_id=self.member_id,
            instance_id=self.instance_id,
            client_id=self.client_id,
            client_host=self.client_host,
            rebalance_timeout_ms=round(self.rebalance_timeout_s * 1000),
            session_timeout_ms=round(self.session_timeout_s * 1000),
            metadata=self.metadata_for(protocol_name),
            assignment=self.assignment,
        )
