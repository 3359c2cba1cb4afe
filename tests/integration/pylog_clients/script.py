"""One run of the script that every client has, see `tests/clients/`: a process, and what it says of each step."""

from __future__ import annotations

import json
import subprocess
import threading
from typing import Any

from tests.clients.prepare import Client, kafka_libraries

STEPS: dict[str, tuple[str, ...]] = {
    "java": (
        *("admin", "produce", "consume", "consume_next", "group", "group_next", "pattern", "static", "offsets"),
        *("transactions", "describe", "errors", "share", "share_renew", "share_admin", "delete"),
    ),
    "franz_go": (
        *("admin", "produce", "consume", "consume_next", "group", "offsets", "transactions", "errors", "delete"),
    ),
    "kafkajs": ("admin", "produce", "consume", "group", "offsets", "transactions", "errors", "delete"),
}
STEP_SECONDS_MAX = 100
LINES_OF_ERRORS = 40


def java_command(client: Client, main: str) -> list[str]:
    """The command that runs a class of `tests/clients/java`: a small heap and a quick start."""
    return [
        "java",
        *("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        f"-Dlog4j2.configurationFile={client.folder / 'log4j2.properties'}",
        *("-cp", f"{client.folder}:{kafka_libraries()}/*", main),
    ]


def command_of(client: Client) -> list[str]:
    if client.name == "java":
        return java_command(client, "Client")
    if client.name == "kafkajs":
        return ["node", str(client.folder / "client.mjs")]
    return [str(client.folder / "client")]


class ScriptRun:
    """A client at work; `result` waits for one step."""

    def __init__(self, client: Client, address: str, *, with_transactions: bool) -> None:
        steps = [step for step in STEPS[client.name] if with_transactions or step != "transactions"]
        self._process = subprocess.Popen(
            [*command_of(client), address, client.name.replace("_", "-"), *steps],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._results: dict[str, Any] = {}
        self._errors: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._listen, self._keep_errors)]
        for thread in self._threads:
            thread.start()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                row = json.loads(line)
                with self._news:
                    self._results[row.pop("step")] = row
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _keep_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors.append(line)
            del self._errors[:-LINES_OF_ERRORS]

    def result(self, step: str) -> dict[str, Any]:
        with self._news:
            self._news.wait_for(lambda: step in self._results or self._ended, STEP_SECONDS_MAX)
            assert step in self._results, f"no word of {step}; {self._results}\n{''.join(self._errors)}"
            row: dict[str, Any] = self._results[step]
        assert "error" not in row, f"{row}\n{''.join(self._errors)}"
        return row

    def end(self) -> None:
        """End the process if it is still at it."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()
