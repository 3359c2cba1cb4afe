"""The proxy passes bytes unchanged, and cuts, resets, delays and throttles what passes; its memory is bounded."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from harness.brokers.ports import free_ports
from harness.faults.helper import HelperFailed
from harness.faults.link import Link, LinkStats
from harness.faults.network import cut_link, slow_link

PIPE_BYTES_MAX = 1 << 20


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends everything back; its port."""
    server = socket.create_server(("127.0.0.1", free_ports(1)[0]))
    threading.Thread(target=_serve, args=(server,), daemon=True).start()
    yield server.getsockname()[1]
    server.close()


def _serve(server: socket.socket) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        try:
            while data := connection.recv(1 << 16):
                connection.sendall(data)
        except OSError:
            return


@pytest.fixture
def link(echo: int) -> Iterator[Link]:
    proxy = Link(free_ports(1)[0])
    proxy.lead_to("127.0.0.1", echo)
    yield proxy
    proxy.close()


def _connect(link: Link) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), 5)


def _exactly(connection: socket.socket, size: int) -> bytes:
    connection.settimeout(20)
    data = b""
    while len(data) < size and (piece := connection.recv(1 << 16)):
        data += piece
    return data


def _await(link: Link, condition: Callable[[LinkStats], bool]) -> LinkStats:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if condition(stats := link.stats()):
            return stats
        time.sleep(0.005)
    raise AssertionError(f"never came true; last seen {link.stats()}")


def _echoes(port: int) -> Callable[[float], float | None]:
    def probe(timeout_s: float) -> float | None:
        started = time.perf_counter()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout_s) as connection:
                connection.sendall(b"x")
                answered = connection.recv(1) == b"x"
        except OSError:
            return None
        return time.perf_counter() - started if answered else None

    return probe


def test_bytes_pass_unchanged_both_ways_and_ends_pass_too(link: Link) -> None:
    sent = os.urandom(3 << 20)
    with closing(_connect(link)) as connection:
        sender = threading.Thread(target=lambda: (connection.sendall(sent), connection.shutdown(socket.SHUT_WR)))
        sender.start()
        assert _exactly(connection, len(sent)) == sent
        assert connection.recv(1) == b""
        sender.join()
    assert _await(link, lambda stats: stats.open == 0).passed == 2 * len(sent)


def test_a_cut_holds_everything_back_and_passes_it_on_when_healed(link: Link) -> None:
    with closing(_connect(link)) as old:
        old.sendall(b"before")
        assert _exactly(old, 6) == b"before"
        link.cut("drop")
        old.sendall(b"during")
        with closing(_connect(link)) as late:
            late.sendall(b"late")
            seen = _await(link, lambda stats: stats.held == 10)
            assert (seen.since_change, seen.stalled) == (0, 1)
            assert not select.select([old, late], [], [], 0.1)[0]
            assert link.heal().since_change == 0
            assert _exactly(old, 6) == b"during"
            assert _exactly(late, 4) == b"late"


def test_a_resetting_cut_resets_old_and_new_connections(link: Link) -> None:
    with closing(_connect(link)) as old:
        old.sendall(b"x")
        assert _exactly(old, 1) == b"x"
        link.cut("reset")
        with pytest.raises(ConnectionResetError):
            old.recv(1)
        assert _echoes(link.port)(5) is None
        assert _await(link, lambda stats: stats.resets == 2).open == 0
    link.heal()
    assert _echoes(link.port)(5) is not None


def test_a_delay_is_added_each_way(link: Link) -> None:
    link.slow(delay_s=0.05, bytes_per_s=0)
    took = _echoes(link.port)(5)
    assert took is not None
    assert took >= 0.1


def test_a_throttled_link_carries_no_more_than_its_rate(link: Link) -> None:
    link.slow(delay_s=0, bytes_per_s=200_000)
    started = time.perf_counter()
    with closing(_connect(link)) as connection:
        connection.sendall(b"y" * 60_000)
        assert len(_exactly(connection, 60_000)) == 60_000
    assert time.perf_counter() - started >= 0.3  # its turn on the wire; a machine can be slower, never faster


def test_memory_is_bounded_while_a_sender_goes_on(link: Link) -> None:
    link.cut("drop")
    with closing(_connect(link)) as connection:
        connection.setblocking(False)
        offered = 0
        quiet = 0
        while quiet < 20:  # until TCP itself holds the sender back
            try:
                offered += connection.send(b"z" * (1 << 16))
                quiet = 0
            except BlockingIOError:
                quiet += 1
                time.sleep(0.01)
        held = link.stats().held
        assert held < offered
        assert PIPE_BYTES_MAX <= held < 2 * PIPE_BYTES_MAX


def test_nobody_behind_the_link_is_a_reset(echo: int) -> None:
    proxy = Link(free_ports(1)[0])
    try:
        proxy.lead_to("127.0.0.1", free_ports(1)[0])
        assert _echoes(proxy.port)(5) is None
    finally:
        proxy.close()


def test_a_taken_port_is_told() -> None:
    with socket.create_server(("127.0.0.1", free_ports(1)[0])) as taken, pytest.raises(HelperFailed, match="in use"):
        Link(taken.getsockname()[1])


def test_the_proxy_ends_with_its_owner() -> None:
    text = (
        "import sys, time\nfrom harness.brokers.ports import free_ports\nfrom harness.faults.link import Link\n"
        "print(Link(free_ports(1)[0]).pid, flush=True)\ntime.sleep(60)\n"
    )
    owner = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    descriptor = os.pidfd_open(pid)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert select.select([descriptor], [], [], 10)[0], "the proxy outlived its owner"
    os.close(descriptor)


@pytest.mark.parametrize("how", ["drop", "reset"])
def test_the_evidence_of_a_cut(link: Link, echo: int, how: str) -> None:
    with closing(_connect(link)) as old:
        old.sendall(b"x")
        assert _exactly(old, 1) == b"x"
        evidence = cut_link(link, how, 0.3, _echoes(link.port), _echoes(echo))
    assert evidence.bit
    assert evidence.detail["round_trip_during"] == "no answer"
    assert evidence.detail["broker_beside_the_link"].endswith("ms")
    assert evidence.detail["round_trip_after"].endswith("ms")
    assert evidence.detail["bytes_passed"] == "0"
    assert (int(evidence.detail["connections_reset"]) > 0) == (how == "reset")


def test_a_cut_of_a_link_whose_broker_is_dead_proves_nothing(link: Link) -> None:
    evidence = cut_link(link, "drop", 0.1, _echoes(link.port), _echoes(free_ports(1)[0]))
    assert not evidence.bit


def test_the_evidence_of_a_slow_link(link: Link, echo: int) -> None:
    slow = slow_link(link, delay_s=0.03, bytes_per_s=0, for_s=0.2, through=_echoes(link.port))
    assert slow.bit, slow.detail
    beside = slow_link(link, delay_s=0.03, bytes_per_s=0, for_s=0.1, through=_echoes(echo))
    assert not beside.bit, "clients that do not use the link do not feel it"
