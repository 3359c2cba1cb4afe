"""``export``: the cards for Anki (an ``.apkg`` file) and as CSV, with the figures that were measured here."""

from __future__ import annotations

import csv
import html
import io
import itertools
import os
import sqlite3
import tempfile
import zipfile
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import genanki

from harness.rehearse.evidence import Item, reveal

# Anki knows a deck and a kind of note by these; with the same ones a second import updates the first.
DECK_ID = 1_748_301_907
MODEL_ID = 1_748_301_908
DECK = "Messaging models"
COLUMNS = ("claim", "prompt", "statement", "key points", "shape", "mechanism", "evidence", "cost", "change my mind",
           "follow ups", "verdict", "freshness")  # fmt: skip
_FIELDS = ("Prompt", "Claim", "Key points", "Shape", "Mechanism", "Evidence", "Cost", "Change my mind", "Follow ups")
_CSS = ".card { font: 18px sans-serif; text-align: left; } h4 { margin: .8em 0 .1em; }"


def _note_type() -> genanki.Model:
    back = "".join(f"{{{{#{name}}}}}<h4>{name}</h4>{{{{{name}}}}}{{{{/{name}}}}}" for name in _FIELDS[1:])
    return genanki.Model(
        MODEL_ID,
        "Messaging claim",
        fields=[{"name": name} for name in _FIELDS],
        templates=[{"name": "Claim", "qfmt": "{{Prompt}}", "afmt": "{{FrontSide}}<hr id=answer>" + back}],
        css=_CSS,
    )


def rows(items: Sequence[Item]) -> list[dict[str, str]]:
    """One a card, plain text, under ``COLUMNS``."""
    return [_row(item) for item in items]


def _row(item: Item) -> dict[str, str]:
    card = item.claim.card
    shape, mechanism, evidence, cost, mind = ("\n".join(section.lines) for section in reveal(item))
    texts = (
        item.claim.id,
        card.prompt,
        item.claim.statement,
        "\n".join(point.text for point in card.key_points),
        shape,
        mechanism,
        evidence,
        cost,
        mind,
        "\n".join(card.follow_ups),
        str(item.finding.verdict) if item.finding is not None else "",
        str(item.freshness),
    )
    return dict(zip(COLUMNS, texts, strict=True))


def as_csv(items: Sequence[Item]) -> str:
    """RFC 4180, with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows(items))
    return text.getvalue()


def anki_deck(items: Sequence[Item]) -> genanki.Deck:
    """Notes known by their claim, so that a newer export replaces their text and leaves what Anki learnt about them."""
    deck = genanki.Deck(DECK_ID, DECK, "Exported by the messaging harness; figures are those of its findings.")
    note_type = _note_type()
    for row in rows(items):
        fields = [_escaped(row[column]) for column in ("prompt", "statement", *COLUMNS[3:10])]
        tags = [row["claim"], f"verdict::{row['verdict'] or 'not_measured'}"]
        guid = genanki.guid_for("messaging-harness", row["claim"])
        deck.add_note(genanki.Note(model=note_type, fields=fields, tags=tags, guid=guid))
    return deck


def _escaped(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


def write_anki(items: Sequence[Item], path: Path, now: datetime) -> None:
    """An ``.apkg`` is a zip with an SQLite file in it. Written whole or not at all.

    The library's own ``write_to_file`` leaves its database behind in the temporary folder; this is the same in a folder that goes.
    """
    stamp = now.timestamp()
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "collection.anki2"
        with closing(sqlite3.connect(database)) as connection:
            genanki.Package(anki_deck(items)).write_to_db(
                connection.cursor(), stamp, itertools.count(int(stamp * 1000))
            )
            connection.commit()
        scratch = path.with_name(path.name + ".tmp")
        with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED) as package:
            package.write(database, "collection.anki2")
            package.writestr("media", "{}")
        os.replace(scratch, path)
