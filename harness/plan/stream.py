"""The messages of one publisher, drawn from the seed: identical for every broker, however fast each of them is.

Messages are drawn in chunks of ``CHUNK`` from a generator of (seed, repeat, producer, phase), so a flood that got further has a longer
prefix of the same sequence. Sequences and per-key sequences run on through the phases.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.model import envelope
from harness.model.distribution import KeySpread, Spread
from harness.model.workload import Expiry, Failures, Phase, Workload
from harness.plan.bodies import Bodies

CHUNK = 256
BODY_BYTES_MAX = 16 << 20

Offsets = npt.NDArray[np.int64]


class MessageStream:
    """Draws one publisher's messages. ``run_number`` marks them as this run's."""

    def __init__(self, workload: Workload, *, seed: int, repeat: int, producer: int, run_number: int) -> None:
        self._workload = workload
        self._root = (seed, repeat, producer)
        self.producer = producer
        self._run_number = run_number
        self._next_sequence = 0
        keys = workload.messages.key
        self._key_counts = np.zeros(keys.keys, dtype=np.uint32)
        self._key_weights = _zipf_cumulative(keys) if keys.kind == "zipf" else None
        self.bodies = Bodies(workload.messages.payload, seed)

    def offsets_ns(self, phase_index: int) -> Offsets:
        """Intended times of a paced or burst phase, from the phase's start, for this publisher. Shape (n,), ascending."""
        phase = self._workload.phases[phase_index]
        publishers = self._workload.publishers
        if phase.kind == "burst":
            assert phase.burst is not None
            count = len(range(self.producer, phase.burst, publishers))
            return np.zeros(count, dtype=np.int64)
        assert phase.paced is not None
        assert phase.for_ is not None
        total = round(phase.paced * phase.for_)
        if phase.arrivals == "constant":
            numbers = np.arange(self.producer, total, publishers, dtype=np.float64)
            return (numbers / phase.paced * 1e9).astype(np.int64)
        generator = self.generator(phase_index, stream=1)
        gaps = generator.exponential(publishers / phase.paced, size=max(1, int(total / publishers * 1.5) + 16))
        times = np.cumsum(gaps)
        return (times[times < phase.for_] * 1e9).astype(np.int64)

    def chunks(self, phase_index: int) -> PhaseChunks:
        """The messages of one phase, ``CHUNK`` at a time. Phases must be drawn in order."""
        return PhaseChunks(self, phase_index)

    def generator(self, phase_index: int, stream: int = 0) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64([*self._root, phase_index, stream]))

    def draw(self, generator: np.random.Generator, phase_index: int, count: int) -> envelope.Envelopes:
        """``count`` messages of the phase, not numbered yet. Times are zero: the caller knows when the phase began."""
        workload = self._workload
        phase = workload.phases[phase_index]
        rows = envelope.empty(count)
        rows["producer"] = self.producer
        rows["run"] = self._run_number
        rows["phase"] = phase_index
        sizes = np.clip(_sample(generator, workload.messages.size, count), envelope.SIZE, BODY_BYTES_MAX)
        rows["size"] = np.maximum(np.rint(sizes), envelope.SIZE).astype(np.uint32)
        rows["key"] = self._draw_keys(generator, count)
        rows["class"] = _draw_classes(generator, phase, workload, count)
        work = phase.work if phase.work is not None else workload.processing.work
        rows["work_us"] = np.clip(_sample(generator, work, count) * 1e6, 0, 2**32 - 1).astype(np.uint32)
        ttl: Expiry | None = workload.messages.ttl if phase.ttl is None else None if phase.ttl == "none" else phase.ttl
        expires = generator.random(count)
        if ttl is not None:
            rows["ttl_ms"] = np.where(expires < ttl.share, max(1, round(ttl.after * 1000)), 0)
        rows["failures"] = _draw_failures(generator, phase.failures or workload.messages.failures, count)
        return rows

    def number(self, rows: envelope.Envelopes) -> None:
        """Give drawn messages their sequence, and their place within their key; what is numbered will be offered."""
        count = len(rows)
        rows["sequence"] = np.arange(self._next_sequence, self._next_sequence + count)
        self._next_sequence += count
        keys = rows["key"]
        if len(self._key_counts) == 0:
            rows["key_sequence"] = rows["sequence"].astype(np.uint32)
            return
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        lengths = np.diff(np.r_[starts, count])
        within = np.arange(count) - np.repeat(starts, lengths)
        rows["key_sequence"][order] = self._key_counts[ordered] + within.astype(np.uint32)
        self._key_counts[ordered[starts]] += lengths.astype(np.uint32)

    def _draw_keys(self, generator: np.random.Generator, count: int) -> npt.NDArray[np.uint32]:
        spread = self._workload.messages.key
        if spread.kind == "none":
            return np.full(count, envelope.NO_KEY, dtype=np.uint32)
        if self._key_weights is None:
            return generator.integers(0, spread.keys, count).astype(np.uint32)
        return np.searchsorted(self._key_weights, generator.random(count)).astype(np.uint32)


