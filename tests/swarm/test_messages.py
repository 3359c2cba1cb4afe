"""What travels between Locust processes: our records come back equal, and nothing else is made from bytes."""

import pickle
import socket
import threading
from pathlib import Path

import pytest

from harness.adapters.registry import create_adapter
from harness.errors import BrokerUnavailable, WorkerDied
from harness.history.clocks import ClockOffset
from harness.model.broker import BrokerInfo, Tier
from harness.plan.bundled import workload_files
from harness.plan.loader import load_workload
from harness.runner.control import Failed, RunPhase, Stopped, WorkerSpec
from harness.swarm.engine import place
from harness.swarm.link import FRAME_BYTES_MAX, Link
from harness.swarm.messages import Chunk, ClockNews, Counts, Hire, Order, Word
from harness.swarm.parcels import pack, unpack


def spec_of(name, role="publisher", **more):
    workload = load_workload(workload_files()[name]).workload
    broker = BrokerInfo("pylog", "pylog", "1", "127.0.0.1", 9, "process")
    plan = create_adapter("kafka", {}).plan(broker, workload.needs, Tier.D1, "h")
    folder = Path("/nowhere")
    return WorkerSpec(role, "w", workload, "kafka", {}, broker, plan, folder, folder / "g", 1, 0, 7, **more)


@pytest.mark.parametrize("name", sorted(workload_files()))
def test_a_spec_comes_back_equal(name):
    assert unpack(pack(Hire(1, spec_of(name)))) == Hire(1, spec_of(name))


def test_commands_replies_and_errors_come_back():
    for message in (
        Order(1, "w", RunPhase(2, 3, 4)),
        Word(1, "w", Stopped({1: "timed out"})),
        Chunk(1, "publish-w.arrows", 0, b"\x00\xff"),
        Counts(1, {"w": (1, 2)}),
        ClockNews(ClockOffset(offset_ns=1.5), {0: ClockOffset()}),
    ):
        assert unpack(pack(message)) == message
    failed = unpack(pack(Word(1, "w", Failed(BrokerUnavailable("gone", next_command="harness doctor")))))
    assert isinstance(failed.reply.error, BrokerUnavailable)
    assert failed.reply.error.next_command == "harness doctor"


class Malice:
    def __init__(self, call, *arguments):
        self.what = call, arguments

    def __reduce__(self):
        return self.what


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Malice(eval, "1")),
        pickle.dumps(Malice(__import__("os").system, "true")),
        pickle.dumps(Malice(getattr, Path("/"), "stat")),
        b"charness.model.units\nre.compile\n(S'x'\ntR.",  # a module of ours, and through it another's function
        b"charness.model.units\nparse_size\n(S'1KiB'\ntR.",  # a function of ours is no class either
        b"",
        b"\x80\x05garbage",
        pack(Counts(1, {"w": (1,)}))[:-5],
    ],
)
def test_bytes_that_are_no_message_make_nothing(data):
    with pytest.raises(WorkerDied, match="damaged"):
        unpack(data)


def test_publishers_and_members_are_spread_and_effects_stay_on_one_host():
    assert place(spec_of("clickstream_fanout", producer=0), 3) == 0
    groups = list(load_workload(workload_files()["clickstream_fanout"]).workload.needs.groups)
    places = [
        place(spec_of("clickstream_fanout", "subscriber", group=name, group_number=number, member=member), 3)
        for number, name in enumerate(groups)
        for member in range(2)
    ]
    assert {places.count(worker) for worker in range(3)} == {3, 4}
    mailers = {
        place(spec_of("password_reset", "subscriber", group="mailer", group_number=0, member=member), 3)
        for member in range(2)
    }
    assert len(mailers) == 1


def test_frames_are_whole_and_bounded():
    ours, theirs = socket.socketpair()
    left, right = Link(ours, threading.Lock()), Link(theirs, threading.Lock())
    body = bytes(range(256)) * 9000
    sender = threading.Thread(target=lambda: [left.send("node", body), left.send("", b"")])
    sender.start()
    assert right.receive() == ("node", body)
    assert right.receive() == ("", b"")
    sender.join()
    with pytest.raises(ValueError, match="larger"):
        left.send("", bytes(FRAME_BYTES_MAX + 1))
    ours.sendall(b"\xff" * 6)  # a frame of four gigabytes
    assert right.receive() is None
    left.close()
    right.close()
    assert right.send("", b"") is False
