"""Random messages of every API and version, drawn from the schema table with a seed."""

from __future__ import annotations

import importlib
import random
from uuid import UUID

from harness.pylog_broker.protocol.message import Message, Structure
from harness.pylog_broker.protocol.schema_table import Api, Field, load_apis

APIS = {api.name: api for api in load_apis()}

CASES = [
    (api.name, kind, version)
    for api in APIS.values()
    for kind in ("Request", "Response")
    for version in range(api.versions.first, api.versions.last + 1)
]

_LIMITS = {"int8": 7, "int16": 15, "int32": 31, "int64": 62, "uint16": 16}


def message_class(api: str, kind: str) -> type[Message]:
    return getattr(importlib.import_module(f"harness.pylog_broker.protocol.generated.{APIS[api].module}"), api + kind)


def fields_of(api: Api, kind: str) -> list[Field]:
    return api.request if kind == "Request" else api.response


def random_message(api: str, kind: str, version: int, generator: random.Random) -> Message:
    """An instance whose fields are those of `version`, with nulls and empty arrays now and then."""
    cls = message_class(api, kind)
    return _structure(cls, api + kind, fields_of(APIS[api], kind), version, generator)


def _structure(cls, message: str, fields: list[Field], version: int, generator: random.Random) -> Structure:
    values = {item.name: _value(cls, message, item, version, generator) for item in fields if version in item.versions}
    return cls(**values)


def _value(cls, message: str, item: Field, version: int, generator: random.Random):
    if item.null is not None and version in item.null and generator.random() < 0.3:
        return None
    if item.array:
        return [_element(cls, message, item, version, generator) for _ in range(generator.choice((0, 1, 3)))]
    return _element(cls, message, item, version, generator)


def _element(cls, message: str, item: Field, version: int, generator: random.Random):
    if item.is_structure:
        nested = getattr(importlib.import_module(cls.__module__), message + item.type)
        return _structure(nested, message, item.fields, version, generator)
    if item.type == "bool":
        return generator.random() < 0.5
    if item.name.endswith(("_ms", "_time_ms")):
        return generator.randrange(1, 1 << 30)
    if item.name == "error_code" or item.name.endswith("_error_code"):
        return generator.randrange(0, 100)
    if item.type in _LIMITS:
        return generator.getrandbits(generator.randrange(1, _LIMITS[item.type]))
    if item.type == "float64":
        return float(generator.getrandbits(40)) / 8
    if item.type == "string":
        return "".join(generator.choice("abcæ中🙂") for _ in range(generator.choice((0, 1, 9, 150))))
    if item.type == "uuid":
        return UUID(int=generator.getrandbits(128) | 1)
    return generator.randbytes(generator.choice((0, 1, 40, 300)))
