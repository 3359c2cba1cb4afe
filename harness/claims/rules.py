"""From figures to a verdict: rules were written before measuring, and an interval that reaches over a threshold decides nothing. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from harness.claims.notation import quantity, span
from harness.model.claim import Bounds, Choice, ClaimVerdict, Figure, Outcome, Predict, Rule, RuleFound
from harness.statistics.paired import bootstrap_median, log_ratios

BOOTSTRAP_RUNS_MIN = 5  # below, resampling invents precision: the range is taken, as in every report
SEED = 20_240_501
ONE_RUN = "one run says nothing about its own spread; repeat it"


def look_up(measured: Mapping[str, Figure], metric: str, of: str | None = None) -> Figure | None:
    """The figure, or the ratio to ``of``; None when one of them was not measured."""
    above = measured.get(metric)
    below = measured.get(of) if of is not None else None
    if above is None or (of is not None and below is None):
        return None
    return above if below is None else ratio(above, below)


def ratio(above: Figure, below: Figure) -> Figure:
    """Of medians, with the interval of ratios paired by repeat where both have the same repeats, else the widest that both allow."""
    good = above.usable and below.usable and below.value != 0
    reason = above.reason or below.reason or ("" if below.value else "a ratio to nothing")
    if not good:
        return Figure(
            value=math.nan if not below.value else above.value / below.value,
            usable=False,
            reason=reason,
            n=min(above.n, below.n),
        )
    unit = "" if above.unit == below.unit else f"{above.unit or '1'} a {below.unit or '1'}"
    paired = _paired(above.per_run, below.per_run)
    if paired is not None:
        middle, low, high = paired
        return Figure(value=middle, low=low, high=high, unit=unit, n=len(above.per_run), reason=reason)
    least, most = _widest(above, below)
    return Figure(
        value=above.value / below.value, low=least, high=most, unit=unit, n=min(above.n, below.n), reason=reason
    )


def _paired(above: Sequence[float], below: Sequence[float]) -> tuple[float, float, float] | None:
    if len(above) != len(below) or len(above) < 2 or min(*above, *below) <= 0:
        return None
    logs = log_ratios(above, below)
    if len(logs) < BOOTSTRAP_RUNS_MIN:
        low, high = float(logs.min()), float(logs.max())
    else:
        found = bootstrap_median(logs, seed=SEED)
        low, high = found.low, found.high
    return math.exp(float(np.median(logs))), math.exp(low), math.exp(high)


def _widest(above: Figure, below: Figure) -> tuple[float | None, float | None]:
    if (
        above.low is None
        or above.high is None
        or below.low is None
        or below.high is None
        or below.low <= 0
        or above.low < 0
    ):
        return None, None
    return above.low / below.high, above.high / below.low


def decide(figure: Figure, bounds: Bounds) -> Outcome:
    """HELD or BROKEN when the whole interval says so."""
    if not figure.usable or figure.low is None or figure.high is None or math.isnan(figure.value):
        return Outcome.UNDECIDED
    if bounds.low <= figure.low and figure.high <= bounds.high:
        return Outcome.HELD
    if figure.high < bounds.low or figure.low > bounds.high:
        return Outcome.BROKEN
    return Outcome.UNDECIDED


def find(rule: Rule, measured: Mapping[str, Figure], absent: Collection[str] = (), *, cores: int = 1) -> RuleFound:
    """One rule with what was found. ``absent`` are labels of brokers that did not run: a rule about one of them is not run."""
    plain: dict[str, Any] = {
        "when": rule.when,
        "metric": rule.metric,
        "of": rule.of,
        "required": rule.required,
        "control": rule.control,
    }
    figure = look_up(measured, rule.metric, rule.of)
    wanted = in_words(rule, figure.unit if figure is not None else "")
    away = [label for label in absent if any(about(name, label) for name in (rule.metric, rule.of or ""))]
    if away:
        return RuleFound(**plain, wanted=wanted, outcome=Outcome.NOT_RUN, reason=f"{away[0]} was not run")
    if figure is None:
        missing = rule.metric if rule.metric not in measured else rule.of
        return RuleFound(**plain, wanted=wanted, outcome=Outcome.UNDECIDED, reason=f"{missing} was not measured")
    outcome = decide(figure, rule)
    reason = figure.reason
    if cores < rule.cores:
        outcome, reason = Outcome.NOT_COMPARABLE, f"it takes {rule.cores} cores to say so, and there are {cores}"
    if outcome is Outcome.UNDECIDED and figure.usable:
        why = ONE_RUN if figure.low is None else "the interval reaches over the threshold"
        reason = f"{why} ({reason})" if reason else why
    value = None if math.isnan(figure.value) else figure.value
    return RuleFound(
        **plain, wanted=wanted, outcome=outcome, value=value, low=figure.low, high=figure.high, unit=figure.unit, reason=reason
    )  # fmt: skip


def about(metric: str, label: str) -> bool:
    """Whether a metric's name (``arm/rabbitmq:classic.lost``) is of that broker, with or without the shape in its name."""
    name = metric.rpartition("/")[2]
    return name.startswith((f"{label}.", f"{label}:"))


