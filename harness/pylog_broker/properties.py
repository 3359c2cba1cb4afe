"""Java's properties format, as far as server.properties uses it: `name=value` lines, comments, continued lines, escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
_FOUR_DIGITS = re.compile("[0-9a-fA-F]{4}")
_BLANKS = " \t\f"


class PropertiesError(ValueError):
    """A line cannot be understood; the message names its number."""


class Property(NamedTuple):
    """One assignment and the number of its (first) line, from 1."""

    name: str
    value: str
    line: int


def parse_properties(text: str) -> list[Property]:
    """Every assignment, in order. Raises PropertiesError."""
    return [_property(line, number) for number, line in _logical_lines(text)]


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Comments and blank lines left out; a line that ends in an odd number of backslashes goes on in the next one."""
    pending, first = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.lstrip(_BLANKS)
        if not pending and (not line or line[0] in "#!"):
            continue
        first = first if pending else number
        trailing = len(line) - len(line.rstrip("\\"))
        if trailing % 2:
            pending += line[:-1]
        else:
            yield first, pending + line
            pending = ""
    if pending:
        yield first, pending


def _property(line: str, number: int) -> Property:
    position, escaped = 0, False
    while position < len(line) and (escaped or line[position] not in "=:" + _BLANKS):
        escaped = line[position] == "\\" and not escaped
        position += 1
    name = _unescape(line[:position], number)
    rest = line[position:].lstrip(_BLANKS)
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(_BLANKS)
    elif not rest:
        raise PropertiesError(f"line {number}: '{line}' has no value; write {name}=VALUE")
    return Property(name, _unescape(rest, number).rstrip(_BLANKS), number)


def _unescape(text: str, number: int) -> str:
    if "\\" not in text:
        return text
    out, position = [], 0
    while position < len(text):
        character = text[position]
        position += 1
        if character == "\\" and position < len(text):
            character = text[position]
            position += 1
            if character == "u":
                digits = text[position : position + 4]
                if not _FOUR_DIGITS.fullmatch(digits):
                    raise PropertiesError(f"line {number}: \\u{digits} is not a character")
                character = chr(int(digits, 16))
                position += 4
            else:
                character = _ESCAPES.get(character, character)
        out.append(character)
    return "".join(out)
