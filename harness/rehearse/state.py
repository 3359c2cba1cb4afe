"""What a person answered, in one SQLite file: schedule of each card, every answer, every prediction.

One transaction a change, taken at its beginning (``BEGIN IMMEDIATE``): a second process waits its turn, and what was answered before
Ctrl-C is there. ``user_version`` is the schema's version; an older file is brought up, a newer one refused.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from harness.errors import StateError
from harness.rehearse.schedule import Grade, Schedule, review

SCHEMA_VERSION = 1
WAIT_S = 15.0  # for another process that is writing; it writes for milliseconds
APPLICATION_ID = 0x48524831  # marks the file as one of ours, so that no other program's database is written into

_SCHEMA = """
CREATE TABLE card (claim TEXT PRIMARY KEY, memory TEXT NOT NULL, due TEXT NOT NULL) STRICT;
CREATE TABLE seen (claim TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT;
CREATE TABLE review (
  id INTEGER PRIMARY KEY, claim TEXT NOT NULL, text_hash TEXT NOT NULL, mode TEXT NOT NULL, answered_at TEXT NOT NULL,
  seconds REAL NOT NULL, answer TEXT NOT NULL, coverage REAL NOT NULL, contradicted INTEGER NOT NULL, overrides TEXT NOT NULL,
  grade TEXT, trap_right INTEGER
) STRICT;
CREATE TABLE prediction (
  id INTEGER PRIMARY KEY, claim TEXT NOT NULL, text_hash TEXT NOT NULL, kind TEXT NOT NULL, metric TEXT NOT NULL, unit TEXT NOT NULL,
  choice TEXT, sureness REAL, low REAL, high REAL, locked_at TEXT NOT NULL, first_look INTEGER NOT NULL,
  settled_at TEXT, how TEXT, outcome TEXT, truth REAL, was_right INTEGER, score REAL, host TEXT
) STRICT;
"""
_MIGRATIONS = {0: _SCHEMA}  # from version -> statements that lead to the next


@dataclass(frozen=True, slots=True)
class Review:
    """One answer. ``grade`` is None where the session ended before one was given."""

    claim: str
    text_hash: str
    mode: Literal["drill", "mock", "traps"]
    answered_at: datetime
    seconds: float
    answer: str
    coverage: float
    contradicted: int
    overrides: tuple[int, ...] = ()
    grade: Grade | None = None
    trap_right: bool | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """One locked prediction: a choice with how sure, or an 80 % interval.

    ``first_look``: this person had neither predicted the claim nor been shown its figure before; only those count for calibration.
    ``how``: ``live`` (measured after the lock), ``offline`` (a finding that lay there), ``later`` (measured by another command).
    ``score``: Brier for a choice, interval score for a number.
    """

    claim: str
    text_hash: str
    kind: Literal["direction", "number"]
    metric: str
    unit: str
    locked_at: datetime
    first_look: bool
    choice: str | None = None
    sureness: float | None = None
    low: float | None = None
    high: float | None = None
    settled_at: datetime | None = None
    how: Literal["live", "offline", "later"] | None = None
    outcome: str | None = None
    truth: float | None = None
    was_right: bool | None = None
    score: float | None = None
    host: str | None = None
    id: int = 0


def default_file(environment: Mapping[str, str] = os.environ) -> Path:
    """``$XDG_STATE_HOME/messaging-harness/rehearsal.sqlite`` (XDG Base Directory Specification; relative values are ignored)."""
    base = Path(environment.get("XDG_STATE_HOME", ""))
    if not base.is_absolute():
        base = Path(environment.get("HOME") or Path.home()) / ".local" / "state"
    return base / "messaging-harness" / "rehearsal.sqlite"


class RehearsalState:
    """The open file. Every method is one transaction."""

    def __init__(self, path: Path) -> None:
        """Raises StateError when the file is not one of ours, newer than this program, or cannot be opened."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=WAIT_S, isolation_level=None)
            self._connection.row_factory = sqlite3.Row
            with self._changing() as connection:
                self._bring_up(connection)
        except (sqlite3.DatabaseError, OSError) as error:
            raise self._unusable(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def _bring_up(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        mark = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and mark != APPLICATION_ID:
            raise sqlite3.DatabaseError("it is another program's database")
        if version > SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"its version is {version}, this program knows up to {SCHEMA_VERSION}")
        for step in range(version, SCHEMA_VERSION):
            for statement in _MIGRATIONS[step].split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                if self._connection.in_transaction:  # a full disk has ended it already
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:  # locked for too long, disk full, not writable
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> StateError:
        return StateError(
            f"cannot use {self.path} as the rehearsal's state: {error}",
            next_command="harness rehearse stats --state OTHER_FILE",
        )

    def schedules(self) -> dict[str, Schedule]:
        """Claim -> where its card stands; claims that were never graded are not in it."""
        rows = self._connection.execute("SELECT claim, memory, due FROM card")
        return {row["claim"]: Schedule(row["memory"], datetime.fromisoformat(row["due"])) for row in rows}

    def record(self, answered: Review) -> int:
        """Keep an answer; a graded one moves its card on. Gives the answer's number, for ``grade``."""
        with self._changing() as connection:
            number = _insert(
                connection,
                "review",
                {
                    **_columns(answered, leave=("overrides", "grade")),
                    "overrides": json.dumps(list(answered.overrides)),
                    "grade": answered.grade,
                },
            )
            if answered.grade is not None:
                _move_on(connection, answered.claim, answered.grade, answered.answered_at)
        return number

    def grade(self, number: int, grade: Grade, coverage: float, contradicted: int, overrides: tuple[int, ...]) -> None:
        """Grade an answer that was kept before, with what the person turned over."""
        with self._changing() as connection:
            row = connection.execute("SELECT claim, answered_at, grade FROM review WHERE id = ?", (number,)).fetchone()
            connection.execute(
                "UPDATE review SET grade = ?, coverage = ?, contradicted = ?, overrides = ? WHERE id = ?",
                (grade, coverage, contradicted, json.dumps(list(overrides)), number),
            )
            if row["grade"] is None:
                _move_on(connection, row["claim"], grade, datetime.fromisoformat(row["answered_at"]))

    def due(self, claim: str) -> datetime:
        row = self._connection.execute("SELECT due FROM card WHERE claim = ?", (claim,)).fetchone()
        return datetime.fromisoformat(row["due"])

    def reviews(self) -> list[Review]:
        """Oldest first."""
        return [
            Review(
                claim=row["claim"],
                text_hash=row["text_hash"],
                mode=row["mode"],
                answered_at=datetime.fromisoformat(row["answered_at"]),
                seconds=row["seconds"],
                answer=row["answer"],
                coverage=row["coverage"],
                contradicted=row["contradicted"],
                overrides=tuple(json.loads(row["overrides"])),
                grade=None if row["grade"] is None else Grade(row["grade"]),
                trap_right=None if row["trap_right"] is None else bool(row["trap_right"]),
            )
            for row in self._connection.execute("SELECT * FROM review ORDER BY id")
        ]

    def lock(self, prediction: Prediction) -> Prediction:
        """Keep a prediction before anything is shown; ``first_look`` is decided here, by what was shown until now."""
        with self._changing() as connection:
            seen = connection.execute(
                "SELECT 1 FROM seen WHERE claim = :claim UNION SELECT 1 FROM prediction WHERE claim = :claim",
                {"claim": prediction.claim},
            ).fetchone()
            columns = _columns(prediction, leave=("id", "first_look")) | {"first_look": int(seen is None)}
            number = _insert(connection, "prediction", columns)
        return next(one for one in self.predictions() if one.id == number)

    def settle(self, prediction: Prediction) -> None:
        """Write down how a locked prediction came out; a second time changes nothing."""
        columns = _columns(prediction, leave=("id", "first_look", "locked_at"))
        outcome = {
            name: columns[name] for name in ("settled_at", "how", "outcome", "truth", "was_right", "score", "host")
        }
        with self._changing() as connection:
            connection.execute(
                f"UPDATE prediction SET {', '.join(f'{name} = ?' for name in outcome)} WHERE id = ? AND settled_at IS NULL",  # noqa: S608
                (*outcome.values(), prediction.id),
            )

    def predictions(self) -> list[Prediction]:
        """Oldest first."""
        return [_prediction(row) for row in self._connection.execute("SELECT * FROM prediction ORDER BY id")]

    def show(self, claim: str, now: datetime) -> None:
        """The figure of this claim is shown: a later prediction of it is no first look."""
        with self._changing() as connection:
            connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (claim, _stored(now)))

    def seen(self) -> set[str]:
        return {row["claim"] for row in self._connection.execute("SELECT claim FROM seen")}


def _move_on(connection: sqlite3.Connection, claim: str, grade: Grade, at: datetime) -> None:
    row = connection.execute("SELECT memory FROM card WHERE claim = ?", (claim,)).fetchone()
    after = review(row["memory"] if row else "", grade, at)
    connection.execute(
        "INSERT INTO card VALUES (?, ?, ?) ON CONFLICT(claim) DO UPDATE SET memory = excluded.memory, due = excluded.due",
        (claim, after.memory, _stored(after.due)),
    )


def _insert(connection: sqlite3.Connection, table: str, columns: Mapping[str, object]) -> int:
    names, places = ", ".join(columns), ", ".join("?" * len(columns))
    with closing(
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", tuple(columns.values()))  # noqa: S608
    ) as cursor:
        return int(cursor.lastrowid or 0)


def _columns(record: Review | Prediction, leave: tuple[str, ...]) -> dict[str, object]:
    return {one.name: _stored(getattr(record, one.name)) for one in fields(record) if one.name not in leave}


def _stored(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return int(value) if isinstance(value, bool) else value


def _prediction(row: sqlite3.Row) -> Prediction:
    values = {one.name: row[one.name] for one in fields(Prediction)}
    for name in ("locked_at", "settled_at"):
        values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
    values["first_look"] = bool(values["first_look"])
    values["was_right"] = None if values["was_right"] is None else bool(values["was_right"])
    return Prediction(**values)
