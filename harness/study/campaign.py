"""The runs of a study, in balanced order: each repeat visits every broker once, freshly started on an empty data folder.

A broker that cannot run is a column "not run" with its reason; one that dies costs its own cells of this repeat, and the next broker
goes on. What is finished is written before the next run starts.
"""

from __future__ import annotations

import time

from harness.errors import Interrupted
from harness.runner.engine import LoadEngine
from harness.runner.pulse import Headed
from harness.statistics.orders import balanced_orders
from harness.study.folder import StudyFolder
from harness.study.options import StudyOptions
from harness.study.visit import Campaign, Keep, Say, Visit

__all__ = ["Campaign", "run_campaign"]


def run_campaign(
    options: StudyOptions,
    folder: StudyFolder,
    say: Say,
    keep: Keep,
    earlier: Campaign,
    engine: LoadEngine | None = None,
) -> Campaign:
    """All runs but those that are done in ``earlier``, which is added to; ``keep`` is called after each, to write down how far it got.

    Ctrl-C ends it after tidying up; what is finished is in the returned campaign.
    """
    campaign = earlier
    orders = balanced_orders(len(options.brokers), options.repeats)
    order = 0
    total = options.repeats * len(options.brokers)
    started, visited = time.monotonic(), 0
    for repeat, sequence in enumerate(orders):
        for place in sequence:
            order += 1
            choice = options.brokers[place]
            column = campaign.columns.get(choice.label)
            if column is not None and column.state == "not_run":
                continue
            if all(campaign.has(loaded.workload.name, choice.label, repeat) for loaded in options.workloads):
                continue
            prefix = f"[{order}/{total}] {choice.label}, repeat {repeat + 1}"
            say(prefix + _left(time.monotonic() - started, visited, visited + total - order + 1))
            visited += 1
            try:
                Visit(options, folder, campaign, choice, repeat, order, Headed(say, prefix), engine).run(keep)
            except (KeyboardInterrupt, Interrupted):
                campaign.interrupted = True
            if campaign.interrupted:
                return campaign
    return campaign


def _left(elapsed_s: float, visited: int, total: int) -> str:
    """How long the rest will take, as fast as it went until now; nothing before the first visit is over."""
    if not visited:
        return ""
    left_s = elapsed_s / visited * (total - visited)
    return f", about {left_s / 60:.0f} min left" if left_s >= 90 else f", about {left_s:.0f} s left"
