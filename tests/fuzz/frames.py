"""Coverage-guided fuzzing of what a client can send: `make fuzz`, or `python -m tests.fuzz.frames -runs=1000000`.

Bytes go through framing, header, codecs and handlers of a real broker on a real folder. A hostile frame may be answered, refused
or cost its connection; anything else (another exception, a log that is not sound afterwards, a next client that is not
served, memory beyond `-rss_limit_mb`) is a finding, and libFuzzer keeps the input in a file.

The corpus starts with a valid request of every API and version.
"""

from __future__ import annotations

import logging
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from harness.pylog_broker.connection import SCRATCH_BYTES, FrameMemory, FrameReader, FramingError
from harness.pylog_broker.dispatch import Parked, Peer
from harness.pylog_broker.handlers import CloseConnection, ConnectionState
from harness.pylog_broker.protocol.generated.api_versions import ApiVersionsRequest, ApiVersionsResponse
from harness.pylog_broker.protocol.generated.create_topics import CreateTopicsRequest, CreateTopicsRequestTopic
from harness.pylog_broker.protocol.primitives import MalformedMessage
from tests.pylog_broker.handlers.local_broker import LocalBroker, frame, joined
from tests.pylog_broker.protocol.samples import CASES, random_message

INPUTS_PER_BROKER = 2_000  # then a fresh folder: topics and groups that inputs have made would slow the rest down
PARTITION_BYTES_MAX = 1 << 20
REQUEST_BYTES_MAX = 1 << 20
MEMORY_BYTES_MAX = 8 << 20
INPUT_BYTES_MAX = 16 << 10
ALLOWED = (FramingError, MalformedMessage, CloseConnection)

_SIZE = struct.Struct(">i")


class Target:
    """A broker that takes hostile bytes; renewed now and then."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inputs = 0
        self._connections = 0
        self._scratch = memoryview(bytearray(SCRATCH_BYTES))
        self._memory = FrameMemory(MEMORY_BYTES_MAX)
        self._local = self._fresh()

    def _fresh(self) -> LocalBroker:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        local = LocalBroker(
            self._folder,
            log_segment_bytes=str(PARTITION_BYTES_MAX),
            log_retention_bytes=str(PARTITION_BYTES_MAX),
            socket_request_max_bytes=str(REQUEST_BYTES_MAX),
            group_initial_rebalance_delay_ms="0",
        )
        local.call(CreateTopicsRequest(topics=[CreateTopicsRequestTopic("a", 2, 1)]), 2)
        return local

    def close(self) -> None:
        """Check what is left, and remove the folder."""
        self._check_logs()
        self._local.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def take(self, data: bytes) -> None:
        """One input: the bytes of a connection, in pieces whose size the first byte says. Then another client comes."""
        if not data:
            return
        self._inputs += 1
        if self._inputs % INPUTS_PER_BROKER == 0:
            self._check_logs()
            self._local.close()
            self._local = self._fresh()
        self._connections += 1
        piece = 1 + data[0] * 16
        peer = Peer(ConnectionState(self._connections, "/127.0.0.1"))
        reader = FrameReader(self._scratch, self._memory, size_max=REQUEST_BYTES_MAX)
        parked: list[Parked] = []
        try:
            for answer in self._serve(reader, peer, memoryview(data)[1:], piece):
                if isinstance(answer, Parked):
                    parked.append(answer)
                    break  # a connection waits for its answer before anything else of it is read
                if answer is not None:
                    self._check_answer(joined(answer))
        except ALLOWED:
            pass
        finally:
            reader.close()
        self._local.advance(0.01)
        for waiting in parked:
            waiting.deferred.cancel()
        assert self._memory.bytes_used == 0, "a buffer was not given back"
        self._check_next_client()

    def _serve(self, reader: FrameReader, peer: Peer, data: memoryview, piece: int) -> Iterator[object]:
        position = 0
        while position < len(data):
            buffer = reader.receive_buffer()
            count = min(piece, len(buffer), len(data) - position)
            buffer[:count] = data[position : position + count]
            position += count
            reader.received(count)
            while (whole := reader.next_frame()) is not None:
                yield self._local.dispatcher.handle(whole, peer)
            reader.keep()

    def _check_answer(self, answer: bytes) -> None:
        """An answer is whole: its size is right. Pipelined ones are one response each."""
        assert _SIZE.unpack_from(answer)[0] == len(answer) - 4, "an answer's size is wrong"

    def _check_next_client(self) -> None:
        self._local.peer = Peer(ConnectionState(0, "/127.0.0.1"))
        response = self._local.call(ApiVersionsRequest(), 0)
        assert isinstance(response, ApiVersionsResponse)
        assert response.error_code == 0

    def _check_logs(self) -> None:
        for topic in self._local.catalog.topics.values():
            for log in topic.partitions:
                assert log.failure is None, log.failure
                next_offset = None
                for segment in filter(lambda one: one.size, log.segments):
                    for _, header in segment.walk_from(segment.base_offset):
                        assert next_offset in (None, header.base_offset) or log.config.cleanup_policy != "delete"
                        next_offset = header.next_offset
                assert next_offset in (None, log.log_end_offset)


def seeds() -> Iterator[bytes]:
    """A valid request of every API and version, framed."""
    for api, kind, version in CASES:
        if kind == "Request":
            generator = random.Random(f"{api}{version}")
            body = bytes(frame(random_message(api, kind, version, generator), version))
            yield b"\xff" + _SIZE.pack(len(body)) + body


def mutations(count: int, seed: int) -> Iterator[bytes]:
    """Damaged requests for places without a fuzzer: flipped, cut, repeated, spliced."""
    generator = random.Random(seed)
    corpus = list(seeds())
    for _ in range(count):
        data = bytearray(generator.choice(corpus))
        for _ in range(generator.choice((1, 1, 2, 8))):
            _mutate(data, generator)
        yield bytes(data[:INPUT_BYTES_MAX])


def _mutate(data: bytearray, generator: random.Random) -> None:
    position = generator.randrange(1, max(2, len(data)))
    kind = generator.randrange(5)
    if kind == 0 and position < len(data):
        data[position] ^= 1 << generator.randrange(8)
    elif kind == 1:
        data[position : position + 4] = generator.choice(
            (b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\0")
        )
    elif kind == 2:
        del data[position : position + generator.randrange(1, 9)]
    elif kind == 3:
        data[position:position] = generator.randbytes(generator.randrange(1, 9))
    else:
        data += data[1:]


def fuzz(folder: Path, arguments: list[str]) -> None:
    """Run libFuzzer; it ends the process."""
    import atheris

    logging.disable(logging.CRITICAL)
    corpus = folder / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds()):
        (corpus / f"{number:04}").write_bytes(seed)
    target = Target(folder / "data")
    atheris.instrument_all()
    take: Callable[[bytes], None] = target.take
    atheris.Setup([sys.argv[0], f"-max_len={INPUT_BYTES_MAX}", "-rss_limit_mb=1024", *arguments, str(corpus)], take)
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Fuzz in a process of its own, since libFuzzer ends it; returns its exit code."""
    if arguments[:1] == ["--in"]:
        fuzz(Path(arguments[1]), arguments[2:])
        return 0
    with tempfile.TemporaryDirectory(prefix="pylog-fuzz-") as folder:
        command = [sys.executable, "-m", "tests.fuzz.frames", "--in", folder, *arguments]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
