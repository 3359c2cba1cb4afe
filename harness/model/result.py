"""The result document (``result.json``): everything a report shows comes from it, and it can be read again years later.

Versioned: ``SCHEMA_VERSION`` rises when a field changes its meaning; a newer document is refused, an older one is upgraded
on reading or refused by name.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.model.verdict import Verdict

SCHEMA_VERSION = 1
POINTS_MAX = 600
TWIN = "#2"  # marks the name of a broker's second column, in which it is compared with itself


UNDECIDED = "undecided"  # in the reason of a cell within noise: its interval reaches into the noise and out of it


class State(StrEnum):
    """The states of a result cell (never blank, never zero for missing)."""

    MEASURED = "measured"  # a figure, not compared (the baseline itself, or a single broker)
    BETTER = "better"
    WORSE = "worse"
    WITHIN_NOISE = "within_noise"
    NOT_COMPARABLE = "not_comparable"
    INVALID = "invalid"
    LOWER_BOUND = "lower_bound"
    UNSUPPORTED = "unsupported"
    NOT_RUN = "not_run"


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Fingerprint(Document):
    """Where and with what it was measured. Two results are compared field by field before a ratio is formed."""

    cpu_model: str
    cores: int
    memory_bytes: int
    disk: str
    disk_fsync_ms_p50: float | None = None
    disk_fsync_ms_p99: float | None = None
    kernel: str
    operating_system: str
    virtualisation: str
    congestion_control: str
    python: str
    clients: dict[str, str]
    load_before: float
    generator_scheduling: str = (
        "ordinary"  # of the thread that keeps the schedule: real-time where the system allows it
    )
    loopback: bool = True
    containers: str = ""  # the engine and the limits, when the brokers ran in containers
    warnings: list[str] = Field(default_factory=list)


class BrokerColumn(Document):
    """One column of the report: a broker in one mode through one client, or the reason why it was not run."""

    name: str
    label: str
    product: str = ""
    version: str = ""
    mode: str = ""
    client: str = ""
    backend: str = ""
    state: Literal["run", "not_run"] = "run"
    reason: str = ""
    next_command: str = ""
    settings: dict[str, str] = Field(default_factory=dict)


class PhaseRecord(Document):
    """One phase as it happened: times in seconds from the run's start; rates in messages a second."""

    index: int
    name: str
    kind: Literal["paced", "flood", "burst", "replay"]
    warmup: bool = False
    start_s: float
    end_s: float
    offered_per_s: float | None = None
    offered: int = 0
    acknowledged: int = 0
    drained: bool | None = None
    generator_lag_p99_ms: float | None = None


class FaultRecord(Document):
    """One fault, and the evidence that it bit."""

    phase: str
    kind: str
    at_s: float
    evidence: dict[str, str]
    bit: bool
    recovered_s: float | None = None  # broker ready again, after the fault
    first_acknowledged_s: float | None = None  # first message acknowledged again, after the fault


class LoadWorker(Document):
    """One Locust worker: the slice it carried, and how its clock stood against the master's.

    ``offset_us`` is its monotonic clock minus the master's, at the middle of the run, right to within ``bound_us``. With
    ``same_clock`` both are one clock (one machine): the offset is then not applied, only stated as a check of the measurement.
    """

    name: str
    host: str
    slice: list[str]
    state: Literal["done", "lost"] = "done"
    same_clock: bool = False
    offset_us: float = 0.0
    bound_us: float = 0.0
    drift_ppm: float = 0.0
    round_trips: int = 0


class LoadRecord(Document):
    """Where the load of a run came from, when not from the runner's own processes on this machine."""

    engine: str  # "locust 2.47.0"
    workers: list[LoadWorker]
    bound_us: float = 0.0  # of a latency between two hosts: both ends' bounds


class RunRecord(Document):
    """One workload on one broker, once."""

    workload: str
    broker: str
    repeat: int
    order: int
    seed: int
    state: Literal["done", "failed", "interrupted"]
    error: str = ""
    next_command: str = ""
    seconds: float
    broker_age_s: float | None = (
        None  # since its process was ready, when the run began; None for one that was not started here
    )
    history: str = ""  # folder, relative to the result document
    phases: list[PhaseRecord] = Field(default_factory=list)
    faults: list[FaultRecord] = Field(default_factory=list)
    load: LoadRecord | None = None


class Measure(Document):
    """One figure of one run: what the checkers fold out of its history. ``state`` says when it must not be read as is."""

    workload: str
    broker: str
    repeat: int
    metric: str
    phase: str = ""
    value: float
    unit: str
    better: Literal["higher", "lower", "neither"]
    samples: int = 0
    state: Literal["ok", "invalid", "lower_bound"] = "ok"
    reason: str = ""


class Curve(Document):
    """Points for one chart of one run: ``x`` and ``y`` of equal length, at most ``POINTS_MAX``."""

    workload: str
    broker: str
    repeat: int
    kind: str
    label: str = ""
    x: list[float] = Field(max_length=POINTS_MAX)
    y: list[float] = Field(max_length=POINTS_MAX)
    x_unit: str
    y_unit: str


