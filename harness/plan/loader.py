"""Read a workload file. Every complaint names the file, the line and, for a misspelt key, the nearest one that exists."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from harness.errors import WorkloadError
from harness.model.workload import Workload

FILE_BYTES_MAX = 1 << 20
DEPTH_MAX = 12
NODES_MAX = 10_000
Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class LoadedWorkload:
    """A workload with the text it was read from; ``sha256`` tells whether two results did the same work."""

    workload: Workload
    text: str
    sha256: str
    path: str


def load_workload(path: Path) -> LoadedWorkload:
    """Raises WorkloadError."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise WorkloadError(f"{path} is larger than 1 MiB: that is no workload file")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorkloadError(f"cannot read {path}: {error}", next_command="harness workload ls") from error
    return parse_workload(text, name=path.stem, path=str(path))


def parse_workload(text: str, *, name: str, path: str) -> LoadedWorkload:
    """As ``load_workload``, from text already read. ``path`` is only used in messages."""
    check = f"harness workload check {path}"
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise WorkloadError(
            f"{path}{line}: not YAML: {getattr(error, 'problem', error)}", next_command=check
        ) from error
    except RecursionError:
        raise WorkloadError(f"{path}: nested too deeply", next_command=check) from None
    if not isinstance(root, yaml.MappingNode):
        raise WorkloadError(
            f"{path}:1: a workload is a mapping with the keys question, messages, needs, phases", next_command=check
        )
    lines: dict[Location, int] = {}
    plain = _plain(root, (), lines, path)
    if isinstance(plain, dict):
        if "name" in plain:
            raise WorkloadError(
                f"{path}:{lines[('name',)]}: the name is the file's name; remove this key", next_command=check
            )
        plain["name"] = name
    try:
        workload = Workload.model_validate(plain)
    except ValidationError as error:
        raise WorkloadError(_describe(error, lines, path), next_command=check) from None
    return LoadedWorkload(workload, text, hashlib.sha256(text.encode()).hexdigest(), path)


def _plain(node: yaml.Node, where: Location, lines: dict[Location, int], path: str) -> Any:
    """YAML nodes -> plain data, noting the line of each; refuses duplicate keys."""
    line = node.start_mark.line + 1
    if len(where) > DEPTH_MAX or len(lines) > NODES_MAX:
        raise WorkloadError(f"{path}:{line}: nested too deeply, or far too large once its aliases are expanded")
    lines[where] = line
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            line = key_node.start_mark.line + 1
            if key is None:
                raise WorkloadError(f"{path}:{line}: a key must be a word")
            if key in result:
                raise WorkloadError(f"{path}:{line}: the key {key!r} stands here twice")
            result[key] = _plain(value_node, (*where, key), lines, path)
            lines[(*where, key)] = line
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*where, index), lines, path) for index, item in enumerate(node.value)]
    loader = yaml.SafeLoader("")
    return loader.construct_object(node)


def _describe(error: ValidationError, lines: Mapping[Location, int], path: str) -> str:
    """All complaints of pydantic, one a line, each with the line it is about."""
    complaints: list[tuple[int, str]] = []
    for detail in error.errors():
        location, line = _nearest_line(tuple(detail["loc"]), lines)
        shown = ".".join(str(part) for part in location) or "the file"
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            message = "unknown key" + _nearest_key(location)
        elif detail["type"] == "missing":
            missing = detail["loc"][-1]
            message = f"the key {missing!r} is missing"
        complaint = (line, f"{path}:{line}: {shown}: {message}")
        if complaint not in complaints:
            complaints.append(complaint)
    complaints.sort()
    return "\n".join(text for _, text in complaints[:10])


def _nearest_line(location: Location, lines: Mapping[Location, int]) -> tuple[Location, int]:
    """Pydantic adds parts to a location (union members); drop what the file does not have."""
    known: Location = ()
    for part in location:
        if (*known, part) in lines:
            known = (*known, part)
    return known, lines[known]


def _nearest_key(location: Location) -> str:
    wrong = str(location[-1])
    fields = _fields_at(Workload, location[:-1])
    nearest = difflib.get_close_matches(wrong, fields, n=1, cutoff=0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else f"; known here: {', '.join(fields)}"


def _fields_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """The keys allowed at a place of the file."""
    for part in location:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part) or next(
            (candidate for candidate in model.model_fields.values() if candidate.alias == part), None
        )
        inner = _model_in(field.annotation) if field is not None else None
        if inner is None:
            return []
        model = inner
    return [
        field.alias or name for name, field in model.model_fields.items() if not (model is Workload and name == "name")
    ]


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The model inside ``X``, ``X | None``, ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
