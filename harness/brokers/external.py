"""A broker at an address that a person gave. It is used, and never started, stopped, killed, paused or wiped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.brokers.address import Address, parse_address
from harness.brokers.api import BrokerState, Evidence, Inspection, Usage
from harness.brokers.handshake import NotReady, Refused
from harness.brokers.products.base import Product
from harness.errors import BrokerUnavailable, NotAllowedExternally, UsageError
from harness.model.broker import BrokerInfo

GREETING_TIMEOUT_S = 5.0


class ExternalBroker:
    """``start`` only checks that it answers; whatever would touch it raises NotAllowedExternally."""

    def __init__(self, product: Product, address: Address) -> None:
        self._product = product
        self._host = address.host
        self._port = address.port or product.default_port
        self._access = address.access

    @classmethod
    def create(cls, product: Product, root: Path, url: str | None) -> ExternalBroker:
        """``url`` as in ``address``; ``root`` is not used. Raises UsageError."""
        if not url:
            raise UsageError(
                f"an external {product.name} needs its address",
                next_command=f"harness run ... --url {product.name}=HOST:PORT",
            )
        return cls(product, parse_address(product.name, url))

    @property
    def name(self) -> str:
        return self._product.name

    def start(self, *, tier: str, settings: Mapping[str, str]) -> BrokerInfo:
        """Check that it answers and lets us in. Server-side settings cannot be applied, so none are reported as in force."""
        try:
            greeting = self._product.greet(self._host, self._port, GREETING_TIMEOUT_S, self._access)
        except Refused as answer:
            who = f"the login of {self._access.username}" if self._access.username else "clients without a login"
            raise BrokerUnavailable(
                f"the {self.name} at {self._host}:{self._port} refuses {who}: {answer}",
                next_command=f"harness run ... --url {self.name}=SCHEME://USER:PASSWORD@{self._host}:{self._port}",
            ) from None
        except NotReady as answer:
            raise BrokerUnavailable(
                f"the {self.name} at {self._host}:{self._port} does not answer: {answer}",
                next_command=f"harness doctor {self.name}",
            ) from None
        return BrokerInfo(
            name=self.name,
            product=greeting.product or self._product.title,
            version=greeting.version or "unknown",
            host=self._host,
            port=self._port,
            backend="external",
            settings={},
            access=self._access,
        )

    def stop(self) -> None:
        """Nothing to do: it is not ours."""

    def kill(self) -> Evidence:
        raise self._refusal("killed")

    def restart(self) -> BrokerInfo:
        raise self._refusal("restarted")

    def pause(self) -> Evidence:
        raise self._refusal("paused")

    def resume(self) -> Evidence:
        raise self._refusal("resumed")

    def wipe(self) -> None:
        raise self._refusal("wiped")

    def pids(self) -> tuple[int, ...]:
        return ()

    def usage(self) -> Usage | None:
        return None

    def trouble(self) -> str:
        return ""

    def log_tail(self, lines: int) -> list[str]:
        return []

    def inspect(self) -> Inspection:
        return Inspection(BrokerState.EXTERNAL, None, self._port, 0.0, 0, 0, 0, 0.0)

    def _refusal(self, what: str) -> NotAllowedExternally:
        return NotAllowedExternally(
            f"{self.name} at {self._host}:{self._port} is an external broker: it is never {what}",
            next_command=f"harness broker up {self.name}",
        )
