"""The coordinator at work in a broker: the clock, the one timer, and the requests that wait for an answer."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from harness.pylog_broker.controller.image import GROUP_RESOURCE
from harness.pylog_broker.groups.consumer_messages import ConsumerHeartbeat, ConsumerReply
from harness.pylog_broker.groups.coordinator import CommitRequest, GroupCoordinator
from harness.pylog_broker.groups.messages import (
    Answer,
    Instant,
    JoinReply,
    JoinRequest,
    MemberIdentity,
    SyncReply,
    SyncRequest,
)
from harness.pylog_broker.groups.offsets_topic import TOPIC_NAME, OffsetsTopic
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.groups.topic_image import TopicFacts
from harness.pylog_broker.handlers.api import Deferred
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.message import Message
from harness.pylog_broker.storage.catalog import Catalog
from harness.pylog_broker.storage.log import PartitionLog
from harness.pylog_broker.timers import Timer, Timers

if TYPE_CHECKING:
    from collections.abc import Hashable

    from harness.pylog_broker.groups.share_messages import ShareHeartbeat, ShareReply

MEMBER_NAME_CHARACTERS_MAX = 200

STALL_S_MIN = 1.0
"""A timer that rings this late says that the broker itself stood still: it was paused, or the machine was."""

GRACE_S = 1.0
"""After a stall: how long members may take to be heard before they are held to deadlines that passed meanwhile."""


class CatalogImage:
    """The topics of a catalog, and the settings of groups, as consumer groups see them."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    @property
    def version(self) -> int:
        """Grows with every change of topics."""
        return self._catalog.image_version

    def names(self) -> Collection[str]:
        """Return the names of all topics, internal ones too."""
        return list(self._catalog.topics)

    def find(self, name: str) -> TopicFacts | None:
        """Return a topic, or None when there is none of that name."""
        topic = self._catalog.topics.get(name)
        return TopicFacts(topic.topic_id, len(topic.partitions)) if topic is not None else None

    def name_of(self, topic_id: UUID) -> str | None:
        """Return the name of a topic that still exists."""
        topic = self._catalog.by_id(topic_id)
        return topic.name if topic is not None else None

    def group_config(self, group_id: str) -> Mapping[str, str]:
        """Return the settings that a group has of its own."""
        return self._catalog.image.config(GROUP_RESOURCE, group_id)


class HeldRequest:
    """The token of a JoinGroup or SyncGroup: where its answer goes, and how it is put into words."""

    __slots__ = ("_respond", "deferred")

    def __init__(self, respond: Callable[[Any], Message]) -> None:
        self.deferred = Deferred()
        self._respond = respond

    def answer(self, reply: JoinReply | SyncReply) -> None:
        """Complete the request; if its connection has gone, nothing happens."""
        self.deferred.complete(self._respond(reply))


