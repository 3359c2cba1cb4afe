import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import units


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (units.parse_count, "50k", 50_000),
        (units.parse_count, "1.5k", 1_500),
        (units.parse_count, 7, 7),
        (units.parse_count, "10M", 10_000_000),
        (units.parse_size, "1KiB", 1024),
        (units.parse_size, "600B", 600),
        (units.parse_size, "1.5MiB", 1_572_864),
        (units.parse_duration_s, "30s", 30.0),
        (units.parse_duration_s, "250ms", 0.25),
        (units.parse_duration_s, "2min", 120.0),
        (units.parse_duration_s, 0, 0.0),
        (units.parse_rate_per_s, "2k/s", 2000.0),
        (units.parse_rate_per_s, "60/min", 1.0),
        (units.parse_share, "5%", 0.05),
        (units.parse_share, 0.25, 0.25),
    ],
)
def test_reads_quantities(parse, text, value):
    assert parse(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (units.parse_count, "many"),
        (units.parse_count, "1.5"),
        (units.parse_count, True),
        (units.parse_count, "-3"),
        (units.parse_size, "1Kib"),
        (units.parse_duration_s, "30"),
        (units.parse_duration_s, "30 parsecs"),
        (units.parse_rate_per_s, "2k"),
        (units.parse_rate_per_s, "2k/fortnight"),
        (units.parse_share, "120%"),
        (units.parse_share, "5k"),
        (units.parse_share, None),
    ],
)
def test_refuses_what_it_cannot_know(parse, text):
    with pytest.raises(ValueError, match=r"expected|unknown|needs a unit|lies between"):
        parse(text)


@given(st.text(max_size=20))
def test_any_text_is_a_value_or_a_value_error(text):
    for parse in (
        units.parse_count,
        units.parse_size,
        units.parse_duration_s,
        units.parse_rate_per_s,
        units.parse_share,
    ):
        with contextlib.suppress(ValueError):
            assert parse(text) >= 0


def test_formats_for_people():
    assert units.format_count(12_345) == "12.3k"
    assert units.format_count(7) == "7"
    assert units.format_bytes(1536) == "1.5 KiB"
    assert units.format_duration_s(0.0021) == "2.1 ms"
    assert units.format_duration_s(0) == "0 s"
