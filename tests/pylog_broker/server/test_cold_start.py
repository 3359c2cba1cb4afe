"""What a broker with default settings loads: time until the first message, and memory, go into little else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from harness.pylog_broker.handlers import Handlers
from tests.pylog_broker.handlers.local_broker import LocalBroker

NEEDED_BY_FEW = {
    "cramjam": "compressed batches that have to be opened",
    "dataclasses": "SCRAM: each class is compiled when it is made, that is at each start",
    "email": "nothing",
    "hashlib": "compaction, consumer groups of KIP-848, SCRAM",
    "http.server": "http.listener",
    "inspect": "nothing",
    "pathlib": "files of users",
    "random": "log.roll.jitter.ms",
    "re2": "subscriptions by pattern",
    "rich": "pylog explain",
    "secrets": "SASL",
    "shutil": "nothing",
    "ssl": "TLS listeners",
    "urllib.request": "pylog explain",
}
PROGRAM = "import sys, harness.pylog_broker.cli as cli; cli.main(['serve', '--set', 'nothing']); print(*sys.modules)"


def test_what_few_brokers_need_is_not_loaded_by_all() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "harness.pylog_broker.server" in loaded
    assert loaded & set(NEEDED_BY_FEW) == set()
    assert not [name for name in loaded if name.startswith("harness.pylog_broker") and "share" in name]


def test_a_handler_is_loaded_when_it_is_looked_up() -> None:
    handlers = Handlers()
    assert 0 in handlers
    assert len(handlers) > 50
    assert handlers._loaded == {}
    assert handlers[0] is handlers[0]
    assert handlers[0].name == "Produce"
    assert set(handlers._loaded) == {0}
    assert -1 not in handlers
    assert handlers.get(-1) is None


def test_coordinators_are_there_when_asked_for_and_after_a_restart_with_what_they_keep(tmp_path: Path) -> None:
    local = LocalBroker(tmp_path / "data")
    assert local.broker._groups is None
    assert local.broker._transactions is None
    assert local.broker._share is None
    local.broker.groups.offsets_partition("group")  # makes its topic
    assert local.broker.groups is local.broker.groups
    local.close()
    local = LocalBroker(tmp_path / "data")
    assert local.broker._groups is not None
    assert local.broker._transactions is None
    local.close()
