"""Read a workload file. Every complaint names the file, the line and, for a misspelt key, the nearest one that exists."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from harness.errors import WorkloadError
from harness.model.workload import Workload

FILE_BYTES_MAX = 1 << 20
DEPTH_MAX = 12
NODES_MAX = 10_000
Location = tuple[str | int, ...]
Lines = dict[Location, int]
Model = TypeVar("Model", bound=BaseModel)


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
    keys = "a workload is a mapping with the keys question, messages, needs, phases"
    plain, lines = parse_mapping(text, path=path, expected=keys, check=check)
    workload = validated(Workload, plain, lines, path=path, check=check, given={"name": name})
    return LoadedWorkload(workload, text, hashlib.sha256(text.encode()).hexdigest(), path)


def parse_mapping(text: str, *, path: str, expected: str, check: str) -> tuple[dict[str, Any], Lines]:
    """YAML text -> plain data and the line of each of its parts. ``expected`` says what a file of this kind is."""
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
        raise WorkloadError(f"{path}:1: {expected}", next_command=check)
    lines: Lines = {}
    return _plain(root, (), lines, path), lines


def validated(
    model: type[Model],
    plain: dict[str, Any],
    lines: Mapping[Location, int],
    *,
    path: str,
    check: str,
    given: Mapping[str, str],
) -> Model:
    """``plain`` as a ``model``, with what the file's name says (``given``). Raises WorkloadError, each complaint with its line."""
    for key in given:
        if key in plain:
            raise WorkloadError(
                f"{path}:{lines[(key,)]}: the {key} is the file's name; remove this key", next_command=check
            )
    try:
        return model.model_validate({**plain, **given})
    except ValidationError as error:
        raise WorkloadError(_describe(error, lines, path, model, given), next_command=check) from None


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


def _describe(
    error: ValidationError,
    lines: Mapping[Location, int],
    path: str,
    model: type[BaseModel],
    given: Collection[str],
) -> str:
    """All complaints of pydantic, one a line, each with the line it is about."""
    complaints: list[tuple[int, str]] = []
    for detail in error.errors():
        location, line = _nearest_line(tuple(detail["loc"]), lines)
        shown = ".".join(str(part) for part in location) or "the file"
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            message = "unknown key" + _nearest_key(model, tuple(detail["loc"]), given)
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


def _nearest_key(model: type[BaseModel], location: Location, given: Collection[str]) -> str:
    wrong = str(location[-1])
    fields = [name for name in _fields_at(model, location[:-1]) if len(location) > 1 or name not in given]
    nearest = difflib.get_close_matches(wrong, fields, n=1, cutoff=0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else f"; known here: {', '.join(fields)}"


def _fields_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """The keys allowed at a place of the file. Where one of several models is meant, the next part of the place is its ``kind``."""
    models = [model]
    for part in location:
        if isinstance(part, int):
            continue
        told = [one for one in models if _kind_of(one) == part]
        if told:
            models = told
            continue
        found = [field for one in models if (field := _field(one, part)) is not None]
        models = [inner for field in found for inner in _models_in(field.annotation)]
    names = [field.alias or name for one in models for name, field in one.model_fields.items()]
    return list(dict.fromkeys(names))


def _field(model: type[BaseModel], key: str) -> FieldInfo | None:
    fields = model.model_fields
    return fields.get(key) or next((candidate for candidate in fields.values() if candidate.alias == key), None)


def _kind_of(model: type[BaseModel]) -> str | None:
    """The one word that a model's ``kind`` may be, by which a union is told apart."""
    field = model.model_fields.get("kind")
    words = get_args(field.annotation) if field is not None and get_origin(field.annotation) is Literal else ()
    return words[0] if len(words) == 1 else None


def _models_in(annotation: object) -> list[type[BaseModel]]:
    """The models inside ``X``, ``X | None``, ``X | Y``, ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
