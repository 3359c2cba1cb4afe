"""One claim from its file to its finding: what would run, running it, and deciding it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness import __version__
from harness.brokers import create, missing_reason
from harness.brokers.doctor import resolve
from harness.claims import probes, rules, scripts, studies
from harness.claims.formulas import calculate
from harness.claims.loader import LoadedClaim
from harness.claims.store import FINDINGS, save
from harness.errors import BrokerMissing, HarnessError, Interrupted, UsageError
from harness.model.claim import (
    ClaimBroker,
    ClaimVerdict,
    Finding,
    HostExperiment,
    Measured,
    ModelExperiment,
    RuleFound,
    Scalar,
    ScriptExperiment,
    StudyExperiment,
)
from harness.model.result import Fingerprint
from harness.study.fingerprint import take_fingerprint
from harness.study.study import run_study

Say = Callable[[str], None]
SCRIPT_TIER = "D1"


@dataclass(slots=True)
class Trial:
    """What an experiment left, before it is judged."""

    measured: Measured
    brokers: list[ClaimBroker]
    study: str = ""
    interrupted: bool = False


def chosen(loaded: LoadedClaim, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """The claim's brokers, or those of them that were asked for: by label, or by name for all their shapes. Raises UsageError."""
    every = loaded.claim.brokers
    if not wanted:
        return every
    known = {*every, *(label.partition(":")[0] for label in every)}
    for name in wanted:
        if name not in known and every:
            raise UsageError(
                f"{loaded.claim.id} is about {', '.join(every)}, not about {name}",
                next_command=f"harness claim show {loaded.claim.id}",
            )
    return tuple(label for label in every if label in wanted or label.partition(":")[0] in wanted)


def describe(loaded: LoadedClaim, wanted: Sequence[str] | None = None) -> dict[str, object]:
    """What running it would do: brokers and whether they can run here, about how long, and the steps. Starts nothing."""
    claim, labels = loaded.claim, chosen(loaded, wanted)
    experiment = claim.experiment
    missing = {label: reason for label in labels if (reason := _missing(label))}
    share = len(labels) / len(claim.brokers) if claim.brokers else 1.0
    return {
        "claim": claim.id,
        "statement": claim.statement,
        "kind": experiment.kind,
        "what": _what(loaded),
        "brokers": list(labels),
        "missing": missing,
        "nodes": experiment.nodes,
        "seconds": round(experiment.takes * share, 1),
        "rules": [
            f"{rule.when}: {rule.metric}{f' / {rule.of}' if rule.of else ''} {rules.in_words(rule)}"
            for rule in claim.rules
        ],
    }


def _what(loaded: LoadedClaim) -> str:
    experiment = loaded.claim.experiment
    if isinstance(experiment, StudyExperiment):
        names = ", ".join(one.workload.name for one in loaded.workloads.values())
        return f"study of {names}, {experiment.repeats} repeats"
    if isinstance(experiment, ModelExperiment):
        return f"calculation {experiment.formula}"
    if isinstance(experiment, HostExperiment):
        return f"probe {experiment.probe} of this machine"
    return f"script {experiment.name}"


def _missing(label: str) -> str:
    name = label.partition(":")[0]
    return "" if resolve(name).url is not None else missing_reason(name) or ""


def run_claim(
    loaded: LoadedClaim,
    say: Say,
    *,
    brokers: Sequence[str] | None = None,
    folder: Path = FINDINGS,
    command: str = "",
    keep: bool = True,
) -> Finding:
    """Make the experiment, judge it, and keep the finding. A broker that is missing makes a finding NOT-RUN, never an error.

    Raises UsageError for what is wrong with the claim or the call, Interrupted after Ctrl-C: then nothing is judged.
    """
    claim = loaded.claim
    labels = chosen(loaded, brokers)
    command = command or f"harness claim run {claim.id}"
    started = time.monotonic()
    home = folder / claim.id
    home.mkdir(parents=True, exist_ok=True)
    fingerprint = take_fingerprint(home)  # before anything runs: it says how busy the machine was
    trial = _try(loaded, labels, folder, command, say)
    if trial.interrupted:
        raise Interrupted(f"{claim.id} was interrupted; it is not judged", next_command=command)
    finding = judge(loaded, trial, labels, fingerprint)
    finding.command, finding.seconds = command, round(time.monotonic() - started, 3)
    if keep:
        save(finding, folder)
    return finding


