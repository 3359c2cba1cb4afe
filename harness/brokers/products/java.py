"""Java: which one is here, and how a broker's virtual machine is started.

Heap sizes are fixed (initial = maximum), so that resident memory says something about the broker and not about a
policy. Nothing that changes throughput is tuned; start-up alone is helped, by a class-data-sharing archive made when
the broker is installed.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OLDEST_MAJOR = 17
HEAP_SETTING = "jvm.heap"
TRAINING_SETTING = "jvm.training"  # path of an archive to write on exit; set by the installer alone

# What Apache Kafka's own start script gives the virtual machine; ActiveMQ's gets the same.
COLLECTOR = ("-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20", "-XX:InitiatingHeapOccupancyPercent=35")


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime: the program, its full version text and major number."""

    program: Path
    version: str
    major: int


def find_java(environment: Mapping[str, str] | None = None) -> Java | None:
    """``$JAVA_HOME``, then ``java`` on the path, then what Debian keeps below /usr/lib/jvm; the first that is new enough."""
    environment = os.environ if environment is None else environment
    candidates: list[Path] = []
    if home := environment.get("JAVA_HOME"):
        candidates.append(Path(home) / "bin" / "java")
    if found := shutil.which("java", path=environment.get("PATH")):
        candidates.append(Path(found))
    candidates += sorted(Path("/usr/lib/jvm").glob("*/bin/java"), reverse=True)
    for candidate in candidates:
        java = _look_at(candidate.resolve())
        if java is not None and java.major >= OLDEST_MAJOR:
            return java
    return None


@functools.cache
def _look_at(program: Path) -> Java | None:
    """From the ``release`` file beside it, which costs nothing; else by asking it."""
    if not program.is_file():
        return None
    try:
        text = (program.parent.parent / "release").read_text(encoding="utf-8")
        version = _first(r'^JAVA_RUNTIME_VERSION="([^"]+)"', text) or _first(r'^JAVA_VERSION="([^"]+)"', text)
    except OSError:
        version = ""
    if not version:
        try:
            done = subprocess.run([str(program), "-version"], capture_output=True, text=True, timeout=20, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return None
        version = _first(r'version "([^"]+)"', done.stderr)
    major = _first(r"^(\d+)", version)
    return Java(program, version, int(major)) if major else None


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found.group(1) if found else ""


def archive_path(home: Path, java: Java) -> Path:
    """Where the class-data-sharing archive for this copy and this Java lies; another Java gets another file."""
    digest = hashlib.sha256(f"{java.program} {java.version}".encode()).hexdigest()[:12]
    return home / f"classes-{digest}.jsa"


def grace_s(settings: Mapping[str, str], usual_s: float) -> float:
    """How long to wait for an orderly stop; writing an archive takes its time."""
    return 60.0 if TRAINING_SETTING in settings else usual_s


def class_path(libraries: Path) -> str:
    """Jars in a fixed order: the archive is valid for one order only."""
    return ":".join(str(jar) for jar in sorted(libraries.glob("*.jar")))


def command(
    java: Java, home: Path, settings: Mapping[str, str], properties: Mapping[str, str], main: Sequence[str]
) -> list[str]:
    """The full command line of a broker's virtual machine."""
    heap = settings[HEAP_SETTING]
    argv = [str(java.program), f"-Xms{heap}", f"-Xmx{heap}", *COLLECTOR, "-XX:+ExitOnOutOfMemoryError"]
    archive = archive_path(home, java)
    if target := settings.get(TRAINING_SETTING):
        argv.append(f"-XX:ArchiveClassesAtExit={target}")
    elif archive.is_file():
        argv += [f"-XX:SharedArchiveFile={archive}", "-Xshare:auto"]
    argv.append("-Xlog:cds=off,cds+dynamic=off,class+path=off")
    argv += ["-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true"]
    argv += [f"-D{name}={value}" for name, value in properties.items()]
    return [*argv, "-cp", class_path(home / "libs"), *main]
