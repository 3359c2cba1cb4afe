"""All checkers, in the order of the report. A new one is a file and a line here."""

from __future__ import annotations

from typing import Final

from harness.checkers.availability import Availability
from harness.checkers.case import Checker
from harness.checkers.corruption import Corruption
from harness.checkers.dead_letter import DeadLetter
from harness.checkers.duplicates import Duplicates
from harness.checkers.durability import Durability
from harness.checkers.effectively_once import EffectivelyOnce
from harness.checkers.expiry import Expiry
from harness.checkers.fan_out import FanOut
from harness.checkers.goodput import Goodput
from harness.checkers.latency import Latency
from harness.checkers.ordering import Ordering
from harness.checkers.pacing import Generator
from harness.checkers.phantom import Phantom
from harness.checkers.priority import Priority
from harness.checkers.redelivery import Redelivery
from harness.checkers.replay import Replay
from harness.checkers.resources import Resources
from harness.checkers.retry import Retry
from harness.checkers.throughput import Throughput
from harness.checkers.timelines import Timelines

CORRECTNESS: Final[tuple[type[Checker], ...]] = (
    Durability, Redelivery, Duplicates, Ordering, Corruption, Phantom, FanOut, Replay, Priority, Expiry, DeadLetter, Retry,
    EffectivelyOnce,
)  # fmt: skip
FIGURES: Final[tuple[type[Checker], ...]] = (
    Latency, Throughput, Goodput, Availability, Resources, Generator, Timelines,
)  # fmt: skip
ALL: Final[tuple[type[Checker], ...]] = CORRECTNESS + FIGURES
