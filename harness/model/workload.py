"""A workload: what an application needs from messaging, in its own words. Unknown keys are refused.

Reading a file (with line numbers in its errors) is ``harness.plan.loader``; these are the validated nouns.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from harness.model.broker import Tier
from harness.model.distribution import KeySpread, Spread, parse_keys, parse_spread
from harness.model.units import parse_count, parse_duration_s, parse_rate_per_s, parse_share, parse_size

GROUPS_MAX = 32
MEMBERS_MAX = 64
PARTITIONS_MAX = 256
PRIORITY_LEVELS_MAX = 10
RETRIES_MAX = 16
FAULT_KINDS = ("kill", "crash", "pause", "cut", "slow", "fill")
FAULT_S_MAX = 3600.0
FAULT_DELAY_S_MAX = 10.0
FAULT_DISK_MIN = 64 << 20
FAULT_DISK_MAX = 8 << 30
_FAULT_KEYS = {  # which kinds a key belongs to
    "for_": ("pause", "cut", "slow", "fill"),
    "restart_after": ("kill",),
    "how": ("cut",),
    "delay": ("slow",),
    "rate": ("slow",),
    "size": ("fill",),
}
PHASES_MAX = 64  # phases are numbered in one byte of the envelope


def _spread_of_size(value: object) -> object:
    return value if isinstance(value, Spread) else parse_spread(value, parse_size)


def _spread_of_time(value: object) -> object:
    return value if isinstance(value, Spread) else parse_spread(value, parse_duration_s)


def _keys(value: object) -> object:
    return value if isinstance(value, KeySpread) else parse_keys(value)


def _number(parse: object) -> BeforeValidator:
    def read(value: object) -> object:
        return parse(value)  # type: ignore[operator]

    return BeforeValidator(read)


def _seconds(value: object) -> object:
    return value if isinstance(value, float) else parse_duration_s(value)


def _bytes_per_s(value: object) -> object:
    if not isinstance(value, str) or not value.endswith("/s"):
        raise ValueError(f"expected bytes a second such as 1MiB/s, got {value!r}")
    return parse_size(value.removesuffix("/s"))


Count = Annotated[int, _number(parse_count)]
Bandwidth = Annotated[int, BeforeValidator(_bytes_per_s)]
Size = Annotated[int, BeforeValidator(lambda value: value if isinstance(value, int) else parse_size(value))]
Seconds = Annotated[float, BeforeValidator(_seconds)]
Rate = Annotated[float, BeforeValidator(lambda value: value if isinstance(value, float) else parse_rate_per_s(value))]
Share = Annotated[float, _number(parse_share)]
Sizes = Annotated[Spread, BeforeValidator(_spread_of_size)]
Times = Annotated[Spread, BeforeValidator(_spread_of_time)]
Keys = Annotated[KeySpread, BeforeValidator(_keys)]


class Part(BaseModel):
    """A piece of a workload: immutable, strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Expiry(Part):
    """Time to live: ``share`` of the messages expire ``after`` their intended time."""

    after: Seconds
    share: Share = 1.0


class Failures(Part):
    """Failing work: ``transient`` messages fail ``attempts`` times and then succeed; ``poison`` ones never do."""

    transient: Share = 0.0
    attempts: Annotated[int, Field(ge=1, le=RETRIES_MAX)] = 1
    poison: Share = 0.0


class Messages(Part):
    """What is sent. ``classes`` maps a class name to its share; the order of writing is from lowest to highest priority."""

    size: Sizes = Spread("constant", 1024.0)
    payload: Literal["click_json", "order_json", "mail_json", "telemetry_json", "random", "zeros"] = "random"
    key: Keys = KeySpread("none")
    classes: dict[str, Share] = Field(
        default_factory=lambda: {"normal": 1.0}, min_length=1, max_length=PRIORITY_LEVELS_MAX
    )
    ttl: Expiry | None = None
    failures: Failures = Failures()


class Replay(Part):
    """One group reads everything again after it has drained."""

    group: str


class Retry(Part):
    """A failed message is handed out again after ``backoff[n]`` (the last one repeats), ``max`` times; then it is dead."""

    max: Annotated[int, Field(ge=0, le=RETRIES_MAX)] = 3
    backoff: Annotated[tuple[Seconds, ...], Field(min_length=1, max_length=RETRIES_MAX)] = (1.0,)

    def delay_ms(self, attempt: int) -> int:
        """Delay before the delivery that follows failed attempt number ``attempt`` (0 is the first)."""
        return round(self.backoff[min(attempt, len(self.backoff) - 1)] * 1000)


