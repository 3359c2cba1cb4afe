"""What judging costs: every checker over a synthetic history, in a fresh process whose time and memory are its own.

python -m harness.bench.judge --events 10M --json
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from harness.bench.synthetic import GROUPS, synthetic_workload, write_synthetic
from harness.model.units import format_bytes, format_count, parse_count

Progress = Callable[[str], None]


def bench_judge(*, events: int, seed: int, progress: Progress) -> dict[str, object]:
    """Write a history of at least ``events`` deliveries (not timed), judge it in a process of its own, and say what that took.

    ``events`` counts first readings; the deliveries of retries and the replay come on top. ``verdicts`` counts validities: the
    history is clean, so anything but valid is a fault of a checker. Raises RuntimeError with the process's last words if it fails.
    """
    messages = max(1, -(-events // GROUPS))
    with tempfile.TemporaryDirectory(prefix="harness-bench-") as root:
        progress(f"writing a history of {format_count(messages)} messages to {GROUPS} groups")
        deliveries = write_synthetic(Path(root), messages=messages, seed=seed)
        stored = sum(path.stat().st_size for path in Path(root).glob("*.parquet"))
        progress(f"judging {format_count(deliveries)} deliveries ({format_bytes(stored)})")
        command = [sys.executable, "-m", "harness.bench.judge", "--folder", root]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"judging failed: {done.stderr.strip()[-2000:]}")
    found: dict[str, object] = json.loads(done.stdout)
    return {"events": events, "messages": messages, "deliveries": deliveries, "history_bytes": stored, **found}


def judge_here(folder: Path) -> dict[str, object]:
    """Judge a synthetic history in this process. Seconds are of judging alone; the memory is the most this process ever held."""
    from harness.checkers.judge import judge

    workload = synthetic_workload().workload
    started = time.monotonic()
    cpu_started = time.process_time()
    judgement = judge(folder, workload)
    seconds = time.monotonic() - started
    return {
        "seconds": round(seconds, 3),
        "cpu_seconds": round(time.process_time() - cpu_started, 3),
        "peak_rss_bytes": _peak_rss_bytes(),
        "verdicts": dict(Counter(str(verdict.validity) for verdict in judgement.verdicts)),
        "not_valid": {v.checker: v.summary for v in judgement.verdicts if v.validity != "valid"},
        "measures": len(judgement.measures),
        "curves": len(judgement.curves),
    }


def _peak_rss_bytes() -> int:
    """The high-water mark of this program's own memory; ``ru_maxrss`` would include what it was forked from."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m harness.bench.judge", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", default="10M", help="deliveries to judge, for example 1M")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.folder:
        sys.stdout.write(json.dumps(judge_here(Path(options.folder))))
        return 0

    def say(text: str) -> None:
        sys.stderr.write(text + "\n")

    found = bench_judge(events=parse_count(options.events), seed=options.seed, progress=say)
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        peak = format_bytes(float(str(found["peak_rss_bytes"])))
        sys.stdout.write(f"{found['deliveries']} deliveries judged in {found['seconds']} s, {peak} at most\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
