"""The handlers of the group APIs over every version they claim, through the codec, on a real catalog."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from harness.pylog_broker.broker import Broker, Endpoint
from harness.pylog_broker.config import build_config
from harness.pylog_broker.groups.offsets_topic import TOPIC_NAME
from harness.pylog_broker.handlers import ConnectionState, Deferred, Handlers, RequestContext
from harness.pylog_broker.protocol.errors import ErrorCode
from harness.pylog_broker.protocol.generated import (
    delete_groups,
    describe_groups,
    find_coordinator,
    heartbeat,
    join_group,
    leave_group,
    list_groups,
    offset_commit,
    offset_delete,
    offset_fetch,
    sync_group,
)
from harness.pylog_broker.protocol.message import Message
from harness.pylog_broker.storage.catalog import Catalog

APIS = Handlers()


class Office:
    """A broker without sockets; `ask` sends a request through the codec of one version and back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_s = 1_000.0
        self.config = build_config({"group.initial.rebalance.delay.ms": "0"})
        self.open()
        self.topic_id = self.broker.catalog.create_topic("t", 2).topic_id

    def open(self) -> None:
        catalog = Catalog.open(self.folder, clock=self.now_ms)
        self.broker = Broker(
            self.config,
            catalog,
            Endpoint("host.example", 9_999),
            APIS,
            wall_clock_s=lambda: self.now_s,
            monotonic_clock_s=lambda: self.now_s,
        )

    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def pass_time(self, seconds: float) -> None:
        self.now_s += seconds
        self.broker.timers.run_due(self.now_s)

    def send(self, request: Message, version: int, response: type[Message]) -> tuple[Any, type[Message], int]:
        decoded = type(request).decode(bytes(request.encode(version)), version)
        context = RequestContext(
            broker=self.broker,
            version=version,
            client_id="me",
            connection=ConnectionState(connection_id=1, client_host="/127.0.0.1"),
        )
        return APIS[request.API_KEY].handle(context, decoded), response, version

    def receive(self, sent: tuple[Any, type[Message], int]) -> Any:
        reply, response, version = sent
        if isinstance(reply, Deferred):
            assert reply.done, "still held"
            reply = reply.response
        return response.decode(bytes(reply.encode(version)), version)

    def ask(self, request: Message, version: int, response: type[Message]) -> Any:
        return self.receive(self.send(request, version, response))

    def join(self, version: int, member_id: str = "", *, group: str = "g", instance: str | None = None) -> Any:
        request = join_group.JoinGroupRequest(
            group_id=group,
            session_timeout_ms=10_000,
            rebalance_timeout_ms=20_000,
            member_id=member_id,
            group_instance_id=instance if version >= 5 else None,
            protocol_type="consumer",
            protocols=[join_group.JoinGroupRequestProtocol("range", b"\0\0" + b"\0\0\0\1" + b"\0\1t" + b"\0" * 4)],
        )
        return self.send(request, version, join_group.JoinGroupResponse)

    def enter(self, version: int) -> Any:
        reply = self.receive(self.join(version))
        if version >= 4:
            assert reply.error_code == ErrorCode.MEMBER_ID_REQUIRED
            assert reply.member_id.startswith("me-")
            reply = self.receive(self.join(version, reply.member_id))
        return reply

    def form(self) -> tuple[str, int]:
        reply = self.enter(9)
        self.sync(5, reply.member_id, reply.generation_id, b"mine")
        return reply.member_id, reply.generation_id

    def sync(self, version: int, member_id: str, generation: int, share: bytes) -> Any:
        request = sync_group.SyncGroupRequest(
            group_id="g",
            generation_id=generation,
            member_id=member_id,
            protocol_type="consumer" if version >= 5 else None,
            protocol_name="range" if version >= 5 else None,
            assignments=[sync_group.SyncGroupRequestAssignment(member_id, share)],
        )
        return self.ask(request, version, sync_group.SyncGroupResponse)

    def commit(self, version: int, offset: int, member_id: str = "", generation: int = -1, **how: Any) -> Any:
        topic_id = how.get("topic_id", self.topic_id) if version >= 10 else UUID(int=0)
        rows = [
            offset_commit.OffsetCommitRequestPartition(index, offset, 3 if version >= 6 else -1, "note")
            for index in (1, 7)
        ]
        request = offset_commit.OffsetCommitRequest(
            group_id=how.get("group", "g"),
            generation_id_or_member_epoch=generation,
            member_id=member_id,
            topics=[offset_commit.OffsetCommitRequestTopic("t" if version < 10 else "", topic_id, rows)],
        )
        response = self.ask(request, version, offset_commit.OffsetCommitResponse)
        (topic,) = response.topics
        return {row.partition_index: ErrorCode(row.error_code) for row in topic.partitions}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "data")
    yield office
    office.broker.close()


