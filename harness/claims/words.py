"""Texts of a card with the figures of a finding in them; without one they say so instead of naming a number. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from harness.claims.notation import quantity, span
from harness.claims.rules import look_up
from harness.model.claim import PLACEHOLDER, Figure

NOT_MEASURED = "not measured here"


def fill(text: str, measured: Mapping[str, Figure] | None) -> str:
    """``{metric}`` (or ``{metric / other metric}``) replaced by the figure with its interval."""

    def figure_of(match: re.Match[str]) -> str:
        metric, _, of = match[1].partition(" / ")
        figure = look_up(measured or {}, metric, of or None)
        return NOT_MEASURED if figure is None or not figure.usable else shown(figure)

    return PLACEHOLDER.sub(figure_of, text)


def shown(figure: Figure) -> str:
    """``1.4 ms [1.2 ms to 1.5 ms]``, in the unit that reads best."""
    return quantity(figure.value, figure.unit) + span(figure.low, figure.high, figure.unit)
