"""A small claim and a finding about it, for tests."""

from datetime import UTC, datetime

from harness import __version__
from harness.claims.loader import parse_claim
from harness.model.claim import ClaimBroker, ClaimVerdict, Figure, Finding
from harness.model.result import Fingerprint

GOOD = """\
statement: What is read from a log stays in it.
why_it_is_said: Reading moves an offset and nothing else.
experiment:
  kind: script
  name: reading_deletes
  brokers: [pylog]
  settings: {messages: 200}
rules:
  - {when: a second reader finds all of it, metric: pylog.second_share, equals: 1}
card:
  prompt: Two readers, one log. What does the second one find?
  predict: {kind: number, question: 'What share does it find?', metric: pylog.second_share}
  key_points:
    - {text: Reading does not delete, patterns: ['does not delete']}
  shape: A log.
  mechanism: It found {pylog.second_share}.
  cost: Disk.
  change_my_mind: Retention.
"""
FINGERPRINT = Fingerprint(
    cpu_model="Imaginary Xeon", cores=2, memory_bytes=8 << 30, disk="", kernel="", operating_system="",
    virtualisation="", congestion_control="", python="", clients={}, load_before=0.0,
)  # fmt: skip


def claim(text=GOOD):
    return parse_claim(text, name="C99-log-stays", path="C99-log-stays.yaml")


def finding(about, **changes):
    now = datetime.now(UTC).isoformat(timespec="seconds")
    plain = {
        "claim": about.id, "claim_digest": about.digest, "statement": about.statement, "verdict": ClaimVerdict.SUPPORTED,
        "reason": "it held", "measured": {"pylog.second_share": Figure.exact(1.0, broker="pylog")},
        "brokers": [ClaimBroker(label="pylog", product="pylog", version="1")], "fingerprint": FINGERPRINT,
        "harness_version": __version__, "created": now, "command": "harness claim run C99", "seconds": 1.0,
    }  # fmt: skip
    return Finding(**(plain | changes))
