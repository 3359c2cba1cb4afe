"""The adapter: plans, connects, and hands everything else to its neighbours."""

from __future__ import annotations

import difflib
import weakref
from collections.abc import Mapping, Sequence

from harness.adapters.features import of_plan
from harness.adapters.rabbitmq import provisioning
from harness.adapters.rabbitmq.features import capabilities_of
from harness.adapters.rabbitmq.link import HEARTBEAT_S
from harness.adapters.rabbitmq.publisher import RabbitmqPublisher
from harness.adapters.rabbitmq.stream_subscriber import COMMIT_EVERY_S, StreamSubscriber
from harness.adapters.rabbitmq.subscriber import RabbitmqSubscriber
from harness.adapters.rabbitmq.topology import CLASSIC, NEVER_SYNCED_SINCE, QUORUM, STREAM, Topology
from harness.errors import Unsupported, UsageError
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Capabilities
from harness.model.messages import DEAD_LETTERS, Publisher, Subscriber
from harness.model.provisioning import Provisioning
from harness.model.workload import Needs

QUEUE_TYPE = "queue_type"
AUTO = "auto"
REPLICAS_MIN = 3
SHAPES = (CLASSIC, QUORUM, STREAM)
MODES = {CLASSIC: "classic queues", QUORUM: "quorum queues", STREAM: "streams"}


