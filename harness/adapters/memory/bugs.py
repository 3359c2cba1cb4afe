"""Bugs that a test plants in the memory broker, one at a time: each must be found by a checker, end to end."""

from __future__ import annotations

from enum import StrEnum


class Bug(StrEnum):
    """What goes wrong; every ``every``-th occasion."""

    NONE = "none"
    LOSE_ACKNOWLEDGED = "lose_acknowledged"  # acknowledged, then dropped for every group
    SKIP_GROUP = "skip_group"  # acknowledged, and not given to the last group
    LIE_ABOUT_ACK = "lie_about_ack"  # acknowledged at D1 and not journalled: gone after kill -9
    LIE_ABOUT_FAILURE = "lie_about_failure"  # says FAIL, and delivers it
    DUPLICATE = "duplicate"  # handed out twice, the second time unflagged
    REORDER_WITHIN_KEY = "reorder_within_key"  # two waiting neighbours of one key change places (needs a backlog)
    CORRUPT = "corrupt"  # one bit of the body is flipped
    PHANTOM = "phantom"  # a delivery that nobody published
    REPLAY_DIFFERS = "replay_differs"  # the second reading leaves some out
    PRIORITY_IGNORED = "priority_ignored"  # first in, first out
    EXPIRED_DELIVERED = "expired_delivered"  # the time to live is not looked at
    EXPIRE_EARLY = "expire_early"  # a message with a time to live expires at once
    DROP_DEAD_LETTER = "drop_dead_letter"  # given up on, and not kept aside
    WRONG_REASON = "wrong_reason"  # dead-lettered with the reason OTHER
    RETRY_AT_ONCE = "retry_at_once"  # the delay of a retry is not kept
    FORGET_ATTEMPTS = "forget_attempts"  # a retry arrives as if it were the first attempt
    FORGET_ACCEPTED = "forget_accepted"  # an accepted message is handed out again


class Planted:
    """Decides on which occasions the bug strikes. Deterministic: the ``every``-th, twice ``every``-th, ..."""

    def __init__(self, bug: Bug = Bug.NONE, every: int = 1) -> None:
        if every < 1:
            raise ValueError("every must be at least 1")
        self.bug = bug
        self.every = every
        self._occasions = 0

    def strikes(self, bug: Bug) -> bool:
        """One occasion for ``bug``; True when it goes wrong this time."""
        if bug is not self.bug:
            return False
        self._occasions += 1
        return self._occasions % self.every == 0
