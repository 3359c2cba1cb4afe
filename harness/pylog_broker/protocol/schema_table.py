"""Reads the schema table: one text file per API in `schema/`, one row per field.

A file is a head (`api KEY NAME`, `versions A-B`, `flexible C+` or `flexible none`) and two trees, `request` and
`response`. A row is `name type versions [null versions] [tag N] [= default]`; two more blanks of indent make it a field
of the structure above. A capitalised type is a structure, `[]` in front of it an array. Version ranges are
`3`, `3-5` or `3+`, inside the versions of the API.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

SCHEMA_FOLDER = Path(__file__).parent / "schema"

FIXED_WIDTHS = {"bool": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "uint16": 2, "float64": 8}
STRUCT_CODES = {"bool": "?", "int8": "b", "int16": "h", "int32": "i", "int64": "q", "uint16": "H", "float64": "d"}
VARIABLE_TYPES = frozenset({"string", "bytes", "records", "uuid"})

_ROW = re.compile(
    r"(?P<indent> +)(?P<name>[a-z][a-z0-9_]*) (?P<array>\[\])?(?P<type>[A-Za-z0-9]+) (?P<versions>[0-9+-]+)"
    r"(?: null (?P<null>[0-9+-]+))?(?: tag (?P<tag>\d+))?(?: = (?P<default>\S+))?"
)


class SchemaError(ValueError):
    """A row of the schema table that cannot be read; the message names file and line."""


@dataclass(frozen=True)
class Versions:
    """An inclusive range of versions."""

    first: int
    last: int

    def __contains__(self, version: int) -> bool:
        return self.first <= version <= self.last


@dataclass(frozen=True)
class Field:
    """One row: a field of a structure."""

    name: str
    type: str
    array: bool
    versions: Versions
    null: Versions | None
    tag: int | None
    default: str | None
    fields: list[Field] = field(default_factory=list)

    @property
    def is_structure(self) -> bool:
        """Whether the element type is a structure of its own."""
        return self.type[0].isupper()

    @property
    def is_fixed(self) -> bool:
        """Whether the field is a single fixed-width number."""
        return not self.array and self.type in FIXED_WIDTHS

    def bytes_min(self, version: int, flexible: bool) -> int:
        """The least number of bytes one element of this field can take on the wire in `version`."""
        if self.is_structure:
            return structure_bytes_min(self.fields, version, flexible)
        if self.type in FIXED_WIDTHS:
            return FIXED_WIDTHS[self.type]
        if self.type == "uuid":
            return 16
        if flexible:
            return 1
        return 2 if self.type == "string" else 4


def structure_bytes_min(fields: list[Field], version: int, flexible: bool) -> int:
    """The least number of bytes that a structure with these fields can take in `version`."""
    total = 1 if flexible else 0
    for item in fields:
        if version not in item.versions or item.tag is not None:
            continue
        total += (1 if flexible else 4) if item.array else item.bytes_min(version, flexible)
    return total


@dataclass(frozen=True)
class Api:
    """One API of the table: its key, versions, and the trees of its two messages."""

    key: int
    name: str
    versions: Versions
    flexible_from: int
    request: list[Field]
    response: list[Field]

    @property
    def module(self) -> str:
        """The name of the generated module: the API's name in snake case."""
        return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", self.name).lower()


def parse_versions(text: str, within: Versions | None = None) -> Versions:
    """Parse `3`, `3-5` or `3+` (the last only where `within` gives the end). Raises ValueError otherwise."""
    match = re.fullmatch(r"(\d+)(\+|-(\d+))?", text)
    if match is None or (match[2] == "+" and within is None):
        raise ValueError(f"{text!r} is not a version range")
    first = int(match[1])
    last = within.last if within is not None and match[2] == "+" else int(match[3] or first)
    if last < first or (within is not None and (first < within.first or last > within.last)):
        raise ValueError(f"the version range {text!r} is empty or leaves the versions of the API")
    return Versions(first, last)


def _parse_row(line: str, within: Versions) -> tuple[int, Field]:
    match = _ROW.fullmatch(line)
    if match is None:
        raise ValueError("a row is `name type versions [null versions] [tag N] [= default]`")
    kind = match["type"]
    if not (kind[0].isupper() or kind in FIXED_WIDTHS or kind in VARIABLE_TYPES):
        raise ValueError(f"unknown type {kind!r}")
    versions = parse_versions(match["versions"], within)
    null = parse_versions(match["null"], within) if match["null"] else None
    if null is not None:
        null = Versions(max(null.first, versions.first), min(null.last, versions.last))
    parsed = Field(
        name=match["name"],
        type=kind,
        array=match["array"] is not None,
        versions=versions,
        null=null,
        tag=int(match["tag"]) if match["tag"] else None,
        default=match["default"],
    )
    return len(match["indent"]) // 2, parsed


def parse_api(text: str, source: str) -> Api:
    """Parse one schema file. Raises `SchemaError` naming `source` and the line."""
    head: dict[str, list[str]] = {}
    trees: dict[str, list[Field]] = {"request": [], "response": []}
    levels: list[list[Field]] = []
    versions = Versions(0, 0)
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            if not line.strip() or line.startswith("#"):
                continue
            if line.strip() in trees and not line.startswith(" "):
                levels = [trees[line.strip()]]
            elif not line.startswith(" "):
                word, *rest = line.split()
                head[word] = rest
                if word == "versions":
                    versions = parse_versions(rest[0])
            else:
                depth, parsed = _parse_row(line, versions)
                if depth > len(levels):
                    raise ValueError("indented too deep: the row above is not a structure")
                del levels[depth:]
                levels[depth - 1].append(parsed)
                if parsed.is_structure:
                    levels.append(parsed.fields)
        except ValueError as error:
            raise SchemaError(f"{source}:{number}: {error}") from None
    flexible = head["flexible"][0]
    flexible_from = versions.last + 1 if flexible == "none" else max(int(flexible.rstrip("+")), versions.first)
    return Api(int(head["api"][0]), head["api"][1], versions, flexible_from, trees["request"], trees["response"])


def load_apis(folder: Path = SCHEMA_FOLDER) -> list[Api]:
    """Every API of the table, by ascending key."""
    apis = [parse_api(path.read_text(encoding="utf-8"), path.name) for path in sorted(folder.glob("*.txt"))]
    return sorted(apis, key=lambda api: api.key)
