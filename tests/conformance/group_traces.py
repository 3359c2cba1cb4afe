"""Traces of groups: the classic protocol, static members, and the next generation."""

from __future__ import annotations

import itertools
import time
from typing import Any
from uuid import UUID

from harness.pylog_broker.groups.journal import partition_of
from tests.conformance.batches import create
from tests.conformance.trace import Trace

CONSUMER = [{"name": "range", "metadata": b"\0\0\0\0\0\0\0\0\0\0"}]


OFFSETS_PARTITIONS = 10
"""Of Apache Kafka's `__consumer_offsets`, as the harness starts it: each is a coordinator that hears of topics by itself."""
LOOKS_MAX = 200


def _wait_for_topic(trace: Trace, group: str, topic: str) -> None:
    """Wait until the group's coordinator knows a new topic: until a scout with the same coordinator is given partitions."""
    home = partition_of(group, OFFSETS_PARTITIONS)
    names = (f"{group}-scout-{number}" for number in itertools.count())
    scouts = (name for name in names if partition_of(name, OFFSETS_PARTITIONS) == home)
    joining = {"rebalance_timeout_ms": 5000, "subscribed_topic_names": [topic], "topic_partitions": []}
    for scout in itertools.islice(scouts, LOOKS_MAX):
        who = {"group_id": scout, "member_id": "scout"}
        given = trace.ask("ConsumerGroupHeartbeat", 1, **who, member_epoch=0, **joining)
        trace.ask("ConsumerGroupHeartbeat", 1, **who, member_epoch=-1)
        if given.assignment is not None and given.assignment.topic_partitions:
            return
        time.sleep(0.05)


def _find(trace: Trace, group: str) -> None:
    trace.call("coordinator", "FindCoordinator", 3, key=group, key_type=0)


def _join(trace: Trace, step: str, group: str, member: str, *, version: int = 7, **how: Any) -> Any:
    fields = {
        "group_id": group,
        "member_id": member,
        "session_timeout_ms": 6000,
        "rebalance_timeout_ms": 6000,
        "protocol_type": "consumer",
        "protocols": CONSUMER,
        **how,
    }
    return trace.call(step, "JoinGroup", version, **fields)


def _sync(
    trace: Trace, step: str, group: str, member: str, generation: int, given: dict[str, bytes], **how: Any
) -> Any:
    rows = [{"member_id": name, "assignment": data} for name, data in given.items()]
    who = {"group_id": group, "generation_id": generation, "member_id": member, **how}
    return trace.call(step, "SyncGroup", 5, **who, protocol_type="consumer", protocol_name="range", assignments=rows)


def _beat(trace: Trace, step: str, group: str, member: str, generation: int, **how: Any) -> Any:
    return trace.call(step, "Heartbeat", 4, group_id=group, generation_id=generation, member_id=member, **how)


