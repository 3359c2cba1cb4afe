"""``worksheet``: the cards on paper, with room to write, and the key at the end. Markdown, or one HTML page that prints well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from harness.rehearse.evidence import Item, Section, reveal
from harness.reporting.notation import count

TITLE = "Rehearsal: messaging models"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_ROOM = "\n\n".join(["_" * 60] * 3)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One card on paper: ``ask`` goes in front, everything else into the key."""

    number: int
    id: str
    prompt: str
    question: str
    choices: tuple[str, ...]
    blank: str
    statement: str
    points: tuple[str, ...]
    sections: tuple[Section, ...]
    follow_ups: tuple[str, ...]


def sheets(items: Sequence[Item]) -> list[Sheet]:
    return [_sheet(number, item) for number, item in enumerate(items, start=1)]


def _sheet(number: int, item: Item) -> Sheet:
    card = item.claim.card
    unit = f" {card.predict.unit}" if card.predict.unit else ""
    blank = "choice ……, sure …… %" if card.predict.choices else f"80 % interval: from ………… to …………{unit}"
    return Sheet(
        number=number,
        id=item.claim.id,
        prompt=card.prompt,
        question=card.predict.question,
        choices=tuple(choice.text for choice in card.predict.choices),
        blank=blank,
        statement=item.claim.statement,
        points=tuple(point.text for point in card.key_points),
        sections=reveal(item),
        follow_ups=card.follow_ups,
    )


def as_html(items: Sequence[Item], now: datetime) -> str:
    """Everything that comes from a claim file or a finding is escaped."""
    environment = Environment(
        loader=PackageLoader("harness.rehearse"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("worksheet.html.j2")
    return page.render(title=TITLE, sheets=sheets(items), cards=count(len(items), "card"), date=f"{now:%Y-%m-%d}")


def as_markdown(items: Sequence[Item], now: datetime) -> str:
    papers = sheets(items)
    parts = [f"# {TITLE}", f"{now:%Y-%m-%d}, {count(len(papers), 'card')}. Write first; the key is at the end."]
    for sheet in papers:
        parts += [
            f"## {sheet.number}. {_plain(sheet.prompt)}",
            f"{sheet.id}. Before you look: {_plain(sheet.question)}",
        ]
        if sheet.choices:
            parts.append("\n".join(f"{place}. {_plain(text)}" for place, text in enumerate(sheet.choices, start=1)))
        parts += [_plain(sheet.blank), _ROOM]
        if sheet.follow_ups:
            parts.append("\n".join(f"- {_plain(text)}" for text in sheet.follow_ups))
    parts += ["---", "# Key"]
    for sheet in papers:
        parts += [f"## {sheet.number}. {sheet.id}: {_plain(sheet.statement)}"]
        parts.append("\n".join(f"- [ ] {_plain(text)}" for text in sheet.points))
        parts += [
            f"**{section.name}.** " + "  \n".join(_plain(line) for line in section.lines) for section in sheet.sections
        ]
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
