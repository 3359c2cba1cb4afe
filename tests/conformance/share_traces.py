"""Traces of share groups (KIP-932): membership, share fetches and acknowledgements, offsets and their administration."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from tests.conformance.batches import batch, create, produce
from tests.conformance.trace import Trace

GROUP_RESOURCE = 32
ACCEPT, RELEASE, REJECT, RENEW = 1, 2, 3, 4


def _heartbeat(trace: Trace, step: str, group: str, member: str, epoch: int, **how: Any) -> Any:
    return trace.call(step, "ShareGroupHeartbeat", 1, group_id=group, member_id=member, member_epoch=epoch, **how)


def _join(trace: Trace, step: str, group: str, member: str, topics: list[str]) -> Any:
    """Join, and wait for the first assignment: Apache Kafka makes state for the partitions first."""
    trace.call(
        f"{step}: coordinator", "FindCoordinator", 4, key_type=0, coordinator_keys=[group]
    )  # waits for the internal topic
    return _heartbeat(
        *(trace, step, group, member, 0),
        subscribed_topic_names=topics,
        until=lambda answer: bool(answer.assignment and answer.assignment.topic_partitions),
    )


def _settle(trace: Trace, group: str, member: str, epoch: int) -> Any:
    return trace.ask("ShareGroupHeartbeat", 1, group_id=group, member_id=member, member_epoch=epoch)


def _configure(trace: Trace, step: str, group: str, **configs: str) -> None:
    rows = [{"name": name.replace("_", "."), "config_operation": 0, "value": value} for name, value in configs.items()]
    resource = {"resource_type": GROUP_RESOURCE, "resource_name": group, "configs": rows}
    trace.call(step, "IncrementalAlterConfigs", 1, resources=[resource])


def _topic_id(trace: Trace, topic: str) -> UUID:
    answer = trace.ask("Metadata", 12, topics=[{"name": topic}], allow_auto_topic_creation=False)
    found: UUID = answer.topics[0].topic_id
    return found


def _said(*rows: tuple[int, int, int]) -> list[dict[str, Any]]:
    return [{"first_offset": first, "last_offset": last, "acknowledge_types": [kind]} for first, last, kind in rows]


def _topics(topic_id: UUID, said: list[dict[str, Any]], partition: int = 0) -> list[dict[str, Any]]:
    rows = [{"partition_index": partition, "acknowledgement_batches": said}]
    return [{"topic_id": topic_id, "partitions": rows}]


class _Member:
    """A member's share session over one topic; each request has the next epoch unless it is told otherwise."""

    def __init__(self, trace: Trace, group: str, name: str, topic_id: UUID) -> None:
        self.trace = trace
        self.who = {"group_id": group, "member_id": name}
        self.topic_id = topic_id
        self.epoch = 0

    def _limits(self, how: dict[str, Any]) -> dict[str, Any]:
        limits = {"max_wait_ms": 100, "min_bytes": 1, "max_bytes": 1 << 20, "max_records": 100, "batch_size": 100}
        return limits | how

    def open(self, step: str, *, until_found: bool = True, **how: Any) -> Any:
        """Open a session, again and again until something is acquired."""
        self.epoch = 1
        return self.trace.call(
            *(step, "ShareFetch", 2),
            **self.who,
            share_session_epoch=0,
            topics=_topics(self.topic_id, []),
            until=(lambda answer: any(row.acquired_records for each in answer.responses for row in each.partitions))
            if until_found
            else (lambda answer: True),
            **self._limits(how),
        )

    def fetch(self, step: str, *said: tuple[int, int, int], **how: Any) -> Any:
        epoch = how.pop("epoch", self.epoch)
        self.epoch += epoch == self.epoch and not how.pop("fails", False)
        topics = _topics(self.topic_id, _said(*said)) if said else []
        return self.trace.call(
            *(step, "ShareFetch", 2),
            **self.who,
            share_session_epoch=epoch,
            topics=how.pop("topics", topics),
            **self._limits(how),
            until=lambda answer: True,
        )

    def acknowledge(self, step: str, *said: tuple[int, int, int], **how: Any) -> Any:
        epoch = how.pop("epoch", self.epoch)
        self.epoch += epoch == self.epoch
        topics = how.pop("topics", None) or _topics(self.topic_id, _said(*said))
        return self.trace.call(step, "ShareAcknowledge", 2, **self.who, share_session_epoch=epoch, topics=topics, **how)


