"""Share sessions (KIP-932): which partitions a member fetches, from one request to the next.

A session belongs to a (group, member) and to the connection that opened it. Its epoch goes up with every request, so that
a request that was lost or came twice is noticed. 0 opens a session, in place of an old one; -1 ends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from harness.pylog_broker.protocol.errors import ErrorCode

INITIAL_EPOCH, FINAL_EPOCH = 0, -1
EPOCH_MAX = 2**31 - 1

TopicPartition = tuple[UUID, int]


class SessionKey(NamedTuple):
    """Whose session it is."""

    group_id: str
    member_id: str


class ShareSession:
    """One session; the partitions in the order in which they came."""

    __slots__ = ("connection_id", "epoch", "key", "partitions")

    def __init__(self, key: SessionKey, connection_id: int) -> None:
        self.key = key
        self.connection_id = connection_id
        self.epoch = 1
        """What the next request has to say."""
        self.partitions: dict[TopicPartition, None] = {}

    def advance(self) -> None:
        """Expect the next request."""
        self.epoch = 1 if self.epoch == EPOCH_MAX else self.epoch + 1

    def rotated(self) -> list[TopicPartition]:
        """The partitions, each request beginning with another one."""
        rows = list(self.partitions)
        turn = self.epoch % len(rows) if rows else 0
        return rows[turn:] + rows[:turn]


class ShareSessions:
    """All sessions of the broker, at most `sessions_max`, and at most `partitions_max` in all of them."""

    def __init__(self, sessions_max: int, partitions_max: int) -> None:
        self._sessions_max = sessions_max
        self._partitions_max = partitions_max
        self._partition_count = 0
        self._sessions: dict[SessionKey, ShareSession] = {}
        self._by_connection: dict[int, set[SessionKey]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, key: SessionKey, connection_id: int) -> ShareSession | None:
        """Open a session, in place of the member's old one; None when there are too many."""
        self.close(key)
        if len(self._sessions) >= self._sessions_max:
            return None
        session = self._sessions[key] = ShareSession(key, connection_id)
        self._by_connection.setdefault(connection_id, set()).add(key)
        return session

    def get(self, key: SessionKey) -> ShareSession | None:
        """A member's session, or None."""
        return self._sessions.get(key)

    def find(self, key: SessionKey, epoch: int) -> ShareSession | ErrorCode:
        """The session that a request with this epoch belongs to; the final epoch fits any."""
        session = self._sessions.get(key)
        if session is None:
            return ErrorCode.SHARE_SESSION_NOT_FOUND
        if epoch not in (session.epoch, FINAL_EPOCH):
            return ErrorCode.INVALID_SHARE_SESSION_EPOCH
        return session

    def update(
        self, session: ShareSession, added: Iterable[TopicPartition], forgotten: Iterable[TopicPartition]
    ) -> bool:
        """Change what is fetched; False, and no change, when that would be too much."""
        partitions = {**session.partitions, **dict.fromkeys(added)}
        for row in forgotten:
            partitions.pop(row, None)
        count = self._partition_count + len(partitions) - len(session.partitions)
        if count > self._partitions_max and len(partitions) > len(session.partitions):
            return False
        self._partition_count, session.partitions = count, partitions
        return True

    def close(self, key: SessionKey) -> ShareSession | None:
        """End a session; it is returned if there was one."""
        session = self._sessions.pop(key, None)
        if session is not None:
            self._partition_count -= len(session.partitions)
            keys = self._by_connection[session.connection_id]
            keys.discard(key)
            if not keys:
                del self._by_connection[session.connection_id]
        return session

    def of_connection(self, connection_id: int) -> list[SessionKey]:
        """The sessions that end with a connection."""
        return list(self._by_connection.get(connection_id, ()))

    def of_group(self, group_id: str) -> list[SessionKey]:
        """The sessions of a group's members."""
        return [key for key in self._sessions if key.group_id == group_id]
