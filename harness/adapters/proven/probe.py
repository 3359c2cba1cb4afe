"""What a probe is, and what it gets to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.model.broker import BrokerInfo
from harness.model.capability import Feature

Fact = bool | int | str | list[str]
Facts = Mapping[str, Fact]
Action = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Target:
    """A broker to ask. ``prefix`` is for every name the probe makes up.

    ``count_syncs`` runs an action and counts the broker's syncs to disk meanwhile; it returns None where they cannot be seen.
    """

    broker: BrokerInfo
    prefix: str
    count_syncs: Callable[[Action], int | None] = lambda action: None


@dataclass(frozen=True, slots=True)
class Probe:
    """``features`` are the needs whose declaration rests on it; empty where it is about durability or counting.

    ``ask`` cleans up after itself. It raises BrokerUnavailable, or what the client library raises.
    """

    name: str
    question: str
    features: tuple[Feature, ...]
    ask: Callable[[Target], Facts]
    shapes: tuple[str, ...] = ()  # of the broker that it speaks of; all where empty
