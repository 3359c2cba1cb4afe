"""A word, a shape and a sentence for every state of a cell, the same on paper, on a screen and in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.model.result import State


@dataclass(frozen=True, slots=True)
class Look:
    """``glyph`` is for text, ``icon`` names an SVG symbol of the page, ``style`` is a rich style."""

    word: str
    glyph: str
    icon: str
    style: str
    meaning: str


LOOKS: Mapping[State, Look] = {
    State.MEASURED: Look(
        "measured", "●", "measured", "", "a figure that is compared with nothing: the baseline itself, or a count"
    ),
    State.BETTER: Look("better", "▲", "better", "green", "better than the baseline, by more than the noise"),
    State.WORSE: Look("worse", "▼", "worse", "red", "worse than the baseline, by more than the noise"),
    State.WITHIN_NOISE: Look(
        "within noise",
        "≈",
        "noise",
        "cyan",
        "no difference beyond what the same broker shows against itself: none, or undecided (its reason says which)",
    ),
    State.NOT_COMPARABLE: Look(
        "not comparable", "≠", "differs", "yellow", "a figure, but no ratio may be formed from it"
    ),
    State.INVALID: Look(
        "invalid",
        "✗",
        "invalid",
        "bold red",
        "the figure must not be used: a rule was broken, or the generator could not keep up",
    ),
    State.LOWER_BOUND: Look(
        "at least",
        "≥",
        "bound",
        "yellow",
        "the true figure is at least this: the client gave out first, less was offered than asked, or the run ended before",
    ),
    State.UNSUPPORTED: Look(
        "unsupported", "∅", "unsupported", "magenta", "the broker cannot do this; the reason is given"
    ),
    State.NOT_RUN: Look("not run", "○", "notrun", "dim", "nothing was measured; the reason is given"),
}


def look(state: State) -> Look:
    return LOOKS[state]
