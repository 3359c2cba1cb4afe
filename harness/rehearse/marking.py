"""After an answer: its marks, what the person turns over, and a grade. One question, which Enter answers."""

from __future__ import annotations

from harness.rehearse.desk import AnswersEnded, Desk
from harness.rehearse.schedule import Grade, suggest
from harness.rehearse.scoring import Coverage
from harness.rehearse.showing import show_marks

HELP = f"Enter takes the suggestion; a number turns that mark over; or type {', '.join(Grade)}."


def parse_marking(text: str) -> tuple[tuple[int, ...], Grade | None]:
    """``"2 5 hard"`` -> ((2, 5), HARD). Raises ValueError for anything else."""
    numbers: list[int] = []
    grade: Grade | None = None
    for word in text.replace(",", " ").lower().split():
        matching = [one for one in Grade if one.startswith(word)]
        if word.isdecimal():
            numbers.append(int(word))
        elif len(matching) == 1:
            grade = matching[0]
        else:
            raise ValueError(f"{word!r} is neither a mark's number nor a grade")
    return tuple(numbers), grade


def mark(desk: Desk, coverage: Coverage) -> tuple[Coverage, Grade]:
    """Asks until there is a grade; where the answers have ended, the suggestion is taken."""
    while True:
        suggested = suggest(coverage)
        try:
            text = desk.ask(f"{suggested}? [Enter, 1-{len(coverage.shown)}, grade] ")
            numbers, grade = parse_marking(text)
            coverage = coverage.turn(numbers)
        except AnswersEnded:
            return coverage, suggested
        except ValueError as error:
            desk.say(f"{error}. {HELP}")
            continue
        if grade is not None or not numbers:
            return coverage, grade or suggested
        show_marks(desk, coverage)
