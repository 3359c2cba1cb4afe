"""Small pieces of English: clauses, sentences and the words for a need."""

from __future__ import annotations

import re

CLAUSE_CHARACTERS_MAX = 220

_FEATURES = {
    "fan_out": "fan-out",
    "order_per_key": "order within a key",
    "replay": "replay",
    "priority": "priority",
    "expiry": "expiry",
    "delayed_retry": "delayed retry",
    "dead_letter": "dead-lettering",
    "redelivery": "redelivery",
    "transactions": "transactions",
}


def feature_words(feature: str) -> str:
    return _FEATURES.get(feature, feature.replace("_", " "))


def clause(text: str) -> str:
    """One line without its full stop, cut to a readable length."""
    flat = " ".join(text.split()).rstrip(".;, ")
    if len(flat) <= CLAUSE_CHARACTERS_MAX:
        return flat
    return flat[: CLAUSE_CHARACTERS_MAX - 1].rsplit(" ", 1)[0] + "…"


def gist(text: str) -> str:
    """A clause up to its first aside: for a headline, with the rest told below."""
    return clause(re.split(r"[;(]", text, maxsplit=1)[0])


def sentence(text: str) -> str:
    """Capital letter and full stop. A broker's own name at the start keeps its spelling elsewhere, not here."""
    flat = text.strip()
    if not flat:
        return ""
    return flat[0].upper() + flat[1:] + ("" if flat[-1] in ".!?" else ".")


def printable(text: str) -> str:
    """Without control characters: a broker's error must not steer the reader's terminal."""
    return "".join(letter if letter.isprintable() or letter == "\u00a0" else " " for letter in text)
