"""Messages as bytes: pickled, and unpickled with nothing but our own message classes allowed.

A pickle can name any function of the process that reads it, so the reader refuses every name that is not a class of the listed modules
(the restriction that Python's documentation of ``pickle`` describes). What comes from the network can thus make records, not calls.
"""

from __future__ import annotations

import io
import pickle
from typing import Any, Final

from harness import errors
from harness.errors import HarnessError, WorkerDied

MODULES: Final = frozenset(
    {
        "harness.errors",
        "harness.history.clocks",
        "harness.model.broker",
        "harness.model.capability",
        "harness.model.distribution",
        "harness.model.provisioning",
        "harness.model.workload",
        "harness.runner.control",
        "harness.swarm.messages",
    }
)
_PATHS: Final = frozenset({("pathlib", "PosixPath"), ("pathlib._local", "PosixPath")})


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if "." not in name and module in MODULES:
            found = super().find_class(module, name)
            if (isinstance(found, type) and found.__module__ == module) or found is errors._rebuild:
                return found
        elif (module, name) in _PATHS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} does not belong into a message")


def pack(message: object) -> bytes:
    return pickle.dumps(message, protocol=5)


def unpack(data: bytes) -> object:
    """Raises WorkerDied for what is no message of ours."""
    try:
        return _Reader(io.BytesIO(data)).load()
    except HarnessError:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged pickle may raise anything
        raise WorkerDied(f"a message between Locust processes is damaged: {type(error).__name__}: {error}") from None
