"""From the measures of single runs to the cells of the report: one a workload, broker, metric and phase. Pure.

What decides a cell's state, in this order: a promise broken in the same runs (INVALID, the figure is struck through), a
measurement that is no good (INVALID, LOWER_BOUND), nothing to compare with (MEASURED, NOT_COMPARABLE), and only then the ratio to
the baseline.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.model.result import TWIN, UNDECIDED, Cell, Measure, NoiseFloor, Result, State
from harness.model.verdict import Validity, Verdict
from harness.statistics.noise import noise_band
from harness.statistics.paired import Interval, bootstrap_median, log_ratios, sign_flip_p

BOOTSTRAP_RUNS_MIN: Final = 5  # below, resampling invents precision: the range is shown and called that
SEED: Final = 20_240_501

GATES: Final = ("durability", "redelivery", "duplicates", "ordering", "corruption", "phantom", "fan_out")
GATES_OF_METRIC: Final[Mapping[str, tuple[str, ...]]] = {"replay_throughput": (*GATES, "replay")}
NEVER_GATED: Final = frozenset({"generator_lag_p99", "offered_in_time", "acknowledged_in_time", "delivered_in_time"})

Key = tuple[str, str, str]  # workload, metric, phase
Tiers = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Runs:
    """The usable runs of one broker for one key: figures by repeat, and what was wrong with the others."""

    figures: Mapping[int, float]
    state: State
    reason: str
    sample: Measure


def summarise(result: Result, *, baseline: str, tiers: Tiers | None = None) -> tuple[list[Cell], list[NoiseFloor]]:
    """Cells in the order of the measures, and the noise floors they were held against.

    ``baseline`` names the broker that ratios are formed to ("" for none). ``tiers`` gives the durability tier by (workload, broker)
    where they may differ; different tiers are never ranked.
    """
    by_key: dict[Key, dict[str, list[Measure]]] = defaultdict(lambda: defaultdict(list))
    for measure in result.measures:
        by_key[measure.workload, measure.metric, measure.phase][measure.broker].append(measure)
    cells: list[Cell] = []
    floors: list[NoiseFloor] = []
    for key, by_broker in by_key.items():
        runs = {broker: _usable(measures) for broker, measures in by_broker.items()}
        # the band that is drawn is the baseline's own; a pair is held against that of its two brokers together, which is as wide or wider
        own = [runs[baseline]] if baseline in runs else list(runs.values())
        twins = _twin_pairs(runs)
        drawn = _band(*own, twins=twins) or _band(*runs.values())
        if drawn is not None:
            floors.append(_floor(key, *drawn))
        for broker, one in runs.items():
            cell = _plain_cell(key, broker, one)
            _gate(cell, result.verdicts)
            if baseline in runs and broker != baseline:
                gated = _plain_cell(key, baseline, runs[baseline])
                _gate(gated, result.verdicts)
                _compare(cell, gated, one, runs[baseline], tiers or {}, twins)
            cells.append(cell)
    return cells, floors


def _usable(measures: Sequence[Measure]) -> Runs:
    """Runs that count. Invalid runs are left out while more than half are good; else the whole is invalid."""
    good = [measure for measure in measures if measure.state != "invalid"]
    bad = [measure for measure in measures if measure.state == "invalid"]
    if len(bad) * 2 >= len(measures):
        reason = _of_runs(len(bad), len(measures), bad[0].reason)
        return Runs({m.repeat: m.value for m in measures}, State.INVALID, reason, measures[0])
    reason = f"left out: {_of_runs(len(bad), len(measures), bad[0].reason)}" if bad else _common_reason(good)
    bounds = [measure for measure in good if measure.state == "lower_bound"]
    if bounds:
        reason = _of_runs(len(bounds), len(good), bounds[0].reason)
        return Runs({m.repeat: m.value for m in good}, State.LOWER_BOUND, reason, good[0])
    return Runs({m.repeat: m.value for m in good}, State.MEASURED, reason, good[0])


def _of_runs(some: int, of: int, reason: str) -> str:
    return reason if some == of else f"{some} of {of} runs: {reason}"


def _common_reason(measures: Sequence[Measure]) -> str:
    """What runs remark on themselves without being invalid, the first of them."""
    return next((measure.reason for measure in measures if measure.reason), "")


def _band(*several: Runs, twins: Sequence[Sequence[float]] = ()) -> tuple[Interval, int] | None:
    """From repeats of the same broker and, where a broker was run against itself, from the two of each repeat."""
    return noise_band([*(list(one.figures.values()) for one in several), *twins])


def _twin_pairs(runs: Mapping[str, Runs]) -> list[list[float]]:
    """Figures of a broker and of its twin (``TWIN``) in the same repeat: a comparison in which nothing differs."""
    pairs = []
    for broker, twin in runs.items():
        original = runs.get(broker.replace(TWIN, "")) if TWIN in broker else None
        if original is not None and State.INVALID not in (twin.state, original.state):
            both = sorted(set(twin.figures) & set(original.figures))
            pairs += [[twin.figures[repeat], original.figures[repeat]] for repeat in both]
    return pairs


def _floor(key: Key, band: Interval, pairs: int) -> NoiseFloor:
    workload, metric, phase = key
    return NoiseFloor(
        workload=workload, metric=metric, phase=phase, ratio_low=math.exp(band.low), ratio_high=math.exp(band.high), pairs=pairs
    )  # fmt: skip


def _plain_cell(key: Key, broker: str, runs: Runs) -> Cell:
    workload, metric, phase = key
    values = [runs.figures[repeat] for repeat in sorted(runs.figures)]
    low, high, words = _spread(values)
    return Cell(
        workload=workload, broker=broker, metric=metric, phase=phase, state=runs.state, reason=runs.reason,
        value=float(np.median(values)), low=low, high=high, interval=words,
        unit=runs.sample.unit, better=runs.sample.better, n=len(values), per_run=values,
    )  # fmt: skip


def _spread(values: Sequence[float]) -> tuple[float | None, float | None, str]:
    if len(values) < 2:
        return None, None, ""
    if len(values) < BOOTSTRAP_RUNS_MIN:
        return min(values), max(values), f"range of {len(values)} runs"
    interval = bootstrap_median(values, seed=SEED)
    return interval.low, interval.high, f"95 % bootstrap over {len(values)} runs"


def _gate(cell: Cell, verdicts: Sequence[Verdict]) -> None:
    """A figure of runs that broke a promise is invalid."""
    if cell.better == "neither" or cell.metric in NEVER_GATED:
        return
    for gate in GATES_OF_METRIC.get(cell.metric, GATES):
        mine = [v for v in verdicts if (v.workload, v.broker, v.checker) == (cell.workload, cell.broker, gate)]
        broken = [v for v in mine if v.promised and v.validity is Validity.INVALID]
        if broken:
            cell.state = State.INVALID
            words = f"a broken promise ({gate.replace('_', ' ')}): {broken[0].summary}"
            cell.reason = _of_runs(len(broken), len(mine), words)
            return


def _compare(cell: Cell, base: Cell, mine: Runs, other: Runs, tiers: Tiers, twins: Sequence[Sequence[float]]) -> None:
    """Fill in ratio and state where a comparison is allowed."""
    refusal = _refusal(cell, base, mine, other, tiers)
    if cell.better == "neither" or cell.state is not State.MEASURED:
        return
    cell.baseline = base.broker
    remark = f"; {cell.reason}" if cell.reason else ""
    if refusal:
        cell.state, cell.reason = State.NOT_COMPARABLE, refusal + remark
        return
    repeats = sorted(set(mine.figures) & set(other.figures))
    ratios = log_ratios([mine.figures[r] for r in repeats], [other.figures[r] for r in repeats])
    band = _band(mine, other, twins=twins)
    if len(ratios) < 2 or band is None:
        cell.state = State.NOT_COMPARABLE
        cell.reason = f"one pair of runs: nothing says how far a broker differs from itself; repeat with -n 5{remark}"
        return
    if len(ratios) < BOOTSTRAP_RUNS_MIN:
        interval = Interval(float(ratios.min()), float(ratios.max()))
    else:
        interval = bootstrap_median(ratios, seed=SEED)
        cell.p_value = sign_flip_p(ratios, seed=SEED)
    cell.ratio = math.exp(float(np.median(ratios)))
    cell.ratio_low, cell.ratio_high = math.exp(interval.low), math.exp(interval.high)
    _decide(cell, interval, band[0], len(ratios))


def _refusal(cell: Cell, base: Cell, mine: Runs, other: Runs, tiers: Tiers) -> str:
    """Why no ratio may be formed; empty when one may."""
    tier, base_tier = tiers.get((cell.workload, cell.broker)), tiers.get((cell.workload, base.broker))
    if tier != base_tier:
        return f"durability tiers differ: {tier} against {base_tier} of {base.broker}"
    if base.state is not State.MEASURED:
        return f"the figure of the baseline {base.broker} is {base.state.value.replace('_', ' ')}: {base.reason}"
    if cell.unit != base.unit:
        return f"units differ: {cell.unit} against {base.unit}"
    if min(*mine.figures.values(), *other.figures.values(), 1.0) <= 0:
        return "a ratio needs figures above zero"
    if not set(mine.figures) & set(other.figures):
        return f"no repeat has a figure of both this broker and {base.broker}"
    return ""


def _decide(cell: Cell, interval: Interval, band: Interval, pairs: int) -> None:
    remark = f"; {cell.reason}" if cell.reason else ""
    noise = f"the noise ({math.exp(band.low):.2f}–{math.exp(band.high):.2f})"
    few = pairs < BOOTSTRAP_RUNS_MIN
    spread = f"all {pairs} paired ratios lie" if few else "the interval lies"
    if interval.apart_from(band):
        higher = interval.low > 0
        cell.state = State.BETTER if higher == (cell.better == "higher") else State.WORSE
        cell.reason = f"{spread} outside {noise}{remark}"
    elif interval.inside(band):
        equal = "" if few else ": equivalent within it"
        cell.state, cell.reason = State.WITHIN_NOISE, f"{spread} within {noise}{equal}{remark}"
    else:
        touching = f"the {pairs} paired ratios do not all lie outside" if few else "the interval reaches into"
        cell.state, cell.reason = State.WITHIN_NOISE, f"{touching} {noise}: {UNDECIDED}{remark}"