def classic_groups(trace: Trace) -> None:
    """One member's whole life, and everything that is refused on the way."""
    group, topic = trace.topic("g"), trace.topic("a")
    create(trace, topic)
    _find(trace, group)
    _join(trace, "join an empty name", "", "")
    _join(trace, "join with a short session", group, "", session_timeout_ms=10)
    _join(trace, "join as somebody", group, "nobody")
    _join(trace, "join without protocols", group, "", protocols=[])
    told = _join(trace, "join", group, "")
    member = told.member_id
    _join(trace, "join with the given id", group, member)
    _beat(trace, "heartbeat before the assignment", group, member, 1)
    _sync(trace, "sync of another generation", group, member, 9, {})
    _sync(trace, "sync of nobody", group, "nobody", 1, {})
    _sync(trace, "sync", group, member, 1, {member: b"mine"})
    _sync(trace, "sync again", group, member, 1, {})
    _beat(trace, "heartbeat", group, member, 1)
    _beat(trace, "heartbeat of an older generation", group, member, 0)
    _beat(trace, "heartbeat of nobody", group, "nobody", 1)
    _beat(trace, "heartbeat in no group", trace.topic("none"), member, 1)
    trace.call("describe", "DescribeGroups", 5, groups=[group])
    listing = {"states_filter": ["Stable"], "types_filter": ["classic"]}
    trace.call("list nothing", "ListGroups", 5, states_filter=["NoSuchState"], types_filter=[])
    listed = trace.call("list", "ListGroups", 5, **listing)
    trace.answers["list"] = {row.group_id: row.group_state for row in listed.groups if row.group_id == group}
    for name, who, generation in [("", "", -1), ("of a member", member, 1), ("of an older generation", member, 0)]:
        row = {"partition_index": 0, "committed_offset": 3, "committed_metadata": ""}
        asked = {"group_id": group, "member_id": who, "generation_id_or_member_epoch": generation}
        trace.call(f"commit {name}", "OffsetCommit", 7, **asked, topics=[{"name": topic, "partitions": [row]}])
    trace.call("delete while it lives", "DeleteGroups", 1, groups_names=[group])
    row = [{"name": topic, "partitions": [{"partition_index": 0}]}]
    trace.call("delete offsets that nobody reads", "OffsetDelete", 0, group_id=group, topics=row)
    _join(trace, "join with another type", group, "", version=3, protocol_type="other")
    _join(trace, "join with another protocol", group, "", version=3, protocols=[{"name": "odd", "metadata": b""}])
    joined = trace.send(
        *("JoinGroup", 3),
        group_id=group,
        member_id="",
        session_timeout_ms=6000,
        rebalance_timeout_ms=6000,
        protocol_type="consumer",
        protocols=CONSUMER,
    )
    trace.call(
        "heartbeat in a rebalance",
        *("Heartbeat", 4),
        group_id=group,
        generation_id=1,
        member_id=member,
        until=lambda answer: answer.error_code == 27,
    )
    trace.call("describe in a rebalance", "DescribeGroups", 5, groups=[group])
    _join(trace, "join again", group, member)
    other = joined("the second joins")
    _sync(trace, "sync of the leader", group, member, 2, {member: b"one", other.member_id: b"two"})
    _sync(trace, "sync of the follower", group, other.member_id, 2, {})
    identities = [{"member_id": other.member_id}, {"member_id": "nobody"}]
    trace.call("leave", "LeaveGroup", 4, group_id=group, members=identities)
    _beat(trace, "heartbeat after somebody left", group, member, 2)
    trace.call("leave, version 2", "LeaveGroup", 2, group_id=group, member_id=member)
    trace.call("leave no group", "LeaveGroup", 2, group_id=trace.topic("none"), member_id=member)
    trace.call("describe the empty group", "DescribeGroups", 5, groups=[group])
    trace.call("delete", "DeleteGroups", 1, groups_names=[group])
    trace.call("describe the deleted group", "DescribeGroups", 5, groups=[group])


def static_members(trace: Trace) -> None:
    """KIP-345: an instance comes back under a new id, the old one is fenced."""
    group = trace.topic("g")
    _find(trace, group)
    one = {"group_instance_id": "one"}
    first = _join(trace, "join", group, "", **one).member_id
    _sync(trace, "sync", group, first, 1, {first: b"mine"}, **one)
    second = _join(trace, "come back", group, "", **one).member_id
    trace.note("a new id", first != second)
    _beat(trace, "heartbeat of the fenced", group, first, 1, **one)
    _sync(trace, "sync of the fenced", group, first, 1, {}, **one)
    _sync(trace, "sync of the one that came back", group, second, 1, {}, **one)
    _beat(trace, "heartbeat of an unknown instance", group, second, 1, group_instance_id="two")
    trace.call("describe", "DescribeGroups", 5, groups=[group])
    leaving = [{"member_id": "", "group_instance_id": "two"}, {"member_id": "", "group_instance_id": "one"}]
    trace.call("leave by instance", "LeaveGroup", 4, group_id=group, members=leaving)
    third = _join(trace, "join, version 9", group, "", version=9, **one).member_id
    _sync(trace, "sync again", group, third, 3, {third: b"mine"}, **one)
    _join(trace, "come back as leader, version 9", group, "", version=9, **one)


def _consumer(trace: Trace, step: str, group: str, member: str, epoch: int, *, version: int = 1, **how: Any) -> Any:
    who = {"group_id": group, "member_id": member, "member_epoch": epoch}
    return trace.call(step, "ConsumerGroupHeartbeat", version, **who, **how)


