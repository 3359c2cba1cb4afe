"""The memory broker as a state machine: spaces, groups, lanes. No socket, no file, no clock: ``now_ns`` is an argument.

Every change that must survive a killed process leaves a record in the space's ``outbox``; whoever drives the core writes it down before it
answers, and ``recovery`` makes the same space of the records again.

A space is what one ``Provisioning`` creates. Each group of a space is a queue of its own. Where order within a key or a replay
is needed, a group's queue has lanes: a key belongs to a lane, a lane to one member at a time. Otherwise members compete for one
queue. Within a queue the highest class goes first and, within a class, the oldest; what comes back takes its old place.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any
from zlib import crc32

from harness.adapters.memory.bugs import Bug, Planted
from harness.model.messages import DEAD_LETTERS, DispositionKind, Outcome, Reason

RETAINED_BYTES_MAX = 2 << 30  # a space beyond this refuses to take more: the memory broker must not eat the machine


@dataclass(frozen=True, slots=True)
class SpaceSpec:
    """What a space is for; travels as JSON."""

    prefix: str
    groups: tuple[str, ...]
    lanes: int = 1
    laned: bool = False
    dead_letter: bool = False
    expiry: bool = False
    retain: bool = False
    priority: bool = False
    prefetch: int = 200
    durable: bool = True
    fsync: bool = False
    bug: str = Bug.NONE.value
    bug_every: int = 1

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def of(document: dict[str, Any]) -> SpaceSpec:
        return SpaceSpec(**{**document, "groups": tuple(document["groups"])})


@dataclass(slots=True)
class Stored:
    """A message on the broker. ``number`` is its place in the space's history, ``position`` its place in its lane."""

    number: int
    lane: int
    position: int
    payload: bytes
    key: bytes | None
    priority: int
    expires_ns: int  # 0 never
    attempt: int = 0
    reason: int = Reason.NONE

    def __lt__(self, other: Stored) -> bool:
        """A planted bug can leave two entries of a heap with one number: they still need an order."""
        return self.number < other.number


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message handed to a member."""

    stored: Stored
    payload: bytes
    redelivered: bool
    delivery_count: int
    attempt: int


Record = tuple[dict[str, Any], list[bytes | None]]
Entry = tuple[int, int, Stored]  # (-class, number, message): a heap's order


class Group:
    """One group's queue: what is ready, what waits for a retry, what members hold."""

    def __init__(self, lanes: int, *, owned: bool) -> None:
        self.owned = owned  # a lane belongs to one member; otherwise members compete
        self.ready: list[list[Entry]] = [[] for _ in range(lanes)]
        self.delayed: list[tuple[int, int, Stored]] = []  # (due_ns, number, message)
        self.members: list[int] = []
        self.owners: dict[int, int] = {}
        self.held: dict[int, dict[int, Stored]] = {}
        self.attempts: dict[int, int] = {}
        self.deliveries: dict[int, int] = {}

    def backlog(self) -> int:
        return sum(map(len, self.ready)) + len(self.delayed) + sum(map(len, self.held.values()))

    def put(self, stored: Stored, *, ranked: bool) -> None:
        heapq.heappush(
            self.ready[stored.lane % len(self.ready)], (-stored.priority if ranked else 0, stored.number, stored)
        )

    def wake(self, now_ns: int, *, ranked: bool) -> None:
        """Retries whose time has come are ready again."""
        while self.delayed and self.delayed[0][0] <= now_ns:
            self.put(heapq.heappop(self.delayed)[2], ranked=ranked)

    def rebalance(self) -> None:
        """A lane moves only when its owner holds nothing of it: order within a key survives."""
        for lane in range(len(self.ready)):
            wanted = self.members[lane % len(self.members)] if self.members else 0
            owner = self.owners.get(lane, 0)
            busy = any(stored.lane % len(self.ready) == lane for stored in self.held.get(owner, {}).values())
            if owner not in self.members or not busy:
                self.owners[lane] = wanted

    def take(self, number: int) -> Stored | None:
        """Remove a waiting message by its number. Quick for one near the front, which is where a journal's settlements look."""
        for lane in self.ready:
            place = next((place for place, entry in enumerate(lane) if entry[1] == number), None)
            if place == 0:
                return heapq.heappop(lane)[2]
            if place is not None:
                stored = lane[place][2]
                lane[place] = lane[-1]
                lane.pop()
                heapq.heapify(lane)
                return stored
        place = next((place for place, entry in enumerate(self.delayed) if entry[1] == number), None)
        if place is None:
            return None
        stored = self.delayed.pop(place)[2]
        heapq.heapify(self.delayed)
        return stored

    def forget(self, number: int) -> None:
        self.attempts.pop(number, None)
        self.deliveries.pop(number, None)


