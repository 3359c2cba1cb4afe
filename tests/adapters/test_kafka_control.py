"""The control plane without a broker."""

from __future__ import annotations

import socket

import pytest

from harness.adapters.kafka.control import Control
from harness.errors import BrokerUnavailable
from harness.model.broker import Access, BrokerInfo


def test_settings_that_the_client_refuses_are_an_error_with_its_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        access = Access(tls=True, ca_file="/nowhere/authority.pem")
        info = BrokerInfo("kafka", "kafka", "1", *listener.getsockname()[:2], "external", access=access)
        with pytest.raises(BrokerUnavailable, match=r"refuses its settings.*ssl\.ca\.location"):
            Control(info)
