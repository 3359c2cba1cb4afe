"""`pylog group ls|show|reset|rm`: consumer groups of a running broker, their members, offsets and lag."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from harness.pylog_broker.tools import ToolFailed, client

EXIT_REFUSED = 1


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    group = commands.add_parser("group", help="consumer groups of a running broker: ls, show, reset, rm")
    actions = group.add_subparsers(dest="action", metavar="ACTION", required=True)
    client.add_arguments(actions.add_parser("ls", help="every group and its state"))
    show = actions.add_parser("show", help="one group: members, committed offsets, lag")
    show.add_argument("name")
    client.add_arguments(show)
    reset = actions.add_parser("reset", help="move the committed offsets of a group without members")
    reset.add_argument("name")
    reset.add_argument("--topic", required=True)
    reset.add_argument("--to", choices=("earliest", "latest"), default="earliest", help="default: %(default)s")
    client.add_arguments(reset)
    remove = actions.add_parser("rm", help="delete a group without members, and its offsets")
    remove.add_argument("name")
    client.add_arguments(remove)


def run(options: argparse.Namespace) -> int:
    """Do what was asked; returns the exit code. Raises ToolFailed."""
    from kafka.errors import KafkaError

    admin = client.connect(options)
    try:
        document = {"ls": _list, "show": _show, "reset": _reset, "rm": _remove}[options.action](admin, options)
    except KafkaError as error:
        words = f"{type(error).__name__.removesuffix('Error')}: {error}"
        raise ToolFailed(f"group {options.action}: {words}", EXIT_REFUSED) from None
    finally:
        admin.close()
    sys.stdout.write(json.dumps(document, indent=1) + "\n" if options.json else _text(options.action, document))
    return 0


def _list(admin: Any, _: argparse.Namespace) -> dict[str, Any]:
    rows = [
        {"group": row["group_id"], "state": row["group_state"], "type": row.get("group_type", "")}
        for row in admin.list_groups()
    ]
    return {"groups": sorted(rows, key=lambda row: row["group"])}


def _show(admin: Any, options: argparse.Namespace) -> dict[str, Any]:
    from kafka.admin import OffsetSpec

    known = {row["group_id"] for row in admin.list_groups()}
    if options.name not in known:
        raise ToolFailed(f"there is no group {options.name}; see `pylog group ls`", EXIT_REFUSED)
    described = admin.describe_groups([options.name])[options.name]
    committed = admin.list_group_offsets(options.name)[options.name]
    ends = admin.list_partition_offsets(dict.fromkeys(committed, OffsetSpec.LATEST)) if committed else {}
    return {
        "group": options.name,
        "state": described["group_state"],
        "members": [
            {"id": member["member_id"], "client": member["client_id"], "host": member["client_host"]}
            for member in described["members"]
        ],
        "offsets": [
            {
                "topic": partition.topic,
                "partition": partition.partition,
                "committed": row.offset,
                "lag": max(0, ends[partition].offset - row.offset),
            }
            for partition, row in sorted(committed.items())
        ],
    }


def _reset(admin: Any, options: argparse.Namespace) -> dict[str, Any]:
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    if options.topic not in admin.list_topics():
        raise ToolFailed(f"there is no topic {options.topic}; see `pylog topic ls`", EXIT_REFUSED)
    (topic,) = admin.describe_topics([options.topic])
    spec = OffsetSpec.EARLIEST if options.to == "earliest" else OffsetSpec.LATEST
    wanted = {TopicPartition(options.topic, row["partition_index"]): spec for row in topic["partitions"]}
    admin.reset_group_offsets(options.name, wanted)
    return {"reset": options.name, "topic": options.topic, "to": options.to}


def _remove(admin: Any, options: argparse.Namespace) -> dict[str, Any]:
    admin.delete_groups([options.name])
    return {"deleted": options.name}


def _text(action: str, document: dict[str, Any]) -> str:
    if action == "ls":
        lines = [f"{'group':40} {'state':20} type"]
        lines += [f"{row['group']:40} {row['state']:20} {row['type']}" for row in document["groups"]]
    elif action == "show":
        lines = [f"{document['group']}: {document['state']}, {len(document['members'])} members"]
        lines += [f"  {member['id']} at {member['host']}" for member in document["members"]]
        lines.append(f"{'topic':30} {'partition':>9} {'committed':>12} {'lag':>10}")
        lines += [
            f"{row['topic']:30} {row['partition']:>9} {row['committed']:>12} {row['lag']:>10}"
            for row in document["offsets"]
        ]
    else:
        lines = [" ".join(f"{what} {name}" for what, name in document.items())]
    return "\n".join([*lines, ""])