class Space:
    """Everything under one prefix."""

    def __init__(self, spec: SpaceSpec) -> None:
        self.spec = spec
        self.planted = Planted(Bug(spec.bug), spec.bug_every)
        self.groups = {name: Group(spec.lanes if spec.laned else 1, owned=spec.laned) for name in spec.groups}
        if spec.dead_letter:
            self.groups[DEAD_LETTERS] = Group(1, owned=False)
        self.history: list[Stored] = []
        self.outbox: list[Record] = []
        self.next_number = 0
        self._next_dead_number = 0
        self._positions = [0] * spec.lanes
        self._retained_bytes = 0
        self.ranked = spec.priority and self.planted.bug is not Bug.PRIORITY_IGNORED

    def _record(self, kind: str, blobs: list[bytes | None] | None = None, **fields: Any) -> None:
        if self.spec.durable:
            self.outbox.append(({"record": kind, "prefix": self.spec.prefix, **fields}, blobs or []))

    # --- publishing

    def publish(self, payload: bytes, key: bytes | None, priority: int, expires_ns: int) -> tuple[Outcome, int, int]:
        """Store one message. Returns outcome, lane, position."""
        if self._retained_bytes + len(payload) > RETAINED_BYTES_MAX:
            return Outcome.FAIL, -1, -1
        lane = (self.next_number if key is None else crc32(key)) % self.spec.lanes
        stored = Stored(self.next_number, lane, self._positions[lane], payload, key, priority, expires_ns)
        self.next_number += 1
        self._positions[lane] += 1
        if self.planted.strikes(Bug.LOSE_ACKNOWLEDGED):
            return Outcome.OK, lane, stored.position
        self.admit(stored)
        if self.planted.bug is Bug.REORDER_WITHIN_KEY:
            self._swap_neighbours(stored)
        if not self.planted.strikes(Bug.LIE_ABOUT_ACK):
            numbers = [stored.number, lane, stored.position, priority, expires_ns]
            self._record("publish", [payload, key], numbers=numbers)
        if self.planted.strikes(Bug.LIE_ABOUT_FAILURE):
            return Outcome.FAIL, -1, -1
        return Outcome.OK, lane, stored.position

    def admit(self, stored: Stored) -> None:
        """Put a message into the history and in front of every group."""
        self.next_number = max(self.next_number, stored.number + 1)
        self._positions[stored.lane] = max(self._positions[stored.lane], stored.position + 1)
        if self.spec.retain:
            self.history.append(stored)
            self._retained_bytes += len(stored.payload)
        skips = self.planted.bug is Bug.SKIP_GROUP and stored.number % self.planted.every == self.planted.every - 1
        for name in self.spec.groups[: len(self.spec.groups) - skips]:
            self.groups[name].put(stored, ranked=self.ranked)

    def _swap_neighbours(self, stored: Stored) -> None:
        """Exchange the newest message with the one of its key before it, in every group where that one is still waiting."""
        waiting = []
        for name in self.spec.groups:
            ready = self.groups[name].ready
            lane = ready[stored.lane % len(ready)]
            same = [entry for entry in lane if entry[2].key == stored.key and entry[1] < stored.number]
            if same:
                waiting.append((lane, max(same, key=lambda entry: entry[1])))
        if not waiting or not self.planted.strikes(Bug.REORDER_WITHIN_KEY):
            return
        for lane, earlier in waiting:
            newest = next(entry for entry in lane if entry[2] is stored)
            lane.remove(earlier)
            lane.remove(newest)
            lane += [(earlier[0], earlier[1], stored), (newest[0], newest[1], earlier[2])]
            heapq.heapify(lane)

    # --- members

    def join(self, name: str, member: int) -> bool:
        """False when the space has no such group."""
        group = self.groups.get(name)
        if group is None:
            return False
        group.members.append(member)
        group.held[member] = {}
        group.rebalance()
        return True

    def leave(self, name: str, member: int) -> None:
        """The member is gone: what it held goes back to its old place."""
        group = self.groups.get(name)
        if group is None or member not in group.members:
            return
        group.members.remove(member)
        for stored in group.held.pop(member).values():
            group.put(stored, ranked=self.ranked)
        group.rebalance()

    def fetch(self, name: str, member: int, limit: int, now_ns: int) -> list[Delivery]:
        """Up to ``limit`` messages, never more than the prefetch unsettled."""
        group = self.groups[name]
        group.wake(now_ns, ranked=self.ranked)
        group.rebalance()
        held = group.held[member]
        given: list[Delivery] = []
        while len(given) < limit and len(held) < self.spec.prefetch:
            stored = self._next_ready(group, member)
            if stored is None:
                break
            if self._expired(stored, now_ns) and name != DEAD_LETTERS:
                self._record("bury", group=name, numbers=[stored.number], reason=int(Reason.EXPIRED))
                self.bury(group, stored, Reason.EXPIRED)
                continue
            held[stored.number] = stored
            given += self._hand_out(group, name, stored)
        if given:
            self._record("deliver", group=name, numbers=[delivery.stored.number for delivery in given])
        return given

    def _next_ready(self, group: Group, member: int) -> Stored | None:
        lanes = [
            lane
            for number, lane in enumerate(group.ready)
            if lane and (not group.owned or group.owners.get(number) == member)
        ]
        if not lanes:
            return None
        return heapq.heappop(min(lanes, key=lambda lane: lane[0][:2]))[2]

    def _hand_out(self, group: Group, name: str, stored: Stored) -> Iterator[Delivery]:
        count = group.deliveries.get(stored.number, 0)
        group.deliveries[stored.number] = count + 1
        attempt = stored.attempt + group.attempts.get(stored.number, 0)
        payload = stored.payload
        if name != DEAD_LETTERS:
            if self.planted.strikes(Bug.CORRUPT) and payload:
                payload = payload[:-1] + bytes([payload[-1] ^ 1])
            if self.planted.strikes(Bug.PHANTOM):
                yield Delivery(stored, bytes(100), redelivered=False, delivery_count=0, attempt=0)
            if self.planted.strikes(Bug.DUPLICATE):
                yield Delivery(stored, payload, redelivered=False, delivery_count=0, attempt=attempt)
        yield Delivery(stored, payload, redelivered=count > 0, delivery_count=count, attempt=attempt)

    def _expired(self, stored: Stored, now_ns: int) -> bool:
        if not stored.expires_ns or not self.spec.expiry or self.planted.bug is Bug.EXPIRED_DELIVERED:
            return False
        return now_ns >= stored.expires_ns or self.planted.strikes(Bug.EXPIRE_EARLY)

    # --- settling

    def settle(self, name: str, member: int, numbers: Iterable[int], kind: DispositionKind, due_ns: int) -> int:
        """Settle held messages; ``due_ns`` is when a RETRY may come again. Returns how many the member held."""
        group = self.groups[name]
        held = group.held.get(member, {})
        settled = [number for number in dict.fromkeys(numbers) if number in held]
        for number in settled:
            self.settle_one(group, held.pop(number), kind, due_ns)
        if settled:
            self._record("settle", group=name, numbers=settled, disposition=int(kind), due_ns=due_ns)
        return len(settled)

    def settle_one(self, group: Group, stored: Stored, kind: DispositionKind, due_ns: int) -> None:
        if kind is DispositionKind.ACCEPT:
            if self.planted.strikes(Bug.FORGET_ACCEPTED):
                group.put(stored, ranked=self.ranked)
            else:
                group.forget(stored.number)
        elif kind is DispositionKind.RETRY:
            if self.planted.bug is not Bug.FORGET_ATTEMPTS:
                group.attempts[stored.number] = group.attempts.get(stored.number, 0) + 1
            due_ns = 0 if self.planted.strikes(Bug.RETRY_AT_ONCE) else due_ns
            heapq.heappush(group.delayed, (due_ns, stored.number, stored))
        elif kind is DispositionKind.DEAD:
            self.bury(group, stored, Reason.REJECTED)
        else:
            group.put(stored, ranked=self.ranked)

    def bury(self, group: Group, stored: Stored, reason: Reason) -> None:
        attempt = stored.attempt + group.attempts.get(stored.number, 0)
        group.forget(stored.number)
        dead = self.groups.get(DEAD_LETTERS)
        if dead is None or dead is group or self.planted.strikes(Bug.DROP_DEAD_LETTER):
            return
        if self.planted.strikes(Bug.WRONG_REASON):
            reason = Reason.OTHER
        number = self._next_dead_number
        self._next_dead_number += 1
        dead.put(Stored(number, 0, number, stored.payload, stored.key, 0, 0, attempt, reason), ranked=False)

    # --- replay, looking

    def rewind(self, name: str, member: int) -> None:
        """The member's lanes hold their whole history again."""
        group = self.groups[name]
        group.rebalance()
        lanes = sorted(lane for lane, owner in group.owners.items() if owner == member)
        held = group.held[member]
        for number in [number for number, stored in held.items() if stored.lane % len(group.ready) in lanes]:
            del held[number]
        self._record("rewind", group=name, lanes=lanes)
        self.rewind_lanes(group, lanes)

    def rewind_lanes(self, group: Group, lanes: list[int]) -> None:
        for lane in lanes:
            group.ready[lane] = []
        for stored in self.history:
            if stored.lane % len(group.ready) in lanes and not self.planted.strikes(Bug.REPLAY_DIFFERS):
                group.forget(stored.number)
                group.put(stored, ranked=self.ranked)

    def due_ns(self, name: str) -> int | None:
        """When the next retry of a group comes due."""
        delayed = self.groups[name].delayed
        return delayed[0][0] if delayed else None

    def backlog(self) -> dict[str, int]:
        return {name: group.backlog() for name, group in self.groups.items()}