def share_membership(trace: Trace) -> None:
    """Members come, are refused, change what they read, and go."""
    topic, other, group = trace.topic("a"), trace.topic("b"), trace.topic("group")
    create(trace, topic, 1)
    create(trace, other, 2)
    trace.call("coordinator", "FindCoordinator", 4, key_type=0, coordinator_keys=[group])
    for step, member, epoch, how in (
        ("no member id", "", 0, {"subscribed_topic_names": [topic]}),
        ("no topics", "m1", 0, {}),
        ("empty topics", "m1", 0, {"subscribed_topic_names": []}),
        ("unknown group", "m1", 1, {}),
        ("leave an unknown group", "m1", -1, {}),
        ("epoch out of range", "m1", -2, {}),
        ("empty rack", "m1", 0, {"subscribed_topic_names": [topic], "rack_id": ""}),
    ):
        _heartbeat(trace, step, group, member, epoch, **how)
    _heartbeat(trace, "no group id", "", "m1", 0, subscribed_topic_names=[topic])
    first = _join(trace, "join", group, "m1", [topic])
    epoch = first.member_epoch
    _heartbeat(trace, "go on", group, "m1", epoch)
    _heartbeat(trace, "say all again", group, "m1", epoch, subscribed_topic_names=[topic])
    _heartbeat(trace, "too high an epoch", group, "m1", epoch + 5)
    _heartbeat(trace, "a member that is not there", group, "m9", epoch)
    trace.call("described", "ShareGroupDescribe", 1, group_ids=[group, trace.topic("none"), ""])
    second = _join(trace, "second joins", group, "m2", [topic])
    _heartbeat(trace, "first hears of it", group, "m1", epoch)
    _join(trace, "third joins", group, "m3", [topic])
    _settle(trace, group, "m1", second.member_epoch)
    _settle(trace, group, "m2", second.member_epoch)
    trace.call("described with three", "ShareGroupDescribe", 1, group_ids=[group])
    trace.call("listed", "ListGroups", 5, states_filter=[], types_filter=["share"])
    trace.call("delete while in use", "DeleteGroups", 2, groups_names=[group])
    for member in ("m2", "m3"):
        _heartbeat(trace, f"{member} leaves", group, member, -1)
    _heartbeat(trace, "leave twice", group, "m3", -1)
    _heartbeat(
        *(trace, "all is the first's again", group, "m1", second.member_epoch),
        until=lambda answer: True,
    )
    for _ in range(200):
        how = {"group_id": group, "member_id": "m1", "member_epoch": 0, "subscribed_topic_names": [topic, other]}
        answer = trace.ask("ShareGroupHeartbeat", 1, **how)
        if answer.assignment is not None and len(answer.assignment.topic_partitions) == 2:
            break
        time.sleep(0.05)
    trace.note("another topic", sorted(len(row.partitions) for row in answer.assignment.topic_partitions))
    _heartbeat(trace, "the last leaves", group, "m1", -1)
    trace.call("described empty", "ShareGroupDescribe", 1, group_ids=[group])
    trace.call("listed empty", "ListGroups", 5, states_filter=["Empty"], types_filter=["Share"])
    trace.call("delete", "DeleteGroups", 2, groups_names=[group])
    trace.call("described deleted", "ShareGroupDescribe", 1, group_ids=[group])


