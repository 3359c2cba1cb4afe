"""The seam between the harness and a broker: one screen of protocols, batch-shaped on both sides.

Batches are columns (arrays and one list of bytes), so that a fast client stays fast and the history is written without a
Python object a message. Time stamps are taken in the client's own callback (``time.monotonic_ns``), not later.

Rules every adapter keeps, and the contract suite proves:

- ``submit`` takes what fits in the window and returns at once; the caller offers the rest again.
- Every submitted index is settled exactly once, by ``poll`` or ``close``: OK (the broker acknowledged at the plan's
  tier), FAIL (it definitely did not happen) or INFO (unknown: a lost connection, a timed-out send).
- An adapter never sends a second time on its own, and never acknowledges before ``settle`` says so.
- A lost connection raises ``BrokerUnavailable`` from ``submit``, ``poll``, ``receive`` or ``settle``; the object is then only
  good for ``close`` (which settles what is open as INFO). Clients that reconnect by themselves may do so silently as long
  as the rules above hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from harness.model.broker import BrokerInfo, Tier
from harness.model.capability import Capabilities
from harness.model.provisioning import Provisioning
from harness.model.workload import Needs

Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Int16s = npt.NDArray[np.int16]
Bytes8 = npt.NDArray[np.uint8]

DEAD_LETTERS = "@dead"  # the group that reads what was given up on
UNKNOWN = -1


class Outcome(IntEnum):
    """What became of an operation."""

    OK = 0
    FAIL = 1
    INFO = 2


class Reason(IntEnum):
    """Why a message lies in the dead-letter queue; NONE for an ordinary delivery."""

    NONE = 0
    REJECTED = 1
    EXPIRED = 2
    DELIVERY_LIMIT = 3
    OTHER = 4


class DispositionKind(IntEnum):
    ACCEPT = 0  # done; do not hand it out again
    RETRY = 1  # hand it out again, not before ``after_ms``
    DEAD = 2  # give up: dead-letter it
    ABANDON = 3  # crash without acknowledging: the connection is dropped


@dataclass(frozen=True, slots=True)
class Disposition:
    kind: DispositionKind
    after_ms: int = 0


ACCEPT = Disposition(DispositionKind.ACCEPT)
DEAD = Disposition(DispositionKind.DEAD)
ABANDON = Disposition(DispositionKind.ABANDON)


def retry(after_ms: int) -> Disposition:
    return Disposition(DispositionKind.RETRY, after_ms)


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """``n`` messages to publish. ``indexes[i]`` is the caller's name for row i, echoed in the outcome; unique per publisher."""

    indexes: Sequence[int]
    payloads: Sequence[bytes]
    keys: Sequence[bytes | None]
    classes: Sequence[int]  # 0 is the lowest priority
    ttls_ms: Sequence[int]  # 0 never expires

    def __len__(self) -> int:
        return len(self.payloads)

    def after(self, taken: int) -> OutgoingBatch:
        """The rows that a full window left over."""
        return OutgoingBatch(
            self.indexes[taken:],
            self.payloads[taken:],
            self.keys[taken:],
            self.classes[taken:],
            self.ttls_ms[taken:],
        )


@dataclass(frozen=True, slots=True)
class Outcomes:
    """``n`` settled publishes, each array of shape (n,). ``errors`` holds a short text for rows that are not OK, by index."""

    indexes: Int64s
    outcomes: Bytes8  # Outcome
    partitions: Int32s  # UNKNOWN where the broker does not say
    positions: Int64s  # offset, or UNKNOWN
    settled_ns: Int64s
    errors: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.indexes)