class GroupService:
    """What the handlers talk to. All calls come from the broker's one thread."""

    def __init__(
        self,
        catalog: Catalog,
        settings: GroupSettings,
        *,
        timers: Timers,
        monotonic_s: Callable[[], float],
        wall_ms: Callable[[], int],
        new_uuid: Callable[[], UUID],
        on_append: Callable[[PartitionLog, int], None],
    ) -> None:
        """Replay what is stored in the catalog and begin to keep time."""
        self._monotonic_s = monotonic_s
        self._wall_ms = wall_ms
        self._new_uuid = new_uuid
        self._timers = timers
        self._timer: Timer | None = None
        self._grace_until_s = float("-inf")
        self._journal = journal = OffsetsTopic(catalog, settings, on_append)
        self.coordinator = GroupCoordinator(settings, journal, self.now(), CatalogImage(catalog))
        self.coordinator.restore(journal.records(), catalog.topics.keys(), self.now())
        self._arm()

    def now(self) -> Instant:
        """Return the present on both clocks."""
        return Instant(self._monotonic_s(), self._wall_ms())

    def fresh_member_id(self, prefix: str) -> str:
        """Return a member id that nobody has, beginning with the client's or the static member's name."""
        return f"{prefix[:MEMBER_NAME_CHARACTERS_MAX]}-{self._new_uuid()}"

    def join(self, group_id: str, request: JoinRequest, respond: Callable[[JoinReply], Message]) -> Deferred:
        """JoinGroup; the deferred response may be complete already."""
        held = HeldRequest(respond)
        self._deliver(self.coordinator.join(group_id, request, held, self.now()))
        return held.deferred

    def sync(self, group_id: str, request: SyncRequest, respond: Callable[[SyncReply], Message]) -> Deferred:
        """SyncGroup; the deferred response may be complete already."""
        held = HeldRequest(respond)
        self._deliver(self.coordinator.sync(group_id, request, held, self.now()))
        return held.deferred

    def heartbeat(self, group_id: str, member_id: str, instance_id: str | None, generation: int) -> ErrorCode:
        """Heartbeat."""
        return self.coordinator.heartbeat(group_id, member_id, instance_id, generation, self.now())

    def leave(self, group_id: str, identities: Sequence[MemberIdentity]) -> list[ErrorCode]:
        """LeaveGroup: one error code for each identity."""
        errors, answers = self.coordinator.leave(group_id, identities, self.now())
        self._deliver(answers)
        return errors

    def fresh_consumer_member_id(self) -> str:
        """Return an id for a member of a consumer-protocol group that brings none (version 0)."""
        return base64.urlsafe_b64encode(self._new_uuid().bytes).rstrip(b"=").decode()

    def consumer_heartbeat(self, group_id: str, request: ConsumerHeartbeat) -> ConsumerReply:
        """ConsumerGroupHeartbeat."""
        reply, answers = self.coordinator.consumer_heartbeat(group_id, request, self.now())
        self._deliver(answers)
        return reply

    def share_heartbeat(self, group_id: str, request: ShareHeartbeat) -> ShareReply:
        """ShareGroupHeartbeat."""
        reply = self.coordinator.share_heartbeat(group_id, request, self.now())
        self._arm()
        return reply

    def establish_share_group(self, group_id: str) -> ErrorCode:
        """Make a share group that nobody is in yet."""
        return self.coordinator.establish_share_group(group_id, self.now())

    def commit(self, group_id: str, request: CommitRequest) -> list[ErrorCode]:
        """OffsetCommit: one error code for each offset."""
        errors = self.coordinator.commit(group_id, request, self.now())
        self._arm()
        return errors

    def offsets_partition(self, group_id: str) -> tuple[str, int]:
        """Return the topic, made if need be, and the partition that keep a group's offsets. Raises StorageError."""
        return self._journal.ensure().name, self.coordinator.journal_partition(group_id)

    def transaction_ended(self, log: PartitionLog, producer_id: int, *, committed: bool) -> None:
        """A transaction has its marker in a partition; if that is one of committed offsets, they count now, or never."""
        if log.topic == TOPIC_NAME:
            self.coordinator.end_transaction(log.partition, producer_id, self.now(), committed=committed)
            self._arm()

    def delete_offsets(self, group_id: str, keys: Sequence[tuple[str, int]]) -> ErrorCode | list[ErrorCode]:
        """OffsetDelete: an error for all, or one for each (topic, partition)."""
        result = self.coordinator.delete_offsets(group_id, keys, self.now())
        self._arm()
        return result

    def delete(self, group_id: str) -> ErrorCode:
        """DeleteGroups, for one group."""
        error = self.coordinator.delete(group_id, self.now())
        self._arm()
        return error

    def forget_topic(self, topic: str) -> None:
        """Drop the offsets of a topic that has just been deleted."""
        self.coordinator.forget_topic(topic, self.now())
        self._arm()

    def close(self) -> None:
        """Stop keeping time. Members find their places again after a restart."""
        if self._timer is not None:
            self._timer.cancel()

    def _deliver(self, answers: Sequence[Answer]) -> None:
        for token, reply in answers:
            _held(token).answer(reply)
        self._arm()

    def _tick(self) -> None:
        due_s = self._timer.deadline_s if self._timer is not None else float("inf")
        self._timer = None
        now = self.now()
        if now.monotonic_s - due_s > STALL_S_MIN:
            # Heartbeats that came during the stall are still in the sockets: read them first.
            self._grace_until_s = now.monotonic_s + GRACE_S
            self._arm()
            return
        self._deliver(self.coordinator.tick(now))

    def _arm(self) -> None:
        deadline_s = max(self.coordinator.next_deadline_s, self._grace_until_s)
        if self._timer is not None:
            if self._timer.deadline_s <= deadline_s:
                return
            self._timer.cancel()
        self._timer = self._timers.schedule(deadline_s, self._tick)


def _held(token: Hashable) -> HeldRequest:
    assert isinstance(token, HeldRequest)
    return token
