"""Which topic a partition's folder belongs to: `partition.metadata` in it says so, as in Apache Kafka.

A folder outlives its topic when the broker dies between the two. The id in the folder then tells a stray, which is deleted,
from the data of a topic of the same name, and from somebody else's data, which is left alone.
"""

from __future__ import annotations

import base64
import logging
import os
import re
import uuid
from collections.abc import Mapping, Sequence

from harness.pylog_broker.storage.errors import CorruptLog, StorageFailed
from harness.pylog_broker.storage.filesystem import FileSystem, read_file, write_file

logger = logging.getLogger(__name__)

FILE_NAME = "partition.metadata"
DELETED_SUFFIX = "-delete"
_DOOMED = re.compile(r".+-\d+\.[0-9a-f]{32}-delete")


def encode_owner(topic_id: uuid.UUID) -> bytes:
    """The bytes of `partition.metadata`, with the id as Kafka prints it."""
    text = base64.urlsafe_b64encode(topic_id.bytes).rstrip(b"=").decode()
    return f"version: 0\ntopic_id: {text}\n".encode()


def owner_of(file_system: FileSystem, directory: str) -> uuid.UUID | None:
    """The topic id that a folder names; None for a folder that names none. Raises CorruptLog for a file that says nothing."""
    path = os.path.join(directory, FILE_NAME)
    try:
        data = read_file(file_system, path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fields = dict(line.split(": ", 1) for line in data.decode("ascii").splitlines())
        return uuid.UUID(bytes=base64.urlsafe_b64decode(fields["topic_id"] + "=="))
    except (ValueError, KeyError) as error:
        raise CorruptLog(f"{path} does not name a topic id: {error}") from error


def _readable_owner(file_system: FileSystem, directory: str) -> uuid.UUID | None:
    """As `owner_of`, and None for a file that says nothing: it is not synced, so that is what a power cut makes of it."""
    try:
        return owner_of(file_system, directory)
    except CorruptLog as error:
        logger.warning("%s", error)
        return None


def claim(file_system: FileSystem, directory: str, topic_id: uuid.UUID) -> None:
    """Write the owner into a folder that names none; raises OSError, and CorruptLog where it names another topic."""
    owner = _readable_owner(file_system, directory)
    if owner is None:
        write_file(file_system, os.path.join(directory, FILE_NAME), encode_owner(topic_id), durable=False)
    elif owner != topic_id:
        raise _foreign(directory, owner, topic_id)


def _foreign(directory: str, owner: uuid.UUID, topic_id: uuid.UUID) -> CorruptLog:
    path = os.path.join(directory, FILE_NAME)
    return CorruptLog(
        f"{path} names the topic with id {owner}, the metadata says {topic_id}. If the data is that of the present topic, "
        f"delete that file; else move the folder away"
    )


def refuse_foreign_data(file_system: FileSystem, directory: str, topic_id: uuid.UUID) -> None:
    """A folder with segments that no topic owns is somebody's data: raise StorageFailed, never write into it."""
    try:
        names = file_system.listdir(directory)
    except FileNotFoundError:
        return
    if FILE_NAME in names and _readable_owner(file_system, directory) != topic_id:  # of a creation that failed half way
        file_system.unlink(os.path.join(directory, FILE_NAME))
    if any(name.endswith(".log") and file_system.stat(os.path.join(directory, name)).st_size for name in names):
        raise StorageFailed(f"{directory} holds segments that belong to no topic; move that folder away")


def doom(file_system: FileSystem, directory: str, topic_id: uuid.UUID) -> str:
    """Rename a deleted topic's folder, so that the name is free at once; the path it has now."""
    doomed = f"{directory}.{topic_id.hex}{DELETED_SUFFIX}"
    try:
        file_system.rename(directory, doomed)
    except OSError as error:
        logger.error("cannot delete %s: %s", directory, error)
    return doomed


def remove_folder(file_system: FileSystem, path: str) -> None:
    """Delete a folder of files, the one that names the owner last; what cannot be deleted is logged."""
    try:
        for name in sorted(file_system.listdir(path), key=lambda name: name == FILE_NAME):
            file_system.unlink(os.path.join(path, name))
        file_system.rmdir(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        logger.error("cannot delete %s: %s", path, error)


def remove_strays(file_system: FileSystem, data_dir: str, live: Mapping[str, uuid.UUID], doomed: Sequence[str]) -> None:
    """Delete the folders of deleted topics that a crash left behind, renamed already or not.

    `live` maps the folder of each partition to its topic id; `doomed` are folders that a broker of format 1 had noted. The
    folder of a partition that exists is never deleted: raises CorruptLog where it names another topic.
    """
    for folder in doomed:
        former = folder.rpartition(".")[0]
        if former not in live:
            remove_folder(file_system, os.path.join(data_dir, former))
    for name in file_system.listdir(data_dir):
        path = os.path.join(data_dir, name)
        if name in doomed or _DOOMED.fullmatch(name):
            remove_folder(file_system, path)
            continue
        owner = _readable_owner(file_system, path) if name != ".lock" else None
        if owner is None or owner == live.get(name):
            continue
        if name in live:
            raise _foreign(path, owner, live[name])
        logger.info("%s belongs to a deleted topic and is removed", path)
        remove_folder(file_system, path)
