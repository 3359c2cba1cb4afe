"""Who ought to have seen a message and did not: the question under durability, fan-out and dead letters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.checkers.case import Case
from harness.checkers.deliveries import GroupView
from harness.checkers.messages import Flags


@dataclass
class Absence:
    """Collects, group by group, the acknowledged messages that never came, until the dead letters excuse some of them.

    ``expirable`` are messages that the broker was told to drop after a while.
    """

    case: Case
    missing: dict[str, Flags]
    delivered_somewhere: Flags
    dead_lettered: Flags
    expirable: Flags

    @classmethod
    def of(cls, case: Case) -> Absence:
        count = len(case.messages)
        may_expire = case.workload.needs.expiry and case.supports("expiry")
        return cls(
            case=case,
            missing={},
            delivered_somewhere=np.zeros(count, dtype=bool),
            dead_lettered=np.zeros(count, dtype=bool),
            expirable=(case.messages["ttl_ms"] > 0) if may_expire else np.zeros(count, dtype=bool),
        )

    def see(self, view: GroupView) -> None:
        came = view.deliveries.delivered
        if view.is_dead_letters:
            self.dead_lettered |= came
            return
        self.delivered_somewhere |= came
        self.missing[view.name] = self.case.messages.acknowledged & ~came

    def lost(self, group: str) -> Flags:
        """Acknowledged, never delivered to the group, not dead-lettered, and not allowed to expire."""
        return self.missing[group] & ~self.dead_lettered & ~self.expirable

    def expired_unseen(self, group: str) -> Flags:
        """The same of messages that were allowed to expire: nobody can tell that from a loss."""
        return self.missing[group] & ~self.dead_lettered & self.expirable
