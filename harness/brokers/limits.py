"""Settings of a container itself. What it may use is the same for every broker of a run, and recorded with each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.errors import UsageError
from harness.model.units import parse_size

IMAGE_SETTING = "container.image"
IDENTITY_SETTING = "container.image.id"
MEMORY_SETTING = "container.memory"
CPUS_SETTING = "container.cpus"
# a folder of the engine's machine that the data volume shows; without it the volume is one of the engine's own
DATA_SETTING = "container.data"
# settings that are the container's and not the broker's
OURS = (IMAGE_SETTING, MEMORY_SETTING, CPUS_SETTING, DATA_SETTING)
LEAST_MEMORY_BYTES = 6 << 20
LEAST_CPUS = 0.01


@dataclass(frozen=True, slots=True)
class Limits:
    """What one broker may use; 0 is no limit. ``cpus`` may be a fraction; swap is never given beside ``memory_bytes``."""

    memory_bytes: int = 0
    cpus: float = 0.0

    def settings(self) -> dict[str, str]:
        """As a column of a report shows them."""
        return {
            MEMORY_SETTING: f"{self.memory_bytes / 2**20:g} MiB" if self.memory_bytes else "unlimited",
            CPUS_SETTING: f"{self.cpus:g}" if self.cpus else "unlimited",
        }


def limit_settings(memory: str | None, cpus: float | None) -> dict[str, str]:
    """Flags as the settings that carry them. Raises UsageError for what cannot be a limit."""
    given = {MEMORY_SETTING: memory, CPUS_SETTING: None if cpus is None else f"{cpus:g}"}
    settings = {name: value for name, value in given.items() if value is not None}
    parse_limits(settings)
    return settings


def parse_limits(settings: Mapping[str, str]) -> Limits:
    """``container.memory`` (2GiB, or 2g as the engine's own tools write it) and ``container.cpus`` (1.5). Raises UsageError."""
    memory, cpus = settings.get(MEMORY_SETTING, ""), settings.get(CPUS_SETTING, "")
    try:
        short = re.fullmatch(r"([0-9.]+)([kmg])b?", memory.lower())
        text = f"{short.group(1)}{short.group(2).upper()}iB" if short else memory
        limits = Limits(parse_size(text) if memory else 0, float(cpus) if cpus else 0.0)
    except ValueError as error:
        raise UsageError(f"a limit that cannot be read: {error}", next_command="harness broker up --help") from None
    if memory and limits.memory_bytes < LEAST_MEMORY_BYTES:
        raise UsageError(f"{memory} is less than the engine allows (6 MiB)", next_command="harness broker up --help")
    if limits.cpus < 0 or (cpus and limits.cpus < LEAST_CPUS):
        raise UsageError(f"{cpus} processors are not enough to run on", next_command="harness broker up --help")
    return limits
