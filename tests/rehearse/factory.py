"""Claims, findings and desks for the rehearsal's tests: nothing here is measured."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

from rich.console import Console

from harness.claims.store import Freshness
from harness.model.claim import Claim, ClaimVerdict, Figure, Finding, Outcome, RuleFound
from harness.model.result import Fingerprint
from harness.rehearse.desk import ConsoleDesk, scripted
from harness.rehearse.evidence import Item

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

NUMBER = {"kind": "number", "question": "How much of it is read again?", "metric": "log.replay_share", "unit": "%"}
DIRECTION = {
    "kind": "direction",
    "question": "Which share is read again?",
    "metric": "log.replay_share",
    "choices": [{"text": "all of it", "at_least": 0.99}, {"text": "about half", "at_least": 0.3, "at_most": 0.7}],
}


def claim(number: int = 33, predict: dict | None = None, **changes) -> Claim:
    card = {
        "prompt": "Log or queue for five readers, and why?",
        "predict": predict or NUMBER,
        "key_points": [
            {"text": "Replay decides", "weight": 3, "patterns": [r"re-?play", r"read .*again"]},
            {"text": "One stored copy", "weight": 1, "patterns": ["one copy"]},
        ],
        "contradictions": [{"patterns": ["queues? cannot fan"], "why": "An exchange copies."}],
        "shape": "Many readers of one history.",
        "mechanism": "An offset is a number; {log.replay_share} came again.",
        "cost": "Retention keeps it all.",
        "change_my_mind": "Nobody ever reads twice.",
        "follow_ups": ["One is down for a weekend. What grows?", "Which retention?"],
    }
    text = {
        "id": f"C{number}",
        "slug": "five-jobs",
        "statement": "A log can, a queue cannot.",
        "why_it_is_said": "Acknowledging deletes.",
        "experiment": {"kind": "model", "formula": "retention", "takes": "1s"},
        "rules": [{"when": "everything is read again", "metric": "log.replay_share", "at_least": 0.99}],
        "traps": ["Streams are a log as well."],
        "card": card,
    }
    return Claim.model_validate({**text, **changes})


def fingerprint(**changes) -> Fingerprint:
    fields = {
        "cpu_model": "Test CPU", "cores": 2, "memory_bytes": 1 << 34, "disk": "ext4", "kernel": "6", "operating_system": "Debian",
        "virtualisation": "none", "congestion_control": "cubic", "python": "3.11", "clients": {}, "load_before": 0.0,
    }  # fmt: skip
    return Fingerprint(**{**fields, **changes})


def finding(
    about: Claim, verdict: ClaimVerdict = ClaimVerdict.SUPPORTED, figure: Figure | None = None, created: datetime = NOW
) -> Finding:
    measured = figure or Figure(value=0.98, low=0.97, high=0.995, unit="share", n=3)
    outcome = Outcome.BROKEN if verdict in (ClaimVerdict.REFUTED, ClaimVerdict.PARTLY) else Outcome.HELD
    rule = RuleFound(
        when="everything is read again", metric="log.replay_share", wanted="at least 0.99", required=True, control=False,
        outcome=outcome, value=measured.value, low=measured.low, high=measured.high, unit=measured.unit,
    )  # fmt: skip
    return Finding(
        claim=about.id,
        claim_digest=about.digest,
        statement=about.statement,
        verdict=verdict,
        reason="as measured",
        rules=[rule],
        measured={"log.replay_share": measured},
        fingerprint=fingerprint(),
        harness_version="0.1.0",
        created=created.isoformat(),
        command="harness claim run",
        seconds=1.0,
    )


def item(number: int = 33, verdict: ClaimVerdict | None = ClaimVerdict.SUPPORTED, **changes) -> Item:
    about = claim(number, changes.pop("predict", None))
    if verdict is None:
        return Item(about, None, Freshness.NONE)
    return Item(about, finding(about, verdict, **changes), Freshness.FRESH)


class Clock:
    """Time that moves when it is told to, and a second at each look with ``ticking``."""

    def __init__(self, *, ticking: bool = False) -> None:
        self.at = NOW
        self._ticking = ticking

    def now(self) -> datetime:
        return self.at

    def elapsed_s(self) -> float:
        if self._ticking:
            self.at += timedelta(seconds=1)
        return (self.at - NOW).total_seconds()


class Paper:
    """A desk that is fed lines and remembers what was printed."""

    def __init__(self, *lines: str, width: int = 100, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self._text = io.StringIO()
        console = Console(file=self._text, width=width, color_system=None, highlight=False)
        self.desk = ConsoleDesk(console, scripted(lines, console), elapsed_s=self.clock.elapsed_s)

    @property
    def text(self) -> str:
        return self._text.getvalue()

    @property
    def flat(self) -> str:
        """Without the line ends that the width made."""
        return " ".join(self.text.split())