def in_words(bounds: Bounds, unit: str = "") -> str:
    """``at least 0.9``, ``0.9 to 1.1``, ``exactly 0``."""
    if bounds.equals is not None:
        return f"exactly {quantity(bounds.equals, unit)}"
    if bounds.at_least is not None and bounds.at_most is not None:
        return f"{quantity(bounds.at_least, unit)} to {quantity(bounds.at_most, unit)}"
    if bounds.at_least is not None:
        return f"at least {quantity(bounds.at_least, unit)}"
    return f"at most {quantity(bounds.high, unit)}"


def judge(rules: Sequence[RuleFound]) -> tuple[ClaimVerdict, str]:
    """The verdict and its reason in one sentence. Controls come first: an experiment that did not work says nothing about the claim."""
    claimed = [rule for rule in rules if not rule.control]
    required = [rule for rule in claimed if rule.required]
    if not required:
        return ClaimVerdict.NOT_RUN, "no rule that decides the claim is about what was run"
    missing = [rule for rule in rules if rule.outcome is Outcome.NOT_RUN and (rule.required or rule.control)]
    if missing:
        return ClaimVerdict.NOT_RUN, "; ".join(dict.fromkeys(rule.reason for rule in missing))
    failed = next((rule for rule in rules if rule.control and rule.outcome is not Outcome.HELD), None)
    if failed is not None:
        return (
            ClaimVerdict.INCONCLUSIVE,
            f"the experiment did not work: {failed.when}: {failed.reason or _found(failed)}",
        )
    broken = [rule for rule in required if rule.outcome is Outcome.BROKEN]
    held = [rule for rule in required if rule.outcome is Outcome.HELD]
    undecided = [rule for rule in required if rule.outcome is Outcome.UNDECIDED]
    if broken:
        words = "; ".join(f"{rule.when}: {_found(rule)}" for rule in broken)
        if held:
            return ClaimVerdict.PARTLY, f"{len(held)} of {len(required)} rules hold, but not: {words}"
        return ClaimVerdict.REFUTED, f"not so: {words}"
    small = [rule for rule in required if rule.outcome is Outcome.NOT_COMPARABLE]
    if small:
        return ClaimVerdict.NOT_COMPARABLE, "; ".join(f"{rule.when}: {rule.reason}" for rule in small)
    if undecided:
        words = "; ".join(f"{rule.when}: {rule.reason}" for rule in undecided)
        return ClaimVerdict.INCONCLUSIVE, f"not decided: {words}"
    beside = [rule for rule in claimed if not rule.required and rule.outcome is Outcome.BROKEN]
    if beside:
        words = "; ".join(f"{rule.when}: {_found(rule)}" for rule in beside)
        return ClaimVerdict.PARTLY, f"what is required holds, but not: {words}"
    return ClaimVerdict.SUPPORTED, "; ".join(f"{rule.when}: {_found(rule)}" for rule in required)


def _found(rule: RuleFound) -> str:
    return f"{quantity(rule.value, rule.unit)}{span(rule.low, rule.high, rule.unit)} (wanted {rule.wanted})"


def truth(predict: Predict, measured: Mapping[str, Figure]) -> Figure | Choice | None:
    """What a prediction is held against: the figure, or the first choice that the whole interval lies in; None where nothing decides."""
    figure = look_up(measured, predict.metric, predict.of)
    if figure is None or not figure.usable:
        return None
    if predict.kind == "number":
        return figure
    if figure.low is None or figure.high is None:
        return None
    return next((choice for choice in predict.choices if decide(figure, choice) is Outcome.HELD), None)
