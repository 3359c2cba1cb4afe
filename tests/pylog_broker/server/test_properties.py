"""The properties format, as java.util.Properties reads it."""

from __future__ import annotations

import pytest

from harness.pylog_broker.properties import PropertiesError, parse_properties


def pairs(text: str) -> dict[str, str]:
    return {row.name: row.value for row in parse_properties(text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=b", {"a": "b"}),
        ("  a = b c  ", {"a": "b c"}),
        ("a: b", {"a": "b"}),
        ("a b", {"a": "b"}),
        ("a=", {"a": ""}),
        ("a=b=c:d", {"a": "b=c:d"}),
        ("# x\n! y\n\n a=1", {"a": "1"}),
        ("a=1,\\\n   2,\\\n  3\nb=4", {"a": "1,2,3", "b": "4"}),
        ("a=back\\\\\nb=2", {"a": "back\\", "b": "2"}),
        ("a\\=b=c", {"a=b": "c"}),
        ("a=\\u00e9\\t.", {"a": "é\t."}),
        ("a=1\na=2", {"a": "2"}),
        ("a=ends in one\\", {"a": "ends in one"}),
    ],
)
def test_lines(text: str, expected: dict[str, str]) -> None:
    assert pairs(text) == expected


def test_the_number_of_the_line() -> None:
    assert [row.line for row in parse_properties("# c\na=1\\\n2\n\nb=3")] == [2, 5]


@pytest.mark.parametrize("text", ["\n\nlonely", "a=\\u12"])
def test_a_line_that_is_none(text: str) -> None:
    with pytest.raises(PropertiesError, match="line"):
        parse_properties(text)