class Needs(Part):
    """What the application needs. An adapter says how its broker gives it, or that it cannot."""

    groups: dict[str, Annotated[int, Field(ge=1, le=MEMBERS_MAX)]] = Field(min_length=1, max_length=GROUPS_MAX)
    order: Literal["none", "per_key", "global"] = "none"
    partitions: Annotated[int, Field(ge=1, le=PARTITIONS_MAX)] = 1
    replay: Replay | None = None
    priority_levels: Annotated[int, Field(ge=1, le=PRIORITY_LEVELS_MAX)] = 1
    expiry: bool = False
    retry: Retry | None = None
    dead_letter: bool = False
    prefetch: Annotated[int, Field(ge=1, le=10_000)] = 200
    durability: Tier = Tier.D1

    @model_validator(mode="after")
    def _possible(self) -> Needs:
        if self.replay is not None and self.replay.group not in self.groups:
            raise ValueError(f"replay names group {self.replay.group!r}, which is not in groups: {sorted(self.groups)}")
        if self.order == "global" and self.partitions > 1:
            raise ValueError("order: global needs partitions: 1 (several partitions have no common order)")
        if any(name.startswith("@") for name in self.groups):
            raise ValueError("group names must not begin with '@'")
        return self


class Processing(Part):
    """What a consumer does with a message, apart from settling it.

    ``work`` is simulated time; ``once`` makes the effect conditional on an idempotency key, so that a second delivery has none.
    """

    work: Times = Spread("constant", 0.0)
    once: bool = False


class Flood(Part):
    in_flight: Annotated[int, Field(ge=1, le=100_000)] = 1000
    max_messages: Count | None = None


class Fault(Part):
    """Exactly one kind of trouble, ``at`` so long after the phase began.

    kill: broker (SIGKILL; started again ``restart_after``); crash: GROUP (a member dies before it acknowledges); pause: broker
    (SIGSTOP ``for`` a time); cut: link (nothing passes between clients and broker; ``how: reset`` resets connections, new ones
    too); slow: link (a ``delay`` each way, at most ``rate`` each way, such as 1MiB/s); fill: disk (the
    broker's data lies on a file system of ``size``, of which nothing is free ``for`` a time).
    """

    at: Seconds
    kill: Literal["broker"] | None = None
    crash: str | None = None
    pause: Literal["broker"] | None = None
    cut: Literal["link"] | None = None
    slow: Literal["link"] | None = None
    fill: Literal["disk"] | None = None
    for_: Annotated[Seconds | None, Field(alias="for")] = None
    restart_after: Seconds = 0.0
    how: Literal["drop", "reset"] = "drop"
    delay: Seconds = 0.0
    rate: Bandwidth = 0
    size: Size = 256 << 20

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    @property
    def kind(self) -> str:
        """kill, crash, pause, cut, slow or fill."""
        return next(kind for kind in FAULT_KINDS if getattr(self, kind) is not None)

    @property
    def length_s(self) -> float:
        """How long it is kept up; 0 for one that is a moment."""
        return self.for_ or 0.0

    @model_validator(mode="after")
    def _one(self) -> Fault:
        named = [kind for kind in FAULT_KINDS if getattr(self, kind) is not None]
        if len(named) != 1:
            raise ValueError(
                "a fault names exactly one of kill: broker, crash: GROUP, pause: broker, cut: link, slow: link and fill: disk"
            )
        kind = named[0]
        lasting = kind not in ("kill", "crash")
        if lasting and not self.for_:
            raise ValueError(f"a fault with {kind} needs 'for', for example for: 1s")
        for key, kinds in _FAULT_KEYS.items():
            if key in self.model_fields_set and kind not in kinds:
                raise ValueError(f"{key.rstrip('_')!r} belongs to {' and '.join(kinds)}, not to {kind}")
        if self.length_s > FAULT_S_MAX or self.delay > FAULT_DELAY_S_MAX:
            raise ValueError(f"a fault lasts {FAULT_S_MAX:g} s at most, and delays {FAULT_DELAY_S_MAX:g} s at most")
        if kind == "slow" and not (self.delay or self.rate):
            raise ValueError("slow: link needs a delay, a rate or both, for example delay: 50ms")
        if kind == "fill" and not FAULT_DISK_MIN <= self.size <= FAULT_DISK_MAX:
            raise ValueError("fill: disk needs a size between 64MiB and 8GiB: brokers lay files out beforehand")
        return self


