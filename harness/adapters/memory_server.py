"""The memory broker as a process: ``python -m harness.adapters.memory_server --port 7000 --journal FILE``.

Prints ``listening on HOST:PORT`` on standard output when it is ready. SIGTERM ends it; so does SIGKILL, and what was acknowledged at tier
D1 is there again when it is started with the same journal.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from harness.adapters.memory.server import MemoryServer


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="memory_server", description="A perfect broker in memory, for tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--journal", type=Path, default=None, help="file that keeps what tier D1 promises")
    options = parser.parse_args(arguments)
    try:
        server = MemoryServer(host=options.host, port=options.port, journal=options.journal)
    except OSError as problem:
        sys.stderr.write(f"memory_server: cannot listen on {options.host}:{options.port}: {problem}\n")
        return 3

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sys.stdout.write(f"listening on {server.host}:{server.port}\n")
    sys.stdout.flush()
    server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
