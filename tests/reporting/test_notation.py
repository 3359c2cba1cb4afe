"""Numbers: digits, units, missing ones as words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reporting import notation


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123, "s", "12.3\u00a0ms"),
        (12.345, "ms", "12.3\u00a0ms"),
        (1234.0, "ms", "1.23\u00a0s"),
        (0.0004, "s", "400\u00a0µs"),
        (0.0, "ms", "0\u00a0ms"),
        (12345.6, "msg/s", "12,300\u00a0msg/s"),
        (12345.0, "messages", "12,345"),
        (1536.0, "bytes", "1.50\u00a0KiB"),
        (0.5, "share", "50.0\u202f%"),
        (1.08, "ratio", "1.08\u202f×"),
        (-3.0, "count", "−3"),
        (None, "ms", "none"),
        (math.nan, "ms", "not a number"),
        (7.0, "furlongs", "7.00\u00a0furlongs"),
    ],
)
def test_quantities(value: float | None, unit: str, text: str) -> None:
    assert notation.quantity(value, unit) == text


def test_an_interval_is_written_in_the_unit_of_its_figure() -> None:
    assert notation.span(0.9, 1.2, "s", like=1.0) == "0.900–1.20"
    assert notation.span(0.0009, 0.0012, "s", like=0.001) == "0.900–1.20"
    assert notation.span(None, 1.0, "s") == ""


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_three_significant_digits_lose_less_than_one_percent(value: float) -> None:
    assert math.isclose(float(notation.significant(value).replace(",", "")), value, rel_tol=0.0051)


@pytest.mark.parametrize(("seconds", "text"), [(9.3, "9.30\u00a0s"), (93.2, "1 min 33 s"), (7260.0, "2 h 1 min")])
def test_durations(seconds: float, text: str) -> None:
    assert notation.seconds(seconds) == text


def test_lists_and_counts() -> None:
    assert notation.listing(["a"]) == "a"
    assert notation.listing(["a", "b", "c"]) == "a, b and c"
    assert notation.count(1, "run") == "1 run"
    assert notation.count(4200, "run") == "4,200 runs"
    assert notation.moment("2026-01-02T03:04:05+00:00") == "2026-01-02 03:04 UTC"
    assert notation.moment("yesterday") == "yesterday"