def share_assignment(trace: Trace) -> None:
    """How many partitions each of some members gets; which ones is up to the broker."""
    for partitions, members in ((2, 2), (2, 3), (3, 2), (5, 3), (2, 5)):
        topic, group = trace.topic(f"{partitions}-{members}"), trace.topic(f"group-{partitions}-{members}")
        create(trace, topic, partitions)
        names = [f"m{number}" for number in range(members)]
        for name in names:
            _wait_for_assignment(trace, group, name, topic)
        shares = [_partitions(trace, group, name, topic) for name in names]
        readers = [sum(number in share for share in shares) for number in range(partitions)]
        trace.note(f"{members} members over {partitions} partitions", sorted(map(len, shares)))
        trace.note(f"readers of {partitions} partitions, {members} members", sorted(readers))


def _wait_for_assignment(trace: Trace, group: str, name: str, topic: str) -> None:
    for _ in range(200):
        how = {"group_id": group, "member_id": name, "member_epoch": 0, "subscribed_topic_names": [topic]}
        answer = trace.ask("ShareGroupHeartbeat", 1, **how)
        if answer.assignment is not None and answer.assignment.topic_partitions:
            return
        time.sleep(0.05)


def _partitions(trace: Trace, group: str, name: str, topic: str) -> list[int]:
    how = {"group_id": group, "member_id": name, "member_epoch": 0, "subscribed_topic_names": [topic]}
    answer = trace.ask("ShareGroupHeartbeat", 1, **how)
    return [number for row in answer.assignment.topic_partitions for number in row.partitions]


def share_and_other_types(trace: Trace) -> None:
    """One name is one group, of one type."""
    topic, shared, plain = trace.topic("a"), trace.topic("shared"), trace.topic("plain")
    create(trace, topic, 1)
    _join(trace, "share group", shared, "m1", [topic])
    trace.call("coordinator", "FindCoordinator", 4, key_type=0, coordinator_keys=[plain])
    joining = {"rebalance_timeout_ms": 5000, "subscribed_topic_names": [topic], "topic_partitions": []}
    trace.ask("ConsumerGroupHeartbeat", 1, group_id=plain, member_id="c1", member_epoch=0, **joining)
    trace.call(
        *("consumer joins a share group", "ConsumerGroupHeartbeat", 1),
        **joining | {"group_id": shared, "member_id": "c1", "member_epoch": 0},
    )
    _heartbeat(trace, "share member joins a consumer group", plain, "m1", 0, subscribed_topic_names=[topic])
    protocols = [{"name": "range", "metadata": b"\0\0\0\0\0\0\0\0\0\0"}]
    trace.call(
        *("classic member joins a share group", "JoinGroup", 7),
        group_id=shared,
        member_id="",
        session_timeout_ms=6000,
        rebalance_timeout_ms=6000,
        protocol_type="consumer",
        protocols=protocols,
    )
    trace.call(
        "classic heartbeat", "Heartbeat", 3, group_id=shared, generation_id=1, member_id="m1", group_instance_id=None
    )
    trace.call(
        "classic leave", "LeaveGroup", 3, group_id=shared, members=[{"member_id": "m1", "group_instance_id": None}]
    )
    rows = [{"partition_index": 0, "committed_offset": 1, "committed_metadata": ""}]
    commit = {"generation_id_or_member_epoch": -1, "member_id": "", "topics": [{"name": topic, "partitions": rows}]}
    trace.call("commit", "OffsetCommit", 9, group_id=shared, **commit)
    trace.call("commit, version 8", "OffsetCommit", 8, group_id=shared, **commit)
    wanted = {"group_id": shared, "member_id": None, "member_epoch": -1}
    trace.call("committed", "OffsetFetch", 9, groups=[{**wanted, "topics": None}], require_stable=False)
    rows = [{"partition_index": 0}]
    trace.call("delete committed", "OffsetDelete", 0, group_id=shared, topics=[{"name": topic, "partitions": rows}])
    trace.call("described as classic", "DescribeGroups", 6, groups=[shared])
    trace.call("described as consumer", "ConsumerGroupDescribe", 1, group_ids=[shared])
    trace.call("consumer group described as share", "ShareGroupDescribe", 1, group_ids=[plain])
    for name in (plain, trace.topic("none")):
        trace.call(f"offsets of {name}", "DescribeShareGroupOffsets", 1, groups=[{"group_id": name, "topics": None}])


