"""The broker's one owner of users, access rules and quotas."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.pylog_broker.security import acl_file
from harness.pylog_broker.security.acl import Authorizer, Rule
from harness.pylog_broker.security.acl_file import AclFileError
from harness.pylog_broker.security.quotas import Quotas
from harness.pylog_broker.security.settings import SecuritySettings

if TYPE_CHECKING:
    from harness.pylog_broker.security.sasl import Exchange
    from harness.pylog_broker.security.users import UserDirectory

logger = logging.getLogger(__name__)


class Security:
    """What the settings ask for. Without any of it, everyone is anonymous and may do everything."""

    def __init__(self, settings: SecuritySettings) -> None:
        """Reads the users' file and the file of rules. Raises UsersFileError, AclFileError."""
        self.settings = settings
        self.quotas = Quotas(settings.quota_windows, settings.quota_window_s)
        self.authorizer = Authorizer(None)
        self._users: UserDirectory | None = None
        self._acl_path = Path(settings.acl_file) if settings.acl_file else None
        self._acl_stamp: tuple[int, int] | None = None
        if settings.access_rules:
            self._take(acl_file.load(self._acl_path) if self._acl_path and self._acl_path.exists() else ())
            self._acl_stamp = self._stamp()
        if settings.users_file:
            _warn_if_open(settings.users_file)
            self.users  # noqa: B018  read now: a mistake in the file must stop the start

    # --- who ---------------------------------------------------------------------------------------------------------

    @property
    def users(self) -> UserDirectory:
        """The users, read when they are first asked for."""
        if self._users is None:
            from harness.pylog_broker.security.users import UserDirectory, load_users

            passwords = dict(self.settings.jaas_users)
            if self.settings.users_file:
                passwords.update(load_users(Path(self.settings.users_file)))
            self._users = UserDirectory(passwords)
        return self._users

    def begin(self, mechanism: str) -> Exchange:
        """A new SASL exchange of an enabled mechanism."""
        from harness.pylog_broker.security import sasl

        return sasl.begin(mechanism, self.users, secrets.token_bytes)

    # --- what --------------------------------------------------------------------------------------------------------

    def change_rules(self, added: frozenset[Rule], removed: frozenset[Rule]) -> None:
        """Add and remove rules, in the file first. Raises OSError when it cannot be written."""
        rules = (self.authorizer.rules - removed) | added
        if self._acl_path is not None:
            acl_file.save(self._acl_path, rules)
            self._acl_stamp = self._stamp()
        self._take(rules)

    def reload_if_changed(self) -> None:
        """Read the file of rules again when somebody has edited it; a file that cannot be read changes nothing."""
        if self._acl_path is None or (stamp := self._stamp()) == self._acl_stamp:
            return
        self._acl_stamp = stamp
        try:
            self._take(acl_file.load(self._acl_path))
            logger.info("access rules read again from %s", self._acl_path)
        except AclFileError as error:
            logger.error("%s; the rules in force stay as they are", error)

    def _take(self, rules: Iterable[Rule]) -> None:
        self.authorizer = Authorizer(
            rules,
            super_users=self.settings.super_users,
            open_without_rule=self.settings.open_without_rule,
        )

    def _stamp(self) -> tuple[int, int] | None:
        assert self._acl_path is not None or not self.settings.acl_file
        if self._acl_path is None:
            return None
        try:
            status = os.stat(self._acl_path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size


def _warn_if_open(path: str) -> None:
    try:
        readable = os.stat(path).st_mode & 0o044
    except OSError:
        return
    if readable:
        logger.warning("%s can be read by other users of this machine; chmod 600 it", path)
