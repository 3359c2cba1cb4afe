"""Which exchanges and queues a workload becomes. Pure: names and arguments only.

::

    publisher ─> PREFIX.in ─> PREFIX.q.GROUP          every group has its own queue (fan-out)
    publisher ─> PREFIX.in ─> PREFIX.q.GROUP.LANE     with order per key: a queue per lane, one active consumer each
    RETRY: PREFIX.q.GROUP ─(copy)─> PREFIX.wait.GROUP.MS ─(time to live)─> PREFIX.q.GROUP
    PREFIX.here.GROUP.MEMBER                          with lanes: consumed by that member alone, to show that it is there
    DEAD:  PREFIX.q.GROUP ─(rejected, expired)─> PREFIX.dlx ─> PREFIX.dead

A stream keeps what was read, so all groups read the same lanes, each from a place of its own::

    publisher ─> PREFIX.in ─> PREFIX.s.LANE           a stream a lane; members of a group share the lanes out
    PREFIX.token.GROUP.LANE                           holds one message for good: who has it unacknowledged reads the lane
    PREFIX.place.GROUP.LANE                           holds one message: the offset up to which the group has settled the lane
    RETRY: copy ─> PREFIX.wait.GROUP.MS ─(time to live)─> PREFIX.again.GROUP      classic queues; a stream takes nothing back
    DEAD:  copy ─> PREFIX.dead
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.adapters.emulation.retry_ladder import rungs_ms
from harness.model.broker import Tier
from harness.model.messages import DEAD_LETTERS
from harness.model.provisioning import BrokerObject
from harness.model.workload import Needs

CLASSIC = "classic"
QUORUM = "quorum"
STREAM = "stream"
RETURNS_FIRST_BEFORE = (4, 0)
LIMITLESS_SINCE = (4, 0)  # from here on a quorum queue drops after 20 deliveries unless told otherwise
QUORUM_PRIORITIES_SINCE = (4, 3)
NEVER_SYNCED_SINCE = (4, 0)  # before, a classic queue of version 2 syncs for messages above 4 KiB

Arguments = Mapping[str, str | int | bool]


@dataclass(frozen=True, slots=True)
class Queue:
    """``arguments`` are those of queue.declare; all queues are durable, so that they outlive a killed broker."""

    name: str
    arguments: Arguments
    bindings: tuple[tuple[str, str], ...] = ()  # (exchange, routing key)


@dataclass(frozen=True, slots=True)
class Topology:
    """``lanes`` is 0 where a group has one queue that its members compete for."""

    prefix: str
    needs: Needs
    queue_type: str
    tier: Tier
    version: tuple[int, ...]

    @property
    def streaming(self) -> bool:
        return self.queue_type == STREAM

    @property
    def lanes(self) -> int:
        """A stream that is a work queue gets at least a lane a member, or members would be idle."""
        if self.needs.order != "none":
            return self.needs.partitions
        return max(self.needs.partitions, *self.needs.groups.values()) if self.streaming else 0

    @property
    def spreads(self) -> bool:
        """Whether messages without a key go to the lanes by turns; where order matters all go to the first."""
        return self.streaming and self.needs.order == "none"

    @property
    def exchange(self) -> str:
        return f"{self.prefix}.in"

    @property
    def exchanges(self) -> dict[str, str]:
        """Type by name."""
        table = {self.exchange: "direct" if self.lanes else "fanout"}
        return table | ({self.dead_exchange: "fanout"} if self.needs.dead_letter and not self.streaming else {})

    @property
    def routing_keys(self) -> tuple[str, ...]:
        return tuple(str(lane) for lane in range(self.lanes)) or ("",)

    @property
    def dead_exchange(self) -> str:
        return f"{self.prefix}.dlx"

    @property
    def dead_queue(self) -> str:
        return f"{self.prefix}.dead"

    @property
    def persistent(self) -> bool:
        return self.tier is not Tier.D0

    @property
    def rungs_ms(self) -> tuple[int, ...]:
        return rungs_ms(self.needs.retry.backoff) if self.needs.retry else ()

    @property
    def priorities(self) -> tuple[int, ...]:
        """AMQP priority of each class; one entry when there are no levels."""
        levels = self.needs.priority_levels
        if self.streaming or (self.queue_type == QUORUM and self.version < QUORUM_PRIORITIES_SINCE):
            return (0,)
        return tuple(range(levels))

    def members(self, group: str) -> int:
        return self.needs.groups.get(group, 1)

    def work_queues(self, group: str) -> tuple[str, ...]:
        """The queue of a group, or its lanes in order; with streams, the queues that the tokens of the lanes lie in."""
        if group == DEAD_LETTERS:
            return (self.dead_queue,)
        if self.streaming:
            return tuple(f"{self.prefix}.token.{group}.{lane}" for lane in range(self.lanes))
        name = f"{self.prefix}.q.{group}"
        return tuple(f"{name}.{lane}" for lane in range(self.lanes)) or (name,)

    def laned(self, group: str) -> bool:
        """Whether the members of a group share out lanes."""
        return self.lanes > 0 and group != DEAD_LETTERS

    @property
    def returns_first(self) -> bool:
        """Whether a closed channel's messages are back in the queue before the next active consumer gets any.

        So it is with the classic queue of 3.10. A quorum queue, and the classic queue of 4.0, let the next consumer go on behind them.
        With streams only a token changes hands, and the next one reads on from the place that was written down.
        """
        return self.streaming or (self.queue_type == CLASSIC and self.version < RETURNS_FIRST_BEFORE)

    def here_queue(self, group: str, member: int) -> str:
        """The queue by which a member shows that it is there: it consumes it, nobody sends to it."""
        return f"{self.prefix}.here.{group}.{member}"

    def wait_queue(self, work_queue: str, rung_ms: int) -> str:
        name = work_queue.removeprefix(f"{self.prefix}.again." if self.streaming else f"{self.prefix}.q.")
        return f"{self.prefix}.wait.{name}.{rung_ms}"

    def stream(self, lane: int) -> str:
        return f"{self.prefix}.s.{lane}"

    def place_queue(self, group: str, lane: int) -> str:
        return f"{self.prefix}.place.{group}.{lane}"

    def again_queue(self, group: str) -> str:
        """Where copies of what a stream's consumer wants to retry come back."""
        return f"{self.prefix}.again.{group}"

    def retried_through(self, group: str) -> tuple[str, ...]:
        """The queues that retries come back to: the work queues, but for streams."""
        return (self.again_queue(group),) if self.streaming else self.work_queues(group)

    def counted_queues(self, group: str) -> tuple[str, ...]:
        """Queues whose messages a group has yet to deal with; streams are counted by their offsets."""
        come_back = self.retried_through(group) if self.rungs_ms or not self.streaming else ()
        return come_back + self.waiting_queues(group)

    def waiting_queues(self, group: str) -> tuple[str, ...]:
        return tuple(self.wait_queue(queue, rung) for queue in self.retried_through(group) for rung in self.rungs_ms)

    def queues(self) -> tuple[Queue, ...]:
        """All of them, those that others dead-letter to first."""
        if self.streaming:
            return self._stream_queues()
        queues: list[Queue] = []
        if self.needs.dead_letter:
            queues.append(Queue(self.dead_queue, self._base(), ((self.dead_exchange, ""),)))
        for group in self.needs.groups:
            for lane, name in enumerate(self.work_queues(group)):
                key = str(lane) if self.lanes else ""
                queues.append(Queue(name, self._work_arguments(), ((self.exchange, key),)))
                queues += [
                    Queue(self.wait_queue(name, rung), self._wait_arguments(name, rung)) for rung in self.rungs_ms
                ]
            queues += self._here_queues(group)
        return tuple(queues)

    def _stream_queues(self) -> tuple[Queue, ...]:
        queues = [Queue(self.dead_queue, self._base())] if self.needs.dead_letter else []
        queues += [
            Queue(self.stream(lane), {"x-queue-type": STREAM}, ((self.exchange, str(lane)),))
            for lane in range(self.lanes)
        ]
        for group in self.needs.groups:
            for lane, token in enumerate(self.work_queues(group)):
                queues.append(Queue(token, self._base() | {"x-single-active-consumer": True}))
                newest_only: Arguments = {"x-max-length": 1, "x-overflow": "drop-head"}
                queues.append(Queue(self.place_queue(group, lane), {**self._base(), **newest_only}))
            if self.rungs_ms:
                again = self.again_queue(group)
                queues.append(Queue(again, self._base()))
                queues += [
                    Queue(self.wait_queue(again, rung), self._wait_arguments(again, rung)) for rung in self.rungs_ms
                ]
            queues += self._here_queues(group)
        return tuple(queues)

    def _here_queues(self, group: str) -> list[Queue]:
        if not self.laned(group) or self.members(group) == 1:
            return []
        return [Queue(self.here_queue(group, member), {}) for member in range(self.members(group))]

    def _base(self) -> dict[str, str | int | bool]:
        if self.queue_type == QUORUM:
            unlimited = {"x-delivery-limit": -1} if self.version >= LIMITLESS_SINCE else {}
            return {"x-queue-type": QUORUM, **unlimited}
        return {"x-queue-type": CLASSIC, "x-queue-version": 2}

    def _dead_lettering(self) -> dict[str, str | int | bool]:
        """A quorum queue can keep a dead letter until its target has confirmed it; a classic one cannot."""
        if self.queue_type != QUORUM:
            return {}
        return {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}

    def _work_arguments(self) -> Arguments:
        arguments = self._base()
        if self.lanes:
            arguments["x-single-active-consumer"] = True
        if self.needs.dead_letter:
            arguments |= {"x-dead-letter-exchange": self.dead_exchange, **self._dead_lettering()}
        if self.needs.priority_levels > 1 and self.queue_type == CLASSIC:
            arguments["x-max-priority"] = self.needs.priority_levels - 1
        return arguments

    def _wait_arguments(self, work_queue: str, rung_ms: int) -> Arguments:
        return {
            **self._base(),
            "x-message-ttl": rung_ms,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": work_queue,
            **self._dead_lettering(),
        }

    def objects(self) -> tuple[BrokerObject, ...]:
        """For the plan: every exchange, queue and binding with its settings."""
        things = [
            BrokerObject("exchange", name, {"type": kind, "durable": "true"}) for name, kind in self.exchanges.items()
        ]
        for queue in self.queues():
            settings = {"durable": "true"} | {name: _text(value) for name, value in queue.arguments.items()}
            things.append(BrokerObject("queue", queue.name, settings))
            things += [
                BrokerObject("binding", queue.name, {"exchange": exchange, "routing_key": key})
                for exchange, key in queue.bindings
            ]
        return tuple(things)


def _text(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