@pytest.mark.parametrize("version", range(7))
def test_find_coordinator(office: Office, version: int) -> None:
    request = find_coordinator.FindCoordinatorRequest(key="g", coordinator_keys=["g", "h"] if version >= 4 else ())
    response = office.ask(request, version, find_coordinator.FindCoordinatorResponse)
    rows = response.coordinators if version >= 4 else [response]
    assert [(row.node_id, row.host, row.port, row.error_code) for row in rows] == (
        [(1, "host.example", 9_999, 0)] * (2 if version >= 4 else 1)
    )
    if version >= 1:
        request.key_type = 7
        response = office.ask(request, version, find_coordinator.FindCoordinatorResponse)
        row = response.coordinators[0] if version >= 4 else response
        assert row.error_code == ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("version", range(10))
def test_join_and_sync(office: Office, version: int) -> None:
    reply = office.enter(version)
    assert (reply.error_code, reply.generation_id, reply.protocol_name) == (0, 1, "range")
    assert reply.leader == reply.member_id == reply.members[0].member_id
    assert reply.protocol_type == ("consumer" if version >= 7 else None)
    synced = office.sync(min(version, 5), reply.member_id, 1, b"mine")
    assert (synced.error_code, synced.assignment) == (0, b"mine")
    refused = office.receive(office.join(version, "ghost"))
    assert refused.error_code == ErrorCode.UNKNOWN_MEMBER_ID
    assert refused.protocol_name == (None if version >= 7 else "")


@pytest.mark.parametrize("version", range(10))
def test_a_join_is_held_and_answered_in_its_own_version(office: Office, version: int) -> None:
    member_id, _ = office.form()
    first = office.receive(office.join(version)) if version >= 4 else None
    held = office.join(version, first.member_id if first is not None else "")
    assert not held[0].done
    office.receive(office.join(9, member_id))
    reply = office.receive(held)
    assert (reply.error_code, reply.generation_id, reply.leader) == (0, 2, member_id)


def test_a_held_join_ends_with_the_timer(office: Office) -> None:
    office.form()
    held = office.join(3)
    office.pass_time(10.1)
    assert office.receive(held).generation_id == 2


def test_a_broker_that_stood_still_hears_its_members_before_it_gives_them_up(office: Office) -> None:
    member_id, generation = office.form()
    office.pass_time(60)
    request = heartbeat.HeartbeatRequest("g", generation, member_id)
    assert office.ask(request, 4, heartbeat.HeartbeatResponse).error_code == 0
    office.pass_time(1)
    assert office.broker.groups.coordinator.describe("g").state == "Stable"
    office.pass_time(60)
    office.commit(8, 1, group="other")
    office.pass_time(0.9)
    assert office.broker.groups.coordinator.describe("g").state == "Stable"
    office.pass_time(0.2)
    assert office.broker.groups.coordinator.describe("g").state == "Empty"


def test_a_held_join_whose_connection_went_away_is_let_go(office: Office) -> None:
    member_id, _ = office.form()
    held = office.join(3)
    held[0].cancel()
    assert office.receive(office.join(9, member_id)).generation_id == 2
    assert not held[0].done


@pytest.mark.parametrize("version", range(5))
def test_heartbeat(office: Office, version: int) -> None:
    member_id, generation = office.form()
    for asked, error in ((generation, ErrorCode.NONE), (generation + 1, ErrorCode.ILLEGAL_GENERATION)):
        request = heartbeat.HeartbeatRequest("g", asked, member_id)
        assert office.ask(request, version, heartbeat.HeartbeatResponse).error_code == error


