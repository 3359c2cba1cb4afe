"""The control plane: topics are created, groups are measured, everything is removed. Always through librdkafka's admin client.

It does no work that is measured, so it does not matter which library the workload's clients use.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import admin as confluent_admin

from harness.adapters.kafka import settings
from harness.adapters.kafka.expel import expel
from harness.adapters.kafka.layout import Layout
from harness.adapters.kafka.reach import reach
from harness.adapters.kafka.share_control import Marks, ShareGroups
from harness.errors import BrokerUnavailable, ProvisioningFailed
from harness.model.broker import BrokerInfo
from harness.model.provisioning import Provisioning

_admin: Any = confluent_admin  # its types say less than its documentation
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

TOPIC: Final = "topic"  # kind of a planned object
CREATE_TIMEOUT_S: Final = 30.0
CALL_TIMEOUT_S: Final = 5.0
PAUSE_S: Final = 0.05
GROUP_EMPTY_S_MAX: Final = (
    settings.SESSION_TIMEOUT_MS / 1000 + 2
)  # a killed member is in its group until its session ends


class Control:
    """One admin connection to one broker, made when first needed."""

    def __init__(self, broker: BrokerInfo) -> None:
        self._broker = broker
        reach(broker)
        conf: dict[str, Any] = {
            "bootstrap.servers": broker.address,
            "reconnect.backoff.ms": settings.RECONNECT_MS,
            "reconnect.backoff.max.ms": settings.RECONNECT_MS_MAX,
            "broker.address.family": "v4",
            **settings.confluent_access(broker.access),
        }
        try:
            self._admin: Any = _admin.AdminClient({**conf, "error_cb": _ignore}, logger=_log)
        except KafkaException as problem:
            raise BrokerUnavailable(f"the client for {broker.name} refuses its settings: {problem}") from problem
        self._conf = conf
        self._any = self._asker("harness-control")
        self._askers: dict[str, Any] = {}
        self._shares: ShareGroups | None = None

    # --- creating

    def create(self, layout: Layout, plan: Provisioning) -> None:
        """Create the topics that are not there yet and wait until each partition has a leader.

        Raises ProvisioningFailed; Unsupported where the plan has share groups and the broker has not.
        """
        if layout.shared:
            self._share_groups().insist()
        topics = [
            _admin.NewTopic(
                thing.name,
                num_partitions=layout.partitions_of(thing.name),
                replication_factor=settings.replication_for(plan.tier),
                config=settings.topic_settings(plan.tier),
            )
            for thing in plan.objects
            if thing.kind == TOPIC
        ]
        futures: dict[str, Future[None]] = self._admin.create_topics(topics, operation_timeout=CREATE_TIMEOUT_S)
        for name, future in futures.items():
            try:
                future.result(CREATE_TIMEOUT_S)
            except KafkaException as problem:
                if problem.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise ProvisioningFailed(f"{self._broker.name} refused topic {name}: {problem}") from problem
        self._wait_for_leaders(layout)
        if layout.shared:
            self._share_groups().configure(list(layout.share_groups().values()))

    def _share_groups(self) -> ShareGroups:
        if self._shares is None:
            self._shares = ShareGroups(self._broker)
        return self._shares

    def _wait_for_leaders(self, layout: Layout) -> None:
        """Metadata names a leader before the leader itself knows; only one that answers for its log end is ready."""
        deadline = time.monotonic() + CREATE_TIMEOUT_S
        places = _places(layout, layout.topics)
        while True:
            known = self._admin.list_topics(timeout=CALL_TIMEOUT_S).topics
            try:
                if all(_led(known.get(name), layout.partitions_of(name)) for name in layout.topics):
                    self._watermarks(places)
                    return
                problem = "no leader"
            except KafkaException as not_yet:
                problem = str(not_yet)
            if time.monotonic() >= deadline:
                raise ProvisioningFailed(
                    f"topics of {layout.prefix} are not usable {CREATE_TIMEOUT_S:g} s after they were created: {problem}"
                )
            time.sleep(PAUSE_S)

    # --- measuring

    def backlog(self, layout: Layout) -> dict[str, int]:
        """For each group, over all its topics: log end minus commit, or what its share group has left. Raises BrokerUnavailable."""
        try:
            marks = self._watermarks(_places(layout, layout.topics))
            left = dict.fromkeys(layout.groups(), 0) | {
                group: self._left(
                    self._committed(layout.group_id(group), _places(layout, layout.read_by(group))), marks
                )
                for group in layout.consumer_groups()
            }
            if layout.shared:
                for group, more in self._shares_left(layout, marks).items():
                    left[group] += more
            return left
        except (KafkaException, TimeoutError) as problem:
            raise BrokerUnavailable(f"{self._broker.name} does not say how far its groups are: {problem}") from problem

    def _shares_left(self, layout: Layout, marks: Marks) -> dict[str, int]:
        try:
            return self._share_groups().left(layout, marks)
        except BrokerUnavailable:  # the connection is of before a restart: it is not made again by itself
            self.let_go()
            return self._share_groups().left(layout, marks)

    def _committed(self, group_id: str, places: Sequence[Any]) -> Sequence[Any]:
        """What the group has committed; its offset is negative where that is nothing. Raises KafkaException.

        A consumer that never joins asks, not the admin client: librdkafka 2.16 crashes the process when a coordinator that is
        still loading answers ``list_consumer_group_offsets``.
        """
        asker = self._askers.get(group_id)
        if asker is None:
            asker = self._askers[group_id] = self._asker(group_id)
        answer: Sequence[Any] = asker.committed(list(places), timeout=CALL_TIMEOUT_S)
        return answer

    def _asker(self, group_id: str) -> Any:
        never_joins = {"group.id": group_id, "enable.auto.commit": False, "error_cb": _ignore}
        return Consumer({**self._conf, **never_joins}, logger=_log)

    def _watermarks(self, places: Sequence[Any]) -> dict[tuple[str, int], tuple[int, int]]:
        """Log start and log end of each partition, asked of its leader. Raises KafkaException.

        A consumer asks, not the admin client: ``list_offsets`` of librdkafka 2.16 reads freed memory when a partition has no
        leader just then, and it never looks for the new leader after a restart.
        """
        ask = self._any.get_watermark_offsets
        return {(place.topic, place.partition): ask(place, timeout=CALL_TIMEOUT_S, cached=False) for place in places}

    def _left(self, committed: Sequence[Any], marks: dict[tuple[str, int], tuple[int, int]]) -> int:
        left = 0
        for place in committed:
            start, end = marks[place.topic, place.partition]
            left += end - max(place.offset, start)
        return left

    # --- removing

    def remove(self, layout: Layout) -> None:
        """Topics and groups; what is not there is as good as removed."""
        topics: dict[str, Future[None]] = self._admin.delete_topics(
            list(layout.topics), operation_timeout=CALL_TIMEOUT_S
        )
        _finish(topics, KafkaError.UNKNOWN_TOPIC_OR_PART)
        consumers = [layout.group_id(group) for group in layout.consumer_groups()]
        shares = list(layout.share_groups().values())
        deadline = time.monotonic() + GROUP_EMPTY_S_MAX
        groups = self._delete([*consumers, *shares])
        stuck = [group for group in groups if group in consumers]
        if stuck:
            expel(self._broker, stuck)
        while groups := self._delete(groups):
            if time.monotonic() >= deadline:
                break
            time.sleep(PAUSE_S)
        if shares:
            self.let_go()  # it may be of before a restart
            self._share_groups().forget(shares)
        self.let_go()

    def let_go(self) -> None:
        """Close what can be closed at any time."""
        if self._shares is not None:
            self._shares.close()
            self._shares = None

    def _delete(self, groups: list[str]) -> list[str]:
        """Those that are still there."""
        return _finish(self._admin.delete_consumer_groups(groups), KafkaError.GROUP_ID_NOT_FOUND) if groups else []

    def leftovers(self, prefix: str) -> list[str]:
        """Topics and groups whose names begin with the prefix."""
        topics = [name for name in self._admin.list_topics(timeout=CALL_TIMEOUT_S).topics if name.startswith(prefix)]
        listed = self._admin.list_consumer_groups(request_timeout=CALL_TIMEOUT_S).result(CALL_TIMEOUT_S)
        groups = {row.group_id for row in listed.valid}
        shares = ShareGroups(self._broker)  # librdkafka lists no share groups
        groups |= shares.names()
        shares.close()
        return topics + sorted(group for group in groups if group.startswith(prefix))


def _places(layout: Layout, topics: Sequence[str]) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for topic in topics for partition in range(layout.partitions_of(topic))]


def _ignore(error: object) -> None:
    """Connection errors show in the answers that do not come."""
    _log.debug("%s", error)


def _led(topic: Any, partitions: int) -> bool:
    if topic is None or topic.error is not None or len(topic.partitions) != partitions:
        return False
    return all(partition.leader >= 0 and partition.error is None for partition in topic.partitions.values())


def _finish(futures: dict[str, Future[None]], harmless: int) -> list[str]:
    """Names that are not done: the group still has a member, for one."""
    left = []
    for name, future in futures.items():
        try:
            future.result(CALL_TIMEOUT_S)
        except KafkaException as problem:
            if problem.args[0].code() != harmless:
                left.append(name)
        except TimeoutError:  # a share group's state is taken away with it: that is asked for again
            left.append(name)
    return left
