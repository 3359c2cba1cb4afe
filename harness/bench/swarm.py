"""Many connections with one request in flight each, from a process of its own: `python -m harness.bench.swarm`.

An epoll loop over plain sockets. Prints one JSON object: requests per second and latency quantiles of the measured time.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import time

from harness.bench.quantiles import quantile_us
from harness.bench.wire import NO_ERROR, parse_produced, produce_request, record_batch


def run(
    host: str,
    port: int,
    topic: str,
    *,
    partitions: int,
    connections: int,
    payload_bytes: int,
    warmup_s: float,
    seconds: float,
) -> dict[str, float]:
    """Drive `connections` sockets for `warmup_s`, then for `seconds`, and report on the latter."""
    batch = record_batch(b"x" * payload_bytes)
    epoll = select.epoll()
    sockets: dict[int, tuple[socket.socket, bytes]] = {}
    for number in range(connections):
        client = socket.create_connection((host, port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[client.fileno()] = (client, produce_request(topic, number % partitions, batch))
        epoll.register(client.fileno(), select.EPOLLIN)
    try:
        _drive(epoll, sockets, topic, warmup_s)
        latencies_ns, elapsed_s = _drive(epoll, sockets, topic, seconds)
    finally:
        epoll.close()
        for client, _ in sockets.values():
            client.close()
    return {
        "requests": len(latencies_ns),
        "requests_per_s": len(latencies_ns) / elapsed_s,
        "latency_us_p50": quantile_us(latencies_ns, 0.5),
        "latency_us_p99": quantile_us(latencies_ns, 0.99),
    }


def _drive(
    epoll: select.epoll, sockets: dict[int, tuple[socket.socket, bytes]], topic: str, seconds: float
) -> tuple[list[int], float]:
    """One request in flight on each socket until the time is over and all are answered; latencies in ns, time in s."""
    clock = time.perf_counter_ns
    latencies_ns: list[int] = []
    begin = clock()
    end = begin + int(seconds * 1e9)
    sent_at: dict[int, int] = {}
    partial: dict[int, bytes] = {}
    for fd, (client, request) in sockets.items():
        sent_at[fd] = clock()
        client.sendall(request)
    waiting = len(sockets)
    while waiting:
        for fd, _ in epoll.poll():
            client, request = sockets[fd]
            data = client.recv(65_536)
            if fd in partial:
                data = partial.pop(fd) + data
            if len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
                partial[fd] = data
                continue
            now = clock()
            latencies_ns.append(now - sent_at[fd])
            if now < end:
                sent_at[fd] = now
                client.sendall(request)
            else:
                waiting -= 1
                if parse_produced(data[4:], topic).error_code != NO_ERROR:
                    raise SystemExit("the broker refused a request")
    return latencies_ns, (clock() - begin) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description="Many connections, one Produce request in flight on each.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--partitions", type=int, default=1)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--payload-bytes", type=int, default=100)
    parser.add_argument("--warmup-s", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    result = run(
        options.host,
        options.port,
        options.topic,
        partitions=options.partitions,
        connections=options.connections,
        payload_bytes=options.payload_bytes,
        warmup_s=options.warmup_s,
        seconds=options.seconds,
    )
    print(json.dumps(result))  # noqa: T201  this is the result, read by the process that started us


if __name__ == "__main__":
    main()
