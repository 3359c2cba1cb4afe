"""Share groups from outside: whether the broker has them, their settings, how much they have left.

librdkafka's admin client knows nothing of this, so kafka-python's does it; the one message that it lacks, too, is in ``schemas``.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.adapters.kafka import settings
from harness.adapters.kafka.layout import CONSUMPTION, SHARE, Layout
from harness.adapters.kafka.share_settings import GROUP_SETTINGS
from harness.errors import BrokerUnavailable, ProvisioningFailed, Unsupported
from harness.model.broker import BrokerInfo

FEATURE: Final = "share.version"
OK: Final = "OK"
GROUP_ID_NOT_FOUND: Final = 69
NEVER_AGAIN_MS: Final = (
    600_000  # its thread would knock all the time at a broker that is away; who needs it makes a new one
)
COORDINATOR_WAIT_S: Final = 5.0  # the first group of a broker has its coordinator made
COORDINATOR_PAUSE_S: Final = 0.05

Marks = Mapping[tuple[str, int], tuple[int, int]]  # (topic, partition) -> log start, log end


class ShareGroups:
    """One admin connection to one broker. Raises BrokerUnavailable where it does not answer."""

    def __init__(self, broker: BrokerInfo) -> None:
        from kafka.admin import KafkaAdminClient  # only runs with share groups need it
        from kafka.errors import (
            CoordinatorLoadInProgressError,
            CoordinatorNotAvailableError,
            KafkaError,
            NotCoordinatorError,
        )

        self._broker = broker
        self._problems: type[Exception] = KafkaError
        self._not_yet = CoordinatorLoadInProgressError, CoordinatorNotAvailableError, NotCoordinatorError
        try:
            self._admin: Any = KafkaAdminClient(
                bootstrap_servers=broker.address,
                request_timeout_ms=settings.REQUEST_TIMEOUT_MS,
                bootstrap_timeout_ms=int(settings.CONNECT_TIMEOUT_S * 1000),
                reconnect_backoff_ms=NEVER_AGAIN_MS,
                reconnect_backoff_max_ms=NEVER_AGAIN_MS,
                **settings.python_access(broker.access),
            )
        except KafkaError as problem:
            raise BrokerUnavailable(f"{broker.name} at {broker.address} does not answer: {problem}") from problem
        self.close = weakref.finalize(self, self._admin.close)  # it has a thread

    def insist(self) -> None:
        """Raises Unsupported for a broker whose reported features are without share groups."""
        try:
            told = self._admin.describe_features().get(FEATURE, {}).get("finalized", (0, 0))
        except self._problems as problem:
            raise BrokerUnavailable(f"{self._broker.name} does not say what it can do: {problem}") from problem
        if told[1] < 1:
            raise Unsupported(
                f"{self._broker.product} {self._broker.version} has no share groups ({FEATURE} is {told[1]}):"
                f" {CONSUMPTION}={SHARE} needs Apache Kafka 4.2 or newer",
                next_command=f"harness run ... -b {self._broker.name}",
            )

    def configure(self, groups: Sequence[str]) -> None:
        """A group may be told how to read before it exists. Raises ProvisioningFailed."""
        from kafka.admin import ConfigResource, ConfigResourceType

        wanted = [ConfigResource(ConfigResourceType.GROUP, group, dict(GROUP_SETTINGS)) for group in groups]
        try:
            told = self._admin.alter_configs(wanted, raise_on_unknown=False, incremental=True)
        except self._problems as problem:
            raise ProvisioningFailed(
                f"{self._broker.name} refused the settings of share groups: {problem}"
            ) from problem
        refused = {group: answer for group, answer in told.get("group", {}).items() if answer != OK}
        if refused:
            group, answer = next(iter(refused.items()))
            raise ProvisioningFailed(f"{self._broker.name} refused the settings of share group {group}: {answer}")

    def forget(self, groups: Sequence[str]) -> None:
        """Take the settings back; they outlive the group."""
        from kafka.admin import ConfigResource, ConfigResourceType

        given = [ConfigResource(ConfigResourceType.GROUP, group, dict(GROUP_SETTINGS)) for group in groups]
        try:
            self._admin.reset_configs(given, raise_on_unknown=False, incremental=True)
        except self._problems as problem:
            raise BrokerUnavailable(f"{self._broker.name} does not answer: {problem}") from problem

    def names(self) -> set[str]:
        """Of all groups, and of those that have settings."""
        try:
            listed = {str(row["group_id"]) for row in self._admin.list_groups()}
            return listed | {str(name) for name in self._admin.list_config_resources(["GROUP"]).get("group", ())}
        except self._problems as problem:
            raise BrokerUnavailable(f"{self._broker.name} does not answer: {problem}") from problem

    def left(self, layout: Layout, marks: Marks) -> dict[str, int]:
        """For each group, over its classes: what is not settled, whether somebody has it in hand or nobody has read it yet."""
        wanted = layout.share_groups()
        deadline = time.monotonic() + COORDINATOR_WAIT_S
        while True:
            try:
                told = self._admin._manager.run(self._described, list(wanted.values()), layout)
                break
            except self._problems as problem:
                if not isinstance(problem, self._not_yet) or time.monotonic() >= deadline:
                    raise BrokerUnavailable(
                        f"{self._broker.name} does not say how far its share groups are: {problem}"
                    ) from problem
                time.sleep(COORDINATOR_PAUSE_S)
        places = [(topic, number) for topic in layout.classes for number in range(layout.partitions_of(topic))]
        return {
            group: sum(_left(told.get((name, *place)), *marks[place]) for place in places)
            for group, name in wanted.items()
        }

    async def _described(self, groups: Sequence[str], layout: Layout) -> dict[tuple[str, str, int], tuple[int, int]]:
        """(group, topic, partition) -> start offset and lag, as the groups' coordinators know them."""
        from kafka.errors import for_code

        request = _request()
        coordinators = await self._admin._find_coordinator_ids(groups)
        found: dict[tuple[str, str, int], tuple[int, int]] = {}
        for group, node in coordinators.items():
            asked = request(
                groups=[(group, [(topic, list(range(layout.partitions_of(topic)))) for topic in layout.classes])]
            )
            answer = await self._admin._manager.send(asked, node_id=node)
            for row in answer.groups:
                if row.error_code == GROUP_ID_NOT_FOUND:
                    continue
                if row.error_code:
                    raise for_code(row.error_code)(row.error_message)
                for topic in row.topics:
                    for place in topic.partitions:
                        if place.error_code:
                            raise for_code(place.error_code)(place.error_message)
                        where = row.group_id, topic.topic_name, place.partition_index
                        found[where] = place.start_offset, getattr(place, "lag", -1)
        return found


def _left(told: tuple[int, int] | None, log_start: int, log_end: int) -> int:
    """A broker that counts no lag (before KIP-1226) says at least from where on not everything is settled."""
    if told is None:
        return log_end - log_start
    start, lag = told
    if start < 0:
        return log_end - log_start
    return lag if lag >= 0 else log_end - max(start, log_start)


_messages: list[Any] = []


def _request() -> Any:
    """DescribeShareGroupOffsets, made known to kafka-python when first needed."""
    if not _messages:
        from kafka.protocol.api_message import ApiMessage

        from harness.adapters.kafka import schemas

        for name in ("DescribeShareGroupOffsetsResponse", "DescribeShareGroupOffsetsRequest"):
            kind = type(ApiMessage)
            _messages.append(kind(name, (ApiMessage,), {}, load_json=schemas.__name__))
    return _messages[-1]
