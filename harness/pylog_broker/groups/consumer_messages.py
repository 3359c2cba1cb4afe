"""What goes into a consumer-protocol group and what comes out: frozen facts without wire formats or versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from harness.pylog_broker.groups.assignors import NOTHING, Partitions
from harness.pylog_broker.groups.consumer_member import Standing, Subscription
from harness.pylog_broker.protocol.errors import ErrorCode


def always(_name: str) -> bool:
    """Let every topic be seen."""
    return True


class ConsumerHeartbeat(NamedTuple):
    """ConsumerGroupHeartbeat; None and -1 mean "as before"."""

    member_id: str
    epoch: int
    """0 joins, -1 leaves, -2 leaves for a while (static members)."""
    instance_id: str | None
    rack_id: str | None
    rebalance_timeout_ms: int
    topic_names: tuple[str, ...] | None
    topic_pattern: str | None
    assignor: str | None
    owned: Partitions | None
    client_id: str
    client_host: str
    may_see: Callable[[str], bool] = always
    """Whether the member may know of a topic: patterns match no other."""

    @property
    def is_full(self) -> bool:
        """Whether everything is said, as after a join or a fault: the answer then brings the assignment."""
        subscribed = self.topic_names is not None or self.topic_pattern is not None
        return self.rebalance_timeout_ms != -1 and subscribed and self.owned is not None


class ConsumerReply(NamedTuple):
    """Answer to ConsumerGroupHeartbeat; `assignment` None: as before."""

    error: ErrorCode
    message: str | None = None
    member_id: str | None = None
    epoch: int = 0
    heartbeat_interval_ms: int = 0
    assignment: Partitions | None = None


class DescribedConsumer(NamedTuple):
    """One member as ConsumerGroupDescribe shows it."""

    member_id: str
    subscription: Subscription
    epoch: int
    assigned: Partitions
    """What it may still be reading, with what it is to let go of."""
    target: Partitions


class DescribedConsumerGroup(NamedTuple):
    """A group as ConsumerGroupDescribe shows it."""

    group_id: str
    state: str
    epoch: int
    assignment_epoch: int
    assignor: str
    members: tuple[DescribedConsumer, ...]


class StoredConsumerGroup:
    """A group as the journal tells it, record by record."""

    def __init__(self) -> None:
        self.epoch: int | None = None
        """None until the record of the group itself has come: without it there is no group."""
        self.metadata_hash = 0
        self.assignment_epoch = 0
        self.subscriptions: dict[str, Subscription] = {}
        self.standings: dict[str, Standing] = {}
        self.targets: dict[str, Partitions] = {}

    def target_of(self, member_id: str) -> Partitions:
        """Return a member's part of the target assignment."""
        return self.targets.get(member_id, NOTHING)
