"""Reads and writes the places of a group over a channel of the member's own connection. Everything runs on the link's thread.

Reading takes the note out of its queue and puts it back, so for a moment nobody else finds one there: whoever does not looks again.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

from pika import spec

from harness.adapters.rabbitmq.confirms import Confirms
from harness.adapters.rabbitmq.frames import PublishFrames
from harness.adapters.rabbitmq.link import Connection, Link
from harness.adapters.rabbitmq.places import Place

LOOK_AGAIN_S = 0.02

WithPlace = Callable[[Place], None]


class PlaceBook:
    """``written`` is called with the name of a queue once the broker has the note that was written there."""

    def __init__(self, link: Link, channel: int, written: Callable[[str], None]) -> None:
        self._link = link
        self._number = channel
        self._written = written
        self._channel: Any = None
        self._confirms = Confirms()
        self._numbers = itertools.count()
        self._queues: dict[int, str] = {}  # of notes under way
        self._wanted: deque[tuple[str, WithPlace]] = deque()
        self._found: list[tuple[int, Place]] = []

    def prepare(self, connection: Connection) -> None:
        connection.channel(channel_number=self._number, on_open_callback=self._on_channel)

    def _on_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _channel, why: self._link.fail(f"the channel was closed: {why}"))
        channel.add_on_return_callback(lambda *_what: self._link.fail("the queue of a place is gone"))
        channel.add_callback(self._on_empty, [spec.Basic.GetEmpty], one_shot=False)
        channel.confirm_delivery(self._on_confirm)
        if self._wanted:
            self._look()

    # -- reading ----------------------------------------------------------------------------------------------------

    def read(self, queue: str, then: WithPlace) -> None:
        """Call ``then`` with the newest note of a queue, soon."""
        self._wanted.append((queue, then))
        if len(self._wanted) == 1 and self._channel is not None:
            self._look()

    def _look(self) -> None:
        if not self._link.lost and self._wanted:
            self._channel.basic_get(self._wanted[0][0], self._on_note)

    def _on_note(self, _channel: Any, method: Any, _properties: Any, body: bytes) -> None:
        self._found.append((method.delivery_tag, Place.decode(body)))
        self._look()  # after a crash there may be an older one besides

    def _on_empty(self, _frame: Any) -> None:
        if not self._found:
            self._link.later(LOOK_AGAIN_S, self._look)
            return
        newest = max(self._found, key=lambda note: note[1].serial)
        for tag, _ in self._found:
            if tag == newest[0]:
                self._channel.basic_reject(tag, requeue=True)
            else:
                self._channel.basic_ack(tag)
        self._found.clear()
        _, then = self._wanted.popleft()
        then(newest[1])
        self._look()

    # -- writing ----------------------------------------------------------------------------------------------------

    def write(self, queue: str, place: Place) -> None:
        """Replace the note of a queue."""
        number = next(self._numbers)
        self._queues[number] = queue
        tag = self._confirms.publish(number)
        frames = PublishFrames(self._number, "", queue, persistent=True, frame_max=self._link.frame_max)
        self._link.send(frames.message(place.encode(), b"%d" % tag))

    def _on_confirm(self, frame: Any) -> None:
        if isinstance(frame.method, spec.Basic.Nack):
            self._link.fail("the broker refused the note of a place (basic.nack)")
            return
        for number, _ in self._confirms.settle(frame.method.delivery_tag, multiple=frame.method.multiple):
            self._written(self._queues.pop(number))
