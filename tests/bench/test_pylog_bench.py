"""The comparison's arithmetic and its page; the C client against a real broker. How fast anything is, is not tested."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.bench import native
from harness.bench.pylog import KAFKA, PYLOG, Row, _row, table
from harness.bench.pylog_page import write_page
from harness.bench.suites import suites
from tests.integration.pylog_core.broker_process import BrokerProcess


def test_suites_name_each_row_once() -> None:
    names = [(suite.name, question.name) for suite in suites().values() for question in suite.questions]
    assert len(set(names)) == len(names)
    assert list(suites()) == ["core", "matrix", "fan-out", "latency", "recovery", "scaling", "tools"]


def test_a_row_asks_less_where_the_client_was_the_bottleneck() -> None:
    suite = suites()["matrix"]
    question = next(question for question in suite.questions if question.client_share)
    figures = {
        name: [{question.name: rate, question.client_share: share}]
        for name, rate, share in ((KAFKA, 100.0, 0.5), (PYLOG, 110.0, 0.95))
    }
    assert _row(suite, question, figures).required_ratio == question.client_bound_ratio
    assert _row(suite, question, figures).met
    figures[PYLOG][0][question.client_share] = 0.5
    assert not _row(suite, question, figures).met


def document() -> dict[str, Any]:
    rows = [
        Row("scaling", f"partitions={count} {figure}", "u", figure == "rate", None, (10.0, 12.0), (20.0, 18.0))
        for count in (1, 10)
        for figure in ("rate", "p50", "p99")
    ]
    rows.append(Row("core", "</script><b>", "msg/s", True, 3.0, (1.0,), (2.0,)))
    return {
        "order": [KAFKA, PYLOG],
        "versions": {KAFKA: "4.3.1", PYLOG: "<i>1"},
        "environment": {"cpus": "2"},
        "rows": [row.as_dict() for row in rows],
    }


def test_the_page_is_whole_escaped_and_offline(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "page.html"
    write_page(document(), path)
    page = path.read_text(encoding="utf-8")
    body = page.split("</head>")[1]
    assert "at least 3.0: no" in body
    assert "1: 1.75, 10: 1.75" in body
    assert "</script><b>" not in body
    assert "<i>1" not in body
    assert 'src="http' not in page
    assert ">= 3 NO" in table({**document()})


@pytest.mark.broker("pylog")
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler: apt-get install gcc libc6-dev")
def test_the_c_client_writes_and_reads(tmp_path: Path) -> None:
    with BrokerProcess(tmp_path / "data", "num.partitions=1") as broker:
        address = broker.address
        assert native.produce(address, "t", count=5000, payload_bytes=100, batch_bytes=16384, partitions=1) > 0
        assert native.consume(address, "t", count=5001) > 0
