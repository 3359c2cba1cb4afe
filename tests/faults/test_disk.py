"""A small disk is really small, really full, and gone afterwards."""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from harness.faults.disk import FILLER, SmallDisk, fill_disk
from harness.faults.helper import HelperFailed
from harness.model.broker import BrokerInfo
from harness.runner.groundwork import GroundMissing, Groundwork

SIZE = 64 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    try:
        small = SmallDisk(tmp_path / "data", SIZE)
    except HelperFailed as problem:
        if os.environ.get("HARNESS_REQUIRE_BROKERS") or os.getuid() == 0:
            raise
        pytest.skip(problem.message)
    yield small
    small.close()


def test_full_is_full_and_relieved_is_free(disk: SmallDisk) -> None:
    empty = disk.free_bytes()
    assert SIZE // 2 < empty <= SIZE  # all of it on a tmpfs
    (disk.folder / "kept").write_bytes(b"k" * 1_000_000)
    taken, refused = disk.fill()
    assert refused
    assert taken > SIZE // 2
    assert disk.free_bytes() == 0
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        _write(disk.folder / "more", 1_000_000)
    (disk.folder / "kept").unlink()
    disk.fill()
    assert disk.free_bytes() == 0, "what others give up is taken as well"
    disk.relieve()
    assert disk.free_bytes() > SIZE // 2


def _write(path: Path, size: int) -> None:
    with path.open("wb", buffering=0) as file:
        file.write(b"m" * size)
        os.fsync(file.fileno())


def test_the_evidence_of_a_full_disk(disk: SmallDisk) -> None:
    log = ["an old line: no space left on device"]

    def tail(_: int) -> list[str]:
        if disk.free_bytes() == 0:
            log.append("\x1b[31mwrite failed: No space left on device\x1b[0m")
        return log

    evidence = fill_disk(disk, 0.1, tail)
    assert evidence.bit
    assert (evidence.detail["enospc"], evidence.detail["free_bytes"]) == ("yes", "0")
    assert evidence.detail["broker_said"] == "write failed: No space left on device"


def test_nothing_is_left_mounted(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("mounting needs root")
    text = (
        "import sys, time\nfrom pathlib import Path\nfrom harness.faults.disk import SmallDisk\n"
        f"disk = SmallDisk(Path(sys.argv[1]), {SIZE})\nprint(disk._keeper.pid, flush=True)\ntime.sleep(60)\n"
    )
    folder = tmp_path / "data"
    owner = subprocess.Popen([sys.executable, "-c", text, str(folder)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    descriptor = os.pidfd_open(int(owner.stdout.readline()))
    assert os.path.ismount(folder)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    assert select.select([descriptor], [], [], 10)[0], "the keeper outlived its owner"
    os.close(descriptor)
    assert not os.path.ismount(folder)
    assert not list(tmp_path.glob("*.image"))


def test_a_broker_whose_data_lies_elsewhere_is_no_subject(tmp_path: Path) -> None:
    """Filling a disk that nobody writes to proves nothing."""

    class Disk:
        folder = tmp_path

        def used(self) -> bool:
            return SmallDisk.used(cast("SmallDisk", self))

    info = BrokerInfo("pylog", "pylog", "0", "127.0.0.1", 1, "docker")
    ground = Groundwork("pylog", disk=cast("SmallDisk", Disk()))
    (tmp_path / FILLER).touch()
    with pytest.raises(GroundMissing, match="does not lie on the small disk"):
        ground.reached(info)
    (tmp_path / "topic").mkdir()
    assert ground.reached(info) is info
