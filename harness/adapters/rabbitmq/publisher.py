"""A publisher: pipelined publisher confirms over one channel, settled as the broker's acknowledgements arrive."""

from __future__ import annotations

import itertools
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from pika import spec

from harness.adapters.emulation.expiry import deadlines_ns
from harness.adapters.emulation.notes import Notes
from harness.adapters.rabbitmq.confirms import RETURNED, Confirms
from harness.adapters.rabbitmq.frames import PublishFrames, encode_headers
from harness.adapters.rabbitmq.headers import values_of
from harness.adapters.rabbitmq.link import Connection, Link
from harness.model.broker import BrokerInfo
from harness.model.messages import Outcome, OutcomeBuffer, Outcomes, OutgoingBatch

CHANNEL = 1
WRITE_ROWS_MAX = 100  # rows handed over at a time, so that the first of a large batch leave while the rest are built


def lane_of(key: bytes | None, lanes: int, turn: int = 0) -> int:
    """The lane a key belongs to; ``turn`` decides for messages without one."""
    if lanes == 1:
        return 0
    return (turn if key is None else zlib.crc32(key)) % lanes


class RabbitmqPublisher:
    """``routing_keys`` names the lanes of the exchange; a message goes to the one that its key hashes to.

    One without a key goes to the first, or by turns where ``spread``. ``priorities`` holds the AMQP priority of each class.
    """

    def __init__(
        self,
        broker: BrokerInfo,
        *,
        exchange: str,
        routing_keys: Sequence[str],
        priorities: Sequence[int],
        persistent: bool,
        window: int,
        spread: bool = False,
    ) -> None:
        self._turn: Iterator[int] = itertools.count() if spread else itertools.repeat(0)
        self._priorities = priorities
        self._window = window
        self._changed = threading.Condition()
        self._confirms = Confirms()
        self._buffer = OutcomeBuffer()
        self._link = Link(broker, self._prepare, self._wake)
        self._link.open()
        self._lanes = [
            PublishFrames(CHANNEL, exchange, key, persistent=persistent, frame_max=self._link.frame_max)
            for key in routing_keys
        ]

    @property
    def blocked(self) -> int:
        """How often the broker said that it reads no more (an alarm of memory or disk)."""
        return self._link.blocked

    # -- the caller's thread ----------------------------------------------------------------------------------------

    def submit(self, batch: OutgoingBatch) -> int:
        self._link.check()
        with self._changed:
            room = min(len(batch), self._window - len(self._confirms))
        for start in range(0, room, WRITE_ROWS_MAX):
            self._write(batch, start, min(room, start + WRITE_ROWS_MAX))
        return max(0, room)

    def _write(self, batch: OutgoingBatch, start: int, stop: int) -> None:
        expires = deadlines_ns(batch.payloads[start:stop], batch.ttls_ms[start:stop], time.monotonic_ns())
        with self._changed:
            tags = [self._confirms.publish(index) for index in batch.indexes[start:stop]]
        frames = []
        lanes = self._lanes
        priorities = self._priorities
        highest = len(priorities) - 1
        for row, tag, expires_ns in zip(range(start, stop), tags, expires, strict=True):
            key = batch.keys[row]
            lane = lanes[lane_of(key, len(lanes), next(self._turn) if key is None else 0)]
            message_id = b"%d" % tag
            priority = priorities[min(batch.classes[row], highest)]
            if expires_ns:
                left_ms = max(1, -((time.monotonic_ns() - expires_ns) // 1_000_000))
                headers = encode_headers(values_of(Notes(expires_ns=expires_ns)))
                frames.append(
                    lane.message(
                        batch.payloads[row], message_id, priority=priority, expiration_ms=left_ms, headers=headers
                    )
                )
            else:
                frames.append(lane.message(batch.payloads[row], message_id, priority=priority))
        self._link.send(b"".join(frames))

    def poll(self, timeout_s: float) -> Outcomes:
        with self._changed:
            if not len(self._buffer) and not self._link.lost and timeout_s > 0:
                self._changed.wait_for(lambda: len(self._buffer) > 0 or self._link.lost != "", timeout_s)
            if len(self._buffer):
                return self._buffer.drain()
        self._link.check()
        with self._changed:  # a confirm may arrive just now: what it adds must not fall between drain's two steps
            return self._buffer.drain()

    def close(self, timeout_s: float) -> Outcomes:
        with self._changed:
            self._changed.wait_for(lambda: not len(self._confirms) or self._link.lost != "", timeout_s)
            why = self._link.lost or "closed before it was confirmed"
        self._link.close()
        now_ns = time.monotonic_ns()
        with self._changed:
            for index in self._confirms.abandon():
                self._buffer.add(index, Outcome.INFO, now_ns, error=why)
            return self._buffer.drain()

    # -- the link's thread ------------------------------------------------------------------------------------------

    def _prepare(self, connection: Connection) -> None:
        connection.channel(channel_number=CHANNEL, on_open_callback=self._on_channel)

    def _on_channel(self, channel: Any) -> None:
        channel.add_on_close_callback(lambda _channel, why: self._link.fail(f"the channel was closed: {why}"))
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_confirm, callback=lambda _frame: self._link.opened())

    def _on_return(self, _channel: Any, method: Any, properties: Any, _body: bytes) -> None:
        with self._changed:
            self._confirms.returned(int(properties.message_id), f"{RETURNED} ({method.reply_text})")

    def _on_confirm(self, frame: Any) -> None:
        now_ns = time.monotonic_ns()
        method = frame.method
        refused = isinstance(method, spec.Basic.Nack)
        with self._changed:
            for index, returned in self._confirms.settle(method.delivery_tag, multiple=method.multiple):
                if refused:
                    self._buffer.add(index, Outcome.FAIL, now_ns, error="refused by the broker (basic.nack)")
                elif returned:
                    self._buffer.add(index, Outcome.FAIL, now_ns, error=returned)
                else:
                    self._buffer.add(index, Outcome.OK, now_ns)
            self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
