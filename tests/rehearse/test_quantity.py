import pytest

from harness.rehearse.quantity import parse_interval, parse_number, parse_sureness


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20..60", (20, 60)),
        ("20 60", (20, 60)),
        ("20-60", (20, 60)),
        ("20 – 60", (20, 60)),
        ("20 to 60", (20, 60)),
        ("[20, 60]", (20, 60)),
        ("10k..50k", (10_000, 50_000)),
        ("10-50k", (10_000, 50_000)),
        ("500..2k", (500, 2000)),
        ("-3 2", (-3, 2)),
        ("−3..−1", (-3, -1)),
        ("0.5...1", (0.5, 1)),
        ("1,000..2,000", (1000, 2000)),
        ("95 % to 99 %", (95, 99)),
        ("1e3..2e3", (1000, 2000)),
        (".5 .7", (0.5, 0.7)),
        ("-3 -1", (-3, -1)),
        ("20 - 60", (20, 60)),
    ],
)
def test_intervals_as_people_type_them(text, expected):
    assert parse_interval(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "20", "a lot", "20..", "60..20", "1..2..3", "nan inf"])
def test_what_is_no_interval_is_refused(text):
    with pytest.raises(ValueError, match=r"low|number"):
        parse_interval(text)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("110..130 TB", "TB", (110, 130)),
        ("110-130TB", "B", (110e12, 130e12)),
        ("2 ms 1 s", "s", (0.002, 1)),
        ("10k msg/s to 20k msg/s", "msg/s", (10_000, 20_000)),
        ("10..20kmsg/s", "msg/s", (10_000, 20_000)),
        ("95..99", "%", (95, 99)),
        ("0.9..0.95 share", "%", (90, 95)),
    ],
)
def test_units_are_those_of_the_question(text, unit, expected):
    assert parse_interval(text, unit) == pytest.approx(expected)


@pytest.mark.parametrize(("text", "unit", "word"), [("2 ms..5 ms", "TB", "'ms'"), ("2..5 apples", "", "'apples'")])
def test_other_units_are_refused(text, unit, word):
    with pytest.raises(ValueError, match=word):
        parse_interval(text, unit)


def test_numbers():
    assert parse_number("12.5k") == 12_500
    with pytest.raises(ValueError, match="number"):
        parse_number("twelve")


@pytest.mark.parametrize(
    ("text", "expected"), [("80", 0.8), ("80 %", 0.8), ("0.8", 0.8), ("1 %", 0.01), ("100", 1), ("0", 0)]
)
def test_how_sure(text, expected):
    assert parse_sureness(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "120", "-5", "1", "very"])
def test_how_sure_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_sureness(text)
