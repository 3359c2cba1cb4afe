"""Does reading delete? One reader reads and acknowledges everything; what does a second one find?"""

from __future__ import annotations

from collections.abc import Mapping

from harness.claims.scripts import Stage
from harness.model.claim import Figure


def reading_deletes(stage: Stage, *, messages: int) -> Mapping[str, Figure]:
    """``first_share`` and ``second_share`` of the messages that each reader received, and how many were sent."""
    stage.say(f"sending {messages} messages")
    bodies = [b"%09d" % number for number in range(messages)]
    first, second = (_log if stage.is_log else _queue)(stage, bodies)
    sent = set(bodies)
    return {
        "first_share": Figure.exact(len(sent & first) / messages, n=messages),
        "second_share": Figure.exact(len(sent & second) / messages, n=messages),
        "messages": Figure.exact(messages),
    }


def _log(stage: Stage, bodies: list[bytes]) -> tuple[set[bytes], set[bytes]]:
    """The second reader is another group: nobody told it anything, and it starts at the beginning."""
    from harness.claims.scripts import kafka_side

    kafka_side.create_topic(stage.info, "history", 4)
    kafka_side.send(stage.info, "history", ((body, body) for body in bodies))
    found = []
    for group in ("first", "second"):
        stage.say(f"the {group} reader reads and commits")
        reader = kafka_side.consumer(stage.info, group)
        found.append({one.value() or b"" for one in kafka_side.read_to_end(stage.info, reader, "history", 4)})
        reader.commit(asynchronous=False)
        reader.close()
    return found[0], found[1]


def _queue(stage: Stage, bodies: list[bytes]) -> tuple[set[bytes], set[bytes]]:
    """The second reader is another consumer of the same queue."""
    from harness.claims.scripts import rabbit_side

    rabbit_side.declare(stage.info, "work")
    rabbit_side.send(stage.info, "work", bodies)
    stage.say("the first reader reads and acknowledges")
    first = set(rabbit_side.drain(stage.info, "work"))
    stage.say("the second reader looks")
    return first, set(rabbit_side.drain(stage.info, "work"))
