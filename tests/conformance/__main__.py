"""`make conform`: the traces against Apache Kafka and against pylog; every difference is explained, or it fails.

    python -m tests.conformance [--show TRACE/STEP]

Exit codes: 0 when every difference is explained, 1 when one is not or an explanation explains nothing any more, 3
when Apache Kafka is not there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from harness.brokers import missing_reason
from tests.conformance.compare import Comparison, run_both


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description="pylog against Apache Kafka")
    parser.add_argument("--show", metavar="TRACE/STEP", default="", help="print both brokers' answers to these steps")
    options = parser.parse_args(arguments)
    reason = missing_reason("kafka")
    if reason is not None:
        print(reason, file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory(prefix="conform-") as folder:
        result = run_both(Path(folder))
    if options.show:
        _show(result, options.show)
    print(result.text())
    return 0 if result.is_clean else 1


def _show(result: Comparison, wanted: str) -> None:
    for name, steps in result.kafka.items():
        for step, answer in steps.items():
            if f"{name}/{step}".startswith(wanted):
                print(f"{name}/{step}")
                print(f"  kafka: {json.dumps(answer)}")
                print(f"  pylog: {json.dumps(result.pylog[name].get(step))}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
