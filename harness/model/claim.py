"""A claim about messaging models: what is said, the experiment that could refute it, the rules written beforehand, and a card.

Reading claim files is ``harness.claims.loader``, deciding them ``harness.claims.rules``; these are the validated nouns, and the document
that an experiment leaves (``Finding``).
"""

from __future__ import annotations

import hashlib
import json
import re
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from harness.model.broker import Tier
from harness.model.result import Document, Fingerprint
from harness.model.workload import Count, Part, Rate, Seconds, Size

FINDING_VERSION = 1
REPEATS_MAX = 100
PLACEHOLDER = re.compile(r"\{([^{}]+)\}")  # {metric name} in the texts of a card

Words = Annotated[str, Field(min_length=3, max_length=1200)]
Scalar = str | int | float | bool


class ClaimVerdict(StrEnum):
    """What an experiment says about a claim. A refuted one is a good result: it makes a trap card."""

    SUPPORTED = "supported"
    PARTLY = "partly"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    NOT_COMPARABLE = "not_comparable"
    NOT_RUN = "not_run"


class Overrides(Part):
    """What ``harness run`` takes as flags of the same names."""

    duration: Seconds | None = None
    rate: Rate | None = None
    size: Size | None = None
    in_flight: Count | None = None
    warm_up: Seconds | None = None
    durability: Tier | None = None


class _Experiment(Part):
    """``takes``: about how long, for plans. Brokers are single nodes here, so an experiment that needs more ``nodes`` is not run."""

    takes: Seconds = 30.0
    nodes: Annotated[int, Field(ge=1)] = 1


class StudyExperiment(_Experiment):
    """An ordinary study. ``workload`` is a bundled one's name or one written out; ``arms`` are named changes to it, each run in turn.

    Metrics are ``BROKER.METRIC[.PHASE]`` and ``BROKER.CHECKER.COUNT``, with ``ARM/`` before them where there are arms.
    """

    kind: Literal["study"]
    workload: str | dict[str, Any]
    brokers: Annotated[tuple[str, ...], Field(min_length=1)]
    arms: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,15}$")], dict[str, Any]] = Field(default_factory=dict)
    repeats: Annotated[int, Field(ge=1, le=REPEATS_MAX)] = 3
    overrides: Overrides = Overrides()


class ModelExperiment(_Experiment):
    """A calculation; no broker. ``inputs`` are the formula's arguments, with their units."""

    kind: Literal["model"]
    formula: str
    inputs: dict[str, Scalar] = Field(default_factory=dict)
    takes: Seconds = 0.1


class HostExperiment(_Experiment):
    """A probe of this machine; no broker."""

    kind: Literal["host"]
    probe: str
    settings: dict[str, Scalar] = Field(default_factory=dict)


class ScriptExperiment(_Experiment):
    """A small experiment with a real client against each of ``brokers``, freshly started. Metrics are ``BROKER.METRIC``."""

    kind: Literal["script"]
    name: str
    brokers: Annotated[tuple[str, ...], Field(min_length=1)]
    settings: dict[str, Scalar] = Field(default_factory=dict)


Experiment = Annotated[
    StudyExperiment | ModelExperiment | HostExperiment | ScriptExperiment, Field(discriminator="kind")
]


class Bounds(Part):
    """Where a figure must lie, both ends included. ``equals`` is both ends at once. No end at all: anywhere."""

    at_least: float | None = None
    at_most: float | None = None
    equals: float | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Bounds:
        if self.equals is not None and (self.at_least is not None or self.at_most is not None):
            raise ValueError("equals stands alone: leave at_least and at_most out")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"at_least {self.at_least:g} lies above at_most {self.at_most:g}: nothing could hold")
        return self

    @property
    def low(self) -> float:
        found = self.equals if self.equals is not None else self.at_least
        return float("-inf") if found is None else found

    @property
    def high(self) -> float:
        found = self.equals if self.equals is not None else self.at_most
        return float("inf") if found is None else found


class Rule(Bounds):
    """One condition, written before measuring. With ``of``, the figure is ``metric`` divided by it, paired by repeat where there are any.

    ``control`` rules say that the experiment worked at all: one that does not hold makes the claim INCONCLUSIVE. A rule that is not
    ``required`` can only turn SUPPORTED into PARTLY.
    """

    when: Words
    metric: str
    of: str | None = None
    required: bool = True
    control: bool = False
    cores: Annotated[int, Field(ge=1)] = 1  # on a machine with fewer, its figure says nothing about the claim

    @model_validator(mode="after")
    def _bounded(self) -> Rule:
        if self.at_least is None and self.at_most is None and self.equals is None:
            raise ValueError("a rule needs at_least, at_most or equals")
        return self


class Choice(Bounds):
    """An answer to lock in, true when the figure lies within its bounds; the first that fits is the right one."""

    text: Words