def consumer_groups(trace: Trace) -> None:
    """KIP-848: two members, a hand-over, fencing, commits with epochs."""
    group, topic = trace.topic("g"), trace.topic("a")
    create(trace, topic, 4)
    _find(trace, group)
    _wait_for_topic(trace, group, topic)
    found = trace.call("topic", "Metadata", 12, topics=[{"name": topic}], allow_auto_topic_creation=False)
    topic_id = found.topics[0].topic_id
    full = {"rebalance_timeout_ms": 5000, "subscribed_topic_names": [topic], "topic_partitions": []}

    def owned(*partitions: int) -> dict[str, Any]:
        return {"topic_partitions": [{"topic_id": topic_id, "partitions": list(partitions)}]}

    _consumer(trace, "no member id", group, "", 0, **full)
    _consumer(trace, "no group id", "", "m", 0, **full)
    _consumer(trace, "no subscription", group, "m", 0, rebalance_timeout_ms=5000, topic_partitions=[])
    _consumer(trace, "no rebalance timeout", group, "m", 0, subscribed_topic_names=[topic], topic_partitions=[])
    _consumer(trace, "partitions at a join", group, "m", 0, **{**full, **owned(1)})
    _consumer(trace, "an epoch below all", group, "m", -3)
    _consumer(trace, "a static leave without an instance", group, "m", -2)
    _consumer(trace, "no such group", group, "m", 5)
    _consumer(trace, "leave no such group", group, "m", -1)
    _consumer(trace, "no such assignor", group, "m", 0, **full, server_assignor="sticky")
    bad = {"rebalance_timeout_ms": 5000, "subscribed_topic_regex": "(", "topic_partitions": []}
    _consumer(trace, "a bad pattern", group, "m", 0, **bad)
    first = _consumer(trace, "join", group, "m", 0, **full).member_epoch
    _consumer(trace, "heartbeat", group, "m", first, topic_partitions=None)
    _consumer(trace, "a greater epoch", group, "m", first + 1)
    _consumer(trace, "an unknown member", group, "who", first)
    trace.call("describe", "ConsumerGroupDescribe", 1, group_ids=[group])
    second = _consumer(trace, "the second joins", group, "n", 0, **full).member_epoch
    given = _consumer(trace, "the first hears of it", group, "m", first, **owned(0, 1, 2, 3))
    trace.call("describe while one lets go", "ConsumerGroupDescribe", 1, group_ids=[group])
    kept = list(given.assignment.topic_partitions[0].partitions)
    _consumer(trace, "the second waits", group, "n", second)
    _consumer(trace, "the first has let go", group, "m", first, **owned(*kept))
    _consumer(trace, "the second gets the rest", group, "n", second)
    trace.call("describe two", "ConsumerGroupDescribe", 1, group_ids=[group])
    _consumer(trace, "an older epoch that owns what it has", group, "m", first, **owned(*kept))
    _consumer(trace, "an older epoch that owns more", group, "m", first, **owned(0, 1, 2, 3))
    _consumer(trace, "join again", group, "m", 0, **full)

    _consumer_offsets(trace, group, topic, (first, second), kept)
    classic = {"session_timeout_ms": 6000, "rebalance_timeout_ms": 6000, "protocol_type": "consumer"}
    odd = [{"name": "odd", "metadata": b"\0\0"}]
    trace.call("a classic join", "JoinGroup", 7, group_id=group, member_id="", **classic, protocols=odd)
    _sync(trace, "a classic sync", group, "m", 2, {})
    _beat(trace, "a classic heartbeat", group, "x", 2)
    trace.call("described as classic", "DescribeGroups", 5, groups=[group])
    trace.call("delete while it lives", "DeleteGroups", 1, groups_names=[group])
    rows = [{"name": topic, "partitions": [{"partition_index": 0}]}]
    trace.call("delete offsets that are in use", "OffsetDelete", 0, group_id=group, topics=rows)
    _consumer(trace, "leave", group, "m", -1)
    _consumer(trace, "the second has all", group, "n", second)
    _consumer(trace, "the second leaves", group, "n", -1)
    trace.call("describe the empty group", "ConsumerGroupDescribe", 1, group_ids=[group])
    trace.call("delete", "DeleteGroups", 1, groups_names=[group])


