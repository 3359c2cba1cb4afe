"""What a broker with default settings loads: time until the first message, and memory, go into little else."""

from __future__ import annotations

import subprocess
import sys

NEEDED_BY_FEW = {
    "cramjam": "compressed batches that have to be opened",
    "email": "nothing",
    "hashlib": "compaction, consumer groups of KIP-848, SCRAM",
    "http.server": "http.listener",
    "random": "log.roll.jitter.ms",
    "re2": "subscriptions by pattern",
    "rich": "pylog explain",
    "secrets": "SASL",
    "ssl": "TLS listeners",
    "urllib.request": "pylog explain",
}
PROGRAM = "import sys, harness.pylog_broker.cli; print(*sys.modules)"


def test_what_few_brokers_need_is_not_loaded_by_all() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    assert set(done.stdout.split()) & set(NEEDED_BY_FEW) == set()
