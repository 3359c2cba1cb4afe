"""Does every payload arrive as it was sent?"""

from __future__ import annotations

import numpy as np

from harness.checkers.case import Case, Checker, Evidence, Findings, decide
from harness.checkers.deliveries import Deliveries, GroupView
from harness.model.verdict import EVIDENCE_MAX


class Corruption(Checker):
    """Counts: ``corrupted`` deliveries of all groups and readings, ``checked`` deliveries."""

    name = "corruption"
    rule = (
        "Every delivery that bears this run's mark has the length that its envelope states and the CRC-32C that its "
        "last four bytes state, dead letters and replays included."
    )
    source = "Envelope checksum, CRC-32C (Castagnoli, RFC 3720 appendix B.4)"

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._corrupted = 0
        self._checked = 0
        self._evidence: list[Evidence] = []

    def group(self, view: GroupView) -> None:
        for reading, deliveries in enumerate((view.deliveries, view.replay)):
            self._checked += len(deliveries)
            damaged = np.flatnonzero(deliveries.checksum_ok == 0)
            self._corrupted += len(damaged)
            if len(damaged):
                self._note(view, deliveries, damaged[: EVIDENCE_MAX - len(self._evidence)], reading)
        strays = view.strays
        ours = (strays.producer >= 0) & (strays.checksum_ok == 0)
        self._checked += int(np.count_nonzero(strays.producer >= 0))
        self._corrupted += int(np.count_nonzero(ours))
        for row in np.flatnonzero(ours)[: EVIDENCE_MAX - len(self._evidence)].tolist():
            name = {"producer": int(strays.producer[row]), "sequence": int(strays.sequence[row])}
            self._evidence.append(
                {**name, "group": view.name, "received_s": self.case.seconds(strays.received_ns[row])}
            )

    def _note(
        self, view: GroupView, deliveries: Deliveries, rows: np.ndarray[tuple[int], np.dtype[np.intp]], reading: int
    ) -> None:
        self._evidence += self.case.evidence(
            deliveries.number[rows],
            group=view.name,
            reading=reading,
            received_s=(deliveries.received_ns[rows] - self.case.meta.started_ns) / 1e9,
        )

    def finish(self) -> Findings:
        doubt = "" if self._checked else "nothing was delivered"
        counts = {"corrupted": self._corrupted, "checked": self._checked}
        if self._corrupted:
            summary = f"{self._corrupted} of {self._checked} payloads arrived damaged"
        else:
            summary = doubt or f"all {self._checked} payloads arrived undamaged"
        validity = decide(self._corrupted, doubt)
        return Findings(
            [self.case.verdict(self, validity, summary, promised=True, counts=counts, evidence=self._evidence)]
        )