@dataclass(frozen=True, slots=True)
class Deliveries:
    """``n`` received messages. ``handles`` belong to the adapter: what it needs to settle them (offsets, delivery tags)."""

    payloads: Sequence[bytes]
    partitions: Int32s  # partition, lane or queue number; UNKNOWN when there is none
    positions: Int64s  # offset or delivery tag; UNKNOWN when there is none
    received_ns: Int64s
    redelivered: Bytes8  # 0 no, 1 the broker flagged it, 2 the broker cannot say
    delivery_counts: Int16s  # earlier deliveries as the broker or the emulation counts them; UNKNOWN when nobody does
    attempts: Int16s  # how often it was settled RETRY before; carried by broker or emulation, always known
    reasons: Bytes8  # Reason; NONE outside the dead-letter queue
    handles: Sequence[object]

    def __len__(self) -> int:
        return len(self.payloads)

    def take(self, rows: Sequence[int]) -> Deliveries:
        """The named rows, in the order given."""
        index = np.asarray(rows, dtype=np.intp)
        return Deliveries(
            [self.payloads[row] for row in rows],
            self.partitions[index],
            self.positions[index],
            self.received_ns[index],
            self.redelivered[index],
            self.delivery_counts[index],
            self.attempts[index],
            self.reasons[index],
            [self.handles[row] for row in rows],
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome of one ``settle`` call for all its rows, and how many extra publishes an emulation spent on them."""

    outcome: Outcome
    copies: int = 0
    error: str = ""


@runtime_checkable
class Publisher(Protocol):
    def submit(self, batch: OutgoingBatch) -> int:
        """Take rows from the front while the window has room; return how many were taken. Never blocks."""
        ...

    def poll(self, timeout_s: float) -> Outcomes:
        """Outcomes that are due; waits at most ``timeout_s`` for the first one."""
        ...

    def close(self, timeout_s: float) -> Outcomes:
        """Wait at most ``timeout_s`` for what is open, call the rest INFO, and disconnect."""
        ...


@runtime_checkable
class Subscriber(Protocol):
    def receive(self, limit: int, timeout_s: float) -> Deliveries:
        """Up to ``limit`` messages; waits at most ``timeout_s`` for the first one and never for a full batch."""
        ...

    def settle(self, deliveries: Deliveries, how: Disposition) -> Settled:
        """Settle rows that ``receive`` returned. ABANDON leaves the subscriber only good for ``close``."""
        ...

    def rewind(self) -> None:
        """Read this member's share from the start of the retained history again. Unsupported where replay is IMPOSSIBLE."""
        ...

    def close(self) -> None:
        """Leave in order: flush acknowledgements, leave the group. Unsettled deliveries go back to the broker."""
        ...


@runtime_checkable
class Adapter(Protocol):
    """Talks to one kind of broker through one client library. ``name`` is its registry name."""

    name: str

    def capabilities(self, broker: BrokerInfo) -> Capabilities: ...

    def plan(self, broker: BrokerInfo, needs: Needs, tier: Tier, prefix: str) -> Provisioning:
        """Pure: every object and setting it will create, each name under ``prefix``; parity ledger and dry run print it."""
        ...

    def provision(self, broker: BrokerInfo, plan: Provisioning) -> None:
        """Create what ``plan`` says and return when it is usable. Raises ProvisioningFailed."""
        ...

    def publisher(self, broker: BrokerInfo, plan: Provisioning, window: int) -> Publisher:
        """A connected publisher with at most ``window`` unacknowledged messages."""
        ...

    def subscriber(self, broker: BrokerInfo, plan: Provisioning, group: str, member: int) -> Subscriber:
        """A connected member of ``group`` (``DEAD_LETTERS`` reads the dead-letter queue)."""
        ...

    def backlog(self, broker: BrokerInfo, plan: Provisioning) -> Mapping[str, int]:
        """Messages each group has yet to receive or settle, retries in waiting included."""
        ...

    def teardown(self, broker: BrokerInfo, plan: Provisioning) -> None:
        """Remove everything ``plan`` created."""
        ...


class OutcomeBuffer:
    """Collects settled publishes as plain lists (cheap in a client's callback) and hands them over as columns."""

    __slots__ = ("_errors", "_indexes", "_outcomes", "_partitions", "_positions", "_settled")

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._indexes: list[int] = []
        self._outcomes: list[int] = []
        self._partitions: list[int] = []
        self._positions: list[int] = []
        self._settled: list[int] = []
        self._errors: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._indexes)

    def add(
        self,
        index: int,
        outcome: int,
        settled_ns: int,
        partition: int = UNKNOWN,
        position: int = UNKNOWN,
        error: str = "",
    ) -> None:
        self._indexes.append(index)
        self._outcomes.append(outcome)
        self._partitions.append(partition)
        self._positions.append(position)
        self._settled.append(settled_ns)
        if error:
            self._errors[index] = error

    def drain(self) -> Outcomes:
        """All that was added since the last call."""
        settled = Outcomes(
            np.array(self._indexes, dtype=np.int64),
            np.array(self._outcomes, dtype=np.uint8),
            np.array(self._partitions, dtype=np.int32),
            np.array(self._positions, dtype=np.int64),
            np.array(self._settled, dtype=np.int64),
            self._errors,
        )
        self._reset()
        return settled


class DeliveryBuffer:
    """Collects deliveries as plain lists and hands them over as columns."""

    __slots__ = ("_columns",)

    def __init__(self) -> None:
        self._columns: tuple[list[bytes], list[int], list[int], list[int], list[int], list[int], list[int], list[int], list[object]] = (
            [], [], [], [], [], [], [], [], [],
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(
        self,
        payload: bytes,
        received_ns: int,
        handle: object,
        *,
        partition: int = UNKNOWN,
        position: int = UNKNOWN,
        redelivered: int = 0,
        delivery_count: int = UNKNOWN,
        attempt: int = 0,
        reason: int = 0,
    ) -> None:
        row = (
            payload,
            partition,
            position,
            received_ns,
            redelivered,
            delivery_count,
            attempt,
            reason,
            handle,
        )
        for column, value in zip(self._columns, row, strict=True):
            column.append(value)  # type: ignore[attr-defined]

    def drain(self) -> Deliveries:
        """All that was added since the last call."""
        payloads, partitions, positions, received, redelivered, counts, attempts, reasons, handles = self._columns
        self.__init__()  # type: ignore[misc]
        return Deliveries(
            payloads,
            np.array(partitions, dtype=np.int32),
            np.array(positions, dtype=np.int64),
            np.array(received, dtype=np.int64),
            np.array(redelivered, dtype=np.uint8),
            np.array(counts, dtype=np.int16),
            np.array(attempts, dtype=np.int16),
            np.array(reasons, dtype=np.uint8),
            handles,
        )


NO_DELIVERIES = DeliveryBuffer().drain()
