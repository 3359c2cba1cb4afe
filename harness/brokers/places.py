"""Where things are: the cache of local copies, the state of detached brokers, and the files that come with the package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

APPLICATION = "messaging-harness"


def cache_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Local copies of brokers: ``$HARNESS_HOME/cache``, ``$XDG_CACHE_HOME/messaging-harness``, or ``~/.cache/messaging-harness``."""
    return _folder(os.environ if environment is None else environment, "cache", "XDG_CACHE_HOME", ".cache")


def state_folder(environment: Mapping[str, str] | None = None) -> Path:
    """Detached brokers: ``$HARNESS_HOME/state``, ``$XDG_STATE_HOME/messaging-harness``, or ``~/.local/state/messaging-harness``."""
    return _folder(os.environ if environment is None else environment, "state", "XDG_STATE_HOME", ".local/state")


def _folder(environment: Mapping[str, str], part: str, variable: str, default: str) -> Path:
    if home := environment.get("HARNESS_HOME"):
        return Path(home).absolute() / part
    base = environment.get(variable)
    # The base-directory specification has relative values ignored.
    return (Path(base) if base and Path(base).is_absolute() else Path.home() / default) / APPLICATION


def compose_folder() -> Path:
    """The ``compose`` folder: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parent.parent
    bundled = package / "_bundled" / "compose"
    return bundled if bundled.is_dir() else package.parent / "compose"
