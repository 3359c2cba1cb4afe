"""What leaves the program: worksheets and exports, read back."""

import csv
import io
import json
import sqlite3
import zipfile
from contextlib import closing
from html.parser import HTMLParser

import pytest

from harness.claims.store import Freshness
from harness.rehearse.evidence import Item
from harness.rehearse.export import COLUMNS, as_csv, write_anki
from harness.rehearse.worksheet import as_html, as_markdown
from tests.rehearse.factory import DIRECTION, NOW, claim, finding, item

HOSTILE = '</script><script>alert(1)</script><img src=x onerror="x()"> & {{ 7*7 }} [a](b) *c* `d`'


@pytest.fixture
def hostile():
    about = claim(40, statement=HOSTILE)
    found = finding(about)
    found.reason = HOSTILE
    return Item(about, found, Freshness.FRESH)


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def test_a_page_escapes_everything(hostile):
    page = Tags(as_html([hostile, item(41, predict=DIRECTION)], NOW))
    assert not {"script", "img", "a"} & page.tags
    assert HOSTILE in page.text
    assert "about half" in page.text


@pytest.mark.parametrize("write", [as_html, as_markdown])
def test_the_key_is_at_the_end(write):
    text = write([item(33), item(34, None)], NOW)
    front, _, key = text.partition("Key</h1>" if write is as_html else "# Key")
    assert "How much of it is read again?" in front
    for secret in ("Replay decides", "SUPPORTED", "0.98"):
        assert secret not in front
        assert secret in key
    assert "not measured here" in key


def test_markdown_shows_text_as_it_is(hostile):
    text = as_markdown([hostile], NOW)
    assert "<script" not in text.replace("\\<", "")
    assert "\\*c\\*" in text


def test_csv_read_back(hostile):
    (row, other) = csv.DictReader(io.StringIO(as_csv([hostile, item(41, None)])))
    assert tuple(row) == COLUMNS
    assert row["statement"] == HOSTILE
    assert row["key points"] == "Replay decides\nOne stored copy"
    assert (other["verdict"], other["freshness"]) == ("", "none")


def notes_of(path):
    """An .apkg is a zip with an SQLite file in it."""
    with zipfile.ZipFile(path) as package:
        assert json.loads(package.read("media")) == {}
        database = path.with_suffix(".db")
        database.write_bytes(package.read("collection.anki2"))
    with closing(sqlite3.connect(database)) as connection:
        notes = connection.execute("SELECT guid, flds, tags FROM notes ORDER BY flds").fetchall()
        cards = connection.execute("SELECT count(*) FROM cards").fetchone()[0]
        decks = json.loads(connection.execute("SELECT decks FROM col").fetchone()[0])
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert cards == len(notes)
    assert "Messaging models" in {deck["name"] for deck in decks.values()}
    return {guid: (fields.split("\x1f"), tags.split()) for guid, fields, tags in notes}


def test_anki_read_back(hostile, tmp_path):
    write_anki([hostile, item(41, None)], tmp_path / "cards.apkg", NOW)
    notes = notes_of(tmp_path / "cards.apkg")
    assert len(notes) == 2
    fields, tags = next(value for value in notes.values() if "C40" in value[1])
    assert "&lt;script&gt;" in fields[1]
    assert not any("<script" in field or "<img" in field for field in fields)
    assert "Replay decides<br>One stored copy" in fields
    assert "verdict::supported" in tags


def test_an_export_later_is_the_same_notes(tmp_path):
    """Anki keeps what it learnt about a note by its guid: it depends on the claim and on nothing else."""
    write_anki([item(40), item(41)], tmp_path / "old.apkg", NOW)
    write_anki([item(41, None), item(40, predict=DIRECTION)], tmp_path / "new.apkg", NOW)
    assert set(notes_of(tmp_path / "old.apkg")) == set(notes_of(tmp_path / "new.apkg"))
    assert sorted(one.name for one in tmp_path.glob("*.tmp")) == []
