"""From a broker's own word that it is ready to a message that went through it: what the harness adds."""

from __future__ import annotations

import re
import time
from datetime import datetime
from pathlib import Path

import pytest

from harness.adapters.registry import adapter_for, create_adapter
from harness.brokers import create, engine
from harness.model.broker import BrokerInfo, Tier
from harness.model.workload import Needs
from tests.contract.subject import Bench, batch_of, numbered, push, take

READY = {
    "pylog": "listening on",
    "rabbitmq": "Server startup complete",
    "activemq": "started",
    "kafka": "Kafka Server started",
}
WITHIN_S = 1.0
SAYS_WITHIN_S = 20.0
ATTEMPTS = 3
LOADED = pytest.mark.xfail(
    strict=False,
    reason="0.8 to 0.9 s on two idle cores, 1.5 to 3.6 s with a load of 10; half of it until the first topic has its leader",
)
EACH = [
    pytest.param(name, marks=[pytest.mark.container(name), *([LOADED] if name == "kafka" else [])]) for name in READY
]


def said_at(info: BrokerInfo, words: str) -> float:
    """When the container wrote the last line with these words, in seconds since 1970.

    Waits for it: RabbitMQ serves clients before it says so, and a first message may be through by then.
    """
    give_up = time.monotonic() + SAYS_WITHIN_S
    while True:
        text = engine.connect().containers.get(info.management["container"]).logs(timestamps=True).decode()
        lines = [line for line in text.splitlines() if words in line]
        if lines:
            break
        assert time.monotonic() < give_up, f"it never said {words!r}:\n{text[-2000:]}"
        time.sleep(0.2)
    stamp, _, _ = lines[-1].partition(" ")
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*Z$", r"\1+00:00", stamp)).timestamp()


@pytest.mark.slow
@pytest.mark.thorough
@pytest.mark.parametrize("name", EACH)
def test_the_first_message_comes_within_a_second_of_readiness(name: str, tmp_path: Path) -> None:
    """The best of a few: a busy machine makes any of them longer, never shorter."""
    took = []
    for attempt in range(ATTEMPTS):
        broker = create(name, root=tmp_path / str(attempt), backend="docker")
        try:
            info = broker.start(tier="D1", settings={})
            up = time.time()
            adapter = create_adapter(adapter_for(name))
            plan = adapter.plan(info, Needs(groups={"workers": 1}), Tier.D1, f"hfirst{attempt}")
            adapter.provision(info, plan)
            bench = Bench(adapter, info, plan)
            subscriber, publisher = bench.subscriber(), bench.publisher()
            push(publisher, batch_of(numbered(1)))
            take(subscriber, 1)
            first = time.time()
            ready = said_at(info, READY[name])
            took.append((round(up - ready, 3), round(first - ready, 3)))
            for close in reversed(bench.opened):
                close()
        finally:
            broker.stop()
            broker.wipe()
        print(f"{name}: up returned {took[-1][0]} s after readiness, the first message came after {took[-1][1]} s")
    assert min(first for _, first in took) < WITHIN_S, took
