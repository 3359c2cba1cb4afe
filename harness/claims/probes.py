"""Probes of this machine: what its disk and its kernel do, without any broker. Everything written is removed again."""

from __future__ import annotations

import mmap
import os
import random
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import ToolMissing, UsageError
from harness.model.claim import Figure, Measured, Scalar
from harness.model.names import hint

Say = Callable[[str], None]
Samples = dict[str, list[float]]  # metric -> one figure a round
BLOCK = 4096
MIB = 1 << 20
SEED = 20_240_501


@dataclass(frozen=True, slots=True)
class Probe:
    """``measure(folder, say, **settings)`` gives samples by metric; ``units`` their units; ``defaults`` the settings it knows."""

    measure: Callable[..., Samples]
    units: Mapping[str, str]
    defaults: Mapping[str, int]


def run_probe(name: str, settings: Mapping[str, Scalar], folder: Path, say: Say) -> Measured:
    """Figures named ``host.<metric>``: medians over rounds with their range. Raises UsageError for what does not exist."""
    if name not in PROBES:
        raise UsageError(f"no probe named {name!r}; {hint(name, PROBES)}", next_command="harness claim ls")
    probe = PROBES[name]
    for key in settings:
        if key not in probe.defaults:
            known = hint(key, probe.defaults, "it knows")
            raise UsageError(f"probe {name} has no setting {key!r}; {known}", next_command="harness claim ls")
    found = probe.measure(folder, say, **{**probe.defaults, **settings})
    return {f"host.{metric}": of_samples(samples, probe.units[metric]) for metric, samples in found.items()}


def of_samples(samples: list[float], unit: str, broker: str = "") -> Figure:
    """Median and range of a handful of rounds; a single round has no interval."""
    ordered = sorted(samples)
    middle = len(ordered) // 2
    value = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
    spread = len(ordered) > 1
    return Figure(
        value=value,
        low=ordered[0] if spread else None,
        high=ordered[-1] if spread else None,
        unit=unit,
        n=len(ordered),
        broker=broker,
        per_run=list(samples),
    )


def disk_io(folder: Path, say: Say, *, file_mb: int, rounds: int, seconds: int) -> Samples:
    """Direct reads of one file: 4 KiB one after the other, 4 KiB anywhere, 1 MiB one after the other; and fdatasync of 4 KiB appends."""
    path = folder / "disk.probe"
    found: Samples = {name: [] for name in ("sequential_4k", "random_4k", "sequential_1m", "fdatasync")}
    try:
        _fill(path, file_mb, say)
        for number in range(rounds):
            say(f"reading past the page cache, round {number + 1} of {rounds}")
            found["sequential_4k"].append(_reads(path, BLOCK, seconds, anywhere=False, seed=number))
            found["random_4k"].append(_reads(path, BLOCK, seconds, anywhere=True, seed=number))
            found["sequential_1m"].append(_reads(path, MIB, seconds, anywhere=False, seed=number))
            found["fdatasync"].append(_syncs(folder / "sync.probe", seconds))
    finally:
        path.unlink(missing_ok=True)
        (folder / "sync.probe").unlink(missing_ok=True)
    return found


def _fill(path: Path, megabytes: int, say: Say) -> None:
    say(f"writing a file of {megabytes} MiB")
    block = os.urandom(MIB)
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def _reads(path: Path, block: int, seconds: float, *, anywhere: bool, seed: int) -> float:
    """Bytes a second with O_DIRECT, which needs an aligned buffer: a mapping is."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
    generator = random.Random(SEED + seed)
    try:
        blocks = os.fstat(descriptor).st_size // block
        buffer = mmap.mmap(-1, block)
        done, place = 0, generator.randrange(blocks)
        started = time.perf_counter()
        end = started + seconds
        while time.perf_counter() < end:
            place = generator.randrange(blocks) if anywhere else (place + 1) % blocks
            done += os.preadv(descriptor, [buffer], place * block)
        return done / (time.perf_counter() - started)
    finally:
        os.close(descriptor)


def _syncs(path: Path, seconds: float) -> float:
    """Appends of 4 KiB with fdatasync, a second."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    block = os.urandom(BLOCK)
    try:
        count, started = 0, time.perf_counter()
        while time.perf_counter() < started + seconds:
            os.write(descriptor, block)
            os.fdatasync(descriptor)
            count += 1
        return count / (time.perf_counter() - started)
    finally:
        os.close(descriptor)