def share_delivery(trace: Trace) -> None:
    """Records are acquired, acknowledged in every way, and come again or not."""
    topic, group = trace.topic("a"), trace.topic("group")
    create(trace, topic, 1)
    topic_id = _topic_id(trace, topic)
    _configure(trace, "begin at the earliest", group, share_auto_offset_reset="earliest")
    for number in range(4):
        produce(trace, f"produce {number}", topic, batch(5))
    _join(trace, "join", group, "m1", [topic])
    one, two = _Member(trace, group, "m1", topic_id), _Member(trace, group, "m2", topic_id)
    one.open("acquire all")
    two.open("nothing is left", until_found=False)
    one.acknowledge("each kind", (0, 4, ACCEPT), (5, 6, RELEASE), (7, 7, REJECT), (8, 9, 0))
    two.fetch("released ones come again")
    two.acknowledge("not one's own", (10, 11, ACCEPT))
    two.acknowledge("never handed out", (30, 31, ACCEPT))
    two.acknowledge("in part one's own", (5, 8, ACCEPT))
    two.acknowledge("the past", (0, 2, ACCEPT))
    two.acknowledge("backwards", (6, 5, ACCEPT))
    two.acknowledge("out of order", (6, 6, ACCEPT), (5, 5, ACCEPT))
    two.acknowledge("unknown type", (5, 5, 7))
    two.acknowledge("renew unannounced", (5, 5, RENEW))
    two.acknowledge("renew", (5, 5, RENEW), is_renew_ack=True)
    odd = [{"first_offset": 5, "last_offset": 6, "acknowledge_types": [1, 1, 1]}]
    two.acknowledge("wrong number of types", topics=_topics(topic_id, odd))
    none: list[dict[str, Any]] = [{"first_offset": 5, "last_offset": 6, "acknowledge_types": []}]
    two.acknowledge("no type", topics=_topics(topic_id, none))
    two.acknowledge("no such topic", topics=_topics(UUID(int=77), _said((5, 5, ACCEPT))))
    two.acknowledge("no such partition", topics=_topics(topic_id, _said((5, 5, ACCEPT)), 9))
    two.fetch("accept with a fetch", (5, 5, ACCEPT))
    two.fetch("accept twice", (5, 5, ACCEPT))
    one.fetch("close", epoch=-1)
    two.fetch("what the other had")
    two.acknowledge("all of it, and close", (6, 6, ACCEPT), (10, 19, ACCEPT), epoch=-1)
    trace.call("offsets", "DescribeShareGroupOffsets", 1, groups=[{"group_id": group, "topics": None}])


def share_bad_records(trace: Trace) -> None:
    """What was handed out often comes in smaller and smaller ranges: a bad record shall not spoil its neighbours."""
    topic, group = trace.topic("a"), trace.topic("group")
    create(trace, topic, 1)
    topic_id = _topic_id(trace, topic)
    _configure(trace, "begin at the earliest", group, share_auto_offset_reset="earliest")
    produce(trace, "produce", topic, batch(20))
    _join(trace, "join", group, "m1", [topic])
    member = _Member(trace, group, "m1", topic_id)
    answer = member.open("delivery 1")
    for number in range(2, 9):
        found = [each for row in answer.responses for part in row.partitions for each in part.acquired_records]
        member.acknowledge(f"release {number}", *((each.first_offset, each.last_offset, RELEASE) for each in found))
        answer = member.fetch(f"delivery {number}")


