"""Which queues and topics a workload becomes. Pure: names only.

ActiveMQ chooses its policies by the names of queues, so names come first. In mode ``queues`` the publisher sends to the queues of all
groups at once (a composite destination); in mode ``virtual-topics`` it sends to a virtual topic, which the broker copies into the queue of
each group; ``auto`` is a virtual topic where there are several groups and no priorities, and queues otherwise.

======================================  ======================================================
``PREFIX.GROUP``                        the queue of a group
``PRIO.PREFIX.GROUP``                   the same where there are priorities
``VirtualTopic.PREFIX``                 sent to; the group's queue is
                                        ``Consumer.GROUP.VirtualTopic.PREFIX``
``VirtualTopic.PRIO.PREFIX``            the same where there are priorities
``DLQ.`` + queue                        its dead letters, rejected and expired
======================================  ======================================================
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.broker import Tier
from harness.model.messages import DEAD_LETTERS
from harness.model.provisioning import BrokerObject
from harness.model.workload import Needs

PRIORITY_PREFIX = "PRIO."
DEAD_PREFIX = "DLQ."
QUEUE = "/queue/"
QUEUES = "queues"
VIRTUAL_TOPICS = "virtual-topics"
AUTO = "auto"
MODES = {QUEUES: "queues", VIRTUAL_TOPICS: "virtual topics"}


@dataclass(frozen=True, slots=True)
class Destinations:
    prefix: str
    needs: Needs
    tier: Tier
    wanted: str = AUTO

    @property
    def mode(self) -> str:
        """``queues`` or ``virtual-topics``."""
        if self.wanted == AUTO:
            return VIRTUAL_TOPICS if len(self.needs.groups) > 1 and not self.prioritized else QUEUES
        return self.wanted

    @property
    def persistent(self) -> bool:
        return self.tier is not Tier.D0

    @property
    def lanes(self) -> int:
        """Message groups that keys are hashed to; 0 where order does not matter."""
        return 0 if self.needs.order == "none" else self.needs.partitions

    @property
    def prioritized(self) -> bool:
        return self.needs.priority_levels > 1

    @property
    def priorities(self) -> tuple[int, ...]:
        """STOMP priority of each class. The broker's store keeps three bands apart: below 4, 4, and above."""
        levels = self.needs.priority_levels
        by_levels = {1: (4,), 2: (4, 9), 3: (1, 4, 9)}
        return by_levels.get(levels) or tuple(round(place * 9 / (levels - 1)) for place in range(levels))

    @property
    def virtual(self) -> bool:
        return self.mode == VIRTUAL_TOPICS

    @property
    def topic(self) -> str:
        return f"VirtualTopic.{PRIORITY_PREFIX if self.prioritized else ''}{self.prefix}"

    @property
    def target(self) -> str:
        """Where a publisher sends to."""
        if self.virtual:
            return f"/topic/{self.topic}"
        return ",".join(QUEUE + self.queue(group) for group in self.needs.groups)

    def queue(self, group: str) -> str:
        """Name of the queue of a group."""
        if self.virtual:
            return f"Consumer.{group}.{self.topic}"
        return f"{PRIORITY_PREFIX if self.prioritized else ''}{self.prefix}.{group}"

    def dead_queue(self, group: str) -> str:
        return DEAD_PREFIX + self.queue(group)

    def read_by(self, group: str) -> tuple[str, ...]:
        """Names of the queues that a member of the group subscribes to."""
        if group == DEAD_LETTERS:
            return tuple(self.dead_queue(each) for each in self.needs.groups)
        return (self.queue(group),)

    def all_queues(self) -> tuple[str, ...]:
        """Work queues first, then those of the dead letters."""
        work = tuple(self.queue(group) for group in self.needs.groups)
        return work + tuple(DEAD_PREFIX + name for name in work)

    def objects(self) -> tuple[BrokerObject, ...]:
        things = []
        if self.virtual:
            things.append(BrokerObject("virtual topic", self.topic))
        settings = {"prioritizedMessages": "true"} if self.prioritized else {}
        for group in self.needs.groups:
            things.append(BrokerObject("queue", self.queue(group), settings))
            if self.needs.dead_letter or self.needs.expiry:
                things.append(BrokerObject("queue", self.dead_queue(group), {"made by": "the broker, when first used"}))
        return tuple(things)

    def stays(self, host: str) -> tuple[str, ...]:
        """What is left on a broker that is not wiped, and the command that removes it: an operation of its MBean, through the Jolokia of
        its web console. ``localhost`` is the broker's name unless its configuration says otherwise.
        """
        bean = f"http://{host}:8161/api/jolokia/exec/org.apache.activemq:type=Broker,brokerName=localhost"
        curl = f'curl -fsSg -u admin -H "Origin: http://localhost" "{bean}'
        loop = f'for q in {" ".join(self.all_queues())}; do {curl}/removeQueue(java.lang.String)/$q"; done'
        topic = f'; {curl}/removeTopic(java.lang.String)/{self.topic}"' if self.virtual else ""
        things = "queues and their topic" if self.virtual else "queues"
        return (
            f"the {things} stay on this ActiveMQ, empty: no STOMP client can delete them; where its web console runs, this does:",
            loop + topic,
        )
