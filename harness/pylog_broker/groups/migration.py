"""A group with members from one protocol to the other (KIP-848): what the new group is made of. Nothing is changed here.

Upgrade: every classic member becomes one of the consumer-protocol group, with the generation as its epoch and its last
assignment as what it has. Downgrade: what every member, all of them classic, may still be reading is its assignment, so
that nobody else is given it should the group change its protocol again before all have joined.
"""

from __future__ import annotations

from harness.pylog_broker.groups.assignors import TopicPartition
from harness.pylog_broker.groups.classic import ClassicGroup
from harness.pylog_broker.groups.consumer_member import ClassicSide, Standing, Subscription
from harness.pylog_broker.groups.consumer_messages import StoredConsumerGroup
from harness.pylog_broker.groups.embedded_protocol import read_assignment, read_subscription, write_assignment
from harness.pylog_broker.groups.member import Member
from harness.pylog_broker.groups.messages import Instant
from harness.pylog_broker.groups.mixed_group import MixedGroup
from harness.pylog_broker.groups.settings import GroupSettings
from harness.pylog_broker.groups.subscription import CONSUMER_PROTOCOL_TYPE
from harness.pylog_broker.groups.topic_image import TopicImage


def may_upgrade(group: ClassicGroup, settings: GroupSettings) -> bool:
    """Whether a classic group with members may become one of the consumer protocol."""
    is_of_consumers = group.protocol_type == CONSUMER_PROTOCOL_TYPE
    return settings.may_upgrade and is_of_consumers and len(group.members) <= settings.consumer_members_max


def upgraded(group: ClassicGroup, settings: GroupSettings, topics: TopicImage, now: Instant) -> MixedGroup:
    """Return the consumer-protocol group of the same members. Raises MalformedMessage where one cannot be understood."""
    stored = StoredConsumerGroup()
    stored.epoch = stored.assignment_epoch = group.generation
    taken: set[TopicPartition] = set()
    for member in group.members:
        said = read_subscription(_metadata(member, group.protocol_name))
        # A rebalance that was begun anew has taken the assignments back: who reads on meanwhile said so when it joined.
        has = read_assignment(member.assignment) if member.assignment else said.owned
        found = ((topics.find(topic), partition) for topic, partition in has)
        assigned = {(facts.topic_id, partition) for facts, partition in found if facts is not None} - taken
        taken |= assigned
        stored.subscriptions[member.member_id] = Subscription(
            instance_id=member.instance_id,
            rack_id=said.rack_id,
            client_id=member.client_id,
            client_host=member.client_host,
            topic_names=tuple(sorted(set(said.topics))),
            topic_pattern=None,
            rebalance_timeout_ms=round(member.rebalance_timeout_s * 1000),
            assignor=None,
            classic=ClassicSide(round(member.session_timeout_s * 1000), member.protocols),
        )
        epochs = dict.fromkeys(assigned, group.generation)
        stored.standings[member.member_id] = Standing(group.generation, group.generation, assigned=epochs)
        stored.targets[member.member_id] = frozenset(assigned)
    made = MixedGroup.restored(group.group_id, stored, settings, topics, now)
    made.begin()
    return made


def downgraded(group: MixedGroup, settings: GroupSettings, topics: TopicImage, now: Instant) -> ClassicGroup:
    """Return the classic group of the same members, all of which are classic ones; stable."""
    members: list[Member] = []
    for described in group.described().members:
        said = described.subscription
        classic = said.classic
        assert classic is not None
        named = ((topics.name_of(topic_id), partition) for topic_id, partition in described.assigned)
        member = Member(
            member_id=described.member_id,
            instance_id=said.instance_id,
            client_id=said.client_id,
            client_host=said.client_host,
            session_timeout_s=classic.session_timeout_ms / 1000,
            rebalance_timeout_s=said.rebalance_timeout_ms / 1000,
            protocols=classic.protocols,
            session_deadline_s=0,
            assignment=write_assignment(
                read_subscription(classic.protocols[0].metadata).version,
                [(name, partition) for name, partition in named if name is not None],
            ),
        )
        member.touch(now.monotonic_s)
        members.append(member)
    return ClassicGroup.formed(group.group_id, group.epoch, members, settings, now)


def _metadata(member: Member, protocol_name: str | None) -> bytes:
    """What a member subscribes to: its strategies agree on that, and there is none chosen before the first generation."""
    return member.metadata_for(protocol_name) if protocol_name is not None else member.protocols[0].metadata
