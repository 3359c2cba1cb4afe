"""Which member consumes which lane.

Each lane is a queue with a single active consumer: the first to register gets everything, the next takes over when it goes. A member
registers at once where it belongs (lane modulo members). Elsewhere it stands by: it registers behind the consumer that is there, or,
when nobody has come for ``GRACE_S``, takes the lane until someone else is needed. So the lanes are spread when all members are there, and
none is left alone when one is not. Each lane has a channel of its own, so that giving it up returns its messages before the next consumer
gets any: their order holds.
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

GRACE_S = 1.0  # members start within about that time of each other
LOOK_EVERY_S = 0.1

OnMessage = Callable[["LanePost", Any, Any, bytes], None]


class LanePost:
    """One consumer of one queue. ``lane`` is UNKNOWN where a group has a single queue."""

    __slots__ = ("channel", "consuming", "lane", "mine", "queue", "unsettled")

    def __init__(self, channel: int, lane: int, queue: str, *, mine: bool) -> None:
        self.channel = channel
        self.lane = lane
        self.queue = queue
        self.mine = mine
        self.consuming = False
        self.unsettled = Unsettled()

    def acknowledge(self, tags: Iterable[int]) -> list[tuple[int, bool]]:
        return self.unsettled.acknowledge(tags)

    def remove(self, tags: Iterable[int]) -> list[int]:
        return self.unsettled.remove(tags)


class Lanes:
    """The posts of one member. All but the constructor and ``ready`` runs on the link's thread."""

    def __init__(
        self,
        link: Link,
        changed: threading.Condition,
        topology: Topology,
        group: str,
        member: int,
        on_message: OnMessage,
    ) -> None:
        self._link = link
        self._changed = changed
        self._on_message = on_message
        self._connection: Connection = None
        self._watch: Any = None
        self._since = 0.0
        queues = topology.work_queues(group)
        laned = len(queues) > 1 or topology.lanes > 0
        members = topology.members(group)
        self.posts = [
            LanePost(
                number + 1,
                number if laned and queue != topology.dead_queue else UNKNOWN,
                queue,
                mine=number % members == member % members or not laned,
            )
            for number, queue in enumerate(queues)
        ]
        self._prefetch = max(1, topology.needs.prefetch * members // len(queues)) if laned else topology.needs.prefetch
        self._prefetch = min(self._prefetch, topology.needs.prefetch)

    @property
    def channels(self) -> int:
        """Channels in use, the one for looking included."""
        return len(self.posts) + 1

    def ready(self) -> bool:
        return all(post.consuming for post in self.posts)

    def prepare(self, connection: Connection) -> None:
        self._connection = connection
        self._since = time.monotonic()
        mine = [post for post in self.posts if post.mine]
        for post in mine:
            self._consume(post)
        if not mine:
            self._link.opened()
        if len(mine) < len(self.posts):
            connection.channel(channel_number=self.channels, on_open_callback=self._start_looking)

    # -- standing by ------------------------------------------------------------------------------------------------

    def _start_looking(self, channel: Any) -> None:
        self._watch = channel
        channel.add_on_close_callback(lambda _channel, why: self._link.fail(f"the channel was closed: {why}"))
        self._look()

    def _look(self) -> None:
        """Ask who consumes the lanes that are not ours, and register behind them."""
        waiting = [post for post in self.posts if not post.mine and not post.consuming]
        if not waiting or self._link.lost:
            return
        for post in waiting:
            self._watch.queue_declare(post.queue, passive=True, callback=functools.partial(self._seen, post))
        self._link.later(LOOK_EVERY_S, self._look)

    def _seen(self, post: LanePost, frame: Any) -> None:
        waited_s = time.monotonic() - self._since
        if not post.consuming and (frame.method.consumer_count > 0 or waited_s >= GRACE_S):
            post.consuming = True  # decided; said again when the broker has registered it
            self._consume(post)

    # -- consuming --------------------------------------------------------------------------------------------------

    def _consume(self, post: LanePost) -> None:
        self._connection.channel(
            channel_number=post.channel, on_open_callback=functools.partial(self._on_channel, post)
        )

    def _on_channel(self, post: LanePost, channel: Any) -> None:
        channel.add_on_close_callback(lambda _channel, why: self._link.fail(f"the channel was closed: {why}"))
        channel.add_on_cancel_callback(lambda _frame: self._link.fail(f"queue {post.queue} is gone"))
        channel.basic_qos(prefetch_count=self._prefetch)
        channel.basic_consume(
            post.queue,
            lambda _channel, method, properties, body: self._on_message(post, method, properties, body),
            callback=functools.partial(self._registered, post),
        )

    def _registered(self, post: LanePost, _frame: Any) -> None:
        with self._changed:
            post.consuming = True
        if all(each.consuming for each in self.posts if each.mine):
            self._link.opened()
