"""The adapter itself: what the protocol offers, what it will create, and who talks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.adapters.features import of_plan
from harness.adapters.kafka import settings
from harness.adapters.kafka.control import TOPIC, Control
from harness.adapters.kafka.features import capabilities_of
from harness.adapters.kafka.layout import CONSUMPTION, SHARE, layout_for, layout_of
from harness.adapters.kafka.ports import Copier, LogConsumer, Owner
from harness.adapters.kafka.reach import reach
from harness.adapters.kafka.settings import CONFLUENT, ClientSettings
from harness.adapters.kafka.share_settings import GROUP_SETTINGS, READ_MAX, share_parity
from harness.errors import BrokerUnavailable, ProvisioningFailed, Unsupported
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Capabilities
from harness.model.messages import DEAD_LETTERS, Publisher, Subscriber
from harness.model.provisioning import BrokerObject, Provisioning
from harness.model.workload import Needs

STARTED_HERE: Final = ("process", "docker")  # one node; only an external broker may be a cluster


class KafkaAdapter:
    """Settings: ``client`` (confluent or kafka-python), ``linger_ms`` (how long a batch may wait to fill), ``membership``, ``consumption``.

    ``settings.ClientSettings`` says what each means.
    """

    name = "kafka"

    def __init__(self, given: Mapping[str, str]) -> None:
        self._settings = ClientSettings.of(given)
        self._control: tuple[str, Control] | None = None
        self._retired: list[tuple[str, Control]] = []

    def capabilities(self, broker: BrokerInfo) -> Capabilities:
        return capabilities_of(broker.name, shared=self._settings.shared)

    def plan(self, broker: BrokerInfo, needs: Needs, tier: Tier, prefix: str) -> Provisioning:
        if tier in (Tier.D3, Tier.D4) and broker.backend in STARTED_HERE:
            raise Unsupported(
                f"{tier} ({tier.sentence}) needs a cluster of {settings.replication_for(tier)} nodes; this is one"
            )
        shared = self._settings.shared
        layout = layout_for(needs, prefix, shared=shared)
        objects = [
            BrokerObject(
                TOPIC,
                name,
                {
                    "partitions": str(layout.partitions_of(name)),
                    "replication.factor": str(settings.replication_for(tier)),
                    **settings.topic_settings(tier),
                },
            )
            for name in layout.topics
        ]
        objects += [BrokerObject("share group", name, GROUP_SETTINGS) for name in layout.share_groups().values()]
        mode = "topic" if len(layout.topics) == 1 else "topics"
        parity = settings.parity(self._settings, tier, needs.prefetch, layout.class_partitions)
        return Provisioning(
            adapter=self.name,
            prefix=prefix,
            needs=needs,
            tier=tier,
            mode=f"{mode}, share groups" if shared else mode,
            shape=SHARE if shared else "",
            objects=tuple(objects),
            features=of_plan(self.capabilities(broker), needs),
            parity=parity | share_parity(needs.prefetch) if shared else parity,
            details={CONSUMPTION: SHARE} if shared else {},
        )

    def provision(self, broker: BrokerInfo, plan: Provisioning) -> None:
        try:
            self._controlled(broker).create(layout_of(plan), plan)
        except BrokerUnavailable as problem:
            raise ProvisioningFailed(problem.message) from problem

    def publisher(self, broker: BrokerInfo, plan: Provisioning, window: int) -> Publisher:
        layout, acks, expiry = layout_of(plan), settings.acks_for(plan.tier), plan.needs.expiry
        if self._settings.client == CONFLUENT:
            from harness.adapters.kafka.confluent_client import ConfluentPublisher

            return ConfluentPublisher(broker, layout, acks, self._settings.linger_ms, window, expiry=expiry)
        from harness.adapters.kafka.python_client import PythonPublisher

        return PythonPublisher(broker, layout, acks, self._settings.linger_ms, window, expiry=expiry)

    def subscriber(self, broker: BrokerInfo, plan: Provisioning, group: str, member: int) -> Subscriber:
        from harness.adapters.kafka.subscriber import KafkaSubscriber

        layout, acks = layout_of(plan), settings.acks_for(plan.tier)
        instance = self._settings.instance(layout.group_id(group), member)

        def consumer(owner: Owner) -> LogConsumer:
            if self._settings.client == CONFLUENT:
                from harness.adapters.kafka.confluent_consumer import ConfluentConsumer

                return ConfluentConsumer(broker, layout, group, owner, instance)
            from harness.adapters.kafka.python_client import PythonConsumer

            return PythonConsumer(broker, layout, group, owner, instance)

        def copier() -> Copier:
            if self._settings.client == CONFLUENT:
                from harness.adapters.kafka.confluent_client import ConfluentCopier

                return ConfluentCopier(broker, acks)
            from harness.adapters.kafka.python_client import PythonCopier

            return PythonCopier(broker, acks)

        def member_of_group() -> KafkaSubscriber:
            return KafkaSubscriber(broker, layout, plan.needs, group, consumer, copier)

        if not layout.shared or group == DEAD_LETTERS:
            return member_of_group()
        from harness.adapters.kafka.share_source import ShareSource
        from harness.adapters.kafka.share_subscriber import ShareSubscriber

        def source(level: int) -> ShareSource:
            return ShareSource(broker, layout, group, level, min(plan.needs.prefetch, READ_MAX))

        ladder = member_of_group if layout.rungs[group] else None
        return ShareSubscriber(layout, plan.needs, group, source, copier, ladder)

    def backlog(self, broker: BrokerInfo, plan: Provisioning) -> Mapping[str, int]:
        try:
            return self._controlled(broker).backlog(layout_of(plan))
        except BrokerUnavailable:
            # It may remember the leaders of before a restart. The old one is kept: librdkafka does not like to be freed with
            # answers outstanding.
            if self._control is not None:
                self._control[1].let_go()
                self._retired.append(self._control)
            self._control = None
            raise

    def teardown(self, broker: BrokerInfo, plan: Provisioning) -> None:
        self._controlled(broker).remove(layout_of(plan))

    # --- for the contract suite

    def leftovers(self, broker: BrokerInfo, prefix: str) -> Sequence[str]:
        return self._controlled(broker).leftovers(prefix)

    def publish_transaction(
        self, broker: BrokerInfo, plan: Provisioning, payloads: Sequence[bytes], *, commit: bool
    ) -> None:
        from harness.adapters.kafka.confluent_client import publish_transaction

        publish_transaction(broker, layout_of(plan).classes[0], plan.prefix, payloads, commit=commit)

    def _controlled(self, broker: BrokerInfo) -> Control:
        """The admin connection, kept while the broker stays at its address."""
        if self._control is None or self._control[0] != broker.address:
            self._control = (broker.address, Control(broker))
        else:
            reach(broker)  # a broker that is away is said to be at once, not after the library's time-outs
        return self._control[1]
