"""Share groups (KIP-932) as their members see them, and who fetches what."""

from __future__ import annotations

import math
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.pylog_broker.groups.assignors import Partitions, Subscriber
from harness.pylog_broker.groups.coordinator import GroupCoordinator
from harness.pylog_broker.groups.messages import Instant
from harness.pylog_broker.groups.settings import GroupSettings, duration_ms
from harness.pylog_broker.groups.share_assignor import assign_shared
from harness.pylog_broker.groups.share_messages import ShareHeartbeat, ShareReply
from harness.pylog_broker.groups.topic_image import TopicFacts
from harness.pylog_broker.protocol.errors import ErrorCode
from tests.pylog_broker.groups.desk import ListJournal

T, U = UUID(int=1), UUID(int=2)


class Topics:
    """An image that tests change."""

    def __init__(self) -> None:
        self.version = 1
        self.topics = {"t": TopicFacts(T, 2), "u": TopicFacts(U, 1)}
        self.config: dict[str, str] = {}

    def put(self, name: str, facts: TopicFacts | None) -> None:
        self.version += 1
        if facts is None:
            del self.topics[name]
        else:
            self.topics[name] = facts

    def names(self) -> list[str]:
        return list(self.topics)

    def find(self, name: str) -> TopicFacts | None:
        return self.topics.get(name)

    def name_of(self, topic_id: UUID) -> str | None:
        return next((name for name, facts in self.topics.items() if facts.topic_id == topic_id), None)

    def group_config(self, _group_id: str) -> dict[str, str]:
        return self.config


class ShareDesk:
    """A coordinator with a clock set by hand and a journal in a list."""

    def __init__(self, **how: int) -> None:
        self.settings = GroupSettings(**how)
        self.journal, self.topics = ListJournal(), Topics()
        self.now = Instant(1_000.0, 1_700_000_000_000)
        self.coordinator = GroupCoordinator(self.settings, self.journal, self.now, self.topics)

    def beat(self, member: str, epoch: int, *names: str, group: str = "g") -> ShareReply:
        request = ShareHeartbeat(member, epoch, None, names or None, "client", "/host")
        return self.coordinator.share_heartbeat(group, request, self.now)

    def pass_time(self, seconds: float) -> None:
        self.now = Instant(self.now.monotonic_s + seconds, self.now.wall_ms + int(seconds * 1000))
        self.coordinator.tick(self.now)

    def restart(self) -> None:
        self.coordinator = GroupCoordinator(self.settings, self.journal, self.now, self.topics)
        self.coordinator.restore(self.journal.replay(), ["t", "u"], self.now)

    def epochs(self) -> dict[str, int]:
        group = self.coordinator.share_group("g")
        assert group is not None
        return {member.member_id: member.epoch for member in group.described().members}


def rows(*numbers: int, topic: UUID = T) -> Partitions:
    return frozenset((topic, number) for number in numbers)


def test_members_come_share_and_go() -> None:
    desk = ShareDesk()
    first = desk.beat("m1", 0, "t")
    assert (first.error, first.epoch, first.assignment) == (ErrorCode.NONE, 2, rows(0, 1))
    assert first.heartbeat_interval_ms == 5_000
    assert desk.beat("m1", 2).assignment is None
    second = desk.beat("m2", 0, "t")
    assert len(second.assignment or ()) == 1
    moved = desk.beat("m1", 2)
    assert (moved.epoch, (moved.assignment or rows()) | (second.assignment or rows())) == (3, rows(0, 1))
    third = desk.beat("m3", 0, "t")
    assert len(third.assignment or ()) == 1
    assert desk.beat("m2", -1).epoch == -1
    assert desk.beat("m3", -1).epoch == -1
    assert desk.beat("m1", 3).assignment == rows(0, 1)


def test_who_is_refused() -> None:
    desk = ShareDesk(share_members_max=2)
    assert desk.beat("m1", 1, "t").error is ErrorCode.GROUP_ID_NOT_FOUND
    assert desk.coordinator.find("g") is None
    desk.beat("m1", 0, "t")
    assert desk.beat("m1", 3).error is ErrorCode.FENCED_MEMBER_EPOCH
    assert desk.beat("m9", 2).error is ErrorCode.UNKNOWN_MEMBER_ID
    assert desk.beat("m9", -1).error is ErrorCode.UNKNOWN_MEMBER_ID
    desk.beat("m2", 0, "t")
    assert desk.beat("m1", 2).epoch == 3
    assert desk.beat("m1", 2).error is ErrorCode.NONE  # the answer that brought epoch 3 may have been lost
    desk.beat("m2", -1)
    desk.beat("m1", 3)
    assert desk.beat("m1", 2).error is ErrorCode.FENCED_MEMBER_EPOCH
    desk.beat("m2", 0, "t")
    assert desk.beat("m3", 0, "t").error is ErrorCode.GROUP_MAX_SIZE_REACHED


def test_a_silent_member_is_out_after_its_session_and_the_group_stays() -> None:
    desk = ShareDesk()
    desk.beat("m1", 0, "t")
    desk.pass_time(40)
    desk.beat("m2", 0, "t")
    desk.pass_time(6)
    assert desk.epochs().keys() == {"m2"}
    desk.pass_time(46)
    assert desk.epochs() == {}
    desk.pass_time(700)  # past a sweep
    group = desk.coordinator.share_group("g")
    assert group is not None
    assert (group.state.value, group.is_empty) == ("Empty", True)


