"""The table of APIs: which module answers which API key.

One module per API, named as its schema. Each begins with a docstring that says versions, behaviour and what is left out, and
exposes `API = Api(...)`. To add an API: a schema file in `protocol/schema/`, and a module here.

A module is imported when the first request for its API comes: most brokers never see most APIs, and a start that loads
them all takes half as long again. What ApiVersions has to say of an API is in the index of the schemas.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from harness.pylog_broker.handlers.api import (
    Api,
    Body,
    CloseConnection,
    ConnectionState,
    Deferred,
    Reply,
    RequestContext,
    SlicedBody,
)
from harness.pylog_broker.protocol.generated.index import APIS

__all__ = [
    "MODULES",
    "Api",
    "Body",
    "CloseConnection",
    "ConnectionState",
    "Deferred",
    "Handlers",
    "Reply",
    "RequestContext",
    "SlicedBody",
]

MODULES: Mapping[str, int] = {module: key for key, (_, module, *_) in APIS.items()}
"""Module -> the API key it answers."""


class Handlers(Mapping[int, Api]):
    """API key -> `Api`, each imported when it is first looked up."""

    def __init__(self) -> None:
        self._loaded: dict[int, Api] = {}

    def __getitem__(self, key: int) -> Api:
        api = self._loaded.get(key)
        if api is None:
            module = APIS[key][1]
            api = self._loaded[key] = import_module(f"harness.pylog_broker.handlers.{module}").API
        return api

    def __contains__(self, key: object) -> bool:
        return key in APIS

    def __iter__(self) -> Iterator[int]:
        return iter(APIS)

    def __len__(self) -> int:
        return len(APIS)
