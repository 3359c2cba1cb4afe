"""A member that takes its messages from share groups: a queue on a log, as Apache Kafka has had since 4.2 (KIP-932).

Design
------
The *classes* are read by a share group: any number of members on a partition, each message acquired by one of them, acknowledged on
its own, and counted. That is all a task queue's plain path needs: ACCEPT is the acknowledgement ACCEPT, DEAD a copy to the dead letters
and then REJECT, a crash gives back what is not acknowledged. Around it stands what share groups have no word for:

- *Delay.* RELEASE hands a message out again at once, and its delivery count goes up; at five (``group.share.delivery.count.limit``) the
  broker gives it up without a word. So a retry is what it is with consumer groups, and what their users do: a copy into a topic of that
  delay, then ACCEPT. A copy begins with a count of its own. The topics of the ladder are read by an ordinary consumer group:
  in a share group a look that comes too early is a delivery, and what is held until it is due outlives its lock.
- *Priority.* A topic a class, a source for each (``share_source``), the highest that has something served first.
- *Expiry.* The deadline is a header; what is past it is moved to the dead letters before it is handed out.
- *Order, replay.* Neither: members overtake each other by design, and a share group's offsets are reset by an administrator while
  the group is empty. Both are declared impossible, not approximated.

When is a group done? The broker says so: the lag of a share group (``DescribeShareGroupOffsets``, KIP-1226) counts what is acquired and
not acknowledged as well as what nobody has read, and it is taken from what the broker has written down. So nothing that a member
holds is overlooked, and this subscriber needs no ``unsettled`` of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from confluent_kafka import AcknowledgeType

from harness.adapters.emulation import notes
from harness.adapters.kafka.copies import Copies, insist
from harness.adapters.kafka.layout import Layout
from harness.adapters.kafka.ports import Copier, Copy, Fetched
from harness.adapters.kafka.share_source import ACCEPT, REJECT, MessageReads, ShareSource, headers_of
from harness.adapters.kafka.subscriber import KafkaSubscriber
from harness.errors import BrokerUnavailable, Unsupported
from harness.model.messages import (
    NO_DELIVERIES,
    Deliveries,
    Disposition,
    DispositionKind,
    Outcome,
    Reason,
    Settled,
)
from harness.model.workload import Needs

SLICE_S = 0.002  # how long one of several sources is listened to before the others are looked at
GRACE_S = 0.005  # how long a class that has just been served may take to bring more, before a lower one is
NO_REPLAY = "a share group is not rewound by its members: an administrator resets its offsets while it is empty"


class ShareSubscriber:
    """``make_ladder`` is None where the workload has no retries."""

    def __init__(
        self,
        layout: Layout,
        needs: Needs,
        group: str,
        make_source: Callable[[int], ShareSource],
        make_copier: Callable[[], Copier],
        make_ladder: Callable[[], KafkaSubscriber] | None,
    ) -> None:
        self._layout = layout
        self._prefetch = needs.prefetch
        self._expiry = needs.expiry
        self._gone = False
        self._expired_copies = 0
        self._copies = Copies(layout, group, MessageReads(), make_copier)
        self._ladder = make_ladder() if make_ladder is not None else None
        self._sources: list[ShareSource] = []
        try:
            for level in range(len(layout.classes)):
                self._sources.append(make_source(level))
        except BrokerUnavailable:
            self._leave()
            raise
        self._alone = len(self._sources) == 1 and self._ladder is None

    def ready(self) -> bool:
        """The groups have given this member its share of everything."""
        return all(source.assigned() for source in self._sources) and (self._ladder is None or self._ladder.ready())

    # --- receiving

    def receive(self, limit: int, timeout_s: float) -> Deliveries:
        self._check()
        deadline = time.monotonic() + timeout_s
        room = min(limit, self._prefetch - self._held())
        while True:
            if not self._alone:
                self._glance()
            deliveries = self._pick(room)
            if not len(deliveries):
                self._listen(max(0.0, deadline - time.monotonic()))
                deliveries = self._pick(room)
            for source in self._sources:
                source.send_if_due()
            if len(deliveries) or time.monotonic() >= deadline:
                return deliveries

    def _glance(self) -> None:
        """See what every class has. One that was served last has to be asked for more: it is given the time to answer."""
        for source in self._sources:
            source.read(0.0)
        lowest = next((source.level for source in self._sources if len(source)), 0)
        for source in reversed(self._sources):
            if len(source) or source.level <= lowest:
                return
            if source.flowing and source.idle():
                source.read(GRACE_S)
                source.flowing = False

    def _held(self) -> int:
        return sum(source.held() for source in self._sources) + (self._ladder.held() if self._ladder is not None else 0)

    def _listen(self, wait_s: float) -> None:
        """To the highest class that may read on; where there are others only for a moment."""
        due = min((at for source in self._sources if (at := source.send_due_at()) is not None), default=None)
        if due is not None:
            wait_s = min(wait_s, max(0.0, due - time.monotonic()))
        if not self._alone:
            wait_s = min(wait_s, SLICE_S)
        source = next((source for source in reversed(self._sources) if source.idle()), None)
        if source is not None:
            source.read(wait_s)
        elif wait_s > 0:
            time.sleep(min(wait_s, SLICE_S))

    def _pick(self, room: int) -> Deliveries:
        """From the highest class that has something; a retry that is due has waited longest in its own."""
        if room <= 0:
            return NO_DELIVERIES
        level, count = self._ladder.next_up() if self._ladder is not None else (-1, 0)
        while True:
            source = next((source for source in reversed(self._sources) if len(source)), None)
            if self._ladder is not None and count and (source is None or level >= source.level):
                return self._ladder.receive(min(room, count), 0.0)
            if source is None:
                return NO_DELIVERIES
            fetched = source.take(room)
            if self._expiry:
                fetched = self._without_expired(source, fetched)
            if len(fetched):
                return _columns(source, fetched)

    def _without_expired(self, source: ShareSource, fetched: Fetched) -> Fetched:
        """What is past its deadline goes aside here and now."""
        now_ns = time.monotonic_ns()
        noted = [notes.read(headers_of(raw)) for raw in fetched.raws]
        late = np.array([0 < note.expires_ns <= now_ns for note in noted], dtype=bool)
        if not late.any():
            return fetched
        raws = [fetched.raws[row] for row in np.flatnonzero(late).tolist()]
        if self._copies.keeps_dead_letters:
            payloads = [fetched.payloads[row] for row in np.flatnonzero(late).tolist()]
            letters = [
                self._copies.dead_letter(payload, raw, 0, Reason.EXPIRED)
                for payload, raw in zip(payloads, raws, strict=True)
            ]
            self._move(source, letters, raws, REJECT)
            self._expired_copies += len(letters)
        else:
            source.acknowledge(raws, REJECT)
        kept = np.flatnonzero(~late)
        return Fetched(
            [fetched.payloads[row] for row in kept.tolist()],
            fetched.lanes[kept],
            fetched.offsets[kept],
            fetched.received_ns,
            [fetched.raws[row] for row in kept.tolist()],
        )

    # --- settling

    def settle(self, deliveries: Deliveries, how: Disposition) -> Settled:
        self._check()
        if how.kind is DispositionKind.ABANDON:
            self._leave()
            return Settled(Outcome.OK)
        copies, self._expired_copies = self._expired_copies, 0
        foreign = 0
        topics = deliveries.partitions // self._layout.partitions
        for source in self._sources:
            mine = np.flatnonzero(topics == source.level)
            if len(mine):
                some = deliveries if len(mine) == len(deliveries) else deliveries.take(mine.tolist())
                made, lost = self._settle(source, some, how)
                copies, foreign = copies + made, foreign + lost
        rest = np.flatnonzero(topics >= len(self._sources))
        outcome, error = Outcome.OK, ""
        if len(rest) and self._ladder is not None:
            settled = self._ladder.settle(deliveries.take(rest.tolist()), how)
            outcome, copies, error = settled.outcome, copies + settled.copies, settled.error
        if foreign:
            outcome, error = Outcome.INFO, f"{foreign} are not this member's any more: they come again"
        return Settled(outcome, copies, error)

    def _settle(self, source: ShareSource, some: Deliveries, how: Disposition) -> tuple[int, int]:
        """Copies that were made, and how many messages were somebody else's by then."""
        if how.kind is DispositionKind.RETRY:
            copies = self._copies.retries(some, how.after_ms)
            foreign = self._move(source, copies, some.handles, ACCEPT)
        elif how.kind is DispositionKind.DEAD and self._copies.keeps_dead_letters:
            copies = self._copies.dead_letters(some)
            foreign = self._move(source, copies, some.handles, REJECT)
        else:
            copies = []
            foreign = source.acknowledge(some.handles, REJECT if how.kind is DispositionKind.DEAD else ACCEPT)
        source.send_if_due()
        return len(copies), foreign

    def _move(
        self, source: ShareSource, copies: Sequence[Copy], originals: Sequence[object], how: AcknowledgeType
    ) -> int:
        """Publish copies, then acknowledge the originals of those that are safe."""
        good = self._copies.publish(copies)
        foreign = source.acknowledge([originals[row] for row in np.flatnonzero(good).tolist()], how)
        insist(copies, good)
        return foreign

    # --- the end

    def rewind(self) -> None:
        raise Unsupported(NO_REPLAY)

    def close(self) -> None:
        if not self._gone:
            self._leave()

    def _leave(self) -> None:
        self._gone = True
        for source in self._sources:
            source.close()
        if self._ladder is not None:
            self._ladder.close()
        self._copies.close()

    def _check(self) -> None:
        if self._gone:
            raise BrokerUnavailable("this subscriber was closed or abandoned its connection")


def _columns(source: ShareSource, fetched: Fetched) -> Deliveries:
    count = len(fetched)
    counts = np.array(source.counts_of(fetched.raws), dtype=np.int16)
    return Deliveries(
        payloads=fetched.payloads,
        partitions=fetched.lanes,
        positions=fetched.offsets,
        received_ns=np.full(count, fetched.received_ns, dtype=np.int64),
        redelivered=(counts > 0).astype(np.uint8),
        delivery_counts=counts,
        attempts=np.zeros(count, dtype=np.int16),
        reasons=np.zeros(count, dtype=np.uint8),
        handles=fetched.raws,
    )
