"""Members that will never leave by themselves are removed, so that their group can be deleted: killed ones, and static ones that closed.

librdkafka's admin client cannot do this; kafka-python's can, whichever library the workload's clients use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.adapters.kafka import settings
from harness.model.broker import BrokerInfo


def expel(broker: BrokerInfo, groups: Sequence[str]) -> None:
    """Remove every member of each group. What cannot be removed stays, and keeps its group: the caller sees that."""
    from kafka.admin import KafkaAdminClient, MemberToRemove  # only a run that ends needs it
    from kafka.errors import KafkaError

    try:
        admin: Any = KafkaAdminClient(
            bootstrap_servers=broker.address,
            request_timeout_ms=settings.REQUEST_TIMEOUT_MS,
            **settings.python_access(broker.access),
        )
    except KafkaError:
        return
    try:
        for group, told in admin.describe_groups(list(groups)).items():
            members = [
                MemberToRemove(group_instance_id=row["group_instance_id"])
                if row.get("group_instance_id")
                else MemberToRemove(member_id=row["member_id"])
                for row in told["members"]
            ]
            if members:
                admin.remove_group_members(group, members)
    except KafkaError:
        return
    finally:
        admin.close()
