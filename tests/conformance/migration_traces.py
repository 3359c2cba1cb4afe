"""Traces of groups that change their protocol while members are at work (KIP-848)."""

from __future__ import annotations

import struct
from typing import Any

from tests.conformance.batches import create
from tests.conformance.group_traces import _beat, _consumer, _find, _join, _sync, _wait_for_topic
from tests.conformance.trace import Trace


def _rows(topic: str, partitions: tuple[int, ...]) -> bytes:
    if not partitions:
        return struct.pack(">i", 0)
    name = struct.pack(">ih", 1, len(topic)) + topic.encode()
    return name + struct.pack(f">i{len(partitions)}i", len(partitions), *partitions)


def _subscription(topic: str, *owned: int, version: int = 1) -> list[dict[str, Any]]:
    names = struct.pack(">ih", 1, len(topic)) + topic.encode()
    metadata = struct.pack(">h", version) + names + struct.pack(">i", -1)
    if version >= 1:
        metadata += _rows(topic, owned)
    if version >= 2:
        metadata += struct.pack(">i", 1)
    if version >= 3:
        metadata += struct.pack(">h", -1)
    return [{"name": "range", "metadata": metadata}]


def _assignment(topic: str, *partitions: int) -> bytes:
    return struct.pack(">h", 0) + _rows(topic, partitions) + struct.pack(">i", -1)


