"""The members of one group, and the counts that answer questions about them without walking over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.pylog_broker.groups.member import Member
from harness.pylog_broker.groups.messages import JoinRequest, ProtocolOffer


class Membership:
    """Members in the order they came, with protocol votes, static instances and bytes held kept up to date."""

    __slots__ = ("_members", "_offered", "bytes_held", "instances")

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._offered: Counter[str] = Counter()
        self.instances: dict[str, str] = {}
        """Static instance id -> member id of today (KIP-345)."""
        self.bytes_held = 0

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def __contains__(self, member_id: str) -> bool:
        return member_id in self._members

    def get(self, member_id: str) -> Member | None:
        """Return the member, or None."""
        return self._members.get(member_id)

    def add(self, member: Member) -> None:
        """Take in a member whose id is not there yet."""
        assert member.member_id not in self._members
        self._members[member.member_id] = member
        if member.instance_id is not None:
            self.instances[member.instance_id] = member.member_id
        self._count(member)

    def remove(self, member: Member) -> None:
        """Let a member go."""
        del self._members[member.member_id]
        if member.instance_id is not None and self.instances.get(member.instance_id) == member.member_id:
            del self.instances[member.instance_id]
        self._discount(member)

    def rename(self, member: Member, member_id: str) -> None:
        """Give a static member its new id; the instance and everything else stay (KIP-345)."""
        self.remove(member)
        member.member_id = member_id
        self.add(member)

    def update(self, member: Member, request: JoinRequest, now_s: float) -> None:
        """Take over what a JoinGroup says about a member."""
        self._discount(member)
        member.update(request, now_s)
        self._count(member)

    def assign(self, member: Member, assignment: bytes) -> None:
        """Set a member's assignment."""
        self.bytes_held += len(assignment) - len(member.assignment)
        member.assignment = assignment

    def share_a_protocol(self, protocols: tuple[ProtocolOffer, ...], *, without: Member | None) -> bool:
        """Return whether one of `protocols` is offered by every member, `without` one that would change its own."""
        others = len(self._members) - (without is not None)
        own = {offer.name for offer in without.protocols} if without is not None else set()
        return any(self._offered[offer.name] - (offer.name in own) == others for offer in protocols)

    def choose_protocol(self) -> str:
        """Return the protocol that most members prefer among those that all of them offer.

        Each member votes for the first of its own list that all offer; a tie goes to the one that the
        longest-standing member lists first.
        """
        offered_by_all = {name for name, count in self._offered.items() if count == len(self._members)}
        votes: Counter[str] = Counter()
        for member in self._members.values():
            votes[next(offer.name for offer in member.protocols if offer.name in offered_by_all)] += 1
        eldest = next(iter(self._members.values()))
        order = [offer.name for offer in eldest.protocols]
        return max(votes, key=lambda name: (votes[name], -order.index(name)))

    def _count(self, member: Member) -> None:
        self._offered.update({offer.name for offer in member.protocols})
        self.bytes_held += member.bytes_held

    def _discount(self, member: Member) -> None:
        for name in {offer.name for offer in member.protocols}:
            self._offered[name] -= 1
            if not self._offered[name]:
                del self._offered[name]
        self.bytes_held -= member.bytes_held