def _try(loaded: LoadedClaim, labels: Sequence[str], folder: Path, command: str, say: Say) -> Trial:
    experiment = loaded.claim.experiment
    if experiment.nodes > 1:
        reason = f"it needs a cluster of {experiment.nodes} nodes, and brokers here are single nodes"
        return Trial({}, [ClaimBroker(label=label, state="not_run", reason=reason) for label in labels])
    if isinstance(experiment, StudyExperiment):
        return _study(loaded, labels, folder, command, say)
    if isinstance(experiment, ModelExperiment):
        return Trial(calculate(experiment.formula, experiment.inputs), [])
    if isinstance(experiment, HostExperiment):
        return _host(experiment, folder / loaded.claim.id, say)
    return _script(experiment, labels, say)


def _study(loaded: LoadedClaim, labels: Sequence[str], folder: Path, command: str, say: Say) -> Trial:
    place = studies.folder_for(loaded.claim.id, folder)
    finished = run_study(studies.options_of(loaded, labels, place, command), say)
    arms = {one.workload.name: arm for arm, one in loaded.workloads.items()}
    result = finished.result
    found = studies.figures_of(result, arms)
    return Trial(found, studies.brokers_of(result), str(place), result.state == "interrupted")


def _host(experiment: HostExperiment, home: Path, say: Say) -> Trial:
    home.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="probe-", dir=home))
    try:
        return Trial(probes.run_probe(experiment.probe, experiment.settings, scratch, say), [])
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _script(experiment: ScriptExperiment, labels: Sequence[str], say: Say) -> Trial:
    script, settings = scripts.script(experiment.name, experiment.settings)
    trial = Trial({}, [])
    for number, label in enumerate(labels, start=1):
        name = label.partition(":")[0]
        if name not in script.brokers:
            raise UsageError(
                f"script {experiment.name} knows {', '.join(script.brokers)}, not {label}",
                next_command="harness claim ls",
            )
        prefix = f"[{number}/{len(labels)}] {label}: "
        try:
            broker, found = _on_stage(script, settings, label, lambda text, prefix=prefix: say(prefix + text))  # type: ignore[misc]
        except HarnessError as error:
            say(f"{prefix}{error.message.splitlines()[0]}")
            broker = ClaimBroker(
                label=label, state="not_run", reason=error.message, next_command=error.next_command or ""
            )
            found = {}
        trial.brokers.append(broker)
        trial.measured |= scripts.named(label, found)
    return trial


def _on_stage(
    script: scripts.Script, settings: Mapping[str, Scalar], label: str, say: Say
) -> tuple[ClaimBroker, Measured]:
    """The script on one broker of its own, which is gone afterwards, whatever happens."""
    name = label.partition(":")[0]
    source = resolve(name)
    if source.url is not None:
        raise BrokerMissing(
            f"{name} is an external one here, and a script needs a broker of its own",
            next_command=f"env -u {source.source} harness claim run ...",
        )
    root = Path(tempfile.mkdtemp(prefix=f"harness-claim-{name}-"))
    broker = create(name, root=root / "broker")
    try:
        say("starting")
        info = broker.start(tier=SCRIPT_TIER, settings=dict(script.server.get(name, {})))
        (root / "scratch").mkdir()
        found = scripts.perform(script, scripts.Stage(label, broker, info, root / "scratch", say), settings)
        return ClaimBroker(label=label, product=info.product, version=info.version), dict(found)
    finally:
        try:
            broker.stop()
        finally:
            shutil.rmtree(root, ignore_errors=True)


def judge(loaded: LoadedClaim, trial: Trial, labels: Sequence[str], machine: Fingerprint) -> Finding:
    """The finding of what was measured on ``machine``; command and time are filled in by whoever ran it."""
    claim = loaded.claim
    left_out = [label for label in claim.brokers if label not in labels]
    absent = [broker.label for broker in trial.brokers if broker.state == "not_run"]
    found = [rules.find(rule, trial.measured, absent + left_out, cores=machine.cores) for rule in claim.rules]
    counted = [rule for rule in found if not _left_out(rule, left_out)]
    if claim.experiment.nodes > 1:
        verdict, reason = ClaimVerdict.NOT_RUN, trial.brokers[0].reason
    else:
        verdict, reason = rules.judge(counted)
    away = next((broker for broker in trial.brokers if broker.state == "not_run"), None)
    if verdict is ClaimVerdict.NOT_RUN and away is not None:
        reason = f"{away.label}: {away.reason.splitlines()[0]}" if away.reason else reason
    return Finding(
        claim=claim.id,
        claim_digest=claim.digest,
        statement=claim.statement,
        verdict=verdict,
        reason=reason,
        next_command=away.next_command if away is not None else "",
        rules=found,
        measured=trial.measured,
        brokers=trial.brokers,
        partial=bool(left_out),
        fingerprint=machine,
        harness_version=__version__,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command="",
        seconds=0.0,
        study=trial.study,
    )


def _left_out(rule: RuleFound, left_out: Sequence[str]) -> bool:
    return any(rules.about(metric, label) for label in left_out for metric in (rule.metric, rule.of or ""))