class Phase(Part):
    """One stretch of a run. Exactly one of ``paced``, ``flood``, ``burst`` and ``replay``; paced and flood never mix.

    paced: open loop at a rate for a time; flood: as fast as a fixed in-flight window allows, for a time; burst: so many
    messages intended at once (a backlog); replay: the group of ``needs.replay`` rewinds. ``drain`` waits for every group to
    have caught up before the next phase. The override fields replace what ``messages`` and ``processing`` say.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    paced: Rate | None = None
    flood: Flood | None = None
    burst: Count | None = None
    replay: bool = False
    for_: Annotated[Seconds | None, Field(alias="for")] = None
    arrivals: Literal["constant", "poisson"] = "constant"
    warmup: bool = False
    drain: bool = True
    fault: Fault | None = None
    classes: dict[str, Share] | None = None
    work: Times | None = None
    failures: Failures | None = None
    ttl: Expiry | Literal["none"] | None = None

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, populate_by_name=True)

    @property
    def kind(self) -> Literal["paced", "flood", "burst", "replay"]:
        if self.paced is not None:
            return "paced"
        if self.flood is not None:
            return "flood"
        return "burst" if self.burst is not None else "replay"

    @model_validator(mode="after")
    def _one_kind(self) -> Phase:
        kinds = [self.paced is not None, self.flood is not None, self.burst is not None, self.replay]
        if sum(kinds) != 1:
            raise ValueError("a phase is exactly one of paced, flood, burst and replay")
        if self.kind in ("paced", "flood") and self.for_ is None:
            raise ValueError(f"a {self.kind} phase needs 'for', for example for: 10s")
        if self.kind in ("burst", "replay") and self.for_ is not None:
            raise ValueError(f"a {self.kind} phase has no 'for': it ends when it is done")
        if self.fault is not None and self.kind not in ("paced", "burst"):
            raise ValueError("a fault belongs in a paced or burst phase")
        if self.fault is not None and self.for_ is not None and self.fault.at >= self.for_:
            raise ValueError(f"the fault at {self.fault.at:g}s comes after the phase ended at {self.for_:g}s")
        if self.fault is not None and self.for_ is not None and self.fault.at + self.fault.length_s > self.for_:
            end = self.fault.at + self.fault.length_s
            raise ValueError(
                f"the fault lasts until {end:g}s, and the phase ends at {self.for_:g}s: nothing would be sent"
            )
        return self


class Resend(Part):
    """What the publishing application does with FAIL and INFO: send again, at most ``max`` times. Unset: never."""

    max: Annotated[int, Field(ge=0, le=100)] = 0
    backoff: Seconds = 0.2


class Expect(Part):
    """Upper bounds that make a run fail (exit code 1) when broken. Unset ones are reported, not enforced."""

    lost: Annotated[int, Field(ge=0)] | None = None
    duplicated: Annotated[int, Field(ge=0)] | None = None
    reordered_within_key: Annotated[int, Field(ge=0)] | None = None
    corrupted: Annotated[int, Field(ge=0)] | None = None
    group_incomplete: Annotated[int, Field(ge=0)] | None = None
    replay_differs: Annotated[int, Field(ge=0)] | None = None
    dead_letter_missing: Annotated[int, Field(ge=0)] | None = None
    effects_not_once: Annotated[int, Field(ge=0)] | None = None
    expired_delivered: Annotated[int, Field(ge=0)] | None = None


class Workload(Part):
    """The whole file. ``name`` comes from the file's name.

    ``shapes`` names, for a broker that has several, the one that this question is asked of unless ``-b`` says otherwise:
    ``shapes: {rabbitmq: stream, activemq: virtual-topics}``. It is a default, never an object or a setting of a broker.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")
    question: str = Field(min_length=10, max_length=300)
    answer_with: str = Field(default="", max_length=300)
    messages: Messages
    needs: Needs
    processing: Processing = Processing()
    publishers: Annotated[int, Field(ge=1, le=MEMBERS_MAX)] = 1
    window: Annotated[int, Field(ge=1, le=100_000)] = 1000
    resend: Resend = Resend()
    phases: tuple[Phase, ...] = Field(min_length=1, max_length=PHASES_MAX)
    drain_deadline: Seconds = 30.0
    shapes: dict[str, str] = Field(default_factory=dict, max_length=16)
    expect: Expect = Expect()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Lowest priority first: a class's number is its place here."""
        return tuple(self.messages.classes)

    @model_validator(mode="after")
    def _consistent(self) -> Workload:
        names = [phase.name for phase in self.phases]
        if len(set(names)) != len(names):
            raise ValueError(f"two phases have the same name: {names}")
        if self.needs.priority_levels > 1 and self.needs.priority_levels != len(self.messages.classes):
            raise ValueError(
                f"needs.priority_levels is {self.needs.priority_levels} but messages.classes names {len(self.messages.classes)}"
            )
        if self.needs.order == "per_key" and self.messages.key.kind == "none":
            raise ValueError("needs.order: per_key, but messages.key is none: there is no key to keep order within")
        if self.needs.expiry and self.messages.ttl is None:
            raise ValueError("needs.expiry is true, but no message has a ttl (messages.ttl)")
        failing = [self.messages.failures] + [phase.failures for phase in self.phases if phase.failures]
        if any(f.transient or f.poison for f in failing) and self.needs.retry is None:
            raise ValueError("messages.failures need needs.retry: nobody says what happens to a failed message")
        if any(f.poison for f in failing) and not self.needs.dead_letter:
            raise ValueError("poison messages need needs.dead_letter: true")
        for phase in self.phases:
            if phase.kind == "replay" and self.needs.replay is None:
                raise ValueError(f"phase {phase.name!r} replays, but needs.replay is not set")
            if phase.classes is not None and not set(phase.classes) <= set(self.messages.classes):
                raise ValueError(
                    f"phase {phase.name!r} names classes that messages.classes does not: {sorted(phase.classes)}"
                )
            if phase.fault is not None and phase.fault.crash is not None and phase.fault.crash not in self.needs.groups:
                raise ValueError(
                    f"phase {phase.name!r} crashes group {phase.fault.crash!r}, which needs.groups does not name"
                )
        return self
