"""The commands beside `serve`: looking at topics, groups and logs, and explaining a running broker.

`topic` and `group` ask a broker through kafka-python, as any client would; `log` reads files and needs no broker;
`explain` reads a broker's HTTP side. Each module has `add_parser` and `run`, and loads what it needs when it runs.
"""

from __future__ import annotations


class ToolFailed(Exception):
    """The command cannot do what was asked; the message says why and what to type instead."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code
