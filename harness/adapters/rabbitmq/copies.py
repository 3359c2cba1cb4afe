"""Copies that a consumer publishes: onto a rung of the retry ladder, or to the dead letters with a reason.

A copy is confirmed by the broker before the original is acknowledged, so a crash in between makes a duplicate and never a loss.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from pika import spec

from harness.adapters.emulation.notes import Notes
from harness.adapters.rabbitmq.confirms import Confirms
from harness.adapters.rabbitmq.frames import PublishFrames, encode_headers
from harness.adapters.rabbitmq.headers import values_of
from harness.adapters.rabbitmq.link import Connection, Link

CONFIRM_TIMEOUT_S = 10.0


class CopyPublisher:
    """A confirming channel of a consumer's own connection. ``changed`` is the consumer's lock."""

    def __init__(self, link: Link, channel: int, changed: threading.Condition, *, persistent: bool) -> None:
        self._link = link
        self._number = channel
        self._changed = changed
        self._persistent = persistent
        self._confirms = Confirms()
        self._failed: dict[int, str] = {}

    def prepare(self, connection: Connection) -> None:
        """Open the channel. On the link's thread."""
        connection.channel(channel_number=self._number, on_open_callback=self._on_channel)

    def publish(self, queue: str, copies: Sequence[tuple[bytes, Notes, int]]) -> list[str]:
        """Publish (payload, notes, priority) each to one queue and wait until the broker has them all.

        Returns a reason for each that it did not take (empty for taken). Raises BrokerUnavailable.
        """
        frames = PublishFrames(self._number, "", queue, persistent=self._persistent, frame_max=self._link.frame_max)
        with self._changed:
            tags = [self._confirms.publish(place) for place in range(len(copies))]
            self._failed.clear()
        self._link.send(
            b"".join(
                frames.message(payload, b"%d" % tag, priority=priority, headers=encode_headers(values_of(notes)))
                for tag, (payload, notes, priority) in zip(tags, copies, strict=True)
            )
        )
        deadline = time.monotonic() + CONFIRM_TIMEOUT_S
        with self._changed:
            while len(self._confirms) and not self._link.lost and time.monotonic() < deadline:
                self._changed.wait(deadline - time.monotonic())
            if len(self._confirms) and not self._link.lost:
                self._link.fail(f"a copy for {queue} was not confirmed within {CONFIRM_TIMEOUT_S:g} s")
            self._link.check()
            return [self._failed.get(place, "") for place in range(len(copies))]

    # -- on the link's thread ---------------------------------------------------------------------------------------

    def _on_channel(self, channel: Any) -> None:
        channel.add_on_close_callback(lambda _channel, why: self._link.fail(f"the channel was closed: {why}"))
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm)

    def _on_return(self, _channel: Any, method: Any, properties: Any, _body: bytes) -> None:
        with self._changed:
            self._confirms.returned(int(properties.message_id), f"no queue takes the copy ({method.reply_text})")

    def _on_confirm(self, frame: Any) -> None:
        method = frame.method
        with self._changed:
            for place, returned in self._confirms.settle(method.delivery_tag, multiple=method.multiple):
                if isinstance(method, spec.Basic.Nack):
                    self._failed[place] = "the broker refused the copy (basic.nack)"
                elif returned:
                    self._failed[place] = returned
            self._changed.notify_all()
