"""A pid that was used again is somebody else."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import replace

from harness.brokers.identity import ProcessIdentity


def test_only_the_process_of_the_record_is_signalled() -> None:
    with subprocess.Popen(["/bin/sleep", "100"]) as process:
        real = ProcessIdentity.of(process.pid)
        assert real is not None
        assert real.alive()
        recycled = replace(real, started_ticks=real.started_ticks - 1)
        earlier_boot = replace(real, boot_id="00000000-0000-0000-0000-000000000000")
        for other in (recycled, earlier_boot):
            assert not other.alive()
            assert not other.send(signal.SIGKILL)
            assert other.wait_gone(0)
        assert process.poll() is None
        assert not real.wait_gone(0)
        assert real.send(signal.SIGKILL)
        assert real.wait_gone(10)
    assert not real.alive()
    assert not real.send(signal.SIGKILL)
    assert ProcessIdentity.of(process.pid) is None
