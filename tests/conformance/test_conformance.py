"""Differential conformance: one scripted trace against Apache Kafka and against pylog, every difference explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.compare import Explanation, explanations, judge, run_both
from tests.conformance.trace import differences


@pytest.mark.broker("kafka")
@pytest.mark.timeout(300)
def test_every_difference_from_apache_kafka_is_explained(tmp_path: Path) -> None:
    result = run_both(tmp_path)
    assert result.is_clean, result.text()
    assert sum(len(trace) for trace in result.kafka.values()) > 250


def test_every_explanation_says_why() -> None:
    assert all(len(row.why) > 20 for row in explanations())


def test_a_difference_is_found_wherever_it_is() -> None:
    kafka = {"trace": {"step": {"rows": [{"code": 0}, {"code": 3}], "same": 1}}}
    pylog = {"trace": {"step": {"rows": [{"code": 0}, {"code": 5}], "same": 1, "more": True}}}
    assert [each.place for each in differences(kafka, pylog)] == ["trace/step/rows/1/code", "trace/step/more"]


def test_a_difference_needs_an_explanation_and_an_explanation_a_difference() -> None:
    kafka, pylog = {"t": {"s": {"a": 1, "b": 1}}}, {"t": {"s": {"a": 2, "b": 1}}}
    assert judge(kafka, pylog, [Explanation("t/*/a", "")]).is_clean
    assert not judge(kafka, pylog, []).is_clean
    assert not judge(kafka, pylog, [Explanation("t/s/a", ""), Explanation("t/s/b", "")]).is_clean
