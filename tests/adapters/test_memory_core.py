"""The memory broker without sockets: right when no bug is planted, and wrong in the named way when one is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.adapters.memory.bugs import Bug, Planted
from harness.adapters.memory.core import Delivery, Space, SpaceSpec
from harness.model.messages import DEAD_LETTERS, DispositionKind, Outcome, Reason

ACCEPT, RETRY, DEAD = DispositionKind.ACCEPT, DispositionKind.RETRY, DispositionKind.DEAD


def space(bug: Bug = Bug.NONE, every: int = 2, **spec: object) -> Space:
    groups = ("a", "b")
    defaults: dict[str, object] = {
        "prefix": "p",
        "groups": groups,
        "dead_letter": True,
        "expiry": True,
        "priority": True,
    }
    made = Space(SpaceSpec(**{**defaults, **spec, "bug": bug.value, "bug_every": every}))  # type: ignore[arg-type]
    for number, group in enumerate([*groups, DEAD_LETTERS]):
        made.join(group, number + 1)
    return made


def publish(
    made: Space, count: int = 10, key: bytes | None = b"k", priority: int = 0, expires_ns: int = 0
) -> list[Outcome]:
    return [made.publish(b"body %d" % number, key, priority, expires_ns)[0] for number in range(count)]


def read(
    made: Space, group: str = "a", kind: DispositionKind = ACCEPT, now_ns: int = 0, due_ns: int = 0
) -> list[Delivery]:
    member = [*made.spec.groups, DEAD_LETTERS].index(group) + 1
    got = []
    while given := made.fetch(group, member, 1, now_ns):
        got += given
        made.settle(group, member, [delivery.stored.number for delivery in given], kind, due_ns)
        if len(got) > 100:
            break
    return got


def bodies(deliveries: list[Delivery]) -> list[bytes]:
    return [delivery.payload for delivery in deliveries]


ALL = [b"body %d" % number for number in range(10)]


def test_without_a_bug_everything_is_right() -> None:
    made = space(retain=True, laned=True, lanes=2)
    assert publish(made) == [Outcome.OK] * 10
    assert bodies(read(made, "a")) == ALL
    assert bodies(read(made, "b")) == ALL
    made.rewind("a", 1)
    assert bodies(read(made, "a")) == ALL
    assert made.backlog() == {"a": 0, "b": 0, DEAD_LETTERS: 0}


def test_the_highest_class_goes_first() -> None:
    made = space()
    publish(made, 2, priority=0)
    publish(made, 2, priority=2)
    publish(made, 2, priority=1)
    assert [delivery.stored.priority for delivery in read(made)] == [2, 2, 1, 1, 0, 0]


def test_a_leaving_member_gives_back_in_order_and_flagged() -> None:
    made = space()
    publish(made, 4)
    assert len(made.fetch("a", 1, 3, 0)) == 3
    made.leave("a", 1)
    made.join("a", 1)
    again = read(made)
    assert bodies(again) == ALL[:4]
    assert [delivery.redelivered for delivery in again] == [True, True, True, False]
    assert [delivery.delivery_count for delivery in again] == [1, 1, 1, 0]


def test_prefetch_bounds_what_a_member_holds() -> None:
    made = space(prefetch=3)
    publish(made)
    assert len(made.fetch("a", 1, 10, 0)) == 3
    assert made.fetch("a", 1, 10, 0) == []


def test_a_lane_does_not_move_while_its_owner_holds_some_of_it() -> None:
    made = space(laned=True, lanes=1)
    publish(made, 3)
    (held,) = made.fetch("a", 1, 1, 0)
    made.leave("b", 2)
    made.join("a", 7)
    assert made.fetch("a", 7, 5, 0) == []
    assert [d.stored.number for d in made.fetch("a", 1, 1, 0)] == [held.stored.number + 1]


def test_a_retry_waits_counts_and_belongs_to_its_group() -> None:
    made = space()
    publish(made, 1)
    (first,) = made.fetch("a", 1, 1, 0)
    made.settle("a", 1, [first.stored.number], RETRY, 500)
    assert made.due_ns("a") == 500
    assert made.fetch("a", 1, 1, 499) == []
    assert made.backlog()["a"] == 1
    (second,) = made.fetch("a", 1, 1, 500)
    assert second.attempt == 1
    assert read(made, "b")[0].attempt == 0


def test_expired_messages_go_aside() -> None:
    made = space()
    publish(made, 2, expires_ns=100)
    assert read(made, now_ns=100) == []
    dead = read(made, DEAD_LETTERS)
    assert [delivery.stored.reason for delivery in dead] == [Reason.EXPIRED] * 2


def _lost(made: Space) -> bool:
    return publish(made) == [Outcome.OK] * 10 and bodies(read(made)) == ALL[::2]


def _skipped(made: Space) -> bool:
    publish(made)
    return bodies(read(made, "a")) == ALL and bodies(read(made, "b")) == ALL[::2]


def _unjournalled(made: Space) -> bool:
    publish(made)
    return len(made.outbox) == 5 and bodies(read(made)) == ALL


def _denied(made: Space) -> bool:
    return publish(made).count(Outcome.FAIL) == 5 and bodies(read(made)) == ALL


def _doubled(made: Space) -> bool:
    publish(made)
    got = read(made)
    return len(got) == 15 and not any(delivery.redelivered for delivery in got)


def _reordered(made: Space) -> bool:
    publish(made)
    got = bodies(read(made))
    return sorted(got) == sorted(ALL) and got != ALL


def _corrupted(made: Space) -> bool:
    publish(made)
    return len(set(bodies(read(made))) & set(ALL)) == 5


def _invented(made: Space) -> bool:
    publish(made)
    return len([body for body in bodies(read(made)) if body not in ALL]) == 5


def _replayed_less(made: Space) -> bool:
    publish(made)
    read(made)
    made.rewind("a", 1)
    return len(read(made)) == 5


def _ignored(made: Space) -> bool:
    publish(made, 2, priority=0)
    publish(made, 2, priority=2)
    return [delivery.stored.priority for delivery in read(made)] == [0, 0, 2, 2]


def _delivered_late(made: Space) -> bool:
    publish(made, expires_ns=100)
    return len(read(made, now_ns=1000)) == 10


def _expired_early(made: Space) -> bool:
    publish(made, expires_ns=1000)
    return len(read(made, now_ns=0)) == 5


def _dropped(made: Space) -> bool:
    publish(made)
    read(made, kind=DEAD)
    return len(read(made, DEAD_LETTERS)) == 5


def _misnamed(made: Space) -> bool:
    publish(made)
    read(made, kind=DEAD)
    return [d.stored.reason for d in read(made, DEAD_LETTERS)].count(Reason.OTHER) == 5


def _early(made: Space) -> bool:
    publish(made, 2)
    for delivery in made.fetch("a", 1, 2, 0):
        made.settle("a", 1, [delivery.stored.number], RETRY, 10_000)
    return len(made.fetch("a", 1, 2, 1)) == 1


def _forgotten(made: Space) -> bool:
    publish(made, 1)
    (delivery,) = made.fetch("a", 1, 1, 0)
    made.settle("a", 1, [delivery.stored.number], RETRY, 0)
    return made.fetch("a", 1, 1, 1)[0].attempt == 0


def _came_again(made: Space) -> bool:
    publish(made)
    return len(read(made)) > 10


SYMPTOMS: dict[Bug, Callable[[Space], bool]] = {
    Bug.LOSE_ACKNOWLEDGED: _lost,
    Bug.SKIP_GROUP: _skipped,
    Bug.LIE_ABOUT_ACK: _unjournalled,
    Bug.LIE_ABOUT_FAILURE: _denied,
    Bug.DUPLICATE: _doubled,
    Bug.REORDER_WITHIN_KEY: _reordered,
    Bug.CORRUPT: _corrupted,
    Bug.PHANTOM: _invented,
    Bug.REPLAY_DIFFERS: _replayed_less,
    Bug.PRIORITY_IGNORED: _ignored,
    Bug.EXPIRED_DELIVERED: _delivered_late,
    Bug.EXPIRE_EARLY: _expired_early,
    Bug.DROP_DEAD_LETTER: _dropped,
    Bug.WRONG_REASON: _misnamed,
    Bug.RETRY_AT_ONCE: _early,
    Bug.FORGET_ATTEMPTS: _forgotten,
    Bug.FORGET_ACCEPTED: _came_again,
}


@pytest.mark.parametrize("bug", [bug for bug in Bug if bug is not Bug.NONE])
def test_each_bug_shows_its_symptom_and_a_sound_broker_does_not(bug: Bug) -> None:
    symptom = SYMPTOMS[bug]
    assert symptom(space(bug, retain=True))
    assert not symptom(space(retain=True))


def test_a_bug_strikes_every_so_often() -> None:
    planted = Planted(Bug.CORRUPT, 3)
    assert [planted.strikes(Bug.CORRUPT) for _ in range(6)] == [False, False, True, False, False, True]
    assert not planted.strikes(Bug.DUPLICATE)
    with pytest.raises(ValueError, match="at least 1"):
        Planted(Bug.CORRUPT, 0)
