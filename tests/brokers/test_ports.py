"""Ports that brokers can come back to."""

from __future__ import annotations

import os
import random
import socket

from harness.brokers import ports


def test_free_ports_are_different_free_and_out_of_the_clients_range() -> None:
    found = ports.free_ports(20, random.Random(1))
    assert len(set(found)) == 20
    assert all(ports.is_free(port) for port in found)
    if ports.ephemeral_start() > ports.LOWEST + 1000:
        assert max(found) < ports.ephemeral_start()


def test_a_taken_port_is_not_handed_out() -> None:
    (first,) = ports.free_ports(1, random.Random(7))
    with socket.create_server(("127.0.0.1", first)):
        assert not ports.is_free(first)
        assert ports.answers("127.0.0.1", first)
        assert f"pid {os.getpid()}" in ports.holder(first)
        assert ports.free_ports(1, random.Random(7)) != [first]
    assert ports.is_free(first)
    assert not ports.answers("127.0.0.1", first)
    assert ports.holder(first) == ""
