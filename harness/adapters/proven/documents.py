"""The answers on disk: one JSON file for each version of a broker that was asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.adapters.proven.probe import Facts, Probe
from harness.model.broker import BrokerInfo
from harness.model.capability import Feature

RESULTS = Path(__file__).parent / "results"
NOT_SEEN = "not seen"  # the answer where this machine lets nobody look


@dataclass(frozen=True, slots=True)
class Proven:
    """``answers`` is probe name -> facts; ``rests_on`` feature -> probe names; ``shapes`` probe name -> what it speaks of, all if empty."""

    broker: str
    product: str
    version: str
    answers: Mapping[str, Facts]
    questions: Mapping[str, str]
    rests_on: Mapping[str, tuple[str, ...]]
    shapes: Mapping[str, tuple[str, ...]]

    def probes_for(self, feature: Feature, shape: str | None = None) -> tuple[str, ...]:
        """The probes that a declaration rests on: for any shape, or for one (empty: the one without a name)."""
        names = self.rests_on.get(str(feature), ())
        return tuple(name for name in names if shape is None or not self.shapes.get(name) or shape in self.shapes[name])

    @property
    def file(self) -> Path:
        return RESULTS / f"{self.broker}-{self.version}.json"

    def as_document(self) -> dict[str, object]:
        probes = {
            name: {
                "question": self.questions[name],
                "features": sorted(feature for feature, names in self.rests_on.items() if name in names),
                "shapes": list(self.shapes.get(name, ())),
                "facts": dict(facts),
            }
            for name, facts in self.answers.items()
        }
        return {
            "document": "proven",
            "version": 1,
            "broker": self.broker,
            "product": self.product,
            "product_version": self.version,
            "probes": probes,
        }

    def write(self) -> Path:
        self.file.write_text(json.dumps(self.as_document(), indent=1) + "\n", encoding="utf-8")
        return self.file


def fact_text(fact: object) -> str:
    """A fact as people read it."""
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    return (", ".join(map(str, fact)) or "none") if isinstance(fact, list) else str(fact)


def gathered(info: BrokerInfo, answers: Mapping[Probe, Facts]) -> Proven:
    """The answers of one broker, as they are written down."""
    rests_on = {
        str(feature): tuple(probe.name for probe in answers if feature in probe.features)
        for feature in Feature
        if any(feature in probe.features for probe in answers)
    }
    facts = {probe.name: found for probe, found in answers.items()}
    questions = {probe.name: probe.question for probe in answers}
    shapes = {probe.name: probe.shapes for probe in answers}
    return Proven(info.name, info.product, info.version, facts, questions, rests_on, shapes)


def load(path: Path) -> Proven:
    document = json.loads(path.read_text(encoding="utf-8"))
    probes = document["probes"]
    features = {feature for entry in probes.values() for feature in entry["features"]}
    return Proven(
        document["broker"],
        document["product"],
        document["product_version"],
        {name: entry["facts"] for name, entry in probes.items()},
        {name: entry["question"] for name, entry in probes.items()},
        {
            feature: tuple(name for name, entry in probes.items() if feature in entry["features"])
            for feature in features
        },
        {name: tuple(entry["shapes"]) for name, entry in probes.items()},
    )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def all_proven(broker: str = "") -> tuple[Proven, ...]:
    """Every version that was asked, oldest first; of all brokers where none is named."""
    found = [load(path) for path in RESULTS.glob(f"{broker or '*'}-*.json")]
    return tuple(sorted(found, key=lambda one: (one.broker, _number(one.version))))


def proven_for(broker: str, version: str) -> Proven | None:
    """The answers of exactly this version, else of the newest one of the same series (4.0), else nothing."""
    candidates = [one for one in all_proven(broker) if _number(one.version)[:2] == _number(version)[:2]]
    exact = next((one for one in candidates if one.version == version), None)
    return exact or (candidates[-1] if candidates else None)


def differences(committed: Proven, fresh: Proven) -> list[str]:
    """Where the two disagree, in words; what could not be seen this time says nothing."""
    lines = []
    for name in dict.fromkeys((*committed.answers, *fresh.answers)):
        before, now = committed.answers.get(name), fresh.answers.get(name)
        if before is None or now is None:
            lines.append(f"{name}: {'was not asked before' if before is None else 'was not asked this time'}")
            continue
        for fact in dict.fromkeys((*before, *now)):
            was, is_ = before.get(fact, "missing"), now.get(fact, "missing")
            if was != is_ and NOT_SEEN not in (was, is_):
                lines.append(f"{name}: {fact} was {was!r} and is {is_!r}")
    return lines
