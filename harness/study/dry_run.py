"""What a run would do, without doing it: plan, time, and every object it would create."""

from __future__ import annotations

from harness.adapters.registry import create_adapter
from harness.brokers.address import parse_address, without_secrets
from harness.brokers.doctor import resolve
from harness.errors import HarnessError
from harness.model.broker import BrokerInfo
from harness.model.units import format_duration_s
from harness.study.options import StudyOptions
from harness.study.shapes import settings_for

EXTERNAL = "what is made, under a prefix of its own, and removed at the end, whatever happens, on the broker"
STAYING = "what is made, under a prefix of its own, and emptied at the end, whatever happens, on the broker"
OVERHEAD_S = {"pylog": 1.0, "activemq": 3.0, "kafka": 4.0, "rabbitmq": 7.0, "memory": 0.2}


def describe(options: StudyOptions) -> dict[str, object]:
    """A document with ``text`` (for people), ``seconds`` (an estimate) and ``plans``. Touches no broker.

    The plans are those for the newest version an adapter knows; the broker's real version is asked when it runs.
    """
    lines = [f"folder: {options.folder}", f"repeats: {options.repeats}, seed: {options.seed}"]
    plans: list[dict[str, object]] = []
    seconds = 0.0
    for choice in options.brokers:
        source = resolve(choice.broker, choice.url, backend=options.backend)
        overhead = OVERHEAD_S.get(choice.broker, 5.0)
        seconds += overhead * options.repeats
        for loaded in options.workloads:
            tier = options.tier or loaded.workload.needs.durability
            faults = sum(
                1
                for phase in loaded.workload.phases
                if phase.fault is not None and phase.fault.kind in ("kill", "fill")
            )
            timed = sum(phase.for_ or 1.0 for phase in loaded.workload.phases)
            seconds += (timed + faults * overhead + 1.5) * options.repeats
            lines.append(f"\n{loaded.workload.name} on {choice.label}, tier {tier} ({tier.sentence})")
            host = "127.0.0.1" if source.url is None else parse_address(choice.broker, source.url).host
            info = BrokerInfo(choice.broker, choice.broker, "999", host, 0, source.backend)
            try:
                plan = create_adapter(choice.adapter, settings_for(choice, loaded.workload)).plan(
                    info, loaded.workload.needs, tier, "hPREFIX"
                )
            except HarnessError as error:
                lines.append(f"  cannot: {error.message}")
                continue
            if source.url is not None:
                fate = STAYING if plan.stays else EXTERNAL
                lines.append(f"  {fate} at {without_secrets(choice.broker, source.url)} ({source.source}):")
                lines.extend(f"  {line}" for line in plan.stays)
            lines.extend(
                f"  {thing.kind} {thing.name} {' '.join(f'{key}={value}' for key, value in thing.settings.items())}".rstrip()
                for thing in plan.objects
            )
            lines.extend(f"  {feature}: {row.support} {row.how or row.why}" for feature, row in plan.features.items())
            plans.append(
                {
                    "workload": loaded.workload.name,
                    "broker": choice.label,
                    "tier": str(tier),
                    "objects": [{"kind": o.kind, "name": o.name, "settings": dict(o.settings)} for o in plan.objects],
                    "parity": dict(plan.parity),
                    "stays": list(plan.stays),
                    "features": {str(feature): str(row.support) for feature, row in plan.features.items()},
                }
            )
    lines.append(
        f"\nabout {format_duration_s(seconds)} in all; brokers listen on 127.0.0.1, their data goes to a temporary folder"
    )
    return {"document": "plan", "version": 1, "text": "\n".join(lines), "seconds": round(seconds, 1), "plans": plans}
