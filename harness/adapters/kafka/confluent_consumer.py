"""A group member on confluent-kafka (librdkafka), which reconnects by itself and reads ahead in threads of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

import confluent_kafka
import numpy as np
from confluent_kafka import KafkaError, Message

from harness.adapters.kafka import settings
from harness.adapters.kafka.layout import Layout
from harness.adapters.kafka.ports import Fetched, Owner
from harness.adapters.kafka.reach import reach
from harness.errors import BrokerUnavailable
from harness.model.broker import BrokerInfo

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

COORDINATOR_PAUSE_S: Final = 0.02
NOT_YET: Final = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError._WAIT_COORD,
        KafkaError._TRANSPORT,
    }
)
OVER: Final = frozenset({KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL})
NO_FETCH: Final = Fetched([], np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64), 0, [])

# Called for each message, so without a look-up by name.
_error_of, _partition_of, _offset_of, _value_of = Message.error, Message.partition, Message.offset, Message.value


def _is_over(error: Any) -> bool:
    """An error that comes as a message is not marked as fatal: its code says so."""
    return bool(error.fatal() or error.code() in OVER)


class ConfluentConsumer:
    """A group member. ``fetch`` first takes what the library has read ahead, and waits only when that is nothing."""

    glance_s = 0.0

    def __init__(
        self, broker: BrokerInfo, layout: Layout, group: str, owner: Owner, instance: str | None = None
    ) -> None:
        self._broker = broker
        self._layout = layout
        self._owner = owner
        self._topics = layout.read_by(group)
        self._first_lanes = {topic: layout.first_lane(topic) for topic in self._topics}
        self._single = self._first_lanes[self._topics[0]] if len(self._topics) == 1 else None
        self._fatal: str | None = None
        reach(broker)
        conf = settings.confluent_consumer(broker.address, layout.group_id(group), instance)
        conf |= settings.confluent_access(broker.access)
        self._consumer: Any = confluent_kafka.Consumer(
            {**conf, "error_cb": self._on_error, "on_commit": self._on_commit}, logger=_log
        )
        try:
            self._consumer.list_topics(self._topics[0], timeout=settings.CONNECT_TIMEOUT_S)
        except confluent_kafka.KafkaException as problem:
            self._consumer.close()
            raise BrokerUnavailable(f"{broker.name} at {broker.address} does not answer: {problem}") from problem
        self._await_coordinator()
        self._consumer.subscribe(
            list(self._topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def _await_coordinator(self) -> None:
        """Until the group's coordinator answers: librdkafka lets two to three seconds pass after a join that came too early.

        A coordinator reads its groups in after a restart. Whether it has is asked with a look at the committed offsets; whatever
        else is wrong, the join will say.
        """
        deadline = time.monotonic() + settings.CONNECT_TIMEOUT_S
        place = [confluent_kafka.TopicPartition(self._topics[0], 0)]
        while (left := deadline - time.monotonic()) > 0:
            try:
                error = self._consumer.committed(place, timeout=left)[0].error
            except confluent_kafka.KafkaException as problem:
                error = problem.args[0]
            if error is None or error.code() not in NOT_YET:
                return
            time.sleep(COORDINATOR_PAUSE_S)

    # --- the group's business

    def _lanes(self, partitions: Sequence[Any]) -> list[int]:
        return [self._first_lanes[place.topic] + place.partition for place in partitions]

    def _places(self, lanes: Sequence[int]) -> list[Any]:
        return [confluent_kafka.TopicPartition(*self._layout.place(lane)) for lane in lanes]

    def _offsets(self, positions: Mapping[int, int]) -> list[Any]:
        return [confluent_kafka.TopicPartition(*self._layout.place(lane), offset) for lane, offset in positions.items()]

    def _on_assign(self, consumer: Any, partitions: list[Any]) -> None:
        del consumer
        self._owner.assigned(self._lanes(partitions))

    def _on_revoke(self, consumer: Any, partitions: list[Any]) -> None:
        del consumer
        self._owner.revoked(self._lanes(partitions), lost=False)

    def _on_lost(self, consumer: Any, partitions: list[Any]) -> None:
        del consumer
        self._owner.revoked(self._lanes(partitions), lost=True)

    def _on_error(self, error: Any) -> None:
        """Connection errors are not news here; librdkafka gets over them."""
        _log.debug("%s", error)
        self._note(error)

    def _on_commit(self, error: Any, partitions: list[Any]) -> None:
        failed = [place for place in partitions if error is not None or place.error is not None]
        if failed:
            self._owner.commit_failed(self._lanes(failed))
        for told in (error, *(place.error for place in failed)):
            self._note(told)
        self._owner.commit_answered()

    def _note(self, error: Any) -> None:
        """A static member that another replaced gets nothing more, and a commit may be the only one to hear of it."""
        if error is not None and _is_over(error):
            self._fatal = error.str()

    # --- reading

    def fetch(self, limit: int, timeout_s: float) -> Fetched:
        if self._fatal is not None:
            raise BrokerUnavailable(f"the consumer gave up: {self._fatal}")
        messages: list[Any] = self._call(self._consumer.consume, limit, 0)
        if not messages and timeout_s > 0:
            first = self._call(self._consumer.poll, timeout_s)
            if first is None:
                return NO_FETCH
            messages = [first]
            if limit > 1:
                messages += self._call(self._consumer.consume, limit - 1, 0)
        received_ns = time.monotonic_ns()
        if any(map(_error_of, messages)):
            messages = self._without_errors(messages)
        if not messages:
            return NO_FETCH
        count = len(messages)
        lanes = np.fromiter(map(_partition_of, messages), dtype=np.int32, count=count)
        if self._single is not None:
            lanes += self._single
        else:
            lanes += np.array([self._first_lanes[message.topic()] for message in messages], dtype=np.int32)
        offsets = np.fromiter(map(_offset_of, messages), dtype=np.int64, count=count)
        payloads = [value or b"" for value in map(_value_of, messages)]
        return Fetched(payloads, lanes, offsets, received_ns, messages)

    def _without_errors(self, messages: list[Any]) -> list[Any]:
        """librdkafka reports its troubles in the stream; it gets over all but the fatal ones."""
        for message in messages:
            error = message.error()
            if error is not None and _is_over(error):
                raise BrokerUnavailable(f"the consumer gave up: {error.str()}")
            if error is not None:
                _log.debug("%s", error.str())
        return [message for message in messages if message.error() is None]

    def _call(self, function: Any, *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except confluent_kafka.KafkaException as problem:
            raise BrokerUnavailable(f"the consumer gave up: {problem}") from problem

    def commit(self, positions: Mapping[int, int], *, wait: bool) -> None:
        if not positions:
            return
        try:
            self._consumer.commit(offsets=self._offsets(positions), asynchronous=not wait)
        except confluent_kafka.KafkaException as problem:
            _log.debug("commit: %s", problem)
            self._note(problem.args[0])
            self._owner.commit_failed(list(positions))
            self._owner.commit_answered()

    def pause(self, lanes: list[int]) -> None:
        self._call(self._consumer.pause, self._places(lanes))

    def resume(self, lanes: list[int]) -> None:
        self._call(self._consumer.resume, self._places(lanes))

    def start_offsets(self, lanes: list[int]) -> dict[int, int]:
        starts: dict[int, int] = {}
        for lane, place in zip(lanes, self._places(lanes), strict=True):
            low, _ = self._call(partial(self._consumer.get_watermark_offsets, place, timeout=5.0, cached=False))
            starts[lane] = low
        return starts

    def seek(self, positions: Mapping[int, int]) -> None:
        """Assigning the same lanes again, with offsets, drops what was read ahead; ``seek`` needs a fetch under way."""
        self._call(self._consumer.assign, self._offsets(positions))

    def key_of(self, raw: object) -> bytes | None:
        return cast(Any, raw).key()  # type: ignore[no-any-return]

    def headers_of(self, raw: object) -> Sequence[tuple[str, bytes | None]]:
        return cast(Any, raw).headers() or ()

    def close(self) -> None:
        self._consumer.close()
