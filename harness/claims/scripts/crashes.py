"""A consumer that dies in the middle of its work: what is lost and what is done twice depends on when it commits."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from harness.claims.scripts import Stage
from harness.model.claim import Figure

BATCH = 50
SEED = 20_240_501
Work = Callable[[bytes], None]


@dataclass(slots=True)
class Dying:
    """Counts down the pieces of work until the next crash; one crash for each interval."""

    intervals: list[int]
    crashes: int = 0
    done: int = 0

    def crash_now(self) -> bool:
        """After each piece of work: whether the process dies here."""
        self.done += 1
        if self.crashes >= len(self.intervals) or self.done < self.intervals[self.crashes]:
            return False
        self.crashes, self.done = self.crashes + 1, 0
        return True


@dataclass(slots=True)
class Payments:
    """A payment server outside: it charges whatever it is asked to, unless it knows the idempotency key."""

    keys_known: bool
    charges: Counter[bytes] = field(default_factory=Counter)

    def charge(self, order: bytes) -> None:
        if not (self.keys_known and order in self.charges):
            self.charges[order] += 1


def dying(pieces: int, crashes: int) -> Dying:
    """So many crashes at times drawn from a fixed seed, about evenly over the work: in the middle of a batch more often than at its end."""
    generator = random.Random(SEED)
    mean = max(BATCH + 1, pieces // (crashes + 1))
    return Dying([generator.randint(BATCH // 2, 2 * mean - BATCH // 2) for _ in range(crashes)])


def crashing_consumer(stage: Stage, *, messages: int, crashes: int) -> Mapping[str, Figure]:
    """``commit_first`` and ``work_first``: how many messages were lost, how many done twice, and how many crashes there were."""
    found: dict[str, Figure] = {}
    bodies = [b"%09d" % number for number in range(messages)]
    for order in ("commit_first", "work_first"):
        stage.say(f"{order.replace('_', ' ')}: {messages} messages, {crashes} crashes")
        effects: Counter[bytes] = Counter()
        death = dying(messages, crashes)
        _consume(stage, order, bodies, lambda body, effects=effects: effects.update([body]), death)  # type: ignore[misc]
        found[f"{order}.lost"] = Figure.exact(sum(1 for body in bodies if not effects[body]), n=death.crashes)
        found[f"{order}.twice"] = Figure.exact(sum(1 for count in effects.values() if count > 1), n=death.crashes)
        found[f"{order}.crashes"] = Figure.exact(death.crashes)
    return found


def payments(stage: Stage, *, orders: int, crashes: int) -> Mapping[str, Figure]:
    """Orders charged twice or never, by a consumer that works first and commits then, without and with idempotency keys."""
    found: dict[str, Figure] = {}
    bodies = [b"order-%07d" % number for number in range(orders)]
    for name, keys_known in (("without_key", False), ("with_key", True)):
        stage.say(f"{name.replace('_', ' ')}: {orders} orders, {crashes} crashes")
        server, death = Payments(keys_known), dying(orders, crashes)
        _consume(stage, f"work_first_{name}", bodies, server.charge, death)
        found[f"{name}.charged_twice"] = Figure.exact(
            sum(1 for count in server.charges.values() if count > 1), n=death.crashes
        )
        found[f"{name}.not_charged"] = Figure.exact(
            sum(1 for body in bodies if not server.charges[body]), n=death.crashes
        )
        found[f"{name}.crashes"] = Figure.exact(death.crashes)
    return found


def _consume(stage: Stage, name: str, bodies: list[bytes], work: Work, death: Dying) -> None:
    (_log if stage.is_log else _queue)(stage, name, bodies, work, death)


def _log(stage: Stage, name: str, bodies: list[bytes], work: Work, death: Dying) -> None:
    """One partition; each life begins at the group's committed offset."""
    from harness.claims.scripts import kafka_side

    kafka_side.create_topic(stage.info, name, 1)
    kafka_side.send(stage.info, name, ((None, body) for body in bodies))
    while _one_life_of_a_log(stage, name, work, death):
        pass


def _one_life_of_a_log(stage: Stage, name: str, work: Work, death: Dying) -> bool:
    """Whether it died before the end."""
    from confluent_kafka import TopicPartition

    from harness.claims.scripts import kafka_side

    first = name.startswith("commit_first")
    reader = kafka_side.consumer(stage.info, name)
    place = TopicPartition(name, 0)
    _, end = reader.get_watermark_offsets(place, timeout=10)
    begin = max(0, kafka_side.committed(reader, place))
    reader.assign([TopicPartition(name, 0, begin)])
    try:
        while begin < end:
            batch = [one for one in reader.consume(BATCH, timeout=5.0) if not one.error()]
            if not batch:
                continue
            begin = (batch[-1].offset() or 0) + 1
            after = [TopicPartition(name, 0, begin)]
            if first:
                reader.commit(offsets=after, asynchronous=False)
            for message in batch:
                work(message.value() or b"")
                if death.crash_now():
                    return True
            if not first:
                reader.commit(offsets=after, asynchronous=False)
        return False
    finally:
        reader.close()  # commits nothing: auto-commit is off


def _queue(stage: Stage, name: str, bodies: list[bytes], work: Work, death: Dying) -> None:
    """Commit first is auto-acknowledgement: settled as soon as it is sent. Work first acknowledges each batch when it is done."""
    from harness.claims.scripts import rabbit_side

    rabbit_side.declare(stage.info, name)
    rabbit_side.send(stage.info, name, bodies)
    while _one_life_at_a_queue(stage, name, work, death):
        pass


def _one_life_at_a_queue(stage: Stage, name: str, work: Work, death: Dying) -> bool:
    from harness.claims.scripts import rabbit_side

    first = name.startswith("commit_first")
    connection, channel = rabbit_side.channel(stage.info)
    channel.basic_qos(prefetch_count=BATCH)
    open_tags = 0
    try:
        for method, _, body in channel.consume(name, auto_ack=first, inactivity_timeout=rabbit_side.QUIET_S):
            if method is None:
                if open_tags:
                    channel.basic_ack(0, multiple=True)
                return False
            work(body)
            open_tags += 1
            if death.crash_now():
                return True
            if not first and open_tags == BATCH:
                channel.basic_ack(method.delivery_tag, multiple=True)
                open_tags = 0
        return False
    finally:
        connection.close()  # what was not acknowledged goes back to the queue
