"""A subscriber process: one member of one group. It receives, works, settles, and records each of these.

What a message's fate is (how long the work takes, how often it fails) stands in its envelope, drawn from the seed; the
member only carries it out, so every broker's workers do the same work.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import numpy as np

from harness.errors import BrokerUnavailable
from harness.history.writer import EventLog
from harness.model import envelope
from harness.model.messages import (
    ABANDON,
    ACCEPT,
    DEAD,
    DEAD_LETTERS,
    Adapter,
    Deliveries,
    Disposition,
    DispositionKind,
    Outcome,
    Reason,
    Subscriber,
    retry,
)
from harness.model.workload import Workload
from harness.runner.control import Counter, WorkerSpec
from harness.runner.gateway import Gateway
from harness.runner.recording import ConsumerRecorder

RECONNECT_PAUSE_S = 0.2  # a dozen workers that knock more often would slow the restart they wait for
REWIND_DEADLINE_S = 60.0
RECEIVE_WAIT_S = 0.1
RECEIVE_MAX = 500

NO_EFFECT, EFFECT, EFFECT_PREVENTED = 0, 1, 2


class ConsumingWorker:
    """Owns one subscriber connection at a time, and the ``deliver`` and ``settle`` tables."""

    def __init__(
        self,
        spec: WorkerSpec,
        adapter: Adapter,
        counters: np.ndarray[tuple[int], np.dtype[np.int64]],
        idle: Callable[[], None],
    ) -> None:
        self._spec = spec
        self._adapter = adapter
        self._counters = counters
        self._idle = idle
        workload = spec.workload
        self._is_dead_letter_reader = spec.group == DEAD_LETTERS
        self._once = workload.processing.once and not self._is_dead_letter_reader
        self._gateway = Gateway(spec.gateway) if self._once else None
        self._limit = max(1, min(RECEIVE_MAX, workload.needs.prefetch))
        self._careless = not self._once and not _has_fates(workload)
        who = {"group": spec.group_number, "member": spec.member, "incarnation": spec.incarnation}
        self._kept = ConsumerRecorder(spec.folder, spec.worker, spec.run_number, who)
        self._recorder: ConsumerRecorder | None = self._kept
        self._events = EventLog(spec.folder, spec.worker)
        self._subscriber: Subscriber | None = None
        self._reading = spec.reading
        self._crash_next = False
        self._lost_at = 0

    # -- connection -------------------------------------------------------------------------------------------------

    def connect(self) -> bool:
        """One attempt. False when the broker does not answer."""
        if self._subscriber is not None:
            return True
        spec = self._spec
        try:
            self._subscriber = self._adapter.subscriber(spec.broker, spec.plan, spec.group, spec.member)
        except BrokerUnavailable:
            return False
        if self._lost_at:
            self._events.add("connected_again", role="subscriber", seconds=(time.monotonic_ns() - self._lost_at) / 1e9)
            self._lost_at = 0
        return True

    def _lost(self, error: BrokerUnavailable) -> None:
        self._lost_at = self._lost_at or time.monotonic_ns()
        self._counters[Counter.READY] = 0
        self._events.add("connection_lost", role="subscriber", error=error.message)
        subscriber, self._subscriber = self._subscriber, None
        if subscriber is not None:
            subscriber.close()

    def rewind(self) -> None:
        """Read this member's share again; deliveries are the second reading from here on.

        A connection that is lost in the middle is made anew, and rewound from there. Raises BrokerUnavailable past the deadline.
        """
        deadline = time.monotonic() + REWIND_DEADLINE_S
        while True:
            if self.connect():
                assert self._subscriber is not None
                try:
                    self._subscriber.rewind()
                    self._reading = 1
                    return
                except BrokerUnavailable as error:
                    self._lost(error)
                    if time.monotonic() > deadline:
                        raise
            self._idle()
            time.sleep(RECONNECT_PAUSE_S)

    def crash_on_next(self) -> None:
        self._crash_next = True

    # -- one turn ---------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Receive once, and deal with what came. Survives a lost broker."""
        if not self.connect():
            time.sleep(RECONNECT_PAUSE_S)
            return
        subscriber = self._subscriber
        assert subscriber is not None
        idle = True
        try:
            deliveries = subscriber.receive(self._limit, RECEIVE_WAIT_S)
            ready = getattr(subscriber, "ready", None)
            self._counters[Counter.READY] = 1 if ready is None or ready() else 0
            if len(deliveries):
                idle = False
                self._handle(subscriber, deliveries)
        except BrokerUnavailable as error:
            self._lost(error)
        self._count_held()
        if self._recorder is not None:
            self._recorder.flush_if_due(idle=idle)

    def _count_held(self) -> None:
        unsettled = getattr(self._subscriber, "unsettled", None)
        if unsettled is not None:
            self._counters[Counter.HELD] = unsettled()
            self._counters[Counter.LOOKS] += 1

    def _handle(self, subscriber: Subscriber, deliveries: Deliveries) -> None:
        self._record_deliveries(deliveries)
        if self._crash_next:
            self._die(deliveries)
        plain = self._reading or self._is_dead_letter_reader
        if plain or self._careless:
            self._settle_rows(subscriber, deliveries, ACCEPT, failed=0, effect=NO_EFFECT if plain else EFFECT)
            return
        rows = envelope.unpack(deliveries.payloads)
        ours = (rows["magic"] == envelope.MAGIC) & (rows["run"] == self._spec.run_number)
        if not self._needs_care(rows, ours, deliveries):
            self._settle_rows(subscriber, deliveries, ACCEPT, failed=0, effect=EFFECT)
            return
        for place in range(len(deliveries)):
            self._work_on(subscriber, deliveries, place, rows[place : place + 1], ours=bool(ours[place]))
            self._idle()

    def _needs_care(
        self, rows: envelope.Envelopes, ours: np.ndarray[tuple[int], np.dtype[np.bool_]], deliveries: Deliveries
    ) -> bool:
        """Work, planned failures or effects: then messages are dealt with one at a time."""
        return self._once or bool(((rows["work_us"] > 0) | (rows["failures"] > deliveries.attempts))[ours].any())

    def _work_on(
        self, subscriber: Subscriber, deliveries: Deliveries, place: int, row: envelope.Envelopes, *, ours: bool
    ) -> None:
        """One message: work, then succeed or fail as planned."""
        one = deliveries.take([place])
        if not ours:
            self._settle_rows(subscriber, one, ACCEPT, place=place, failed=0, effect=NO_EFFECT)
            return
        if row["work_us"][0]:
            time.sleep(int(row["work_us"][0]) / 1e6)
        attempt = int(one.attempts[0])
        failures = int(row["failures"][0])
        if failures == envelope.POISON or attempt < failures:
            how = self._after_failure(attempt)
            self._settle_rows(subscriber, one, how, place=place, failed=1, effect=NO_EFFECT)
            return
        self._settle_rows(subscriber, one, ACCEPT, place=place, failed=0, effect=self._take_effect(row))

    def _take_effect(self, row: envelope.Envelopes) -> int:
        if self._gateway is None:
            return EFFECT
        done = self._gateway.perform(self._spec.group_number, int(row["producer"][0]), int(row["sequence"][0]))
        return EFFECT if done else EFFECT_PREVENTED

    def _after_failure(self, attempt: int) -> Disposition:
        policy = self._spec.workload.needs.retry
        if policy is None or attempt >= policy.max:
            return DEAD
        return retry(policy.delay_ms(attempt))

    def _die(self, deliveries: Deliveries) -> None:
        """Crash as a worker does: the effect took place, nobody was told. Only what is on disk survives."""
        first = envelope.unpack(deliveries.payloads[:1])
        effect = self._take_effect(first) if first["failures"][0] == 0 else NO_EFFECT
        if self._recorder is not None:
            self._recorder.settled(0, 1, ABANDON, Outcome.INFO, failed=0, effect=effect, copies=0)
            self._recorder.flush()
        os.kill(os.getpid(), signal.SIGKILL)

    # -- records ----------------------------------------------------------------------------------------------------

    def recording(self, on: bool) -> None:
        """Write the history from the next turn on, or no longer; what waits is written out."""
        if not on and self._recorder is not None:
            self._recorder.flush()
        self._recorder = self._kept if on else None

    def _settle_rows(
        self, subscriber: Subscriber, some: Deliveries, how: Disposition, *, place: int = 0, failed: int, effect: int
    ) -> None:
        """``some`` are rows of the batch that was received last, from its row ``place`` on."""
        count = len(some)
        outcome, copies = Outcome.INFO, 0
        try:
            settled = subscriber.settle(some, how)
            outcome, copies = settled.outcome, settled.copies
        finally:
            if self._recorder is not None:
                self._recorder.settled(place, count, how, outcome, failed=failed, effect=effect, copies=copies)
        self._counters[Counter.RETRIED if how.kind is DispositionKind.RETRY else Counter.COMPLETED] += count

    def _record_deliveries(self, deliveries: Deliveries) -> None:
        self._counters[Counter.REPLAYED if self._reading else Counter.DELIVERED] += len(deliveries)
        if self._is_dead_letter_reader:
            self._counters[Counter.EXPIRED] += int(np.count_nonzero(deliveries.reasons == Reason.EXPIRED))
        self._counters[Counter.LAST_ACTIVITY_NS] = time.monotonic_ns()
        if self._recorder is not None:
            self._recorder.deliveries(deliveries, self._reading)

    def close(self) -> None:
        if self._subscriber is not None:
            self._subscriber.close()
            self._subscriber = None
        self._kept.close()
        self._events.close()
        if self._gateway is not None:
            self._gateway.close()


def _has_fates(workload: Workload) -> bool:
    """Whether any message of this workload takes work or fails by plan: only then is each envelope looked at on arrival."""
    works = [workload.processing.work, *[phase.work for phase in workload.phases if phase.work is not None]]
    failures = [
        workload.messages.failures,
        *[phase.failures for phase in workload.phases if phase.failures is not None],
    ]
    return any(work.mean > 0 for work in works) or any(one.transient or one.poison for one in failures)
