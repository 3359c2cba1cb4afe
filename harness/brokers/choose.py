"""Containers or local copies, for a whole run: all of its brokers are had in the same way, or their figures do not compare.

Containers are preferred where an engine answers and every image is there or can be had; the first that cannot decides
for local copies. Also a command, for the Makefile: ``python -m harness.brokers.choose kafka,rabbitmq`` prints ``docker``
or ``process`` on standard output and says why on standard error.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.brokers.doctor import resolve
from harness.brokers.registry import product
from harness.errors import BrokerMissing, HarnessError

WITHOUT_IMAGE = ("memory",)


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """``backend`` is docker or process; ``reason`` says why, in words for a person."""

    backend: str
    reason: str


def choose_backend(brokers: Sequence[str], say: Callable[[str], None]) -> BackendChoice:
    """Which it is; images that are missing are pulled on the way. Starts nothing. Raises UsageError for an unknown name."""
    wanted = [name for name in dict.fromkeys(brokers) if resolve(product(name).name).backend != "external"]
    if lacking := [name for name in wanted if name in WITHOUT_IMAGE]:
        return BackendChoice("process", f"{lacking[0]} has no image")
    from harness.brokers import engine, images  # heavy: not for those who ask for one backend by name

    if reason := engine.reason_missing():
        return BackendChoice("process", reason)
    # pylog is on no registry: last, so that nothing is built for a run that will not use it
    for name in sorted(wanted, key=lambda one: one == "pylog"):
        try:
            images.ensure(name, say, make_base=False)
        except BrokerMissing as error:
            return BackendChoice("process", f"{error.message}; to have it: {error.next_command}")
    return BackendChoice("docker", f"a container engine answers at {engine.address()}, and every image is there")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0, 2 for an unknown broker."""
    texts = ",".join(sys.argv[1:] if arguments is None else arguments).replace(",", " ").split()
    names = [text.partition(":")[0] for text in texts]

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")

    try:
        choice = choose_backend(names, say)
    except HarnessError as error:
        say(f"{error.message}\n  next: {error.next_command}")
        return error.exit_code
    say(f"brokers as {'containers' if choice.backend == 'docker' else 'local copies'}: {choice.reason}")
    sys.stdout.write(f"{choice.backend}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