@pytest.mark.parametrize("version", range(6))
def test_leave_group(office: Office, version: int) -> None:
    member_id, _ = office.form()
    identities = [leave_group.LeaveGroupRequestMember(each) for each in (member_id, "ghost")]
    request = leave_group.LeaveGroupRequest("g", member_id, identities if version >= 3 else ())
    response = office.ask(request, version, leave_group.LeaveGroupResponse)
    assert response.error_code == 0
    if version >= 3:
        assert [(row.member_id, row.error_code) for row in response.members] == [(member_id, 0), ("ghost", 25)]
    assert office.broker.groups.coordinator.describe("g").state == "Empty"


@pytest.mark.parametrize("version", range(2, 11))
def test_offset_commit(office: Office, version: int) -> None:
    member_id, generation = office.form()
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert office.commit(version, 5, member_id, generation) == {1: ErrorCode.NONE, 7: unknown}
    assert office.commit(version, 6, member_id, 9) == {1: ErrorCode.ILLEGAL_GENERATION, 7: unknown}
    if version >= 10:
        gone = ErrorCode.UNKNOWN_TOPIC_ID
        assert office.commit(version, 6, member_id, generation, topic_id=UUID(int=9)) == {1: gone, 7: gone}
    found = office.broker.groups.coordinator.committed("g")["t"][1]
    assert (found.offset, found.metadata, found.leader_epoch) == (5, "note", 3 if version >= 6 else -1)


@pytest.mark.parametrize("version", range(1, 11))
@pytest.mark.parametrize("asked", ["some", "all"])
def test_offset_fetch(office: Office, version: int, asked: str) -> None:
    office.commit(8, 5)
    office.commit(8, 6, group="h")
    name = "t" if version < 10 else ""
    topic_id = office.topic_id if version >= 10 else UUID(int=0)
    everything = asked == "all" and version >= 2
    if version < 8:
        topics = None if everything else [offset_fetch.OffsetFetchRequestTopic("t", [0, 1])]
        request = offset_fetch.OffsetFetchRequest(group_id="g", topics=topics)
        response = office.ask(request, version, offset_fetch.OffsetFetchResponse)
        groups = [("g", response.topics, response.error_code)]
    else:
        topics = None if everything else [offset_fetch.OffsetFetchRequestGroupTopic(name, topic_id, [0, 1])]
        rows = [offset_fetch.OffsetFetchRequestGroup(group, topics=topics) for group in ("g", "h", "none")]
        request = offset_fetch.OffsetFetchRequest(groups=rows)
        response = office.ask(request, version, offset_fetch.OffsetFetchResponse)
        groups = [(row.group_id, row.topics, row.error_code) for row in response.groups]
    expected = {"g": (5, 3, "note"), "h": (6, 3, "note"), "none": (-1, -1, "")}
    for group, found, error in groups:
        assert error == 0
        if everything and group == "none":
            assert found == []
            continue
        (topic,) = found
        assert (topic.topic_id == topic_id) if version >= 10 else (topic.name == "t")
        offset, epoch, note = expected[group]
        told = {
            row.partition_index: (row.committed_offset, row.committed_leader_epoch, row.metadata, row.error_code)
            for row in topic.partitions
        }
        assert told.pop(1) == (offset, epoch if version >= 5 else -1, note, 0)
        assert told == ({} if everything else {0: (-1, -1, "", 0)})


