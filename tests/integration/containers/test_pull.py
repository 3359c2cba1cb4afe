"""A pull from a registry that is really there: a small one, on this machine, with one image made on the spot."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from docker.errors import ImageNotFound

from harness.brokers import engine, images

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LAYER_BYTES = 24 << 20  # random, so that it takes the engine some steps


def digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def image() -> tuple[bytes, dict[str, bytes]]:
    """A manifest, and the blobs that it names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("noise")
        entry.size = LAYER_BYTES
        tar.addfile(entry, io.BytesIO(os.urandom(LAYER_BYTES)))
    layer = gzip.compress(buffer.getvalue(), compresslevel=1)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {images.VERSION_LABEL: "4.5.6"}},
            "rootfs": {"type": "layers", "diff_ids": [digest(buffer.getvalue())]},
        }
    ).encode()
    kinds = ("application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip")
    parts = [
        {"mediaType": kind, "size": len(body), "digest": digest(body)}
        for kind, body in zip(kinds, (config, layer), strict=True)
    ]
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": parts[0], "layers": parts[1:]}).encode()
    return manifest, {digest(config): config, digest(layer): layer}


@contextlib.contextmanager
def registry(manifest: bytes, blobs: dict[str, bytes]) -> Iterator[str]:
    """Serves them as ``/v2/`` says; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, *, body: bool) -> None:
            last = self.path.rpartition("/")[2]
            found, kind = (blobs.get(last), "application/octet-stream")
            if self.path == "/v2/":
                found, kind = b"{}", "application/json"
            elif "/manifests/" in self.path and last in ("1", digest(manifest)):
                found, kind = manifest, MANIFEST
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(found or b"")))
            if kind == MANIFEST:
                self.send_header("Docker-Content-Digest", digest(manifest))
            self.end_headers()
            if body and found:
                self.wfile.write(found)

        def log_message(self, *arguments: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.container("pylog")
def test_an_image_is_pulled_with_progress_and_known_by_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest, blobs = image()
    said: list[str] = []
    with registry(manifest, blobs) as address:
        name = f"{address}/messaging-harness/noise:1"
        monkeypatch.setenv("HARNESS_KAFKA_IMAGE", name)
        try:
            assert images.present("kafka") is None  # one that a person named is not replaced by ours
            found = images.ensure("kafka", said.append)
            assert found == images.Image(name, digest(manifest), "4.5.6")
            assert said[0] == f"pulling {name}"
            assert any(" MiB" in line for line in said)
        finally:
            with contextlib.suppress(ImageNotFound):
                engine.connect().images.remove(name, force=True)
        said.clear()
        monkeypatch.setenv("HARNESS_KAFKA_IMAGE", f"{address}/messaging-harness/noise:2")
        with pytest.raises(images.BrokerMissing, match="cannot be pulled"):
            images.ensure("kafka", said.append)