class Predict(Part):
    """What to lock in before the reveal: a ``number`` with an interval, or a ``direction`` among ``choices``."""

    kind: Literal["direction", "number"]
    question: Words
    metric: str
    of: str | None = None
    unit: str = ""
    choices: tuple[Choice, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Predict:
        if self.kind == "direction" and len(self.choices) < 2:
            raise ValueError("a direction needs two choices or more")
        if self.kind == "number" and self.choices:
            raise ValueError("a number has no choices")
        return self


def _sound(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        try:
            re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"the pattern {pattern!r} is no regular expression: {error}") from None
    return patterns


class KeyPoint(Part):
    """What a good answer says, and words by which it is recognised (regular expressions, case ignored)."""

    text: Words
    weight: Annotated[float, Field(gt=0, le=10)] = 1.0
    patterns: Annotated[tuple[str, ...], Field(min_length=1)]

    _patterns = field_validator("patterns")(_sound)


class Contradiction(Part):
    """Words that a wrong answer has, and why it is wrong."""

    patterns: Annotated[tuple[str, ...], Field(min_length=1)]
    why: Words

    _patterns = field_validator("patterns")(_sound)


class Card(Part):
    """One a claim. Figures in its texts are ``{metric name}`` and never literal: they are filled from the finding."""

    prompt: Words
    predict: Predict
    key_points: Annotated[tuple[KeyPoint, ...], Field(min_length=1)]
    contradictions: tuple[Contradiction, ...] = ()
    shape: Words
    mechanism: Words
    cost: Words
    change_my_mind: Words
    follow_ups: tuple[Words, ...] = ()

    @property
    def texts(self) -> dict[str, str]:
        """The parts of the reveal, by name, with their placeholders."""
        return {name: getattr(self, name) for name in ("shape", "mechanism", "cost", "change_my_mind")}

    @property
    def placeholders(self) -> set[str]:
        return {name for text in self.texts.values() for name in PLACEHOLDER.findall(text)}


class Claim(Part):
    """The whole file. ``id`` and ``slug`` come from its name, ``C33-five-jobs.yaml``."""

    id: str = Field(pattern=r"^C[0-9]{2,3}$")
    slug: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    statement: Words
    why_it_is_said: Words
    experiment: Experiment
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    traps: tuple[Words, ...] = ()
    if_refuted: str = ""  # the lesson, when the rules break: in words, with {metric name}
    card: Card

    @model_validator(mode="after")
    def _judged(self) -> Claim:
        if not any(rule.required and not rule.control for rule in self.rules):
            raise ValueError("no rule decides the claim: one must be required, and no control")
        return self

    @property
    def brokers(self) -> tuple[str, ...]:
        """Labels of the brokers that the experiment needs; empty for a model or a probe of the host."""
        return self.experiment.brokers if isinstance(self.experiment, StudyExperiment | ScriptExperiment) else ()

    @property
    def digest(self) -> str:
        """SHA-256 of what decides the verdict: statement, experiment, rules. A better card does not make evidence stale."""
        said = self.model_dump(mode="json", include={"statement", "experiment", "rules"})
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


class Figure(Document):
    """One metric. ``low`` and ``high`` are None for a figure of one run, whose spread nobody knows; equal for what is exact.

    ``reason`` says why it must not be used (``usable`` is then False), or what to bear in mind.
    """

    value: float
    low: float | None = None
    high: float | None = None
    unit: str = ""
    n: int = 1
    broker: str = ""
    per_run: list[float] = Field(default_factory=list)
    usable: bool = True
    reason: str = ""

    @classmethod
    def exact(cls, value: float, unit: str = "", *, broker: str = "", n: int = 1) -> Figure:
        """A count or a calculation: nothing about it is uncertain."""
        return cls(value=value, low=value, high=value, unit=unit, n=n, broker=broker)


Measured = dict[str, Figure]  # by metric name


class Outcome(StrEnum):
    """What became of one rule."""

    HELD = "held"
    BROKEN = "broken"
    UNDECIDED = "undecided"  # the interval reaches over the threshold, or is unknown
    NOT_RUN = "not_run"  # its broker is missing, or was left out
    NOT_COMPARABLE = "not_comparable"  # this machine is too small for it


class RuleFound(Document):
    """A rule with what was found. ``value`` is the ratio where the rule has ``of``."""

    when: str
    metric: str
    of: str | None = None
    wanted: str
    required: bool
    control: bool
    outcome: Outcome
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    reason: str = ""


class ClaimBroker(Document):
    """A broker of the experiment: what it said it is, or why it was not run."""

    label: str
    product: str = ""
    version: str = ""
    state: Literal["run", "not_run"] = "run"
    reason: str = ""
    next_command: str = ""


class Finding(Document):
    """What an experiment found about a claim: the document that is stored."""

    document: Literal["finding"] = "finding"
    version: int = FINDING_VERSION
    claim: str
    claim_digest: str
    statement: str
    verdict: ClaimVerdict
    reason: str
    next_command: str = ""
    rules: list[RuleFound] = Field(default_factory=list)
    measured: Measured = Field(default_factory=dict)
    brokers: list[ClaimBroker] = Field(default_factory=list)
    partial: bool = False  # some of the claim's brokers were left out with -b
    fingerprint: Fingerprint
    harness_version: str
    created: str  # ISO 8601, UTC
    command: str
    seconds: float
    study: str = ""  # folder of the study, if there was one
    notes: list[str] = Field(default_factory=list)
