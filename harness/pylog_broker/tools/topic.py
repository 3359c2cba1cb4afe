"""`pylog topic ls|show|create|rm`: topics of a running broker."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from harness.pylog_broker.tools import ToolFailed, client

EXIT_REFUSED = 1


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    topic = commands.add_parser("topic", help="topics of a running broker: ls, show, create, rm")
    actions = topic.add_subparsers(dest="action", metavar="ACTION", required=True)
    client.add_arguments(actions.add_parser("ls", help="every topic: partitions, records, bytes"))
    show = actions.add_parser(
        "show", help="one topic: offsets of each partition, and settings that are not the default"
    )
    show.add_argument("name")
    client.add_arguments(show)
    create = actions.add_parser("create", help="make a topic")
    create.add_argument("name")
    create.add_argument("--partitions", type=int, default=-1, help="default: the broker's num.partitions")
    create.add_argument("--set", action="append", default=[], dest="assignments", metavar="NAME=VALUE")
    client.add_arguments(create)
    remove = actions.add_parser("rm", help="delete a topic and everything in it")
    remove.add_argument("name")
    client.add_arguments(remove)


def run(options: argparse.Namespace) -> int:
    """Do what was asked; returns the exit code. Raises ToolFailed."""
    from kafka.errors import KafkaError

    admin = client.connect(options)
    try:
        document = {"ls": _list, "show": _show, "create": _create, "rm": _remove}[options.action](admin, options)
    except KafkaError as error:
        raise ToolFailed(f"topic {options.action}: {_words(error)}", EXIT_REFUSED) from None
    finally:
        admin.close()
    sys.stdout.write(json.dumps(document, indent=1) + "\n" if options.json else _text(options.action, document))
    return 0


def _words(error: BaseException) -> str:
    return f"{type(error).__name__.removesuffix('Error')}: {error}"


def _rows(admin: Any, topics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    partitions = [
        TopicPartition(topic["name"], row["partition_index"]) for topic in topics for row in topic["partitions"]
    ]
    starts = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST)) if partitions else {}
    ends = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST)) if partitions else {}
    return [
        {
            "topic": partition.topic,
            "partition": partition.partition,
            "log_start": starts[partition].offset,
            "high_watermark": ends[partition].offset,
            "records_max": ends[partition].offset - starts[partition].offset,
        }
        for partition in sorted(partitions)
    ]


def _list(admin: Any, _: argparse.Namespace) -> dict[str, Any]:
    topics = sorted(admin.describe_topics(), key=lambda topic: topic["name"])
    rows = _rows(admin, topics)
    return {
        "topics": [
            {
                "name": topic["name"],
                "internal": topic["is_internal"],
                "partitions": len(topic["partitions"]),
                "records_max": sum(row["records_max"] for row in rows if row["topic"] == topic["name"]),
            }
            for topic in topics
        ]
    }


def _show(admin: Any, options: argparse.Namespace) -> dict[str, Any]:
    from kafka.admin import ConfigResource, ConfigResourceType

    if options.name not in admin.list_topics():
        raise ToolFailed(f"there is no topic {options.name}; see `pylog topic ls`", EXIT_REFUSED)
    topics = admin.describe_topics([options.name])
    found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, options.name)])
    (by_name,) = found.values()
    settings = {name: row["value"] for name, row in by_name[options.name].items()}
    return {"name": options.name, "partitions": _rows(admin, topics), "settings": settings}


def _create(admin: Any, options: argparse.Namespace) -> dict[str, Any]:
    settings = {}
    for assignment in options.assignments:
        name, found, value = assignment.partition("=")
        if not found:
            raise ToolFailed(f"--set takes NAME=VALUE, not '{assignment}'", client.EXIT_USAGE)
        settings[name.strip()] = value.strip()
    admin.create_topics({options.name: {"num_partitions": options.partitions, "configs": settings}})
    return {"created": options.name}


def _remove(admin: Any, options: argparse.Namespace) -> dict[str, Any]:
    admin.delete_topics([options.name])
    return {"deleted": options.name}


def _text(action: str, document: dict[str, Any]) -> str:
    if action == "ls":
        lines = [f"{'topic':40} {'partitions':>10} {'records':>12}"]
        lines += [f"{row['name']:40} {row['partitions']:>10} {row['records_max']:>12}" for row in document["topics"]]
    elif action == "show":
        lines = [document["name"], f"{'partition':>9} {'log start':>12} {'high watermark':>14}"]
        lines += [
            f"{row['partition']:>9} {row['log_start']:>12} {row['high_watermark']:>14}"
            for row in document["partitions"]
        ]
        lines += [f"{name}={value}" for name, value in sorted(document["settings"].items())]
    else:
        lines = [f"{what} {name}" for what, name in document.items()]
    return "\n".join([*lines, ""])
