"""`pylog explain`: a running broker's logs, groups and lag in a terminal, drawn anew each second, with what just happened.

Reads the broker's HTTP side (`http.listener`); the same address in a browser shows the same as a page.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING, Any

from harness.pylog_broker.tools import ToolFailed

if TYPE_CHECKING:
    from rich.console import RenderableType

EXIT_ENVIRONMENT = 3
DEFAULT_ADDRESS = "127.0.0.1:9308"
INTERVAL_S = 1.0
BAR_CELLS_MIN, BAR_CELLS_MAX, OTHER_CELLS = 16, 100, 62
"""The bar takes what a terminal's width leaves beside the other columns."""
PARTITIONS_SHOWN_MAX = 12
REQUEST_SECONDS_MAX = 5.0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    explain = commands.add_parser(
        "explain",
        help="show a running broker's segments, offsets, groups and lag, live",
        description="Start the broker with `--set http.listener=127.0.0.1:9308`, then run this, or open that address in a browser.",
    )
    explain.add_argument("--http", default=DEFAULT_ADDRESS, metavar="HOST:PORT", help="default: %(default)s")
    explain.add_argument("--topic", help="this topic alone; internal ones are shown only so")
    explain.add_argument("--once", action="store_true", help="draw once and stop; so it is without a terminal")
    explain.add_argument("--json", action="store_true", help="the snapshot as one JSON document")


def run(options: argparse.Namespace) -> int:
    """Draw until Ctrl-C; returns the exit code. Raises ToolFailed."""
    snapshot = _fetch(options.http)
    if options.json:
        sys.stdout.write(json.dumps(snapshot, indent=1) + "\n")
        return 0
    from rich.console import Console
    from rich.live import Live

    console = Console()
    if options.once or not console.is_terminal:
        console.print(_draw(snapshot, options, console.width))
        return 0
    with Live(_draw(snapshot, options, console.width), console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(INTERVAL_S)
                live.update(_draw(_fetch(options.http), options, console.width), refresh=True)
        except KeyboardInterrupt:
            return 0


def _fetch(address: str) -> dict[str, Any]:
    import urllib.request  # brings TLS and mail with it, and this module is loaded wherever a broker starts

    url = f"http://{address}/state"
    try:
        with urllib.request.urlopen(url, timeout=REQUEST_SECONDS_MAX) as answer:
            document = json.load(answer)
    except (OSError, ValueError) as error:
        raise ToolFailed(
            f"nothing to explain at {url} ({error}); start the broker with "
            f"`pylog serve --set http.listener={address}`, or name its address with --http HOST:PORT",
            EXIT_ENVIRONMENT,
        ) from None
    if not isinstance(document, dict) or "broker" not in document:
        raise ToolFailed(f"{url} is not a pylog broker", EXIT_ENVIRONMENT)
    return document


def _draw(snapshot: dict[str, Any], options: argparse.Namespace, width: int) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    broker = snapshot["broker"]
    head = Text(
        f"node {broker['node_id']} · up {broker['uptime_s']:.0f} s · {broker['connections']} connections · "
        f"{broker['topics']} topics · {broker['partitions']} partitions · {_bytes(broker['log_bytes'])} of logs",
        style="bold",
    )
    topics = [
        topic
        for topic in snapshot["topics"]
        if (topic["name"] == options.topic if options.topic else not topic["internal"])
    ]
    parts: list[RenderableType] = [
        head,
        Text("▓ closed segment  █ active segment  ▲ where a group reads next", style="dim"),
    ]
    cells = min(BAR_CELLS_MAX, max(BAR_CELLS_MIN, width - OTHER_CELLS))
    parts += [_topic(topic, snapshot["groups"], cells) for topic in topics]
    if not topics:
        parts.append(Text(f"no topic {options.topic or 'yet'}; try `pylog topic create orders`", style="yellow"))
    parts += [_group(group) for group in snapshot["groups"]]
    return Group(*parts)


def _topic(topic: dict[str, Any], groups: list[dict[str, Any]], cells: int) -> RenderableType:
    from rich.table import Table

    settings = ", ".join(f"{name}={value}" for name, value in topic["settings"].items())
    table = Table(
        title=topic["name"] + (f"  ({settings})" if settings else ""), title_justify="left", expand=False, box=None
    )
    for name in ("no.", "log start"):
        table.add_column(name, justify="right")
    table.add_column("segments and groups", no_wrap=True)
    for name in ("high wm", "log end", "files", "bytes"):
        table.add_column(name, justify="right")
    for row in topic["partitions"][:PARTITIONS_SHOWN_MAX]:
        marks = [
            (group["id"], offset["committed"], offset["lag"])
            for group in groups
            for offset in group["offsets"]
            if offset["topic"] == topic["name"] and offset["partition"] == row["partition"]
        ]
        table.add_row(
            str(row["partition"]),
            str(row["log_start"]),
            bar(row, marks, cells),
            str(row["high_watermark"]),
            str(row["log_end"]),
            str(row["segment_count"]),
            _bytes(row["bytes"]),
        )
    return table


def bar(row: dict[str, Any], marks: list[tuple[str, int, int | None]], cells: int) -> str:
    """A partition as a bar of segments, and a line below it for each group's next offset."""
    start: int = row["log_start"]
    end = max(int(row["log_end"]), start + 1)

    def cell(offset: int) -> int:
        return min(cells - 1, max(0, (offset - start) * cells // (end - start)))

    line: list[str] = [" "] * cells
    if row["log_end"] > row["log_start"]:
        active = next((segment["base"] for segment in row["segments"] if segment["active"]), end)
        boundary = cell(active) if active < end else cells
        line = ["▓"] * boundary + ["█"] * (cells - boundary)
        for segment in row["segments"][1:]:
            if start < segment["base"] < end:
                line[cell(segment["base"])] = "│"
    lines = ["".join(line)]
    for group, committed, lag in marks:
        at = cell(committed)
        label = f"▲ {group} {committed}" + ("" if lag is None else f", lag {lag}")
        lines.append(" " * max(0, min(at, cells - len(label))) + label)
    return "\n".join(lines)


def _group(group: dict[str, Any]) -> RenderableType:
    from rich.text import Text

    lag = sum(offset["lag"] or 0 for offset in group["offsets"])
    text = Text(f"group {group['id']}: {group['state']}, {len(group['members'])} members, lag {lag}")
    for member in group["members"]:
        parts = "; ".join(f"{topic} {', '.join(map(str, numbers))}" for topic, numbers in member["partitions"])
        text.append(f"\n  {member['id'][:40]}: {parts or 'nothing yet'}", style="dim")
    return text


def _bytes(count: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("not reached")
