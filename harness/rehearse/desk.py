"""Where a person sits: questions out, answers in. A terminal, a file of answers, or lines on standard input; sessions cannot tell which.

An answer that may be long ends at an empty line. The end of the input ends the session and keeps what was answered; the questions that
remain about an answer already given then take what was suggested.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.text import Text

NARROWEST = 8  # columns for words, however narrow the terminal is
_MARK = re.compile(r"(?:\d+ +)?(?:[✓✗○!–?] +)?")
LINES_MAX = 200  # of one answer; more is a file that was piped in by mistake
LINE_LENGTH_MAX = 2_000


class AnswersEnded(Exception):  # control flow, never shown
    """There are no more answers."""


@dataclass(frozen=True, slots=True)
class TypedLine:
    text: str
    at_s: float  # since the question was asked, when the line was finished


class Desk(Protocol):
    """What a session needs of it."""

    def say(self, text: str = "", style: str = "", indent: int = 0) -> None: ...

    def ask(self, prompt: str) -> str:
        """One line, stripped. Raises AnswersEnded."""

    def answer(self, limit_s: float | None = None) -> tuple[TypedLine, ...]:
        """Lines up to an empty one, with a clock in the prompt where there is a limit. Raises AnswersEnded only before the first."""


class ConsoleDesk:
    """Prints on a console, as narrow as it is, and reads lines with ``read``."""

    def __init__(
        self,
        console: Console,
        read: Callable[[str], str],
        *,
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._read = read
        self._elapsed_s = elapsed_s

    def say(self, text: str = "", style: str = "", indent: int = 0) -> None:
        """Wrapped at the console's width; a line that goes on stands under the words of its first one (``1 ✓ words``)."""
        mark = _MARK.match(text) if indent else None
        hang = len(mark[0]) if mark else 0
        width = max(self._console.width - indent - hang, NARROWEST)
        lines = Text(text[hang:], style=style).wrap(self._console, width) or [Text()]
        for number, line in enumerate(lines):
            line.rstrip()
            front = " " * indent + (text[:hang] if number == 0 else " " * hang)
            self._console.print(Text(front, style=style) + line if front else line)

    def ask(self, prompt: str) -> str:
        try:
            return self._read(prompt).strip()
        except EOFError:
            raise AnswersEnded from None

    def answer(self, limit_s: float | None = None) -> tuple[TypedLine, ...]:
        started = self._elapsed_s()
        lines: list[TypedLine] = []
        while len(lines) < LINES_MAX:
            gone = self._elapsed_s() - started
            try:
                text = self._read("> " if limit_s is None else f"{clock(limit_s - gone)} > ").strip()[:LINE_LENGTH_MAX]
            except EOFError:
                if lines:
                    break
                raise AnswersEnded from None
            if not text:
                break
            lines.append(TypedLine(text, self._elapsed_s() - started))
        return tuple(lines)


def clock(left_s: float) -> str:
    """``75`` -> ``1:15``; ``-8`` -> ``over 0:08``."""
    whole = round(abs(left_s))
    text = f"{whole // 60}:{whole % 60:02d}"
    return text if left_s >= 0 else f"over {text}"


def typed_by_hand(prompt: str) -> str:
    """From a terminal, with its line editing."""
    with contextlib.suppress(ImportError):  # a Python built without it
        import readline  # noqa: F401  (importing it gives input() its line editing)
    return input(prompt)


def scripted(lines: Iterable[str], console: Console) -> Callable[[str], str]:
    """Answers from a file or a pipe, printed behind their prompts so that the transcript reads like a session."""
    remaining: Iterator[str] = iter(lines)

    def read(prompt: str) -> str:
        try:
            line = next(remaining).rstrip("\r\n")
        except StopIteration:
            raise EOFError from None
        console.print(Text(prompt + line))
        return line

    return read


def open_desk(console: Console, answers: Iterable[str] | None) -> ConsoleDesk:
    """The file of answers if one is named, else the terminal, else standard input's lines; what is no text is replaced."""
    if answers is not None:
        return ConsoleDesk(console, scripted(answers, console))
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    if sys.stdin.isatty():
        return ConsoleDesk(console, typed_by_hand)
    return ConsoleDesk(console, scripted(sys.stdin, console))
