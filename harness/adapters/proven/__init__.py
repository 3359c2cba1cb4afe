"""What adapters rely on, shown against real brokers and written down per version.

A *probe* asks a running broker one question over its own protocol and answers with facts: no timings, nothing that a busy machine
changes. ``results`` holds the answers of each version that was asked (``harness broker probe NAME --write``); a test asks the brokers
that are here again and compares, and another holds the adapters to them.
"""

from harness.adapters.proven.documents import Proven, all_proven, differences, fact_text, gathered, load, proven_for
from harness.adapters.proven.probe import Facts, Probe, Target
from harness.adapters.proven.registry import probes_of

__all__ = [
    "Facts",
    "Probe",
    "Proven",
    "Target",
    "all_proven",
    "differences",
    "fact_text",
    "gathered",
    "load",
    "probes_of",
    "proven_for",
]