class PhaseChunks:
    """Hands out a phase's messages in any portions, drawn in fixed chunks."""

    def __init__(self, stream: MessageStream, phase_index: int) -> None:
        self._stream = stream
        self._phase_index = phase_index
        self._generator = stream.generator(phase_index)
        self._left = envelope.empty(0)

    def take(self, count: int) -> tuple[envelope.Envelopes, list[bytes]]:
        """At most ``count`` (and at most ``CHUNK``) messages: envelopes with relative times of zero, and bodies."""
        if len(self._left) == 0:
            self._left = self._stream.draw(self._generator, self._phase_index, CHUNK)
        rows = self._left[:count]
        self._left = self._left[count:]
        self._stream.number(rows)
        get = self._stream.bodies.get
        sizes = rows["size"].astype(np.int64) - envelope.SIZE
        numbers = rows["sequence"].astype(np.int64) * 131 + self._stream.producer
        return rows, [get(number, size) for number, size in zip(numbers.tolist(), sizes.tolist(), strict=True)]


def key_bytes(keys: npt.NDArray[np.uint32]) -> list[bytes | None]:
    """Key ids as the brokers see them; None where the workload has no keys."""
    return [None if key == envelope.NO_KEY else b"k%d" % key for key in keys.tolist()]


def _zipf_cumulative(keys: KeySpread) -> npt.NDArray[np.float64]:
    weights = 1.0 / np.arange(1, keys.keys + 1, dtype=np.float64) ** keys.exponent
    cumulative = np.cumsum(weights)
    result: npt.NDArray[np.float64] = cumulative / cumulative[-1]
    return result


def _sample(generator: np.random.Generator, spread: Spread, count: int) -> npt.NDArray[np.float64]:
    if spread.kind == "uniform":
        return generator.uniform(spread.low, spread.high, count)
    if spread.kind == "lognormal":
        return (
            spread.low * np.exp(generator.normal(0.0, spread.sigma, count))
            if spread.sigma
            else np.full(count, spread.low)
        )
    if spread.kind == "exponential":
        return generator.exponential(spread.low, count)
    return np.full(count, spread.low)


def _draw_classes(
    generator: np.random.Generator, phase: Phase, workload: Workload, count: int
) -> npt.NDArray[np.uint8]:
    shares = phase.classes if phase.classes is not None else workload.messages.classes
    names = workload.class_names
    weights = np.array([shares.get(name, 0.0) for name in names])
    if weights.sum() <= 0:
        weights = np.ones(len(names))
    cumulative = np.cumsum(weights / weights.sum())
    return np.minimum(np.searchsorted(cumulative, generator.random(count), side="right"), len(names) - 1).astype(
        np.uint8
    )


def _draw_failures(generator: np.random.Generator, failures: Failures, count: int) -> npt.NDArray[np.uint8]:
    draw = generator.random(count)
    fates = np.zeros(count, dtype=np.uint8)
    fates[draw < failures.poison + failures.transient] = failures.attempts
    fates[draw < failures.poison] = envelope.POISON
    return fates
