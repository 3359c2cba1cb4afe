"""The built wheel works from another folder: code, workloads, poms and templates are all inside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the wheel's content, as pip lays it out; the dependencies come from this environment."""
    scratch = tmp_path_factory.mktemp("wheel")
    target = scratch / "site"
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(scratch), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, text=True, timeout=230)
    (wheel,) = scratch.glob("*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True, text=True, timeout=230)
    return target


def _run(installed, folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=230,
        check=False,
    )


def test_it_is_the_wheel_that_runs(installed, tmp_path):
    done = _run(installed, tmp_path, "-c", "import harness; print(harness.__file__)")
    assert done.stdout.startswith(str(installed)), done.stderr


def test_workloads_come_with_it(installed, tmp_path):
    done = _run(installed, tmp_path, "-m", "harness", "workload", "ls")
    assert done.returncode == 0, done.stderr
    for name in ("clickstream_fanout", "iot_fleet", "priority_tasks", "password_reset"):
        assert name in done.stdout
    done = _run(installed, tmp_path, "-m", "harness", "workload", "check", "clickstream_fanout")
    assert str(installed) in done.stdout
    done = _run(installed, tmp_path, "-m", "harness", "claim", "run", "C06", "--expect", "supported")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reports" / "claims" / "C06" / "finding.json").exists()


def test_a_run_from_an_empty_folder(installed, tmp_path):
    """The memory broker needs nothing else: a whole run, judged and reported, from the wheel."""
    done = _run(
        installed,
        tmp_path,
        "-m",
        "harness",
        "run",
        "password_reset",
        "-b",
        "memory",
        "--duration",
        "600ms",
        "-o",
        "out",
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.html").stat().st_size > 100_000
    assert (tmp_path / "out" / "result.json").exists()


def test_poms_come_with_it(installed):
    """Every pom of the checkout, whichever versions and tools have one by now."""
    checkout = Path(__file__).resolve().parents[2]
    here = sorted(path.parent.name for path in checkout.glob("compose/maven/*/pom.xml"))
    poms = sorted(path.parent.name for path in installed.glob("harness/_bundled/compose/maven/*/pom.xml"))
    assert {"activemq", "kafka"} <= set(here)
    assert poms == here
