"""When does a message go: by its age, or because somebody read it?"""

from __future__ import annotations

import time
from collections.abc import Mapping

from harness.claims.scripts import Stage
from harness.model.claim import Figure

SEGMENT_MS = 1000  # a partition rolls its segment so often: retention drops whole segments
AFTER_S = 2.0


def retention_by_time(stage: Stage, *, messages: int, retention_s: int, patience_s: int) -> Mapping[str, Figure]:
    """Shares still there: ``read_early_share`` when read twice within the retention, ``unread_late_share`` never read and past it.

    ``gone_after`` is when the last of the unread ones went, counted from their sending; only where they did.
    """
    return (_log if stage.is_log else _queue)(stage, messages, retention_s, patience_s)


def _log(stage: Stage, messages: int, retention_s: int, patience_s: int) -> Mapping[str, Figure]:
    from harness.claims.scripts import kafka_side

    settings = {"retention.ms": str(retention_s * 1000), "segment.ms": str(SEGMENT_MS), "file.delete.delay.ms": "100"}
    kafka_side.create_topic(stage.info, "aging", 1, settings)
    sent_at = time.monotonic()
    kafka_side.send(stage.info, "aging", ((None, b"%09d" % number) for number in range(messages)))
    twice = []
    for group in ("one", "two"):
        reader = kafka_side.consumer(stage.info, group)
        twice.append(sum(1 for _ in kafka_side.read_to_end(stage.info, reader, "aging", 1)))
        reader.commit(asynchronous=False)
        reader.close()
    read_s = time.monotonic() - sent_at
    stage.say(f"waiting until retention of {retention_s} s has done its work")
    gone_s = None
    while time.monotonic() - sent_at < retention_s + patience_s:
        kafka_side.send(stage.info, "aging", [(None, b"newer")])  # so that the old segment is not the active one
        if kafka_side.watermarks(stage.info, "aging", 1)[0][0] >= messages:
            gone_s = time.monotonic() - sent_at
            break
        time.sleep(0.3)
    first, _ = kafka_side.watermarks(stage.info, "aging", 1)[0]
    found = {
        "read_early_share": Figure.exact(min(twice) / messages, n=messages),
        "unread_late_share": Figure.exact(max(0, messages - first) / messages, n=messages),
        "read_within": Figure.exact(read_s, "s"),
    }
    if gone_s is not None:
        found["gone_after"] = Figure(value=gone_s, low=gone_s - 0.5, high=gone_s, unit="s")
    return found


def _queue(stage: Stage, messages: int, retention_s: int, patience_s: int) -> Mapping[str, Figure]:
    from harness.claims.scripts import rabbit_side

    for queue in ("read", "unread"):
        rabbit_side.declare(stage.info, queue)
        rabbit_side.send(stage.info, queue, (b"%09d" % number for number in range(messages)))
    rabbit_side.drain(stage.info, "read")
    again = len(rabbit_side.drain(stage.info, "read"))
    stage.say(f"waiting {retention_s + AFTER_S:.0f} s")
    time.sleep(retention_s + AFTER_S)
    return {
        "read_early_share": Figure.exact(again / messages, n=messages),
        "unread_late_share": Figure.exact(rabbit_side.ready(stage.info, "unread") / messages, n=messages),
    }
