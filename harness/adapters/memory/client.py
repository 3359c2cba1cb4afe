"""The adapter to the memory broker: talks to its socket like any other client, so it works from several processes."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping

import numpy as np

from harness.adapters.emulation.expiry import deadlines_ns
from harness.adapters.features import of_plan
from harness.adapters.memory.bugs import Bug
from harness.adapters.memory.core import SpaceSpec
from harness.adapters.memory.wire import Blobs, Connection, FrameError, Header
from harness.errors import BrokerUnavailable, ProvisioningFailed, Unsupported, UsageError
from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Capabilities, Capability, Feature, Support, capabilities
from harness.model.messages import (
    ABANDON,
    NO_DELIVERIES,
    Deliveries,
    Disposition,
    Outcome,
    OutcomeBuffer,
    Outcomes,
    OutgoingBatch,
    Publisher,
    Settled,
    Subscriber,
)
from harness.model.provisioning import BrokerObject, Provisioning
from harness.model.workload import Needs

CONNECT_TIMEOUT_S = 5.0
FRAME_ROWS_MAX = 1000
_SETTINGS = {"bug", "bug_every"}


def _connect(broker: BrokerInfo) -> Connection:
    try:
        sock = socket.create_connection((broker.host, broker.port), timeout=CONNECT_TIMEOUT_S)
    except OSError as problem:
        raise BrokerUnavailable(f"the memory broker at {broker.address} does not answer: {problem}") from problem
    sock.settimeout(None)
    return Connection(sock)


def _call(connection: Connection, header: Header, blobs: Blobs | None = None) -> tuple[Header, Blobs]:
    try:
        answer, body = connection.call(header, blobs or [])
    except (OSError, FrameError) as problem:
        raise BrokerUnavailable(f"lost the connection to the memory broker: {problem}") from problem
    if "error" in answer:
        raise BrokerUnavailable(f"the memory broker refused {header['op']}: {answer['error']}")
    return answer, body


class MemoryAdapter:
    """Settings: ``bug`` (see ``memory.bugs``) and ``bug_every`` (how seldom it strikes)."""

    name = "memory"

    def __init__(self, settings: Mapping[str, str]) -> None:
        unknown = set(settings) - _SETTINGS
        if unknown:
            raise UsageError(f"the memory adapter has no setting {sorted(unknown)[0]!r}; it knows {sorted(_SETTINGS)}")
        try:
            self._bug = Bug(settings.get("bug", Bug.NONE.value))
        except ValueError as problem:
            raise UsageError(f"no such bug; known: {', '.join(Bug)}") from problem
        self._every = int(settings.get("bug_every", "1"))

    def capabilities(self, broker: BrokerInfo) -> Capabilities:
        del broker
        how = {
            Feature.FAN_OUT: "a queue per group",
            Feature.ORDER_PER_KEY: "a key belongs to a lane, a lane to one member",
            Feature.REPLAY: "the whole history is retained",
            Feature.PRIORITY: "a heap per queue",
            Feature.EXPIRY: "checked when handed out",
            Feature.DELAYED_RETRY: "a heap of due times",
            Feature.DEAD_LETTER: "a queue of its own, with the reason",
            Feature.REDELIVERY: "what a member held goes back to its place",
        }
        rows = [Capability(feature, Support.NATIVE, text) for feature, text in how.items()]
        return capabilities(
            *rows, Capability(Feature.TRANSACTIONS, Support.IMPOSSIBLE, why="the memory broker has no transactions")
        )

    def plan(self, broker: BrokerInfo, needs: Needs, tier: Tier, prefix: str) -> Provisioning:
        laned = needs.order != "none" or needs.replay is not None
        spec = SpaceSpec(
            prefix=prefix,
            groups=tuple(needs.groups),
            lanes=needs.partitions if laned else 1,
            laned=laned,
            dead_letter=needs.dead_letter,
            expiry=needs.expiry,
            retain=needs.replay is not None,
            priority=needs.priority_levels > 1,
            prefetch=needs.prefetch,
            durable=tier is not Tier.D0,
            fsync=tier in (Tier.D2, Tier.D4),
            bug=self._bug.value,
            bug_every=self._every,
        )
        settings = {key: str(value) for key, value in spec.document().items()}
        return Provisioning(
            adapter=self.name,
            prefix=prefix,
            needs=needs,
            tier=tier,
            mode="queue per group",
            objects=(BrokerObject("space", prefix, settings),),
            features=of_plan(self.capabilities(broker), needs),
            parity={
                "acknowledgement": "after the journal has it" if spec.durable else "after memory has it",
                "fsync": "before the acknowledgement" if spec.fsync else "never",
                "consumer acknowledgement": "each message, on the server",
                "prefetch": str(needs.prefetch),
                "batching": f"up to {FRAME_ROWS_MAX} messages a frame",
                "planted bug": self._bug.value,
            },
        )

    def _spec(self, plan: Provisioning) -> SpaceSpec:
        (space,) = plan.objects
        values: dict[str, object] = {}
        for key, text in space.settings.items():
            if text in ("True", "False"):
                values[key] = text == "True"
            elif key in ("lanes", "prefetch", "bug_every"):
                values[key] = int(text)
            else:
                values[key] = text
        return SpaceSpec.of({**values, "groups": list(plan.needs.groups)})

    def provision(self, broker: BrokerInfo, plan: Provisioning) -> None:
        try:
            self._once(broker, {"op": "create", "spec": self._spec(plan).document()})
        except BrokerUnavailable as problem:
            raise ProvisioningFailed(problem.message) from problem

    def publisher(self, broker: BrokerInfo, plan: Provisioning, window: int) -> Publisher:
        return MemoryPublisher(_connect(broker), plan.prefix, window)

    def subscriber(self, broker: BrokerInfo, plan: Provisioning, group: str, member: int) -> Subscriber:
        del member  # members are told apart by their connection
        return MemorySubscriber(_connect(broker), plan.prefix, group, retained=plan.needs.replay is not None)

    def backlog(self, broker: BrokerInfo, plan: Provisioning) -> Mapping[str, int]:
        answer, _ = self._once(broker, {"op": "backlog", "prefix": plan.prefix})
        backlog: dict[str, int] = answer["backlog"]
        return backlog

    def teardown(self, broker: BrokerInfo, plan: Provisioning) -> None:
        self._once(broker, {"op": "delete", "prefix": plan.prefix})

    def leftovers(self, broker: BrokerInfo, prefix: str) -> list[str]:
        """Names of what still exists under the prefix."""
        answer, _ = self._once(broker, {"op": "prefixes"})
        return [name for name in answer["prefixes"] if name.startswith(prefix)]

    def _once(self, broker: BrokerInfo, header: Header) -> tuple[Header, Blobs]:
        connection = _connect(broker)
        try:
            return _call(connection, header)
        finally:
            connection.close()


class MemoryPublisher:
    """Sends frames of rows and lets a thread take the answers, stamped as they arrive."""

    def __init__(self, connection: Connection, prefix: str, window: int) -> None:
        self._connection = connection
        self._prefix = prefix
        self._window = window
        self._changed = threading.Condition()
        self._buffer = OutcomeBuffer()
        self._open: list[list[int]] = []  # frames in flight, oldest first
        self._in_flight = 0
        self._lost = ""
        self._reader = threading.Thread(target=self._read, name="memory-publisher", daemon=True)
        self._reader.start()

    def submit(self, batch: OutgoingBatch) -> int:
        with self._changed:
            room = min(len(batch), self._window - self._in_flight)
        taken = 0
        while taken < room:
            count = min(room - taken, FRAME_ROWS_MAX)
            with self._changed:
                if self._lost:
                    if taken:
                        break  # what was sent is in flight; the next call says that the connection is lost
                    raise BrokerUnavailable(self._lost)
                self._open.append(list(batch.indexes[taken : taken + count]))
                self._in_flight += count
            self._send(batch, taken, taken + count)
            taken += count
        return taken

    def _send(self, batch: OutgoingBatch, start: int, stop: int) -> None:
        payloads = batch.payloads[start:stop]
        blobs: list[bytes | None] = [None] * (2 * len(payloads))
        blobs[::2] = payloads
        blobs[1::2] = batch.keys[start:stop]
        expires = deadlines_ns(payloads, batch.ttls_ms[start:stop], time.monotonic_ns())
        header: Header = {
            "op": "publish",
            "prefix": self._prefix,
            "classes": list(batch.classes[start:stop]),
            "expires_ns": expires,
        }
        try:
            self._connection.send(header, blobs)
        except OSError as problem:
            with self._changed:
                self._lost = self._lost or f"lost the connection to the memory broker: {problem}"

    def _read(self) -> None:
        try:
            while True:
                answer, _ = self._connection.receive()
                self._settle(answer, time.monotonic_ns())
        except (OSError, FrameError, ValueError) as problem:
            with self._changed:
                self._lost = self._lost or f"lost the connection to the memory broker: {problem}"
                self._changed.notify_all()

    def _settle(self, answer: Header, now_ns: int) -> None:
        with self._changed:
            indexes = self._open.pop(0)
            self._in_flight -= len(indexes)
            if "error" in answer:  # refused as a whole: nothing of it was stored
                for index in indexes:
                    self._buffer.add(index, Outcome.FAIL, now_ns, error=answer["error"])
            else:
                columns = (indexes, answer["outcomes"], answer["lanes"], answer["positions"])
                for index, outcome, lane, position in zip(*columns, strict=True):
                    error = answer["error_text"] if outcome != Outcome.OK else ""
                    self._buffer.add(index, outcome, now_ns, lane, position, error)
            self._changed.notify_all()

    def poll(self, timeout_s: float) -> Outcomes:
        with self._changed:
            self._changed.wait_for(lambda: len(self._buffer) > 0 or self._lost != "", timeout_s)
            if self._lost and not len(self._buffer):
                raise BrokerUnavailable(self._lost)
            return self._buffer.drain()

    def close(self, timeout_s: float) -> Outcomes:
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight == 0 or self._lost != "", timeout_s)
        self._connection.close()
        self._reader.join()
        now_ns = time.monotonic_ns()
        with self._changed:
            for index in [index for indexes in self._open for index in indexes]:
                self._buffer.add(index, Outcome.INFO, now_ns, error=self._lost or "closed before it was acknowledged")
            self._open = []
            self._in_flight = 0
            return self._buffer.drain()


class MemorySubscriber:
    """Asks and is answered; the server keeps what is unsettled with the connection."""

    def __init__(self, connection: Connection, prefix: str, group: str, *, retained: bool) -> None:
        self._connection = connection
        self._gone = False
        self._retained = retained
        _call(connection, {"op": "join", "prefix": prefix, "group": group})

    def receive(self, limit: int, timeout_s: float) -> Deliveries:
        self._check()
        answer, blobs = _call(self._connection, {"op": "fetch", "limit": limit, "timeout_s": max(0.0, timeout_s)})
        now_ns = time.monotonic_ns()
        rows = answer["rows"]
        if not rows:
            return NO_DELIVERIES
        numbers, lanes, positions, redelivered, counts, attempts, reasons = zip(*rows, strict=True)
        return Deliveries(
            payloads=[blob or b"" for blob in blobs],
            partitions=np.array(lanes, dtype=np.int32),
            positions=np.array(positions, dtype=np.int64),
            received_ns=np.full(len(rows), now_ns, dtype=np.int64),
            redelivered=np.array(redelivered, dtype=np.uint8),
            delivery_counts=np.array(counts, dtype=np.int16),
            attempts=np.array(attempts, dtype=np.int16),
            reasons=np.array(reasons, dtype=np.uint8),
            handles=list(numbers),
        )

    def settle(self, deliveries: Deliveries, how: Disposition) -> Settled:
        self._check()
        if how == ABANDON:
            self.close()
            return Settled(Outcome.OK)
        header: Header = {
            "op": "settle",
            "numbers": list(deliveries.handles),
            "kind": int(how.kind),
            "after_ms": how.after_ms,
        }
        _call(self._connection, header)
        return Settled(Outcome.OK)

    def rewind(self) -> None:
        self._check()
        if not self._retained:
            raise Unsupported("nothing is retained for a replay: the workload's needs.replay is not set")
        _call(self._connection, {"op": "rewind"})

    def close(self) -> None:
        self._gone = True
        self._connection.close()

    def _check(self) -> None:
        if self._gone:
            raise BrokerUnavailable("this subscriber was closed or abandoned its connection")
