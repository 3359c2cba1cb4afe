"""The adapter: plans, connects, and hands everything else to its neighbours."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from harness.adapters.activemq import frames, provisioning
from harness.adapters.activemq.destinations import AUTO, MODES, Destinations
from harness.adapters.activemq.features import capabilities_of
from harness.adapters.activemq.provisioning import SYNC_SETTING
from harness.adapters.activemq.publisher import CHUNK_ROWS_MAX, UNDER_WAY_MAX, ActivemqPublisher
from harness.adapters.activemq.subscriber import ActivemqSubscriber
from harness.adapters.features import of_plan
from harness.errors import Unsupported, UsageError
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Capabilities
from harness.model.messages import Publisher, Subscriber
from harness.model.provisioning import Provisioning
from harness.model.workload import Needs

MODE = "mode"


class ActivemqAdapter:
    """Settings: ``mode`` is queues, virtual-topics, or auto (virtual topics for several groups without priorities)."""

    name = "activemq"

    def __init__(self, settings: Mapping[str, str]) -> None:
        for key in settings:
            if key != MODE:
                nearest = difflib.get_close_matches(key, [MODE], n=1)
                hint = f"did you mean {nearest[0]}?" if nearest else f"it knows {MODE}"
                raise UsageError(f"the activemq adapter has no setting {key!r}; {hint}")
        self._mode = settings.get(MODE, AUTO)
        if self._mode not in (AUTO, *MODES):
            nearest = difflib.get_close_matches(self._mode, MODES, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise UsageError(f"{MODE} is {', '.join(MODES)} or {AUTO}, not {self._mode!r}{hint}")

    def capabilities(self, broker: BrokerInfo) -> Capabilities:
        del broker
        return capabilities_of(self._mode)

    def plan(self, broker: BrokerInfo, needs: Needs, tier: Tier, prefix: str) -> Provisioning:
        if tier in (Tier.D3, Tier.D4):
            raise Unsupported(f"ActiveMQ Classic does not replicate, so there is no {tier} ({tier.sentence})")
        destinations = Destinations(prefix, needs, tier, self._mode)
        return Provisioning(
            adapter=self.name,
            prefix=prefix,
            needs=needs,
            tier=tier,
            mode=MODES[destinations.mode],
            shape=destinations.mode,
            objects=destinations.objects(),
            features=of_plan(capabilities_of(self._mode), needs),
            parity=_parity(destinations, broker),
            details={MODE: destinations.mode},
            stays=destinations.stays(broker.host),
        )

    def provision(self, broker: BrokerInfo, plan: Provisioning) -> None:
        provisioning.create(broker, _destinations(plan))

    def publisher(self, broker: BrokerInfo, plan: Provisioning, window: int) -> Publisher:
        return ActivemqPublisher(broker, _destinations(plan), window)

    def subscriber(self, broker: BrokerInfo, plan: Provisioning, group: str, member: int) -> Subscriber:
        del member  # members are told apart by their connection
        return ActivemqSubscriber(broker, _destinations(plan), group)

    def backlog(self, broker: BrokerInfo, plan: Provisioning) -> Mapping[str, int]:
        """Messages in each group's queue, in consumers' hands included, and retries that wait in the scheduler. Exact, 10-20 ms."""
        destinations = _destinations(plan)
        queues = {group: destinations.queue(group) for group in plan.needs.groups}
        counts = provisioning.count(broker, list(queues.values()), delayed=plan.needs.retry is not None)
        return {group: counts[name].messages + counts[name].delayed for group, name in queues.items()}

    def teardown(self, broker: BrokerInfo, plan: Provisioning) -> None:
        """Empties everything. STOMP cannot delete a queue: empty ones stay (``plan.stays``) until the broker's data is wiped."""
        provisioning.remove(broker, _destinations(plan))

    def publish_transaction(
        self, broker: BrokerInfo, plan: Provisioning, payloads: Sequence[bytes], *, commit: bool
    ) -> None:
        """All of them or none, through BEGIN and COMMIT or ABORT. Raises BrokerUnavailable."""
        destinations = _destinations(plan)

        def head(transaction: str) -> bytes:
            persistent = "true" if destinations.persistent else "false"
            return frames.head(
                "SEND",
                [("destination", destinations.target), ("persistent", persistent), ("transaction", transaction)],
            )

        provisioning.publish_transaction(broker, head, payloads, commit=commit)


def _destinations(plan: Provisioning) -> Destinations:
    return Destinations(plan.prefix, plan.needs, plan.tier, plan.details[MODE])


def _parity(destinations: Destinations, broker: BrokerInfo) -> dict[str, str]:
    """Settings that decide whether two brokers did the same work."""
    strategy = broker.settings.get(SYNC_SETTING, "as the server is set")
    fsync = {
        "always": "before the acknowledgement (journalDiskSyncStrategy=always)"
        + ("; less would not survive a killed broker" if destinations.tier is Tier.D1 else ""),
        "periodic": "once a second, not before the acknowledgement (journalDiskSyncStrategy=periodic)",
        "never": "left to the kernel (journalDiskSyncStrategy=never)",
    }
    return {
        "acknowledgement": "receipt of the COMMIT, or of the SEND when it is alone and goes to one queue",
        "fan-out": "a virtual topic, copied by the broker"
        if destinations.virtual
        else "one SEND to the queues of all groups",
        "persistence": "persistent:true" if destinations.persistent else "persistent:false",
        "fsync": fsync.get(strategy, strategy) if destinations.persistent else "never: messages are not persistent",
        "window": "messages without a receipt, kept by the client",
        "batching": f"what has come up goes as one transaction of up to {CHUNK_ROWS_MAX}; {UNDER_WAY_MAX} transactions under way",
        "consumer acknowledgement": "ACK of each message (client-individual), many frames in one write; no receipt asked for",
        "prefetch": f"activemq.prefetchSize {destinations.needs.prefetch} a consumer",
        "heartbeat": "none: a killed broker shows as a closed socket",
        "client": "stomp.py; SEND and ACK frames written by the adapter",
    }
