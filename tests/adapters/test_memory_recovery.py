"""The memory broker's journal: what was acknowledged at D1 is there again after the process is gone; a torn record is not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.adapters.memory.bugs import Bug
from harness.adapters.memory.client import MemoryAdapter
from harness.adapters.memory.server import MemoryServer
from harness.adapters.memory.wire import FrameError, decode, encode
from harness.errors import BrokerUnavailable, ProvisioningFailed
from harness.model.broker import BrokerInfo, Tier
from harness.model.messages import ACCEPT, DEAD, DEAD_LETTERS, Deliveries, Outcome, OutgoingBatch, Subscriber, retry
from harness.model.provisioning import Provisioning
from harness.model.workload import Needs

NEEDS = Needs.model_validate({"groups": {"a": 1, "b": 1}, "dead_letter": True, "retry": {"max": 1, "backoff": ["1s"]}})


def info(server: MemoryServer) -> BrokerInfo:
    return BrokerInfo("memory", "memory", "1.0", server.host, server.port, "in_process")


def serve(journal: Path | None) -> MemoryServer:
    server = MemoryServer(journal=journal)
    server.start()
    return server


def publish(adapter: MemoryAdapter, server: MemoryServer, plan: Provisioning, count: int) -> None:
    publisher = adapter.publisher(info(server), plan, count)
    payloads = [b"message %d" % number for number in range(count)]
    publisher.submit(OutgoingBatch(list(range(count)), payloads, [None] * count, [0] * count, [0] * count))
    outcomes = publisher.close(5.0)
    assert outcomes.outcomes.tolist() == [Outcome.OK] * count


def receive(subscriber: Subscriber, count: int) -> Deliveries:
    deliveries = subscriber.receive(count, 5.0)
    assert len(deliveries) == count
    return deliveries


def provisioned(tmp_path: Path, tier: Tier, bug: Bug = Bug.NONE) -> tuple[MemoryAdapter, MemoryServer, Provisioning]:
    adapter = MemoryAdapter({"bug": bug.value})
    server = serve(tmp_path / "journal")
    plan = adapter.plan(info(server), NEEDS, tier, "p")
    adapter.provision(info(server), plan)
    return adapter, server, plan


@pytest.mark.parametrize("tier", [Tier.D1, Tier.D2])
def test_what_was_acknowledged_survives(tmp_path: Path, tier: Tier) -> None:
    adapter, server, plan = provisioned(tmp_path, tier)
    publish(adapter, server, plan, 6)
    subscriber = adapter.subscriber(info(server), plan, "a", 0)
    subscriber.settle(receive(subscriber, 2), ACCEPT)
    subscriber.settle(receive(subscriber, 1), DEAD)
    subscriber.settle(receive(subscriber, 1), retry(0))
    held = receive(subscriber, 1)
    server.close()
    subscriber.close()
    server = serve(tmp_path / "journal")
    assert adapter.backlog(info(server), plan) == {"a": 3, "b": 6, DEAD_LETTERS: 1}
    subscriber = adapter.subscriber(info(server), plan, "a", 0)
    again = receive(subscriber, 3)
    attempts = dict(zip(again.payloads, again.attempts.tolist(), strict=True))
    assert attempts[held.payloads[0]] in (0, 1)
    assert sorted(attempts.values()) == [0, 0, 1]
    flags = dict(zip(again.payloads, again.redelivered.tolist(), strict=True))
    assert flags[held.payloads[0]] == 1
    dead = adapter.subscriber(info(server), plan, DEAD_LETTERS, 0)
    assert len(receive(dead, 1)) == 1
    dead.close()
    subscriber.close()
    server.close()


def test_in_memory_nothing_survives_but_the_plan(tmp_path: Path) -> None:
    adapter, server, plan = provisioned(tmp_path, Tier.D0)
    publish(adapter, server, plan, 6)
    server.close()
    server = serve(tmp_path / "journal")
    assert adapter.backlog(info(server), plan) == {"a": 0, "b": 0, DEAD_LETTERS: 0}
    server.close()


def test_an_acknowledgement_that_lies_is_found_out(tmp_path: Path) -> None:
    adapter, server, plan = provisioned(tmp_path, Tier.D1, Bug.LIE_ABOUT_ACK)
    publish(adapter, server, plan, 6)
    assert adapter.backlog(info(server), plan)["a"] == 6
    server.close()
    server = serve(tmp_path / "journal")
    assert adapter.backlog(info(server), plan)["a"] == 0
    server.close()


def test_a_torn_record_is_cut_off(tmp_path: Path) -> None:
    adapter, server, plan = provisioned(tmp_path, Tier.D1)
    publish(adapter, server, plan, 3)
    server.close()
    journal = tmp_path / "journal"
    whole = journal.read_bytes()
    for cut in (1, 9, 30):
        journal.write_bytes(whole[:-cut])
        server = serve(journal)
        assert adapter.backlog(info(server), plan)["a"] == 2
        publish(adapter, server, plan, 1)
        server.close()
        server = serve(journal)
        assert adapter.backlog(info(server), plan)["a"] == 3
        server.close()


def test_teardown_is_kept_too(tmp_path: Path) -> None:
    adapter, server, plan = provisioned(tmp_path, Tier.D1)
    adapter.teardown(info(server), plan)
    server.close()
    server = serve(tmp_path / "journal")
    assert adapter.leftovers(info(server), "p") == []
    server.close()


def test_a_lost_server_makes_open_publishes_unknown(tmp_path: Path) -> None:
    adapter, server, plan = provisioned(tmp_path, Tier.D1)
    publisher = adapter.publisher(info(server), plan, 10)
    server.close()
    batch = OutgoingBatch([0], [b"x"], [None], [0], [0])
    deadline = time.monotonic() + 5
    taken = 0
    with pytest.raises(BrokerUnavailable):  # noqa: PT012 - the first write after a loss may still succeed
        while time.monotonic() < deadline:
            taken += publisher.submit(batch.after(taken))
            publisher.poll(0.05)
    outcomes = publisher.close(0.0)
    assert outcomes.indexes.tolist() == [0][:taken]
    assert outcomes.outcomes.tolist() == [Outcome.INFO][:taken]
    with pytest.raises(ProvisioningFailed):
        adapter.provision(info(server), plan)


def test_frames_are_checked() -> None:
    data = encode({"op": "x"}, [b"ab", None, b""])
    assert decode(data[8:-2], data[-2:]) == ({"op": "x"}, [b"ab", None, b""])
    with pytest.raises(FrameError):
        decode(data[8:-2], b"abc")
