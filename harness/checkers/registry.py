"""All checkers, in the order of the report."""

from __future__ import annotations

from typing import Final

from harness.checkers.case import Checker
from harness.checkers.duplicates import Duplicates
from harness.checkers.durability import Durability
from harness.checkers.latency import Latency
from harness.checkers.ordering import Ordering
from harness.checkers.pacing import Generator
from harness.checkers.throughput import Throughput

ALL: Final[tuple[type[Checker], ...]] = (Durability, Duplicates, Ordering, Latency, Throughput, Generator)