class RabbitmqAdapter:
    """Settings: ``queue_type`` is classic, quorum, stream, or auto (classic for D0 and D1, quorum from D2 on)."""

    name = "rabbitmq"

    def __init__(self, settings: Mapping[str, str]) -> None:
        for key in settings:
            if key != QUEUE_TYPE:
                nearest = difflib.get_close_matches(key, [QUEUE_TYPE], n=1)
                hint = f"did you mean {nearest[0]}?" if nearest else f"it knows {QUEUE_TYPE}"
                raise UsageError(f"the rabbitmq adapter has no setting {key!r}; {hint}")
        self._queue_type = settings.get(QUEUE_TYPE, AUTO)
        if self._queue_type not in (AUTO, *SHAPES):
            nearest = difflib.get_close_matches(self._queue_type, SHAPES, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise UsageError(f"{QUEUE_TYPE} is {', '.join(SHAPES)} or {AUTO}, not {self._queue_type!r}{hint}")
        self._subscribers: weakref.WeakKeyDictionary[RabbitmqSubscriber | StreamSubscriber, str] = (
            weakref.WeakKeyDictionary()
        )

    def capabilities(self, broker: BrokerInfo) -> Capabilities:
        """Of the queue type in the settings; ``auto`` speaks of classic queues, a plan of the type that it chose."""
        return capabilities_of(CLASSIC if self._queue_type == AUTO else self._queue_type, broker.version_tuple)

    def _type_for(self, tier: Tier) -> str:
        durable = tier not in (Tier.D0, Tier.D1)
        if self._queue_type in (CLASSIC, STREAM) and durable:
            kind = f"a {self._queue_type}{' queue' if self._queue_type == CLASSIC else ''}"
            raise Unsupported(f"{kind} does not promise {tier} ({tier.sentence}); queue_type=quorum does")
        if self._queue_type == AUTO:
            return QUORUM if durable else CLASSIC
        return self._queue_type

    def plan(self, broker: BrokerInfo, needs: Needs, tier: Tier, prefix: str) -> Provisioning:
        if tier in (Tier.D3, Tier.D4) and int(broker.settings.get("nodes", "1")) < REPLICAS_MIN:
            raise Unsupported(f"{tier} ({tier.sentence}) needs a cluster of {REPLICAS_MIN} nodes; this is one")
        queue_type = self._type_for(tier)
        topology = Topology(prefix, needs, queue_type, tier, broker.version_tuple)
        return Provisioning(
            adapter=self.name,
            prefix=prefix,
            needs=needs,
            tier=tier,
            mode=MODES[queue_type],
            shape=queue_type,
            objects=topology.objects(),
            features=of_plan(capabilities_of(queue_type, broker.version_tuple), needs),
            parity=_parity(topology),
            details={QUEUE_TYPE: queue_type, "settling_s": str(provisioning.SETTLING_S)},
        )

    def _topology(self, broker: BrokerInfo, plan: Provisioning) -> Topology:
        return Topology(plan.prefix, plan.needs, plan.details[QUEUE_TYPE], plan.tier, broker.version_tuple)

    def provision(self, broker: BrokerInfo, plan: Provisioning) -> None:
        provisioning.create(broker, self._topology(broker, plan))

    def publisher(self, broker: BrokerInfo, plan: Provisioning, window: int) -> Publisher:
        topology = self._topology(broker, plan)
        return RabbitmqPublisher(
            broker,
            exchange=topology.exchange,
            routing_keys=topology.routing_keys,
            priorities=topology.priorities,
            persistent=topology.persistent,
            window=window,
            spread=topology.spreads,
        )

    def subscriber(self, broker: BrokerInfo, plan: Provisioning, group: str, member: int) -> Subscriber:
        topology = self._topology(broker, plan)
        kind = StreamSubscriber if topology.streaming and group != DEAD_LETTERS else RabbitmqSubscriber
        subscriber: RabbitmqSubscriber | StreamSubscriber = kind(broker, topology, group, member)
        self._subscribers[subscriber] = f"{plan.prefix} {group}"
        return subscriber

    def backlog(self, broker: BrokerInfo, plan: Provisioning) -> Mapping[str, int]:
        """Ready messages and retries in waiting, exact, as the broker counts them when asked.

        AMQP does not tell how many are handed out and unacknowledged. Those of this adapter object's own subscribers are
        added; those that other processes hold are not: their own counts must say when they are done.
        """
        topology = self._topology(broker, plan)
        queues = {group: topology.counted_queues(group) for group in plan.needs.groups}
        ready = provisioning.ready_messages(broker, [name for names in queues.values() for name in names])
        held = {
            group: sum(
                subscriber.unsettled()
                for subscriber, place in list(self._subscribers.items())
                if place == f"{plan.prefix} {group}"
            )
            for group in queues
        }
        unread = _unread(broker, topology) if topology.streaming else {}
        return {
            group: sum(ready[name] for name in names) + held[group] + unread.get(group, 0)
            for group, names in queues.items()
        }

    def teardown(self, broker: BrokerInfo, plan: Provisioning) -> None:
        provisioning.remove(broker, self._topology(broker, plan))

    def publish_transaction(
        self, broker: BrokerInfo, plan: Provisioning, payloads: Sequence[bytes], *, commit: bool
    ) -> None:
        """All of them or none, through AMQP's tx class. Raises BrokerUnavailable."""
        topology = self._topology(broker, plan)
        provisioning.publish_transaction(
            broker,
            topology.exchange,
            topology.routing_keys[0],
            payloads,
            commit=commit,
            persistent=topology.persistent,
        )


def _unread(broker: BrokerInfo, topology: Topology) -> dict[str, int]:
    """Messages of the streams that each group has not settled: from its places to the ends. A gap in the offsets counts as a message."""
    ends = provisioning.last_offsets(broker, [topology.stream(lane) for lane in range(topology.lanes)])
    names = {
        group: [topology.place_queue(group, lane) for lane in range(topology.lanes)] for group in topology.needs.groups
    }
    offsets = iter(provisioning.places(broker, [name for queues in names.values() for name in queues]))
    return {group: sum(end - next(offsets) for end in ends) for group in names}


def _parity(topology: Topology) -> dict[str, str]:
    """Settings that decide whether two brokers did the same work."""
    fsync = {
        (CLASSIC, False): "never: messages are transient",
        (CLASSIC, True): "not before the acknowledgement"
        + ("" if topology.version >= NEVER_SYNCED_SINCE else " up to 4 KiB, before it above")
        + " (classic queue version 2)",
        (QUORUM, False): "before the acknowledgement (quorum queue)",
        (QUORUM, True): "before the acknowledgement (quorum queue)",
        (STREAM, False): "left to the kernel (stream)",
        (STREAM, True): "left to the kernel (stream)",
    }
    settled = {
        False: "basic.ack, multiple for an unbroken run; the broker sends no reply",
        True: f"the settled place of each lane is written down each {COMMIT_EVERY_S:g} s and confirmed; basic.ack is credit only",
    }
    queue = {
        CLASSIC: "classic, version 2",
        QUORUM: "quorum",
        STREAM: f"{topology.lanes} streams, all groups read the same",
    }
    return {
        "acknowledgement": "publisher confirm of each message, pipelined, from every queue it was routed to",
        "unroutable": "returned (mandatory) and counted as failed",
        "persistence": "delivery mode 2, durable queues" if topology.persistent else "delivery mode 1, durable queues",
        "queue": queue[topology.queue_type],
        "fsync": fsync[topology.queue_type, topology.persistent],
        "window": "unconfirmed messages, kept by the client",
        "batching": "none in the protocol; frames of up to 100 messages in one write",
        "consumer acknowledgement": settled[topology.streaming],
        "prefetch": f"basic.qos {topology.needs.prefetch} a consumer"
        + (", shared out over its lanes" if topology.lanes else ""),
        "heartbeat": f"{HEARTBEAT_S} s",
        "client": "pika SelectConnection on a thread of its own; publish and acknowledge frames marshalled by the adapter",
    }