def share_sessions(trace: Trace) -> None:
    """Epochs of sessions, and requests that do not fit."""
    topic, group = trace.topic("a"), trace.topic("group")
    create(trace, topic, 1)
    topic_id = _topic_id(trace, topic)
    _configure(trace, "begin at the earliest", group, share_auto_offset_reset="earliest")
    produce(trace, "produce", topic, batch(5))
    _join(trace, "join", group, "m1", [topic])
    member = _Member(trace, group, "m1", topic_id)
    member.fetch("no session", epoch=1)
    member.fetch("close none", epoch=-1)
    member.acknowledge("acknowledge without session", (0, 0, ACCEPT), epoch=1)
    member.acknowledge("open by acknowledging", (0, 0, ACCEPT), epoch=0)
    member.open("open")
    member.fetch("wrong epoch", epoch=7)
    member.acknowledge("acknowledge with wrong epoch", (0, 0, ACCEPT), epoch=7)
    member.fetch("acknowledge while opening", (0, 0, ACCEPT), epoch=0)
    member.fetch("renew with limits", (0, 0, RENEW), is_renew_ack=True, fails=True)
    none = {"max_wait_ms": 0, "min_bytes": 0, "max_bytes": 0, "max_records": 0}
    member.fetch("renew", (0, 0, RENEW), is_renew_ack=True, **none)
    member.fetch("no such partition", topics=_topics(topic_id, [], 9))
    member.fetch("forget it", forgotten_topics_data=[{"topic_id": topic_id, "partitions": [9]}])
    member.fetch("no such topic", topics=_topics(UUID(int=77), []))
    member.fetch("forget that", forgotten_topics_data=[{"topic_id": UUID(int=77), "partitions": [0]}])
    member.fetch("close", (0, 4, ACCEPT), epoch=-1)
    member.fetch("after closing")
    trace.call(
        *("no group", "ShareFetch", 2),
        group_id=None,
        member_id="m1",
        share_session_epoch=0,
        topics=_topics(topic_id, []),
        **member._limits({}),
    )
    trace.call(
        *("no member", "ShareFetch", 2),
        group_id=group,
        member_id=None,
        share_session_epoch=0,
        topics=_topics(topic_id, []),
        **member._limits({}),
    )


def share_limits(trace: Trace) -> None:
    """How many records one fetch acquires, and in which ranges."""
    topic, group = trace.topic("a"), trace.topic("group")
    create(trace, topic, 1)
    topic_id = _topic_id(trace, topic)
    _configure(
        *(trace, "settings", group),
        share_auto_offset_reset="earliest",
        share_delivery_count_limit="2",
        share_isolation_level="read_committed",
    )
    for number in range(6):
        produce(trace, f"produce {number}", topic, batch(10))
    _join(trace, "join", group, "m1", [topic])
    member = _Member(trace, group, "m1", topic_id)
    member.open("up to 15, by batches", max_records=15)
    member.fetch("exactly 15", max_records=15, share_acquire_mode=1)
    member.fetch("exactly 3", max_records=3, share_acquire_mode=1)
    member.fetch("in ranges of 10", max_records=100, batch_size=10)
    member.acknowledge("release some", (0, 4, RELEASE), (10, 19, RELEASE))
    member.fetch("again")
    member.acknowledge("release again", (0, 4, RELEASE), (10, 19, RELEASE))
    member.fetch("no more")
    member.fetch("close", epoch=-1)
    member.open("once more, after closing")
    member.fetch("close again", epoch=-1)
    member.open("up to the limit by closing", until_found=False)
    capped, large = trace.topic("capped"), trace.topic("large")
    create(trace, large, 1)
    _configure(
        *(trace, "few in flight", capped),
        share_auto_offset_reset="earliest",
        share_partition_max_record_locks="100",
    )
    for number, size in enumerate((60, 70, 40)):
        produce(trace, f"produce large {number}", large, batch(size))
    _join(trace, "join capped", capped, "m1", [large])
    member = _Member(trace, capped, "m1", _topic_id(trace, large))
    member.open("no more than may be in flight", max_records=500, batch_size=500)
    member.fetch("nothing more", max_records=500, batch_size=500)
    member.acknowledge("some room", (0, 29, ACCEPT))
    member.fetch("as much as there is room", max_records=500, batch_size=500)