def copies(folder: Path, say: Say, *, megabytes: int, rounds: int) -> Samples:
    """Processor time of a sender a gigabyte: sendfile, read and send, read and send through TLS. Over loopback, to another thread."""
    path = folder / "copies.probe"
    found: Samples = {name: [] for name in ("sendfile_cpu", "read_send_cpu", "tls_cpu")}
    try:
        _fill(path, megabytes, say)
        with path.open("rb") as file:  # into the page cache: the claim is about copies, not about the disk
            while file.read(MIB):
                pass
        for number in range(rounds):
            say(f"sending {megabytes} MiB three ways, round {number + 1} of {rounds}")
            for name, send in (("sendfile_cpu", _by_sendfile), ("read_send_cpu", _by_reading)):
                found[name].append(_sent(path, send))
            found["tls_cpu"].append(_through_tls(path, folder))
    finally:
        path.unlink(missing_ok=True)
    return found


def _by_sendfile(connection: socket.socket, path: Path) -> None:
    with path.open("rb") as file:
        offset, size = 0, path.stat().st_size
        while offset < size:
            offset += os.sendfile(connection.fileno(), file.fileno(), offset, min(MIB, size - offset))


def _by_reading(connection: socket.socket, path: Path) -> None:
    buffer = memoryview(bytearray(MIB))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            connection.sendall(buffer[:count])


def _sent(path: Path, send: Callable[[socket.socket, Path], None]) -> float:
    """Processor seconds of this thread a gigabyte sent."""
    server, client, reader = _sink()
    try:
        started = time.thread_time()
        send(client, path)
        return (time.thread_time() - started) / (path.stat().st_size / 1e9)
    finally:
        client.close()
        reader.join(timeout=30)
        server.close()


def _sink(context: ssl.SSLContext | None = None) -> tuple[socket.socket, socket.socket, threading.Thread]:
    """A connection over loopback whose other end throws away what comes. Its thread's processor time is not the sender's."""
    server = socket.create_server(("127.0.0.1", 0))

    def swallow() -> None:
        connection, _ = server.accept()
        if context is not None:
            connection = context.wrap_socket(connection, server_side=True)
        buffer = bytearray(MIB)
        with connection:
            while connection.recv_into(buffer):
                pass

    reader = threading.Thread(target=swallow, daemon=True)
    reader.start()
    return server, socket.create_connection(server.getsockname()), reader


def _through_tls(path: Path, folder: Path) -> float:
    certificate, key = _self_signed(folder)
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(certificate, key)
    mine = ssl.create_default_context(cafile=str(certificate))
    mine.check_hostname = False
    server, plain, reader = _sink(theirs)
    try:
        with mine.wrap_socket(plain) as connection:
            started = time.thread_time()
            _by_reading(connection, path)
            return (time.thread_time() - started) / (path.stat().st_size / 1e9)
    finally:
        reader.join(timeout=30)
        server.close()


def _self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for this probe alone, by the openssl program. Raises ToolMissing."""
    certificate, key = folder / "probe.crt", folder / "probe.key"
    if shutil.which("openssl") is None:
        raise ToolMissing("the openssl program is not here", next_command="apt-get install openssl")
    if not certificate.exists():
        order = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        subprocess.run(
            [*order, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True, timeout=60
        )
    return certificate, key


PROBES: Mapping[str, Probe] = {
    "disk_io": Probe(
        disk_io,
        {"sequential_4k": "B/s", "random_4k": "B/s", "sequential_1m": "B/s", "fdatasync": "syncs/s"},
        {"file_mb": 512, "rounds": 3, "seconds": 2},
    ),
    "copies": Probe(
        copies,
        {"sendfile_cpu": "s/GB", "read_send_cpu": "s/GB", "tls_cpu": "s/GB"},
        {"megabytes": 256, "rounds": 5},
    ),
}
