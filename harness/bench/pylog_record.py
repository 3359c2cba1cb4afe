"""Keeps a comparison of the log broker: the page and its figures in `reports/pylog/`, the table in the broker's README.

`python -m harness.bench.pylog_record FILE...` takes documents that `harness bench pylog --json` printed, on one machine, one suite or
several each; a suite that comes twice counts as the later one says.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.bench.pylog_page import write_page

START, END = "<!-- speed -->", "<!-- /speed -->"
README = Path("harness/pylog_broker/README.md")
FOLDER = Path("reports/pylog")


def joined(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One document of several. Raises ValueError when they are not of the same versions, or of quick runs."""
    first = documents[0]
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for document in documents:
        if document["versions"] != first["versions"]:
            raise ValueError(f"other versions: {document['versions']} beside {first['versions']}")
        if document["quick"]:
            raise ValueError("a quick run is a look, not a result")
        for suite in {row["suite"] for row in document["rows"]}:
            rows[suite] = [row for row in document["rows"] if row["suite"] == suite]
    everything = [row for suite in rows.values() for row in suite]
    longest = max(documents, key=lambda one: len(one["order"]))
    return {**first, "order": longest["order"], "met": all(row["met"] for row in everything), "rows": everything}


def markdown(document: Mapping[str, Any]) -> str:
    """What the README shows: every row that asks for something, and the machine."""
    versions, machine = document["versions"], document["environment"]
    lines = [
        (
            f"pylog {versions['pylog']} beside Apache Kafka {versions['kafka']}, medians; a ratio above 1 is in favour of pylog. "
            f"{machine['cpus']} processors, Linux {machine['kernel']}, Python {machine['python']}, load before {machine['load_before']}; "
            f"{machine['setting']}."
        ),
        "",
        "| | unit | Kafka | pylog | ratio | pairs | wanted |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for row in document["rows"]:
        if row["required_ratio"] is None:
            continue
        wanted = f"≥ {row['required_ratio']:g}: {'yes' if row['met'] else '**no**'}"
        figures = f"{_figure(row['kafka_median'])} | {_figure(row['pylog_median'])} | {row['ratio_median']:.2f} | {row['pairs']}"
        lines.append(f"| {row['name']} ({row['suite']}) | {row['unit']} | {figures} | {wanted} |")
    return "\n".join(lines)


def in_readme(text: str, table: str) -> str:
    """The README with the table between its markers. Raises ValueError when they are not there."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"no {START} and {END} to put the table between")
    return f"{before}{START}\n{table}\n{END}{after}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "files", nargs="+", type=argparse.FileType(encoding="utf-8"), help="what bench pylog --json printed"
    )
    documents = [json.load(file) for file in parser.parse_args(arguments).files]
    document = joined(documents)
    write_page(document, FOLDER / "report.html")
    (FOLDER / "result.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    README.write_text(in_readme(README.read_text(encoding="utf-8"), markdown(document)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
