"""The page: one HTML file that needs nothing else. Plotly, style, script and the result itself are inside it.

A content security policy in the page forbids every request and every script but the two whose digests it names, so that a text that
slipped through the escaping would still do nothing.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import urllib.parse
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.errors import DiskFull, ResultError
from harness.model.deck import ReportDeck
from harness.model.result import Curve, Result, State
from harness.model.verdict import Verdict
from harness.reporting import notation
from harness.reporting.csv import cells_csv
from harness.reporting.figures.base import cell_text, slug, thin, workload_title
from harness.reporting.page import page_of
from harness.reporting.palette import GRID, INK, MARKS, MUTED, dark_of
from harness.reporting.states import LOOKS, look

PAGE_BYTES_MAX = 5_000_000
PAGE_BYTES_AIM = 4_600_000
_PLOTLY = "plotly-cartesian.min.js"


def write_html(result: Result, path: Path, deck: ReportDeck | None = None) -> None:
    """Write the page whole, by rename. Raises DiskFull, and ResultError when it would pass 5 MB."""
    write_page(render_html(result, deck), path)


def write_page(text: str, path: Path) -> None:
    """As ``write_html``, of a page that is ready."""
    size = len(text.encode())
    if size > PAGE_BYTES_MAX:
        raise ResultError(
            f"the page would have {size:,} bytes, more than {PAGE_BYTES_MAX:,}: too many brokers or workloads for one page",
            next_command="harness report RUN --format md",
        )
    scratch = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            scratch.unlink()
        raise DiskFull(f"cannot write {path}: {error.strerror}", next_command="df -h .") from error


def render_html(result: Result, deck: ReportDeck | None = None) -> str:
    """The page with as much of the result inside as there is room for beside what it shows. ``deck``: claims and cards, if any."""
    values = _values(result) | {"deck": deck or ReportDeck()}
    template = environment().get_template("page.html.j2")
    bare = len(template.render(**values, embedded="", left_out="").encode())
    embedded, left_out = embed(result, PAGE_BYTES_AIM - bare)
    return template.render(
        **values,
        embedded=Markup(embedded),  # noqa: S704 - JSON whose <, > and & are escaped
        left_out=left_out,
    )


def _values(result: Result) -> dict[str, Any]:
    return {
        "page": page_of(result),
        "result": result,
        "csv_address": "data:text/csv;charset=utf-8," + urllib.parse.quote(cells_csv(result)),
        **frame(),
    }


def frame() -> dict[str, Any]:
    """What every page has inside: plotly, script, style, and the policy that admits these two scripts and no other."""
    scripts = [_asset(_PLOTLY), _theme_script() + _asset("page.js")]
    return {
        "plotly": Markup(scripts[0]),  # noqa: S704 - our own asset, not a text from outside
        "script": Markup(scripts[1]),  # noqa: S704 - our own asset
        "style": Markup(_style()),  # noqa: S704 - our own asset
        "policy": _policy(scripts),
    }


def embed(result: Result, bytes_max: int) -> tuple[str, str]:
    """The result as JSON that may stand in a script element, and in words what was left out to make it fit (empty: nothing).

    Cells, verdicts, fingerprint and ledgers always stay, so that the page can be compared and drawn again. Curves are thinned first,
    then single runs' measures go (the cells hold their values), then all but a few offending messages a verdict.
    """
    text = script_json(result.model_dump_json())
    left_out = ""
    for points in (300, 150, 75, 40):
        if len(text.encode()) <= bytes_max:
            return text, left_out
        result = result.model_copy(update={"curves": [_thinned(curve, points) for curve in result.curves]})
        left_out = f"curves have at most {points} points, extremes kept"
        text = script_json(result.model_dump_json())
    for words, update in (
        ("the measures of single runs are left out", {"measures": []}),
        (
            "of offending messages the first three are kept",
            {"verdicts": [_brief(verdict) for verdict in result.verdicts]},
        ),
        ("the words of a rule are kept once", {"verdicts": _worded_once(result.verdicts)}),
        ("there are no curves", {"curves": []}),
    ):
        if len(text.encode()) <= bytes_max:
            break
        result = result.model_copy(update=update)
        left_out += f"; {words}"
        text = script_json(result.model_dump_json())
    return text, left_out


def _thinned(curve: Curve, points: int) -> Curve:
    x, y = thin(curve, points)
    return curve.model_copy(update={"x": x, "y": y})


def _brief(verdict: Verdict) -> Verdict:
    return verdict.model_copy(update={"evidence": verdict.evidence[:3]})


def _worded_once(verdicts: list[Verdict]) -> list[Verdict]:
    """The same verdicts, in brief, with the rule's words only in the first of each checker and workload."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for verdict in verdicts:
        key = (verdict.checker, verdict.workload)
        kept.append(
            _brief(verdict) if key not in seen else _brief(verdict).model_copy(update={"rule": "", "source": ""})
        )
        seen.add(key)
    return kept


def script_json(text: str) -> str:
    """JSON with nothing in it that could end a script element or start a comment."""
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@cache
def _asset(name: str) -> str:
    return files("harness.reporting").joinpath("assets", name).read_text(encoding="utf-8")


def _theme_script() -> str:
    return "const DARK = " + json.dumps(dark_of(), separators=(",", ":")) + ";\n"


def _style() -> str:
    rules = [f".b{number}{{--c:light-dark({mark.light},{mark.dark})}}" for number, mark in enumerate(MARKS)]
    root = f":root{{--ink:light-dark({INK[0]},{INK[1]});--muted:light-dark({MUTED[0]},{MUTED[1]});--line:light-dark({GRID[0]},{GRID[1]})}}"
    return root + "".join(rules) + _asset("page.css")


def _policy(scripts: list[str]) -> str:
    digests = " ".join(
        "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'" for script in scripts
    )
    return (
        f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("harness.reporting", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        plot=lambda figure: Markup(script_json(figure.plot_json)),  # noqa: S704 - escaped just here
        words=workload_title,
        slug=slug,
        clock=notation.seconds,
        moment=notation.moment,
        metric_words=lambda name: str(name).replace("_", " "),
    )
    globals_: dict[str, Any] = {
        "look": look,
        "looks": LOOKS,
        "states": list(State),
        "cell_text": cell_text,
        "notation": notation,
    }
    environment.globals.update(globals_)
    return environment
