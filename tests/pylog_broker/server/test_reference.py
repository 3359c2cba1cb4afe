"""The README's tables are what the code says; every handler module tells what it does."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import harness.pylog_broker
from harness.pylog_broker.handlers import MODULES, Handlers
from harness.pylog_broker.protocol.generated.index import APIS
from harness.pylog_broker.reference import api_table, settings_table
from harness.pylog_broker.transactions.states import transition_table_markdown

ROOM = Path(harness.pylog_broker.__file__).parent
HELPERS = {"__init__", "api", "authorized_operations", "config_entries", "config_resources", "produce_wire"}


def _between_markers(name: str) -> str:
    text = (ROOM / "README.md").read_text(encoding="utf-8")
    match = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", text, re.DOTALL)
    assert match is not None
    return match[1]


def test_the_table_of_transaction_states() -> None:
    assert _between_markers("transactions") == transition_table_markdown()


def test_the_table_of_apis() -> None:
    assert _between_markers("apis") == api_table(), "run `pylog apis` and put what it prints into the README"


def test_the_table_of_settings() -> None:
    assert _between_markers("settings") == settings_table(), "run `pylog settings` and put it into the README"


def test_every_module_is_in_the_table_and_says_its_versions() -> None:
    files = {path.stem for path in (ROOM / "handlers").glob("*.py")} - HELPERS
    assert files == set(MODULES)
    for name in MODULES:
        module = import_module(f"harness.pylog_broker.handlers.{name}")
        first, last = module.API.min_version, module.API.max_version
        assert re.search(rf"versions? {first}", module.__doc__), f"{name} does not say its first version"
        assert str(last) in module.__doc__, f"{name} does not say its last version"


def test_handlers_implement_what_the_schema_has() -> None:
    for key, api in Handlers().items():
        name, _, first, last, _ = APIS[key]
        assert (api.name, api.min_version, api.max_version) == (name, first, last)
        if api.request is not None:
            assert key == api.request.API_KEY