def _consumer_offsets(trace: Trace, group: str, topic: str, epochs: tuple[int, int], kept: list[int]) -> None:
    """Commits and look-ups of member "m", which has the partitions ``kept``, at its former and at its present epoch."""
    first, second = epochs

    def commit(step: str, member: str, epoch: int, *, version: int = 9, partition: int = kept[0]) -> None:
        row = {"partition_index": partition, "committed_offset": 3, "committed_metadata": ""}
        who = {"group_id": group, "member_id": member, "generation_id_or_member_epoch": epoch}
        trace.call(step, "OffsetCommit", version, **who, topics=[{"name": topic, "partitions": [row]}])

    commit("commit", "m", second)
    commit("commit with an older epoch", "m", first)
    commit(
        "commit of another's partition with an older epoch",
        "m",
        first,
        partition=next(n for n in range(4) if n not in kept),
    )
    commit("commit with a later epoch", "m", 9)
    commit("commit of nobody", "who", second)
    commit("commit from outside", "", -1)
    commit("commit as a classic member", "m", second, version=8)
    for name, member, epoch in [
        ("", None, -1),
        ("of a member", "m", second),
        ("with an old epoch", "m", first),
        ("of nobody", "who", 2),
    ]:
        asked = [{"name": topic, "partition_indexes": kept[:1]}]
        row = {"group_id": group, "member_id": member, "member_epoch": epoch, "topics": asked}
        trace.call(f"fetch {name}", "OffsetFetch", 9, groups=[row], require_stable=False)


def static_consumers(trace: Trace) -> None:
    """KIP-848 with static members."""
    group, topic = trace.topic("g"), trace.topic("a")
    create(trace, topic, 2)
    _find(trace, group)
    _wait_for_topic(trace, group, topic)
    full = {"rebalance_timeout_ms": 5000, "subscribed_topic_names": [topic], "topic_partitions": []}
    one = {"instance_id": "one"}
    epoch = _consumer(trace, "join", group, "m", 0, **full, **one).member_epoch
    _consumer(trace, "while it is there", group, "n", 0, **full, **one)
    _consumer(trace, "leave for a while", group, "m", -2, **one)
    trace.call("describe", "ConsumerGroupDescribe", 1, group_ids=[group])
    _consumer(trace, "come back", group, "n", 0, **full, **one)
    _consumer(trace, "the old id", group, "m", epoch, **one)
    _consumer(trace, "an unknown instance", group, "n", epoch, instance_id="two")
    _consumer(trace, "leave an unknown instance", group, "n", -1, instance_id="two")
    _consumer(trace, "leave as the old id", group, "m", -1, **one)
    _consumer(trace, "leave", group, "n", -1, **one)
    by_pattern = trace.topic("p")
    joined = {"rebalance_timeout_ms": 5000, "subscribed_topic_regex": f"{trace.name}-[a]", "topic_partitions": []}
    epoch = _consumer(trace, "join by pattern", by_pattern, "p", 0, **joined).member_epoch
    # Apache Kafka resolves patterns in the background: how many epochs that takes is its own affair.
    del trace.answers["join by pattern"]
    owned = [{"topic_id": UUID(int=1), "partitions": []}]
    assigned = trace.call(
        *("pattern resolved", "ConsumerGroupDescribe", 1),
        group_ids=[by_pattern],
        until=lambda answer: (
            bool(answer.groups[0].members[0].assignment.topic_partitions) or not _poke(trace, by_pattern, epoch, owned)
        ),
    )
    del trace.answers["pattern resolved"]
    trace.note(
        "partitions by pattern",
        [list(row.partitions) for row in assigned.groups[0].members[0].assignment.topic_partitions],
    )


def _poke(trace: Trace, group: str, epoch: int, owned: list[dict[str, Any]]) -> bool:
    """Heartbeat with whatever epoch the member has by now; True: look again."""
    described = trace.ask("ConsumerGroupDescribe", 1, group_ids=[group])
    member = described.groups[0].members[0]
    trace.ask(
        *("ConsumerGroupHeartbeat", 1),
        group_id=group,
        member_id=member.member_id,
        member_epoch=member.member_epoch or epoch,
        topic_partitions=owned,
    )
    return True


