"""The broker's one owner of users, access rules and quotas."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from harness.pylog_broker.controller.image import EMPTY_IMAGE, MetadataImage
from harness.pylog_broker.controller.records import AclRecord
from harness.pylog_broker.security import acl_file
from harness.pylog_broker.security.acl import Authorizer, Operation, Pattern, Permission, Resource, Rule
from harness.pylog_broker.security.acl_file import AclFileError
from harness.pylog_broker.security.quotas import Quotas
from harness.pylog_broker.security.settings import SecuritySettings

if TYPE_CHECKING:
    from harness.pylog_broker.security.sasl import Exchange
    from harness.pylog_broker.security.scram import Credential
    from harness.pylog_broker.security.users import UserDirectory

SCRAM_CODES = {"SCRAM-SHA-256": 1, "SCRAM-SHA-512": 2}
"""Kafka's ScramMechanism."""

logger = logging.getLogger(__name__)


class Security:
    """What the settings and the metadata ask for. Without any of it, everyone is anonymous and may do everything."""

    def __init__(self, settings: SecuritySettings) -> None:
        """Reads the users' file and the file of rules. Raises UsersFileError, AclFileError."""
        self.settings = settings
        self.quotas = Quotas(settings.quota_windows, settings.quota_window_s)
        self.authorizer = Authorizer(None)
        self.restricts = False
        """Whether any request can be refused or slowed down: the fast paths that know of neither are closed then."""
        self.file_rules: frozenset[Rule] = frozenset()
        """The rules of `acl.file`; those made by CreateAcls are in the metadata image."""
        self._image = EMPTY_IMAGE
        self._users: UserDirectory | None = None
        self._acl_path = settings.acl_file or None
        self._acl_stamp = self._stamp()
        if self._acl_path is not None:
            self.file_rules = acl_file.load(self._acl_path)
        self._decide_anew()
        if settings.users_file:
            _warn_if_open(settings.users_file)
            self.users  # noqa: B018  read now: a mistake in the file must stop the start

    def follow(self, image: MetadataImage) -> None:
        """Take rules, credentials and quotas of a new metadata image."""
        before, self._image = self._image, image
        if image.acls is not before.acls:
            self._decide_anew()
        if image.quotas is not before.quotas:
            self.quotas.replace(image.quotas)
            self.restricts = self.authorizer.enabled or self.quotas.active

    # --- who ---------------------------------------------------------------------------------------------------------

    @property
    def users(self) -> UserDirectory:
        """The users, read when they are first asked for."""
        if self._users is None:
            from pathlib import Path

            from harness.pylog_broker.security.users import UserDirectory, load_users

            passwords = dict(self.settings.jaas_users)
            if self.settings.users_file:
                passwords.update(load_users(Path(self.settings.users_file)))
            self._users = UserDirectory(passwords, self._stored_credential)
        return self._users

    def _stored_credential(self, mechanism: str, user: str) -> Credential | None:
        from harness.pylog_broker.security.scram import Credential

        record = self._image.scram.get((user, SCRAM_CODES[mechanism]))
        if record is None:
            return None
        salt, stored_key, server_key = map(bytes.fromhex, (record.salt, record.stored_key, record.server_key))
        return Credential(salt, stored_key, server_key, record.iterations)

    def begin(self, mechanism: str) -> Exchange:
        """A new SASL exchange of an enabled mechanism."""
        from harness.pylog_broker.security import sasl

        return sasl.begin(mechanism, self.users, os.urandom)

    # --- what --------------------------------------------------------------------------------------------------------

    def reload_if_changed(self) -> None:
        """Read the file of rules again when somebody has edited it; a file that cannot be read changes nothing."""
        if self._acl_path is None or (stamp := self._stamp()) == self._acl_stamp:
            return
        self._acl_stamp = stamp
        try:
            self.file_rules = acl_file.load(self._acl_path)
        except AclFileError as error:
            logger.error("%s; the rules in force stay as they are", error)
            return
        logger.info("access rules read again from %s", self._acl_path)
        self._decide_anew()

    def _decide_anew(self) -> None:
        rules = None
        if self.settings.access_rules:
            rules = self.file_rules.union(map(rule_of, self._image.acls.values()))
        self.authorizer = Authorizer(
            rules,
            super_users=self.settings.super_users,
            open_without_rule=self.settings.open_without_rule,
        )
        self.restricts = self.authorizer.enabled or self.quotas.active

    def _stamp(self) -> tuple[int, int] | None:
        if self._acl_path is None:
            return None
        try:
            status = os.stat(self._acl_path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size


def rule_of(record: AclRecord) -> Rule:
    """A rule as the authorizer knows it."""
    return Rule(
        Resource(record.resource_type),
        record.resource_name,
        Pattern(record.pattern_type),
        record.principal,
        record.host,
        Operation(record.operation),
        Permission(record.permission),
    )


def _warn_if_open(path: str) -> None:
    try:
        readable = os.stat(path).st_mode & 0o044
    except OSError:
        return
    if readable:
        logger.warning("%s can be read by other users of this machine; chmod 600 it", path)
