"""The parts of a session that every mode prints."""

from __future__ import annotations

from harness.rehearse.desk import Desk
from harness.rehearse.evidence import Item, reveal
from harness.rehearse.scoring import Coverage, Mark

HEAD, SOFT, GOOD, BAD = "bold", "dim", "green", "red"


def show_head(desk: Desk, item: Item, place: str = "") -> None:
    desk.say()
    desk.say(f"{item.claim.id}{f'  {place}' if place else ''}", HEAD)


def show_reveal(desk: Desk, item: Item) -> None:
    for section in reveal(item):
        desk.say(section.name, HEAD)
        for line in section.lines:
            desk.say(line, indent=2)


def show_marks(desk: Desk, coverage: Coverage) -> None:
    """Numbered, each with the words that matched, so that a person can turn over what the patterns got wrong."""
    found = sum(mark.found for mark in coverage.points)
    desk.say(
        f"Key points found in your words: {found} of {len(coverage.points)}, {100 * coverage.share:.0f} % by weight",
        HEAD,
    )
    points = len(coverage.points)
    for number, mark in enumerate(coverage.shown, start=1):
        contradiction = number > points
        sign = ("!" if mark.found else "–") if contradiction else ("✓" if mark.found else "○")
        style = (BAD if mark.found else SOFT) if contradiction else (GOOD if mark.found else "")
        desk.say(f"{number} {sign} {mark.text}{_words(mark)}", style, indent=2)


def _words(mark: Mark) -> str:
    words = ", ".join(f"«{one}»" for one in mark.words)
    beside = " (turned over)" if mark.turned else ""
    return f" {words}{beside}" if words else beside
