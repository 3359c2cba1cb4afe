"""One class, read as a member of a share group (KIP-932), with confluent-kafka's ``ShareConsumer``. The only module that knows it.

What ``poll`` returns is acquired: for the time of the lock nobody else gets it. The library reads on only when all of that is
acknowledged, so a member that reads several topics has a source for each. Acknowledgements are collected by the library and sent with
the next poll, or when they are due; the broker's answer comes later, and is only looked at to be counted.
"""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Final, cast

import confluent_kafka
import numpy as np
from confluent_kafka import AcknowledgeType, Message

from harness.adapters.kafka import settings, share_settings
from harness.adapters.kafka.layout import Layout
from harness.adapters.kafka.ports import Fetched
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

ACCEPT: Final = AcknowledgeType.ACCEPT
RELEASE: Final = AcknowledgeType.RELEASE
REJECT: Final = AcknowledgeType.REJECT

# Called for each message, so without a look-up by name.
_error_of, _value_of = Message.error, Message.value
_partition_of, _offset_of = cast(Any, Message.partition), cast(Any, Message.offset)

Place = tuple[int, int]  # partition, offset


def headers_of(raw: object) -> Sequence[tuple[str, bytes | None]]:
    return cast(Any, raw).headers() or ()


class MessageReads:
    """What a ``Message`` says of itself."""

    def key_of(self, raw: object) -> bytes | None:
        return cast(Any, raw).key()  # type: ignore[no-any-return]

    def headers_of(self, raw: object) -> Sequence[tuple[str, bytes | None]]:
        return headers_of(raw)


class ShareSource:
    """``level`` is the class; ``limit`` how many messages one poll may bring."""

    def __init__(self, broker: BrokerInfo, layout: Layout, group: str, level: int, limit: int) -> None:
        self.level = level
        self._topic = layout.classes[level]
        self._first_lane = layout.first_lane(self._topic)
        self._waiting: deque[Message] = deque()  # read and not handed out
        self._open: set[Place] = set()  # read and not acknowledged
        self._unsent = 0  # acknowledgements
        self._sent_at = self._read_at = time.monotonic()
        self._statistics = ""  # the newest, until somebody asks
        self._assigned = False
        self._fatal: str | None = None
        self.flowing = False  # the last poll brought something, and nobody has waited for the next one yet
        self.refused = 0  # acknowledgements that came too late: those messages come again
        conf = share_settings.share_consumer(broker.address, layout.share_group(group), limit)
        conf |= settings.confluent_access(broker.access)
        self._consumer: Any = confluent_kafka.ShareConsumer(
            {**conf, "error_cb": self._on_error, "stats_cb": self._on_statistics}, logger=_log
        )
        self._consumer.set_acknowledgement_commit_callback(self._on_acknowledged)
        self._consumer.subscribe([self._topic])

    # --- what the library tells us, inside its calls

    def _on_error(self, error: Any) -> None:
        """Connection errors are not news here; librdkafka gets over them."""
        _log.debug("%s", error)
        if error.fatal():
            self._fatal = error.str()

    def _on_statistics(self, text: str) -> None:
        """The library has no other word on what it is assigned."""
        self._statistics = text

    def _on_acknowledged(self, offsets: Any, problem: Any) -> None:
        if problem is not None:
            self.refused += sum(map(len, offsets.values()))
            _log.debug("acknowledgement of %s: %s", self._topic, problem)

    def assigned(self) -> bool:
        """The group has given this member a share. Late by up to 200 ms."""
        if self._statistics:
            self._assigned = bool(json.loads(self._statistics).get("cgrp", {}).get("assignment_size", 0))
            self._statistics = ""
        return self._assigned

    # --- reading

    def __len__(self) -> int:
        """Messages that are read and not handed out."""
        return len(self._waiting)

    def held(self) -> int:
        """Messages that were handed out and are not settled."""
        return len(self._open) - len(self._waiting)

    def idle(self) -> bool:
        """All that was read is acknowledged: it may read on."""
        return not self._open

    def read(self, timeout_s: float) -> None:
        """Look for messages, waiting at most so long for the first, if all earlier ones are acknowledged."""
        if self._fatal is not None:
            raise BrokerUnavailable(f"the share consumer gave up: {self._fatal}")
        if self._open:
            return
        messages: list[Any] = list(self._call(self._consumer.poll, timeout_s))
        if self._unsent:
            self._unsent, self._sent_at = 0, time.monotonic()
        if not messages:
            return
        self._read_at = time.monotonic()
        if any(map(_error_of, messages)):
            for error in filter(None, map(_error_of, messages)):
                _log.debug("%s", error.str())
            messages = [message for message in messages if message.error() is None]
        self.flowing = bool(messages)
        self._open.update(_places(messages))
        self._waiting.extend(messages)

    def take(self, limit: int) -> Fetched:
        """Up to ``limit`` of those that are read, in their order; what has lain here for too long is given back instead."""
        if self._waiting and time.monotonic() - self._read_at > share_settings.STALE_S:
            stale = list(self._waiting)
            self._waiting.clear()
            self.acknowledge(stale, RELEASE)
        count = min(limit, len(self._waiting))
        messages = [self._waiting.popleft() for _ in range(count)]
        lanes = np.fromiter(map(_partition_of, messages), dtype=np.int32, count=count)
        lanes += self._first_lane
        offsets = np.fromiter(map(_offset_of, messages), dtype=np.int64, count=count)
        payloads = [value or b"" for value in map(_value_of, messages)]
        return Fetched(payloads, lanes, offsets, time.monotonic_ns(), messages)

    def counts_of(self, messages: Sequence[object]) -> list[int]:
        """How often each was delivered before, as the broker counts."""
        return [cast(Any, message).delivery_count() - 1 for message in messages]

    # --- settling

    def acknowledge(self, messages: Sequence[object], how: AcknowledgeType) -> int:
        """Say what became of messages that were handed out. Returns how many of them were not this member's to settle any more."""
        foreign = 0
        for message, place in zip(messages, _places(messages), strict=True):
            if place not in self._open:
                foreign += 1
                continue
            self._open.discard(place)
            try:
                self._consumer.acknowledge(message, how)
                self._unsent += 1
            except confluent_kafka.IllegalStateException as problem:  # its lock is over, or the session that it came in
                _log.debug("%s", problem)
                foreign += 1
            except confluent_kafka.KafkaException as problem:
                raise BrokerUnavailable(f"the share consumer gave up: {problem}") from problem
        return foreign

    def send_due_at(self) -> float | None:
        """When acknowledgements have waited long enough; None while there are none."""
        return self._sent_at + settings.COMMIT_EVERY_S if self._unsent else None

    def send_if_due(self) -> None:
        """A poll would take them along; whoever works on what a poll brought has none for a while."""
        if not self._unsent:
            return
        now = time.monotonic()
        if self._unsent >= settings.COMMIT_EVERY_MESSAGES or now - self._sent_at >= settings.COMMIT_EVERY_S:
            self._unsent, self._sent_at = 0, now
            self._call(self._consumer.commit_async)

    def _call(self, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except (confluent_kafka.KafkaException, confluent_kafka.IllegalStateException) as problem:
            raise BrokerUnavailable(f"the share consumer gave up: {problem}") from problem

    def close(self) -> None:
        """Send what is acknowledged, and leave: the broker takes back what is not."""
        try:
            self._consumer.close()
        except confluent_kafka.KafkaException as problem:
            _log.debug("close: %s", problem)


def _places(messages: Sequence[Any]) -> list[Place]:
    return list(zip(map(_partition_of, messages), map(_offset_of, messages), strict=True))