def share_administration(trace: Trace) -> None:
    """Settings and offsets of share groups."""
    topic, group = trace.topic("a"), trace.topic("group")
    create(trace, topic, 2)
    _configure(trace, "begin at the earliest", group, share_auto_offset_reset="earliest")
    for number, (name, value) in enumerate(
        (
            ("share_record_lock_duration_ms", "1000"),
            ("share_record_lock_duration_ms", "20000"),
            ("share_delivery_count_limit", "50"),
            ("share_partition_max_record_locks", "10"),
            ("share_auto_offset_reset", "none"),
            ("share_auto_offset_reset", "by_duration:PT1H"),
            ("share_auto_offset_reset", "by_duration:-PT1H"),
            ("share_isolation_level", "serializable"),
            ("share_heartbeat_interval_ms", "100"),
            ("share_session_timeout_ms", "100"),
            ("share_no_such", "1"),
        )
    ):
        _configure(trace, f"set {number}", trace.topic("configured"), **{name: value})
    resource = {"resource_type": GROUP_RESOURCE, "resource_name": trace.topic("configured"), "configuration_keys": None}
    trace.call("settings of a group", "DescribeConfigs", 4, resources=[resource], include_synonyms=True)
    produce(trace, "produce", topic, batch(5))
    _join(trace, "join", group, "m1", [topic])
    move = [{"topic_name": topic, "partitions": [{"partition_index": 0, "start_offset": 3}]}]
    describe = [{"group_id": group, "topics": [{"topic_name": topic, "partitions": [0, 1]}]}]
    trace.call("offsets before the first fetch", "DescribeShareGroupOffsets", 1, groups=describe)
    trace.call("move while in use", "AlterShareGroupOffsets", 0, group_id=group, topics=move)
    trace.call("forget while in use", "DeleteShareGroupOffsets", 0, group_id=group, topics=[{"topic_name": topic}])
    _heartbeat(trace, "leave", group, "m1", -1)
    trace.call("move", "AlterShareGroupOffsets", 0, group_id=group, topics=move)
    trace.call("offsets after it", "DescribeShareGroupOffsets", 1, groups=describe)
    trace.call("offsets without lag", "DescribeShareGroupOffsets", 0, groups=describe)
    lost = [{"topic_name": topic, "partitions": [{"partition_index": 9, "start_offset": 3}]}]
    trace.call("move a partition that is not there", "AlterShareGroupOffsets", 0, group_id=group, topics=lost)
    nowhere = [{"topic_name": "none", "partitions": [{"partition_index": 0, "start_offset": 3}]}]
    trace.call("move a topic that is not there", "AlterShareGroupOffsets", 0, group_id=group, topics=nowhere)
    trace.call("move in no group", "AlterShareGroupOffsets", 0, group_id=trace.topic("none"), topics=move)
    missing = [{"group_id": group, "topics": [{"topic_name": "none", "partitions": [0]}]}]
    trace.call("offsets of no topic", "DescribeShareGroupOffsets", 1, groups=missing)
    trace.call("forget no topic", "DeleteShareGroupOffsets", 0, group_id=group, topics=[{"topic_name": "none"}])
    trace.call("forget", "DeleteShareGroupOffsets", 0, group_id=group, topics=[{"topic_name": topic}])
    trace.call("offsets when forgotten", "DescribeShareGroupOffsets", 1, groups=describe)
    nobody = {"group_id": trace.topic("nobody"), "topics": [{"topic_name": topic}]}
    trace.call("forget in no group", "DeleteShareGroupOffsets", 0, **nobody)
    trace.call("a group that was moved into being", "ShareGroupDescribe", 1, group_ids=[trace.topic("none")])
    trace.call("delete", "DeleteGroups", 2, groups_names=[group])


SHARE_TRACES = (
    share_membership,
    share_assignment,
    share_and_other_types,
    share_delivery,
    share_bad_records,
    share_sessions,
    share_limits,
    share_administration,
)
