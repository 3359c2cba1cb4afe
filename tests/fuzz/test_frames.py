"""Hostile frames, without a fuzzer: seeded mutations of valid requests. `make fuzz` goes on from there, guided by coverage."""

from __future__ import annotations

from pathlib import Path

from tests.fuzz.frames import Target, mutations, seeds

COUNT = 4_000
SEED = 20_26


def test_damaged_requests_cost_their_connection_at_most(tmp_path: Path) -> None:
    target = Target(tmp_path / "data")
    for data in seeds():
        target.take(data)
    for number, data in enumerate(mutations(COUNT, SEED)):
        try:
            target.take(data)
        except Exception as error:
            raise AssertionError(f"mutation {number} of seed {SEED}: {data.hex()}") from error
    target.close()
