"""What did it cost: processor time, memory, bytes written, disk kept?"""

from __future__ import annotations

from typing import Final

import numpy as np

from harness.checkers.case import Checker, Findings
from harness.checkers.counters import Counters
from harness.history.meta import PhaseMeta
from harness.model.result import Measure

LEAST_NS: Final = 500_000_000  # five samples a second say nothing about less than this


class Resources(Checker):
    """Measures by phase without a fault: ``broker_cpu_us_per_message``, ``client_cpu_us_per_message``; over the run: ``broker_rss_peak``,
    ``written_bytes_per_published_byte``, ``stored_bytes_per_published_byte``."""

    name = "resources"
    rule = (
        "Processor time of the broker's processes, and of all clients together, over a phase and its drain, for each "
        "of the phase's acknowledged messages; resident memory of the broker at its highest; bytes that the broker "
        "wrote and the most it kept on disk, beyond what it had at the start, for each acknowledged byte of payload."
    )
    source = "Linux /proc: stat, statm, io; sizes of the data folder"

    def finish(self) -> Findings:
        case = self.case
        broker = [one for one in case.counters if one.role == "broker" and len(one.at_ns) > 1]
        clients = [one for one in case.counters if one.role == "client" and len(one.at_ns) > 1]
        measures: list[Measure] = []
        for number, phase in case.phases("paced", "burst", "flood"):
            measures += self._of_phase(number, phase, broker, clients)
        if broker:
            measures += self._of_run(broker)
        return Findings(measures=measures)

    def _of_phase(
        self, number: int, phase: PhaseMeta, broker: list[Counters], clients: list[Counters]
    ) -> list[Measure]:
        case, messages = self.case, self.case.messages
        end_ns = phase.drained_ns or phase.end_ns
        shaken = any(phase.start_ns <= one.at_ns <= end_ns for one in case.breaks)
        if phase.warmup or shaken or end_ns - phase.start_ns < LEAST_NS:
            return []
        count = int(np.count_nonzero(messages.acknowledged & (messages["phase"] == number)))
        if not count:
            return []
        found = []
        for name, processes in (("broker_cpu_us_per_message", broker), ("client_cpu_us_per_message", clients)):
            used_ns = sum(one.used(one.cpu_ns, phase.start_ns, end_ns) for one in processes)
            if processes:
                value = used_ns / 1000 / count
                found.append(case.measure(name, value, "us", "lower", phase=phase.name, samples=count))
        return found

    def _of_run(self, broker: list[Counters]) -> list[Measure]:
        case, messages = self.case, self.case.messages
        peak = sum(int(one.rss_bytes.max()) for one in broker)
        measures = [case.measure("broker_rss_peak", peak, "B", "lower")]
        published = int(messages["bytes"][messages.acknowledged].sum(dtype=np.int64))
        if not published:
            return measures
        written = sum(one.used(one.written_bytes, int(one.at_ns[0]), int(one.at_ns[-1])) for one in broker)
        kept = sum(int(one.disk_bytes.max()) - int(one.disk_bytes[0]) for one in broker)
        count = int(np.count_nonzero(messages.acknowledged))
        for name, value in (("written_bytes", written), ("stored_bytes", kept)):
            measures.append(
                case.measure(f"{name}_per_published_byte", max(value, 0) / published, "B/B", "lower", samples=count)
            )
        return measures