def changed_protocols(trace: Trace) -> None:
    """A group from the classic protocol to the consumer protocol and back, each while it is empty and while it is not."""
    group, topic = trace.topic("g"), trace.topic("a")
    create(trace, topic, 2)
    _find(trace, group)
    _wait_for_topic(trace, group, topic)
    told = _join(trace, "classic: told its id", group, "")
    joined = _join(trace, "classic: join", group, told.member_id)
    _sync(trace, "classic: sync", group, told.member_id, joined.generation_id, {told.member_id: b"x"})
    row = {"partition_index": 0, "committed_offset": 7, "committed_metadata": ""}
    who = {"generation_id_or_member_epoch": joined.generation_id, "member_id": told.member_id}
    rows = [{"name": topic, "partitions": [row]}]
    trace.call("classic: commit", "OffsetCommit", 8, group_id=group, **who, topics=rows)
    full = {"rebalance_timeout_ms": 5000, "subscribed_topic_names": [topic], "topic_partitions": []}
    _consumer(trace, "consumer: join while it is not empty", group, "m", 0, **full)
    members = [{"member_id": told.member_id}]
    trace.call("classic: leave", "LeaveGroup", 4, group_id=group, members=members)
    epoch = _consumer(trace, "consumer: join while it is empty", group, "m", 0, **full).member_epoch
    trace.call("listed", "ConsumerGroupDescribe", 1, group_ids=[group])
    asked = [{"name": topic, "partition_indexes": [0]}]
    fetched = {"groups": [{"group_id": group, "member_id": "m", "member_epoch": epoch, "topics": asked}]}
    trace.call("consumer: what was committed", "OffsetFetch", 9, **fetched, require_stable=False)
    _join(trace, "classic: join while it is not empty again", group, "")
    _consumer(trace, "consumer: leave", group, "m", -1)
    told = _join(trace, "classic: told its id again", group, "")
    _join(trace, "classic: join again", group, told.member_id)
    fetched = {"groups": [{"group_id": group, "member_id": None, "member_epoch": -1, "topics": asked}]}
    trace.call("classic: what was committed", "OffsetFetch", 9, **fetched, require_stable=False)


def group_configs(trace: Trace) -> None:
    """Settings of a consumer-protocol group: the broker's bounds, and what a heartbeat says of them."""
    group, topic = trace.topic("g"), trace.topic("a")
    create(trace, topic, 2)
    _find(trace, group)
    _wait_for_topic(trace, group, topic)
    session, interval = "consumer.session.timeout.ms", "consumer.heartbeat.interval.ms"

    def alter(step: str, **values: str) -> None:
        rows = [{"name": name, "config_operation": 0, "value": value} for name, value in values.items()]
        resource = {"resource_type": 32, "resource_name": group, "configs": rows}
        trace.call(step, "IncrementalAlterConfigs", 1, resources=[resource], validate_only=False)

    alter("a session below the bound", **{session: "2999"})
    alter("a session above the bound", **{session: "60001"})
    alter("an interval below the bound", **{interval: "199"})
    alter("an interval above the bound", **{interval: "15001"})
    alter("an interval as long as the session", **{session: "4000", interval: "4000"})
    alter("no number", **{session: "soon"})
    alter("an unknown name", **{"consumer.colour": "1"})
    alter("both", **{session: "5000", interval: "700"})
    trace.call(
        *("described", "DescribeConfigs", 2),
        resources=[{"resource_type": 32, "resource_name": group, "configuration_keys": [session, interval]}],
        include_synonyms=True,
        until=lambda answer: "700" in [row.value for row in answer.results[0].configs],
    )
    full = {"rebalance_timeout_ms": 5000, "subscribed_topic_names": [topic], "topic_partitions": []}
    _consumer(trace, "a heartbeat", group, "m", 0, **full)
    _consumer(trace, "a heartbeat of another group", trace.topic("h"), "m", 0, **full)


GROUP_TRACES = (
    classic_groups,
    static_members,
    consumer_groups,
    static_consumers,
    changed_protocols,
    group_configs,
)
