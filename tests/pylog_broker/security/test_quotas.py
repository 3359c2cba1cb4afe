"""Quotas: whose bound is in force, and how long a client is told to wait."""

from __future__ import annotations

import pytest

from harness.pylog_broker.security.quotas import FETCH, PRODUCE, Quotas

MIB = 1 << 20


def with_bounds(**bounds: dict[str, float]) -> Quotas:
    """Keys: user, client, both, with `_any` for the default."""
    names = {
        "user": (("user", "alice"),),
        "user_any": (("user", None),),
        "client": (("client-id", "app"),),
        "client_any": (("client-id", None),),
        "both": (("client-id", "app"), ("user", "alice")),
    }
    quotas = Quotas(11, 1.0)
    quotas.replace({names[name]: values for name, values in bounds.items()})
    return quotas


def test_nothing_is_measured_without_bounds() -> None:
    quotas = Quotas(11, 1.0)
    assert not quotas.active
    assert quotas.throttle_ms(PRODUCE, "alice", "app", 1 << 40, 0.0) == 0


@pytest.mark.parametrize(
    ("names", "winner"),
    [
        (("client_any", "client"), "client"),
        (("client", "user_any"), "user_any"),
        (("user_any", "user"), "user"),
        (("user", "both"), "both"),
    ],
)
def test_the_most_particular_bound_is_in_force(names: tuple[str, ...], winner: str) -> None:
    quotas = with_bounds(**{name: {PRODUCE: 1.0 if name == winner else 1e12} for name in names})
    assert quotas.throttle_ms(PRODUCE, "alice", "app", MIB, 0.0) > 0


def test_the_wait_brings_the_rate_back_to_the_bound() -> None:
    """Ten times as much as a window span allows: the wait is as long as Kafka's formula says, at most all windows."""
    quotas = with_bounds(user={FETCH: MIB})
    assert quotas.throttle_ms(FETCH, "alice", "app", 5 * MIB, 100.0) == 0
    wait_ms = quotas.throttle_ms(FETCH, "alice", "app", 10 * MIB, 100.0)
    assert wait_ms == 5_000  # 15 MiB over a span of 10 s are 1.5 MiB/s


def test_produce_and_fetch_are_measured_apart_and_users_too() -> None:
    quotas = with_bounds(user_any={PRODUCE: MIB})
    assert quotas.throttle_ms(PRODUCE, "alice", "app", 100 * MIB, 0.0) > 0
    assert quotas.throttle_ms(FETCH, "alice", "app", 100 * MIB, 0.0) == 0
    assert quotas.throttle_ms(PRODUCE, "bob", "app", MIB, 0.0) == 0


def test_old_windows_are_forgotten() -> None:
    quotas = with_bounds(user={PRODUCE: MIB})
    assert quotas.throttle_ms(PRODUCE, "alice", "app", 100 * MIB, 0.0) == 11_000
    assert quotas.throttle_ms(PRODUCE, "alice", "app", 1, 20.0) == 0
