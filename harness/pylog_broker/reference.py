"""The reference tables of APIs and settings, as Markdown, made from the code.

`pylog apis` and `pylog settings` print them; the README holds them between markers, and a test compares.
"""

from __future__ import annotations

from importlib import import_module

from harness.pylog_broker.config import BrokerConfig
from harness.pylog_broker.handlers import MODULES
from harness.pylog_broker.handlers.api import Api
from harness.pylog_broker.handlers.api_versions import ADVERTISED_FROM
from harness.pylog_broker.handlers.config_entries import static_entries


def api_table() -> str:
    """One row for each API that the broker answers."""
    modules = [import_module(f"harness.pylog_broker.handlers.{name}") for name in MODULES]
    rows = []
    for module in sorted(modules, key=lambda module: int(module.API.key)):
        api: Api = module.API
        versions = f"{api.min_version}-{api.max_version}" if api.max_version > api.min_version else str(api.max_version)
        if api.key in ADVERTISED_FROM:
            versions += f" (advertised from {ADVERTISED_FROM[api.key]})"
        flexible = str(api.flexible_from) if api.flexible_from <= api.max_version else "-"
        rows.append(f"| {api.key} | {api.name} | {versions} | {flexible} | {_left_out(module.__doc__ or '')} |")
    return "\n".join(["| key | API | versions | flexible from | left out |", "|--:|--|--|--|--|", *rows, ""])


def _left_out(docstring: str) -> str:
    """What a handler's docstring says after "Left out:", up to the end of that paragraph."""
    _, found, rest = docstring.partition("Left out:")
    return " ".join(rest.split("\n\n")[0].split()) if found else ""


def settings_table() -> str:
    """One row for each setting that `--set` takes, with its default."""
    rows = [f"| `{entry.name}` | {entry.value} | {entry.doc} |" for entry in static_entries(BrokerConfig())]
    return "\n".join(["| setting | default | meaning |", "|--|--|--|", *rows, ""])
