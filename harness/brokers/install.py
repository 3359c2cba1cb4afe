"""Get the brokers that can be had: local copies in the cache, from Maven and from Debian's packages.

``plan_install`` says what would be done, with the commands; ``apply`` does it. A copy is made in a scratch folder,
checked, and moved into place in one step, so that there is a whole copy or none. Also a command: ``python -m
harness.brokers.install --brokers kafka,rabbitmq --yes``.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.brokers import debian, tools
from harness.brokers.places import cache_folder, compose_folder
from harness.brokers.products import activemq, java, kafka
from harness.brokers.products.rabbitmq import library_environment
from harness.brokers.registry import UNDER_TEST, missing_reason, product
from harness.brokers.running import run
from harness.brokers.training import train
from harness.errors import BrokerMissing, BrokerStartFailed, HarnessError

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MavenCopy:
    """A broker that comes as jars: its version, jars that must be among them, and how much is downloaded."""

    version: str
    jars: tuple[str, ...]
    size_mb: int


def _activemq_copy(version: str) -> MavenCopy:
    return MavenCopy(version, (f"activemq-broker-{version}.jar", f"activemq-jaas-{version}.jar"), 25)


MAVEN: dict[str, MavenCopy] = {
    "kafka": MavenCopy(kafka.VERSION, (f"kafka_2.13-{kafka.VERSION}.jar",), 60),
    "activemq": _activemq_copy(activemq.VERSION),
    activemq.OLDER_NAME: _activemq_copy(activemq.OLDER_VERSION),
    tools.PERF_TEST: MavenCopy(tools.PERF_TEST_VERSION, (tools.PERF_TEST_JAR,), tools.PERF_TEST_MB),
}
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
RABBITMQ_SIZE_MB = 60
TOOLS_SIZE_MB = 70
ARCHIVE_NOTE = "start it once, so that later starts are quick"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. ``commands`` are what is run, as a person could type them; ``work`` does it."""

    title: str
    commands: tuple[str, ...]
    size_mb: int
    needs_root: bool
    work: Callable[[Say], None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """What is to be done, in order, and what was there already. ``impossible`` maps a broker to the reason."""

    steps: tuple[Step, ...]
    present: tuple[str, ...]
    impossible: dict[str, str]

    @property
    def size_mb(self) -> int:
        return sum(step.size_mb for step in self.steps)

    def lines(self) -> list[str]:
        """The plan in words."""
        text = [f"{name}: is here already" for name in self.present]
        text += [f"{name}: cannot be installed here: {reason}" for name, reason in self.impossible.items()]
        for number, step in enumerate(self.steps, 1):
            text.append(f"{number}. {step.title} (about {step.size_mb} MB{', as root' if step.needs_root else ''})")
            text += [f"     $ {command}" for command in step.commands]
        if self.steps:
            text.append(
                f"In all about {self.size_mb} MB, into {cache_folder()}. No system service is started or enabled."
            )
        return text


def plan_install(brokers: Sequence[str]) -> InstallPlan:
    """What it takes to have these brokers as local copies. Raises UsageError for an unknown name."""
    names = list(dict.fromkeys(brokers))
    for name in names:
        if name not in tools.TOOLS:
            product(name)  # raises for a name that is none
    present = [name for name in names if _missing(name) is None and not _incomplete(name)]
    impossible: dict[str, str] = {}
    steps: list[Step] = []
    wanted = [name for name in names if name not in present]
    programs = _missing_tools([name for name in wanted if name in MAVEN])
    obstacle = _obstacle(programs)
    if programs and not obstacle:
        steps.append(_tools_step(programs))
    for name in wanted:
        if name in MAVEN and obstacle:
            impossible[name] = obstacle
        elif name in tools.TOOLS:
            steps.append(_tool_copy_step(name))
        elif name in MAVEN:
            steps.append(_maven_step(name))
        elif name == "rabbitmq" and debian.available():
            steps.append(_rabbitmq_step())
        else:
            impossible[name] = "this needs apt-get and dpkg-deb (Debian or a relative of it)"
    return InstallPlan(tuple(steps), tuple(present), impossible)


def apply(plan: InstallPlan, say: Say) -> dict[str, str]:
    """Carry the plan out. A step that fails does not keep the others from being tried; returns title -> why it failed."""
    failures: dict[str, str] = {}
    with _one_at_a_time():
        for step in plan.steps:
            say(step.title)
            try:
                step.work(say)
            except HarnessError as error:
                failures[step.title] = error.message
                say(f"failed: {error.message}")
    return failures


def _home(name: str) -> Path:
    """Versions of one product lie beside each other."""
    folder = name if name in tools.TOOLS else product(name).name
    return cache_folder() / folder / MAVEN[name].version


def _incomplete(name: str) -> bool:
    """A Java copy that an earlier version made with fewer jars, or without the archive that makes it start quickly."""
    if name in MAVEN and not _has_jars(name):
        return True
    found = java.find_java()
    if name not in MAVEN or name in tools.TOOLS or found is None:
        return False
    return not java.archive_path(_home(name), found).is_file()


def _missing_tools(java_brokers: Sequence[str]) -> list[str]:
    """Debian packages of tools that are not on this machine."""
    if not java_brokers:
        return []
    needs_maven = any(not _has_jars(name) for name in java_brokers)
    packages = ["maven"] if needs_maven and shutil.which("mvn") is None else []
    return [*packages, "default-jre-headless"] if java.find_java() is None else packages


def _has_jars(name: str) -> bool:
    return all((_home(name) / "libs" / jar).is_file() for jar in MAVEN[name].jars)


def _obstacle(tools: Sequence[str]) -> str:
    """Why missing tools cannot be installed from here; empty when they can, or when none is missing."""
    if not tools:
        return ""
    if not debian.available():
        return f"{' and '.join(tools)} must be installed first, and there is no apt-get to do it"
    if debian.root_prefix() is None:
        by_hand = f"apt-get update && apt-get install {' '.join(tools)}"
        return (
            f"{' and '.join(tools)} must be installed first, which needs root, and there is no sudo; as root: {by_hand}"
        )
    return ""


def _tools_step(packages: Sequence[str]) -> Step:
    commands = debian.install_commands(packages)

    def work(say: Say) -> None:
        for command in commands:
            run(command, _log())

    shown = tuple(shlex.join(command) for command in commands)
    return Step(f"install {' and '.join(packages)} from Debian", shown, TOOLS_SIZE_MB * len(packages), True, work)


def _missing(name: str) -> str | None:
    return tools.tool_missing(name) if name in tools.TOOLS else missing_reason(name)


def _copy_command(name: str, libraries: Path) -> list[str]:
    pom = compose_folder() / "maven" / name / "pom.xml"
    return ["mvn", "-q", "-B", "-f", str(pom), COPY_GOAL, f"-DoutputDirectory={libraries}"]


def _copy_jars(name: str, home: Path) -> None:
    with _scratch() as scratch:
        run(_copy_command(name, scratch / "copy" / "libs"), _log(), cwd=scratch)
        _verify_jars(scratch / "copy" / "libs", MAVEN[name].jars)
        _move(scratch / "copy", home)


def _tool_copy_step(name: str) -> Step:
    """A load tool: jars alone, nothing to start."""
    home = _home(name)
    title = f"{name} {MAVEN[name].version}: copy its jars from Maven"
    shown = shlex.join(_copy_command(name, home / "libs"))
    return Step(title, (shown,), MAVEN[name].size_mb, False, lambda _say: _copy_jars(name, home))


def _maven_step(name: str) -> Step:
    copy = MAVEN[name]
    home = _home(name)

    def work(say: Say) -> None:
        if not _has_jars(name):
            _copy_jars(name, home)
        say(ARCHIVE_NOTE)
        try:
            train(product(name))
        except BrokerStartFailed as error:
            raise BrokerMissing(
                f"the copy of {name} does not work: {error.message}", next_command="harness doctor"
            ) from error

    title = f"{product(name).title} {copy.version}: "
    if _has_jars(name):
        return Step(title + ARCHIVE_NOTE, (), 0, False, work)
    shown = shlex.join(_copy_command(name, home / "libs"))
    return Step(title + "copy its jars from Maven, " + ARCHIVE_NOTE, (shown,), copy.size_mb, False, work)


def _rabbitmq_step() -> Step:
    home = cache_folder() / "rabbitmq"

    def work(say: Say) -> None:
        with _scratch() as scratch:
            debian.unpack_rabbitmq(scratch, scratch / "copy" / "root", _log(), say)
            _verify_erlang(scratch / "copy" / "root")
            _move(scratch / "copy", home)

    target = home / "root"
    shown = ("apt-get download rabbitmq-server erlang-base erlang-...", f"dpkg-deb -x EACH.deb {target}")
    title = "RabbitMQ: unpack Debian's package and Erlang, without installing them"
    return Step(title, shown, RABBITMQ_SIZE_MB, False, work)


def _verify_jars(libraries: Path, wanted: Sequence[str]) -> None:
    """Every jar is a whole zip file and those that must be there are among them."""
    import zipfile

    jars = sorted(libraries.glob("*.jar"))
    absent = [name for name in wanted if not (libraries / name).is_file()]
    if absent:
        raise BrokerMissing(
            f"Maven copied {len(jars)} jars, but not {', '.join(absent)}", next_command="harness doctor"
        )
    for jar in jars:
        if not zipfile.is_zipfile(jar):
            raise BrokerMissing(f"{jar.name} is not a whole jar; try again", next_command="harness doctor")


def _verify_erlang(root: Path) -> None:
    """The virtual machine starts and finds its cryptography, the one part that needs a library of the system."""
    erlang = root / "usr/lib/erlang"
    binaries = next(iter(sorted(erlang.glob("erts-*/bin"))), None)
    if binaries is None or not list((root / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*")):
        raise BrokerMissing("the packages hold no Erlang or no RabbitMQ", next_command="harness doctor")
    settings = [f"ROOTDIR={erlang}", f"BINDIR={binaries}", "EMU=beam", "PROGNAME=erl"]
    settings += [f"{name}={value}" for name, value in library_environment(root).items()]
    check = "ok = crypto:start(), halt()."
    argv = [str(binaries / "erlexec"), "-noinput", "-boot", "start_clean", "-eval", check]
    run(["env", *settings, *argv], _log())


def _move(made: Path, home: Path) -> None:
    """Into place in one step; an older copy goes out of the way first."""
    home.parent.mkdir(parents=True, exist_ok=True)
    if home.exists():
        with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=".old-") as old:
            home.rename(Path(old) / "copy")
            made.rename(home)
    else:
        made.rename(home)


def _log() -> Path:
    return cache_folder() / "install.log"


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder on the same file system as the cache."""
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=".new-") as scratch:
        yield Path(scratch)


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Two installations at once would be twice the work; the second waits and then finds everything there."""
    cache_folder().mkdir(parents=True, exist_ok=True)
    descriptor = os.open(cache_folder() / "install.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for left_over in (*cache_folder().glob(".new-*"), *cache_folder().glob(".old-*")):  # of one that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m harness.brokers.install``. Exit codes: 0 all there, 2 usage, 3 something could not be had."""
    parser = argparse.ArgumentParser(
        prog="python -m harness.brokers.install", description="Get local copies of brokers."
    )
    parser.add_argument(
        "--brokers", default=",".join(UNDER_TEST), help="names, separated by commas (default: %(default)s)"
    )
    parser.add_argument("--yes", action="store_true", help="do it without asking")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    options = parser.parse_args(arguments)

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    try:
        plan = plan_install([name for name in options.brokers.replace(",", " ").split() if name])
    except HarnessError as error:
        sys.stderr.write(f"{error.message}\n  next: {error.next_command}\n")
        return error.exit_code
    for line in plan.lines():
        say(line)
    if options.dry_run or not plan.steps:
        return 3 if plan.impossible else 0
    if not options.yes and not _agrees():
        sys.stderr.write("nothing was installed; say --yes to go ahead\n")
        return 2
    failures = apply(plan, say)
    for name in options.brokers.replace(",", " ").split():
        say(f"{name}: {_missing(name) or 'ready'}")
    return 3 if failures or plan.impossible else 0


def _agrees() -> bool:
    if not sys.stdin.isatty():
        return False
    sys.stdout.write("Go ahead? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


if __name__ == "__main__":
    sys.exit(main())