class Cell(Document):
    """One figure over runs, workload x broker x metric (x phase): median and range or interval over ``n`` runs.

    ``ratio`` compares with ``baseline`` (median of paired log-ratios, with its interval) where that is allowed.
    """

    workload: str
    broker: str
    metric: str
    phase: str = ""
    state: State
    reason: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    interval: str = ""  # what low..high is: "range of 3 runs", "95 % bootstrap over 5 runs"
    unit: str = ""
    better: Literal["higher", "lower", "neither"] = "neither"
    n: int = 0
    per_run: list[float] = Field(default_factory=list)
    baseline: str = ""
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    p_value: float | None = None
    caveat: str = ""  # what to bear in mind where the figure stands; its first word is the mark: "cold: ..."


class NoiseFloor(Document):
    """How far the same broker differs from itself: the band within which a ratio says nothing."""

    workload: str
    metric: str
    phase: str = ""
    ratio_low: float
    ratio_high: float
    pairs: int


class CapabilityCell(Document):
    """One cell of the capability matrix."""

    workload: str
    broker: str
    feature: str
    support: Literal["native", "emulated", "impossible"]
    how: str = ""
    why: str = ""
    probe: str = ""  # the contract test that proves it
    proof: list[str] = Field(default_factory=list)  # probes whose committed answers it rests on
    proven_on: str = ""  # the version that gave them: "RabbitMQ 4.0.5"


class ProvenProbe(Document):
    """What one version of a broker answered to one probe, as committed; facts as text."""

    product: str
    version: str
    probe: str
    question: str
    facts: dict[str, str]


class ParityRow(Document):
    """One setting that decides whether brokers did the same work, per broker."""

    workload: str
    setting: str
    values: dict[str, str]
    differs: bool


class WorkloadRecord(Document):
    name: str
    question: str
    answer: str = ""
    sha256: str
    text: str
    tier: str
    tier_sentence: str


class FaultTrials(Document):
    """What one fault did to one broker over all runs of a workload: the trials, and what may be concluded from so many.

    ``acknowledged``, ``lost`` and ``duplicated`` are of whole runs, over the trials in which the fault bit. ``loss_bound`` is the
    upper end of the one-sided 95 % Clopper-Pearson interval for the chance that a fault of this kind costs an acknowledged
    message; with no loss in n trials that is 1 - 0.05^(1/n), about 3/n.
    """

    workload: str
    broker: str
    phase: str
    fault: str
    trials: int
    bit: int = 0
    judged: int = 0  # trials whose fault bit and whose completeness could be told
    lost_in: int = 0  # judged trials that lost anything acknowledged
    recovered: int = 0
    acknowledged: int = 0
    lost: int = 0
    duplicated: int = 0
    unavailable_s: float | None = None  # median over trials
    unavailable_low_s: float | None = None
    unavailable_high_s: float | None = None
    unavailable_interval: str = ""
    loss_bound: float | None = None
    reason: str = ""  # why there are fewer trials than wanted, or none
    next_command: str = ""


class SyncRow(Document):
    """A row of the fsync ledger: one broker in one shape at one tier with so many messages in flight.

    ``syncs`` counts the calls by name; ``covered`` are acknowledged messages for which a sync had begun and ended between
    submission and acknowledgement; ``files`` the files synced most.
    """

    broker: str
    label: str
    version: str = ""
    backend: str = ""
    mode: str = ""
    tier: str
    window: int
    payload_bytes: int
    messages: int = 0
    acknowledged: int = 0
    covered: int | None = None
    syncs: dict[str, int] = Field(default_factory=dict)
    syncs_per_message: float | None = None
    written_per_byte: float | None = None
    files: dict[str, int] = Field(default_factory=dict)
    state: Literal["proven", "contradicted", "no_claim", "unsupported", "not_run"] = "not_run"
    reason: str = ""
    next_command: str = ""
    source: str = ""  # empty: measured along with this run; else where and when the ledger was taken


class DriverRatio(Document):
    """An adapter beside the field's own load tool: its rate divided by the tool's, median over alternating pairs."""

    question: str
    size_bytes: int
    settings: str
    ours_per_s: float
    theirs_per_s: float
    ratio: float
    ratio_low: float
    ratio_high: float
    pairs: int
    floor: float


class DriverRecord(Document):
    """A recorded ``harness bench driver``: when, where, and what it found."""

    created: str
    machine: str
    versions: dict[str, str]
    here: bool  # measured on the machine of this result, not the record that comes with the harness
    rows: list[DriverRatio]


class Result(Document):
    schema_version: int = SCHEMA_VERSION
    harness_version: str
    run_id: str
    title: str
    created: str  # ISO 8601, UTC
    command: str
    seed: int
    repeats: int
    seconds: float
    state: Literal["done", "interrupted", "partial"] = "done"
    fingerprint: Fingerprint
    workloads: list[WorkloadRecord]
    brokers: list[BrokerColumn]
    runs: list[RunRecord]
    cells: list[Cell] = Field(default_factory=list)
    measures: list[Measure] = Field(default_factory=list)
    curves: list[Curve] = Field(default_factory=list)
    verdicts: list[Verdict] = Field(default_factory=list)
    noise: list[NoiseFloor] = Field(default_factory=list)
    capabilities: list[CapabilityCell] = Field(default_factory=list)
    proven: list[ProvenProbe] = Field(default_factory=list)
    parity: list[ParityRow] = Field(default_factory=list)
    trials: list[FaultTrials] = Field(default_factory=list)
    syncs: list[SyncRow] = Field(default_factory=list)
    ceilings: dict[str, float] = Field(default_factory=dict)  # client library -> msg/s against the null adapter
    drivers: DriverRecord | None = None
    notes: list[str] = Field(default_factory=list)