def test_offset_fetch_of_an_unknown_topic_id(office: Office) -> None:
    topics = [offset_fetch.OffsetFetchRequestGroupTopic("", UUID(int=5), [0])]
    request = offset_fetch.OffsetFetchRequest(groups=[offset_fetch.OffsetFetchRequestGroup("g", topics=topics)])
    response = office.ask(request, 10, offset_fetch.OffsetFetchResponse)
    assert response.groups[0].topics[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_ID


@pytest.mark.parametrize("version", range(7))
def test_describe_groups(office: Office, version: int) -> None:
    member_id, _ = office.form()
    request = describe_groups.DescribeGroupsRequest(["g", "none"], version >= 3)
    response = office.ask(request, version, describe_groups.DescribeGroupsResponse)
    known, unknown = response.groups
    assert (known.group_state, known.protocol_type, known.protocol_data) == ("Stable", "consumer", "range")
    (row,) = known.members
    assert (row.member_id, row.client_id, row.client_host) == (member_id, "me", "/127.0.0.1")
    assert row.member_assignment == b"mine"
    assert row.member_metadata.endswith(b"t\0\0\0\0")
    assert unknown.group_state == "Dead"
    assert unknown.error_code == (ErrorCode.GROUP_ID_NOT_FOUND if version >= 6 else 0)


@pytest.mark.parametrize("version", range(6))
def test_list_groups(office: Office, version: int) -> None:
    office.form()
    office.commit(8, 1, group="simple")

    def listed(states: list[str], types: list[str]) -> set[tuple[str, str]]:
        request = list_groups.ListGroupsRequest(states if version >= 4 else (), types if version >= 5 else ())
        response = office.ask(request, version, list_groups.ListGroupsResponse)
        return {(row.group_id, row.protocol_type) for row in response.groups}

    both = {("g", "consumer"), ("simple", "")}
    assert listed([], []) == both
    assert listed(["stable"], []) == ({("g", "consumer")} if version >= 4 else both)
    assert listed([], ["Classic"]) == both
    assert listed([], ["consumer"]) == (set() if version >= 5 else both)


@pytest.mark.parametrize("version", range(3))
def test_delete_groups(office: Office, version: int) -> None:
    office.form()
    office.commit(8, 1, group="simple")
    request = delete_groups.DeleteGroupsRequest(["g", "simple", "none"])
    response = office.ask(request, version, delete_groups.DeleteGroupsResponse)
    assert {row.group_id: row.error_code for row in response.results} == {
        "g": ErrorCode.NON_EMPTY_GROUP,
        "simple": ErrorCode.NONE,
        "none": ErrorCode.GROUP_ID_NOT_FOUND,
    }


def test_offset_delete(office: Office) -> None:
    office.commit(8, 1)
    rows = [offset_delete.OffsetDeleteRequestPartition(index) for index in (1, 7)]
    request = offset_delete.OffsetDeleteRequest("g", [offset_delete.OffsetDeleteRequestTopic("t", rows)])
    response = office.ask(request, 0, offset_delete.OffsetDeleteResponse)
    assert [row.error_code for row in response.topics[0].partitions] == [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    assert office.broker.groups.coordinator.committed("g") == {}
    request.group_id = "none"
    response = office.ask(request, 0, offset_delete.OffsetDeleteResponse)
    assert response.error_code == ErrorCode.GROUP_ID_NOT_FOUND


def test_everything_is_found_again_after_a_restart(office: Office) -> None:
    member_id, generation = office.form()
    office.commit(8, 42, member_id, generation)
    office.broker.close()
    office.open()
    request = heartbeat.HeartbeatRequest("g", generation, member_id)
    assert office.ask(request, 4, heartbeat.HeartbeatResponse).error_code == 0
    assert office.broker.groups.coordinator.committed("g")["t"][1].offset == 42
    assert office.broker.catalog.topics[TOPIC_NAME].internal


def test_the_offsets_topic_is_kept_small(office: Office) -> None:
    member_id, generation = office.form()
    note = "x" * 4_000
    topics = [
        offset_commit.OffsetCommitRequestTopic(
            "t", UUID(int=0), [offset_commit.OffsetCommitRequestPartition(1, 0, -1, note)]
        )
    ]
    request = offset_commit.OffsetCommitRequest("g", generation, member_id, None, -1, topics)
    for offset in range(4_000):
        topics[0].partitions[0].committed_offset = offset
        office.ask(request, 8, offset_commit.OffsetCommitResponse)
        office.pass_time(0.002)
    size = sum(log.size_bytes for log in office.broker.catalog.topics[TOPIC_NAME].partitions)
    assert size < 2 << 20, "sixteen megabytes of commits were written"
    office.broker.close()
    office.open()
    assert office.broker.groups.coordinator.committed("g")["t"][1].offset == 3_999
    request = heartbeat.HeartbeatRequest("g", generation, member_id)
    assert office.ask(request, 4, heartbeat.HeartbeatResponse).error_code == 0
