"""What is carried along from elsewhere: unchanged, licensed, and of the version that builds the figures."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from plotly.offline import get_plotlyjs_version

ASSETS = files("harness.reporting") / "assets"
DIGEST = "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a"


def test_plotly_is_the_bundle_it_claims_to_be() -> None:
    bundle = (ASSETS / "plotly-cartesian.min.js").read_bytes()
    assert hashlib.sha256(bundle).hexdigest() == DIGEST
    assert f"plotly.js (cartesian - minified) v{get_plotlyjs_version()}".encode() in bundle[:200]


def test_the_licence_is_beside_it() -> None:
    assert "MIT" in (ASSETS / "plotly-cartesian.LICENSE").read_text(encoding="utf-8")
