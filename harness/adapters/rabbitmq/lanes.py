"""Which member consumes which lane.

Each lane is a queue with a single active consumer: the first to register gets everything, the next takes over when it goes. A lane belongs
to one member (lane modulo members), which registers there at once; the others stand by behind it. Where the owner does not come in time,
another takes the lane. So the lanes are spread over the members that are there, and none is left alone. Whether a member is there is told
by a queue that only it consumes and nobody sends to.

An owner that comes late, or comes back from a crash, gets its lanes returned where that keeps their order: each lane has a channel of its
own, and closing it puts what was not acknowledged back before the next consumer gets anything. The classic queue of RabbitMQ 3.10 does
so; a quorum queue, and the classic one of 4.0, do not (``Topology.returns_first``), and there a lane stays with whoever has it. A
lane is given back only when the application has settled what it was handed from it.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from harness.adapters.rabbitmq.link import Connection, Link
from harness.adapters.rabbitmq.topology import Topology
from harness.adapters.rabbitmq.unsettled import Unsettled
from harness.model.messages import UNKNOWN

GRACE_S = 1.0  # an owner that comes later gets its lane back
GRACE_FOR_GOOD_S = 5.0  # an owner that comes later does not
LOOK_SOON_S = 0.1  # while a lane is not in place
LOOK_SELDOM_S = 1.0  # afterwards

OnMessage = Callable[["LanePost", Any, Any, bytes], None]


class LanePost:
    """One consumer of one queue. ``lane`` is UNKNOWN where a group has a single queue; ``owner`` is the member it belongs to.

    ``closing`` means that the lane is on its way back to its owner: nothing more is handed out from it.
    """

    __slots__ = ("channel", "closing", "consuming", "lane", "number", "orphan", "owner", "queue", "unsettled")

    def __init__(self, number: int, lane: int, queue: str, owner: int) -> None:
        self.number = number  # of the channel
        self.lane = lane
        self.queue = queue
        self.owner = owner
        self.channel: Any = None
        self.consuming = False
        self.orphan = False  # its owner was missing when last looked for
        self.closing = False
        self.unsettled = Unsettled()

    def acknowledge(self, tags: Iterable[int]) -> list[tuple[int, bool]]:
        return self.unsettled.acknowledge(tags)

    def remove(self, tags: Iterable[int]) -> list[int]:
        return self.unsettled.remove(tags)


class Lanes:
    """The posts of one member. All but the constructor, ``ready`` and ``settled`` runs on the link's thread."""

    def __init__(
        self,
        link: Link,
        changed: threading.Condition,
        topology: Topology,
        group: str,
        member: int,
        on_message: OnMessage,
        withdraw: Callable[[LanePost], None],
        may_leave: Callable[[LanePost], bool] = lambda _post: True,
    ) -> None:
        self._link = link
        self._changed = changed
        self._on_message = on_message
        self._withdraw = withdraw
        self._may_leave = may_leave
        self._connection: Connection = None
        self._watch: Any = None
        self._missing_since: dict[int, float] = {}
        self._gives_back = topology.returns_first
        self._grace_s = GRACE_S if topology.returns_first else GRACE_FOR_GOOD_S
        queues = topology.work_queues(group)
        laned = topology.laned(group)
        members = topology.members(group) if laned else 1
        self._me = member % members
        self._here = {each: topology.here_queue(group, each) for each in range(members)} if members > 1 else {}
        self.posts = [
            LanePost(number + 1, number if laned else UNKNOWN, queue, number % members)
            for number, queue in enumerate(queues)
        ]
        share = topology.needs.prefetch * members // len(queues) if laned else topology.needs.prefetch
        self.prefetch = min(max(1, share), topology.needs.prefetch)

    @property
    def channels(self) -> int:
        """Channel numbers in use, the one for looking included."""
        return len(self.posts) + 1

    def ready(self) -> bool:
        return all(post.consuming and not post.closing for post in self.posts)

    def prepare(self, connection: Connection) -> None:
        self._connection = connection
        for post in self.mine():
            self._open(post)
        if not self.mine():
            self._in_place()

    def _in_place(self) -> None:
        """Registered on every lane of one's own; only now may others learn that this member is there, and register behind it."""
        self._link.opened()
        if self._here and self._watch is None:
            self._watch = ()  # on its way
            self._connection.channel(channel_number=self.channels, on_open_callback=self._start_looking)

    def mine(self) -> list[LanePost]:
        return [post for post in self.posts if post.owner == self._me]

    # -- consuming --------------------------------------------------------------------------------------------------

    def _open(self, post: LanePost) -> None:
        self._connection.channel(channel_number=post.number, on_open_callback=functools.partial(self._consume, post))

    def _consume(self, post: LanePost, channel: Any) -> None:
        post.channel = channel
        channel.add_on_close_callback(functools.partial(self._closed, post))
        channel.add_on_cancel_callback(lambda _frame: self._link.fail(f"queue {post.queue} is gone"))
        channel.basic_qos(prefetch_count=self.prefetch)
        channel.basic_consume(
            post.queue,
            lambda _channel, method, properties, body: self._on_message(post, method, properties, body),
            callback=functools.partial(self._registered, post),
        )

    def _registered(self, post: LanePost, _frame: Any) -> None:
        with self._changed:
            post.consuming = True
        if all(each.consuming for each in self.mine()):
            self._in_place()

    def _closed(self, post: LanePost, _channel: Any, why: BaseException) -> None:
        if not post.closing:
            self._link.fail(f"the channel of {post.queue} was closed: {why}")
            return
        with self._changed:
            post.consuming = post.closing = False
            post.channel = None

    # -- standing by, taking over, giving back ------------------------------------------------------------------------

    def _start_looking(self, channel: Any) -> None:
        self._watch = channel
        channel.add_on_close_callback(lambda _channel, why: self._link.fail(f"the channel was closed: {why}"))
        channel.basic_consume(self._here[self._me], lambda *_anything: None, auto_ack=True)
        self._look()

    def _look(self) -> None:
        """Ask who is there."""
        if self._link.lost:
            return
        for member, queue in self._here.items():
            if member != self._me:
                self._watch.queue_declare(queue, passive=True, callback=functools.partial(self._seen, member))
        self._link.later(LOOK_SELDOM_S if self.ready() else LOOK_SOON_S, self._look)

    def _seen(self, member: int, frame: Any) -> None:
        theirs = [post for post in self.posts if post.owner == member]
        if frame.method.consumer_count:
            self._missing_since.pop(member, None)
            for post in theirs:
                self._stand_behind(post)
            return
        missing_s = time.monotonic() - self._missing_since.setdefault(member, time.monotonic())
        for post in theirs:
            post.orphan = True
            if post.channel is None and missing_s >= self._grace_s:
                self._take(post)

    def _take(self, post: LanePost) -> None:
        post.channel = ()  # on its way; a second look must not open it again
        self._open(post)

    def _stand_behind(self, post: LanePost) -> None:
        """The owner is there: register behind it, or let it have its lane back first."""
        if post.channel is None:
            post.orphan = False
            self._take(post)
        elif post.orphan and post.consuming and self._gives_back:
            post.orphan = False
            with self._changed:
                post.closing = True
                self._withdraw(post)
            self.settled(post)

    def settled(self, post: LanePost) -> None:
        """Give a lane back once nothing that was handed out from it is unsettled. Any thread."""
        with self._changed:
            due = post.closing and not len(post.unsettled) and self._may_leave(post)
        if due:
            self._link.call(functools.partial(self._close, post))

    def _close(self, post: LanePost) -> None:
        if post.closing and post.channel is not None and post.channel.is_open:
            post.channel.close()