def test_settings_of_the_group_count() -> None:
    desk = ShareDesk(share_session_timeout_ms_min=1_000, share_heartbeat_interval_ms_min=100)
    desk.topics.config = {"share.session.timeout.ms": "2000", "share.heartbeat.interval.ms": "500"}
    assert desk.beat("m1", 0, "t").heartbeat_interval_ms == 500
    desk.pass_time(2.1)
    assert desk.epochs() == {}


def test_topics_come_grow_and_go() -> None:
    desk = ShareDesk()
    assert desk.beat("m1", 0, "t", "later").assignment == rows(0, 1)
    desk.topics.put("later", TopicFacts(UUID(int=9), 1))
    reply = desk.beat("m1", 2)
    assert (reply.epoch, reply.assignment) == (3, rows(0, 1) | rows(0, topic=UUID(int=9)))
    desk.topics.put("t", TopicFacts(T, 3))
    assert desk.beat("m1", 3).assignment == rows(0, 1, 2) | rows(0, topic=UUID(int=9))
    desk.topics.put("t", None)
    assert desk.beat("m1", 4).assignment == rows(0, topic=UUID(int=9))
    assert desk.beat("m1", 5, "u").assignment == rows(0, topic=U)


def test_a_restart_changes_nothing() -> None:
    desk = ShareDesk()
    desk.beat("m1", 0, "t")
    desk.beat("m2", 0, "t", "u")
    desk.beat("m1", 2)
    desk.beat("m3", 0, "u")
    desk.beat("m3", -1)
    group = desk.coordinator.share_group("g")
    assert group is not None
    before = group.described()
    desk.restart()
    group = desk.coordinator.share_group("g")
    assert group is not None
    assert group.described() == before
    assert desk.beat("m1", 3).error is ErrorCode.NONE


def test_a_deleted_group_is_gone_for_good() -> None:
    desk = ShareDesk()
    desk.beat("m1", 0, "t")
    assert desk.coordinator.delete("g", desk.now) is ErrorCode.NON_EMPTY_GROUP
    desk.beat("m1", -1)
    assert desk.coordinator.delete("g", desk.now) is ErrorCode.NONE
    desk.restart()
    assert desk.coordinator.find("g") is None


def test_an_epoch_that_cannot_be_stored_is_not_promised() -> None:
    desk = ShareDesk()
    desk.journal.failing = True
    assert desk.beat("m1", 0, "t").error is ErrorCode.COORDINATOR_NOT_AVAILABLE
    desk.journal.failing = False
    assert desk.beat("m1", 0, "t").error is ErrorCode.NONE
    desk.restart()
    assert desk.epochs() == {"m1": 2}


@given(
    members=st.integers(1, 12),
    counts=st.dictionaries(st.sampled_from([T, U]), st.integers(1, 8), min_size=1),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_nobody_is_idle_and_shares_are_even(members: int, counts: dict[UUID, int], data: st.DataObject) -> None:
    everything = [(topic, number) for topic, count in counts.items() for number in range(count)]
    before = [
        frozenset(data.draw(st.lists(st.sampled_from(everything), max_size=6))) if data.draw(st.booleans()) else rows()
        for _ in range(members)
    ]
    subscribers = [Subscriber(f"m{number}", None, frozenset(counts), current) for number, current in enumerate(before)]
    shares = assign_shared(subscribers, counts)
    sharing = math.ceil(members / len(everything))
    sizes = [len(share) for share in shares.values()]
    assert all(sum(row in share for share in shares.values()) <= sharing for row in everything)
    assert all(any(row in share for share in shares.values()) for row in everything)
    assert min(sizes) >= 1
    for _ in range(3):  # whoever has a partition keeps it, and a place that was left empty is filled
        before_that = shares
        shares = assign_shared([each._replace(current=shares[each.member_id]) for each in subscribers], counts)
        assert all(before_that[name] <= share for name, share in shares.items())
    assert shares == before_that


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_members_of_different_topics_get_what_they_read(data: st.DataObject) -> None:
    counts = {T: 3, U: 2}
    topics = st.sets(st.sampled_from([T, U]), min_size=1)
    subscribers = [
        Subscriber(f"m{number}", None, frozenset(data.draw(topics))) for number in range(data.draw(st.integers(1, 6)))
    ]
    shares = assign_shared(subscribers, counts)
    for each in subscribers:
        assert {topic for topic, _ in shares[each.member_id]} <= each.topics
    for topic, count in counts.items():
        if any(topic in each.topics for each in subscribers):
            assert all(any((topic, number) in share for share in shares.values()) for number in range(count))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("by_duration:PT1H", 3_600_000),
        ("by_duration:P2DT3H4M5.5S", 183_845_500),
        ("by_duration:P1D", 86_400_000),
        ("by_duration:PT", None),
        ("by_duration:P", None),
        ("by_duration:-PT1H", None),
        ("by_duration:1h", None),
        ("latest", None),
    ],
)
def test_durations(text: str, expected: int | None) -> None:
    assert duration_ms(text) == expected
