"""The five tables. A checker reads these columns and nothing else; what it misses is a missing column, not a callback.

Codes: ``outcome`` is ``model.messages.Outcome``; ``disposition`` is ``DispositionKind``; ``reason`` is ``Reason``; ``group``
numbers index ``meta.json``'s ``groups`` (the dead-letter group is there too); ``phase`` numbers index its ``phases``;
``error`` numbers index ``errors`` (0 is none).

publish   one row an attempt to publish, written when it is settled. ``attempt`` counts resends from 0. ``key`` is the key id
          (2**32-1 for none). ``channel`` 0 is the workload's own; a row with 1 is an emulation's copy.
deliver   one row a delivery to a member, the dead-letter group included. ``checksum_ok`` 0 marks a damaged payload; a payload
          that is not ours at all (magic, run id) has ``producer`` -1 and ``sequence`` -1. ``phase`` is the phase that PUBLISHED
          the message, ``reading`` is 0 for the first reading and 1 for the replay.
settle    one row a settled delivery: ``disposition``, how it went (``outcome``), when; ``effect`` is 0 for none, 1 when the work
          took effect, 2 when an idempotency key showed that it already had; ``failed`` 1 when the attempt failed by plan;
          ``copies`` counts extra publishes of an emulation, spread over its rows.
event     marks: ``kind`` and a JSON ``detail``.
sample    resources, about five a second: role ``broker`` or ``client`` (``worker`` names which), counters since its start.
"""

from __future__ import annotations

from typing import Final

import pyarrow as pa

PUBLISH: Final = pa.schema(
    [
        ("producer", pa.int32()),
        ("sequence", pa.int64()),
        ("attempt", pa.int16()),
        ("key", pa.uint32()),
        ("key_sequence", pa.uint32()),
        ("class", pa.uint8()),
        ("bytes", pa.int32()),
        ("intended_ns", pa.int64()),
        ("submitted_ns", pa.int64()),
        ("settled_ns", pa.int64()),
        ("outcome", pa.uint8()),
        ("error", pa.uint16()),
        ("channel", pa.uint8()),
        ("partition", pa.int32()),
        ("position", pa.int64()),
        ("phase", pa.uint8()),
        ("ttl_ms", pa.uint32()),
        ("failures", pa.uint8()),
        ("work_us", pa.uint32()),
    ]
)

DELIVER: Final = pa.schema(
    [
        ("group", pa.uint8()),
        ("member", pa.uint8()),
        ("incarnation", pa.uint16()),
        ("producer", pa.int32()),
        ("sequence", pa.int64()),
        ("key", pa.uint32()),
        ("key_sequence", pa.uint32()),
        ("class", pa.uint8()),
        ("bytes", pa.int32()),
        ("intended_ns", pa.int64()),
        ("received_ns", pa.int64()),
        ("partition", pa.int32()),
        ("position", pa.int64()),
        ("redelivered", pa.uint8()),
        ("delivery_count", pa.int16()),
        ("attempt", pa.int16()),
        ("reason", pa.uint8()),
        ("checksum_ok", pa.uint8()),
        ("phase", pa.uint8()),
        ("reading", pa.uint8()),
        ("ttl_ms", pa.uint32()),
    ]
)

SETTLE: Final = pa.schema(
    [
        ("group", pa.uint8()),
        ("member", pa.uint8()),
        ("incarnation", pa.uint16()),
        ("producer", pa.int32()),
        ("sequence", pa.int64()),
        ("disposition", pa.uint8()),
        ("settled_ns", pa.int64()),
        ("outcome", pa.uint8()),
        ("failed", pa.uint8()),
        ("effect", pa.uint8()),
        ("copies", pa.uint8()),
        ("reading", pa.uint8()),
    ]
)

EVENT: Final = pa.schema(
    [
        ("at_ns", pa.int64()),
        ("worker", pa.string()),
        ("kind", pa.string()),
        ("detail", pa.string()),
    ]
)

SAMPLE: Final = pa.schema(
    [
        ("at_ns", pa.int64()),
        ("role", pa.string()),
        ("worker", pa.string()),
        ("cpu_ns", pa.int64()),
        ("rss_bytes", pa.int64()),
        ("written_bytes", pa.int64()),
        ("disk_bytes", pa.int64()),
    ]
)

TABLES: Final[dict[str, pa.Schema]] = {
    "publish": PUBLISH,
    "deliver": DELIVER,
    "settle": SETTLE,
    "event": EVENT,
    "sample": SAMPLE,
}

# the stream of one member: ``deliver`` and ``settle`` before they are read; see ``consume``
CONSUME: Final = pa.schema(
    [
        ("head", pa.binary(52)),
        *[
            (name, DELIVER.field(name).type)
            for name in (
                "bytes",
                "received_ns",
                "partition",
                "position",
                "redelivered",
                "delivery_count",
                "attempt",
                "reason",
            )
        ],
        ("checksum_ok", pa.uint8()),
        ("reading", pa.uint8()),
        *[
            (name, SETTLE.field(name).type)
            for name in ("settled_ns", "disposition", "outcome", "failed", "effect", "copies")
        ],
    ]
)

FORMAT_VERSION: Final = 1
META_FILE: Final = "meta.json"

# kinds of event; the detail is a JSON object with the fields named
EVENT_KINDS: Final[dict[str, str]] = {
    "phase_started": "phase, name",
    "phase_ended": "phase, name, offered",
    "drained": "phase, groups {name: bool}, seconds",
    "fault": "fault, phase, evidence {..}, bit",
    "fault_refused": "fault, phase, reason",
    "broker_ready_again": "fault, seconds",
    "member_crashed": "group, member, incarnation",
    "member_started": "group, member, incarnation",
    "connection_lost": "role, error",
    "connected_again": "role, seconds",
    "generator_lag": "phase, p50_ms, p99_ms, max_ms",
    "gave_up": "phase, unsent",
    "locust_worker": "worker, host, slice, same_clock, offset_us, bound_us, drift_ppm, round_trips",
    "slice_lost": "worker, host, slice",
    "warning": "text",
}