class _Scene:
    """A topic with four partitions and a group that reads it."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.group, self.topic = trace.topic("g"), trace.topic("a")
        create(trace, self.topic, 4)
        _find(trace, self.group)
        _wait_for_topic(trace, self.group, self.topic)
        found = trace.ask("Metadata", 12, topics=[{"name": self.topic}], allow_auto_topic_creation=False)
        self.topic_id = found.topics[0].topic_id
        self.full = {"rebalance_timeout_ms": 5000, "subscribed_topic_names": [self.topic], "topic_partitions": []}

    def owned(self, *partitions: int) -> dict[str, Any]:
        return {"topic_partitions": [{"topic_id": self.topic_id, "partitions": list(partitions)}]}

    def join(self, step: str, member: str, *owned: int, how: int = 1, **more: Any) -> Any:
        protocols = _subscription(self.topic, *owned, version=how)
        return _join(self.trace, step, self.group, member, protocols=protocols, **more)

    def classic(self, **static: Any) -> tuple[str, int]:
        """A group of one classic member that has all partitions."""
        member = self.join("classic: told its id", "", **static).member_id
        joined = self.join("classic: join", member, **static)
        given = {member: _assignment(self.topic, 0, 1, 2, 3)}
        _sync(self.trace, "classic: sync", self.group, member, joined.generation_id, given, **static)
        return member, joined.generation_id

    def beat(self, step: str, member: str, generation: int, **how: Any) -> None:
        _beat(self.trace, step, self.group, member, generation, **how)

    def sync(self, step: str, member: str, generation: int, **how: Any) -> None:
        _sync(self.trace, step, self.group, member, generation, {}, **how)

    def consumer(self, step: str, member: str, epoch: int, **how: Any) -> Any:
        return _consumer(self.trace, step, self.group, member, epoch, **how)

    def commit(self, step: str, member: str, epoch: int, *, version: int = 8, partition: int = 0) -> None:
        row = {"partition_index": partition, "committed_offset": 3, "committed_metadata": ""}
        who = {"group_id": self.group, "member_id": member, "generation_id_or_member_epoch": epoch}
        rows = [{"name": self.topic, "partitions": [row]}]
        self.trace.call(step, "OffsetCommit", version, **who, topics=rows)

    def fetch(self, step: str, member: str | None, epoch: int) -> None:
        asked = [{"name": self.topic, "partition_indexes": [0]}]
        row = {"group_id": self.group, "member_id": member, "member_epoch": epoch, "topics": asked}
        self.trace.call(step, "OffsetFetch", 9, groups=[row], require_stable=False)

    def describe(self, step: str, *, targets: bool = True) -> None:
        """Both ways; without targets where each assignor may choose which of equal partitions it moves."""
        name = f"{step}, as consumers"
        self.trace.call(name, "ConsumerGroupDescribe", 1, group_ids=[self.group])
        if not targets:
            for row in self.trace.answers[name]["groups"][self.group]["members"].values():
                del row["target_assignment"]
        self.trace.call(f"{step}, as classic", "DescribeGroups", 6, groups=[self.group])

    def leave(self, step: str, *members: str, **static: Any) -> None:
        rows = [{"member_id": member, **static} for member in members]
        self.trace.call(step, "LeaveGroup", 4, group_id=self.group, members=rows)


def upgraded_and_back(trace: Trace) -> None:
    """A classic member that lets go of everything at each rebalance; a consumer-protocol member comes and goes."""
    scene = _Scene(trace)
    member, generation = scene.classic()
    scene.commit("commit before", member, generation)
    bad = {"rebalance_timeout_ms": 5000, "subscribed_topic_regex": "(", "topic_partitions": []}
    scene.consumer("a bad pattern changes nothing", "m", 0, **bad)
    scene.consumer("a heartbeat is no join", "m", 3)
    scene.consumer("leaving is no join", "m", -1)
    scene.describe("before")
    epoch = scene.consumer("the consumer joins", "m", 0, **scene.full).member_epoch
    scene.describe("upgraded")
    scene.commit("commit in the old generation", member, generation)
    scene.fetch("what was committed", None, -1)
    scene.sync("sync in the old generation", member, generation)
    scene.beat("heartbeat in the old generation", member, generation)
    scene.beat("heartbeat in the new generation", member, epoch)
    scene.beat("heartbeat of the other kind", "m", epoch)
    scene.sync("sync of the other kind", "m", epoch)
    scene.consumer("the consumer waits", "m", epoch)
    rejoined = scene.join("join again", member).generation_id
    scene.commit("commit between join and sync", member, rejoined)
    scene.sync("sync", member, rejoined)
    scene.sync("sync once more", member, rejoined)
    scene.sync("sync of an older generation", member, generation)
    who = {"group_id": scene.group, "generation_id": rejoined, "member_id": member, "assignments": []}
    trace.call("sync with another type", "SyncGroup", 5, **who, protocol_type="x", protocol_name="range")
    trace.call("sync with another protocol", "SyncGroup", 5, **who, protocol_type="consumer", protocol_name="odd")
    trace.call("sync without names", "SyncGroup", 3, **who)
    scene.beat("heartbeat", member, rejoined)
    scene.consumer("the consumer gets its share", "m", epoch, **scene.owned())
    scene.describe("mixed")
    for name, partition in [("kept", 0), ("given away", 3)]:
        scene.commit(f"commit of a partition that was {name}", member, rejoined, partition=partition)
    for version in (8, 9):
        scene.commit(f"commit with an old generation, version {version}", member, generation, version=version)
        old = {"version": version, "partition": 3}
        scene.commit(f"commit of what was given away, version {version}", member, generation, **old)
        scene.commit(f"commit with a later generation, version {version}", member, rejoined + 1, version=version)
    scene.commit("commit of the consumer, version 8", "m", epoch)
    scene.commit("commit of the consumer with an older epoch", "m", generation, version=9, partition=3)
    scene.fetch("fetch with an old generation", member, generation)
    scene.fetch("fetch with the generation", member, rejoined)
    trace.call("delete while it lives", "DeleteGroups", 1, groups_names=[scene.group])
    scene.leave("leave in the name of nobody", "nobody")
    scene.consumer("the consumer leaves", "m", -1)
    scene.describe("downgraded")
    scene.beat("heartbeat of the classic group", member, rejoined)
    scene.consumer("the consumer has gone", "m", epoch)
    again = scene.join("join the classic group", member).generation_id
    given = {member: _assignment(scene.topic, 0, 1, 2, 3)}
    _sync(trace, "sync in the classic group", scene.group, member, again, given)
    scene.fetch("what was committed is still there", None, -1)
    scene.describe("classic again")
    scene.consumer("the consumer joins once more", "m", 0, **scene.full)
    scene.leave("an administrator removes the consumer", "m")
    scene.describe("without the consumer")


def upgraded_in_steps(trace: Trace) -> None:
    """A classic member that goes on reading what it keeps, and reports what it owns."""
    scene = _Scene(trace)
    member, _ = scene.classic()
    epoch = scene.consumer("the consumer joins", "m", 0, **scene.full).member_epoch
    first = scene.join("join with everything", member, 0, 1, 2, 3, how=3).generation_id
    scene.sync("sync: less", member, first)
    scene.describe("while it lets go")
    scene.beat("heartbeat: join again", member, first)
    scene.consumer("the consumer waits", "m", epoch)
    second = scene.join("join with the rest", member, 0, 1, how=3).generation_id
    scene.sync("sync: the same", member, second)
    scene.beat("heartbeat", member, second)
    scene.consumer("the consumer gets its share", "m", epoch)
    other = scene.join("another is told its id", "").member_id
    third = scene.join("another joins", other).generation_id
    scene.sync("another syncs", other, third)
    scene.beat("another waits", other, third)
    scene.describe("three", targets=False)
    scene.leave("another leaves", other)
    scene.beat("heartbeat after it left", member, second)
    scene.leave("the last classic one leaves", member)
    scene.describe("no classic one", targets=False)
    scene.consumer("the consumer goes on", "m", epoch, **scene.owned(2, 3))
    scene.consumer("the consumer leaves", "m", -1)
    scene.describe("empty")


def classic_joins_consumers(trace: Trace) -> None:
    """A classic member in a group of the consumer protocol, and everything that is refused on the way."""
    scene = _Scene(trace)
    epoch = scene.consumer("the consumer joins", "m", 0, **scene.full).member_epoch
    group = scene.group
    _join(trace, "another protocol type", group, "", protocol_type="connect")
    _join(trace, "no protocols", group, "", protocols=[])
    scene.join("a short session", "", session_timeout_ms=10)
    scene.join("an unknown instance with an id", "x", group_instance_id="one")
    scene.join("an id that nobody gave", "somebody")
    scene.leave("it leaves", "somebody")
    member = scene.join("told its id", "").member_id
    scene.join("joins", member)
    odd = [{"name": "odd", "metadata": _subscription(scene.topic)[0]["metadata"]}]
    _join(trace, "another without a protocol in common", group, "", protocols=odd)
    described = trace.ask("ConsumerGroupDescribe", 1, group_ids=[group])
    joined = next(row.member_epoch for row in described.groups[0].members if row.member_id == member)
    scene.sync("nothing is free", member, joined)
    scene.beat("it waits", member, joined)
    scene.consumer("the consumer hears of it", "m", epoch, **scene.owned(0, 1, 2, 3))
    scene.beat("it still waits", member, joined)
    scene.consumer("the consumer lets go", "m", epoch, **scene.owned(0, 1))
    scene.beat("something has become free", member, joined)
    scene.join("join for it", member)
    scene.sync("and get it", member, joined)
    scene.beat("all is well", member, joined)
    scene.join("join again without a change", member)
    scene.sync("sync again", member, joined)
    two = [*_subscription(scene.topic), {"name": "roundrobin", "metadata": _subscription(scene.topic)[0]["metadata"]}]
    _join(trace, "with a second protocol", group, member, protocols=two)
    _join(trace, "with another protocol", group, member, protocols=odd)
    scene.describe("both")


def replaced_static_members(trace: Trace) -> None:
    """An instance that comes back with the other protocol, there and back."""
    scene = _Scene(trace)
    one = {"group_instance_id": "one"}
    old, generation = scene.join("join", "", **one).member_id, 1
    _sync(trace, "sync", scene.group, old, 1, {old: _assignment(scene.topic, 0, 1, 2, 3)}, **one)
    epoch = scene.consumer("come back as a consumer", "m", 0, **scene.full, instance_id="one").member_epoch
    scene.describe("a consumer")
    scene.beat("heartbeat of the classic id", old, generation, **one)
    scene.leave("leave as the classic id", old, **one)
    scene.leave("leave as the consumer", "m", **one)
    new = scene.join("come back as a classic member", "", **one)
    scene.describe("a classic member")
    scene.consumer("heartbeat of the consumer", "m", epoch, instance_id="one")
    scene.sync("sync of the classic member", new.member_id, new.generation_id, **one)
    scene.beat("heartbeat of the classic member", new.member_id, new.generation_id, **one)


def upgraded_in_a_rebalance(trace: Trace) -> None:
    """A consumer-protocol member comes while a classic one waits for the others to join."""
    scene = _Scene(trace)
    member, generation = scene.classic()
    other = scene.join("another is told its id", "").member_id
    fields = {"session_timeout_ms": 6000, "rebalance_timeout_ms": 6000, "protocol_type": "consumer"}
    protocols = _subscription(scene.topic)
    held = trace.send("JoinGroup", 7, group_id=scene.group, member_id=other, **fields, protocols=protocols)
    asked = {"group_id": scene.group, "generation_id": generation, "member_id": member}
    trace.call("the first hears of it", "Heartbeat", 4, **asked, until=lambda answer: answer.error_code == 27)
    epoch = scene.consumer("the consumer joins", "m", 0, **scene.full).member_epoch
    held("the held join")
    scene.describe("upgraded", targets=False)
    scene.beat("heartbeat of the first", member, generation)
    second = scene.join("the other joins again", other).generation_id
    scene.sync("the other syncs", other, second)
    first = scene.join("the first joins again", member).generation_id
    scene.sync("the first syncs", member, first)
    trace.note("all in one epoch", (epoch, first, second))


MIGRATION_TRACES = (
    upgraded_and_back,
    upgraded_in_steps,
    classic_joins_consumers,
    replaced_static_members,
    upgraded_in_a_rebalance,
)
