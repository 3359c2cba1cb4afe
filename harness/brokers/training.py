"""Make the class-data-sharing archive of a Java broker: start it once, let it greet, stop it, keep what it had loaded.

A start with the archive spends about half of the time of one without; nothing else about the broker changes.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from harness.brokers.process import ProcessBroker
from harness.brokers.products import java
from harness.brokers.products.base import Product
from harness.errors import BrokerStartFailed


def train(product: Product) -> Path | None:
    """Write the archive for the installed copy and the Java of this machine; None when it is there or the broker needs no Java."""
    installation = product.locate()
    found = java.find_java()
    if not installation.java or found is None:
        return None
    archive = java.archive_path(installation.home, found)
    if archive.is_file():
        return None
    with tempfile.TemporaryDirectory(prefix=f"harness-train-{product.name}-") as scratch:
        fresh = archive.with_name(f".{archive.name}.{os.getpid()}")
        broker = ProcessBroker(product, Path(scratch) / "broker")
        try:
            broker.start(tier="D1", settings={java.TRAINING_SETTING: str(fresh)})
            broker.stop()
            if not fresh.is_file():
                raise BrokerStartFailed(
                    f"{product.name} left no archive of its classes; it works without, but starts slower",
                    next_command=f"harness doctor {product.name}",
                )
            fresh.rename(archive)
        finally:
            broker.stop()
            fresh.unlink(missing_ok=True)
    return archive
