"""Users and what proves that they are themselves: the users' file, JAAS settings, and credentials made over the protocol."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.pylog_broker.security import scram
from harness.pylog_broker.security.scram import Credential
from harness.pylog_broker.security.settings import SecurityFileError

FILE_BYTES_MAX = 1 << 20
USERS_MAX = 10_000


class UsersFileError(SecurityFileError):
    """The users' file cannot be read; the message names file, line and remedy."""


def load_users(path: Path) -> dict[str, str]:
    """User to password from lines `name = password`; `#` begins a comment line. Raises UsersFileError."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise UsersFileError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsersFileError(f"sasl.users.file={path} cannot be read: {error}") from None
    users: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, found, password = (part.strip() for part in line.partition("="))
        if not found or not name or not password:
            raise UsersFileError(f"{path}:{number}: a line is `name = password`")
        if name in users:
            raise UsersFileError(f"{path}:{number}: {name} is there twice")
        users[name] = password
    if len(users) > USERS_MAX:
        raise UsersFileError(f"{path}: {len(users)} users; at most {USERS_MAX}")
    return users


class UserDirectory:
    """`sasl.Users`: configured passwords, and SCRAM credentials from `stored`, which wins where both know a user.

    A configured user's SCRAM credential is made from its password when it is first asked for, and remembered.
    """

    def __init__(
        self,
        passwords: Mapping[str, str],
        stored: Callable[[str, str], Credential | None] = lambda _mechanism, _user: None,
    ) -> None:
        self._passwords = dict(passwords)
        self._stored = stored
        self._made: dict[tuple[str, str], Credential] = {}
        self.secret = secrets.token_bytes(32)

    def password(self, user: str) -> str | None:
        """The configured password."""
        return self._passwords.get(user)

    def credential(self, mechanism: str, user: str) -> Credential | None:
        """The stored credential, else the configured user's."""
        stored = self._stored(mechanism, user)
        if stored is not None:
            return stored
        password = self._passwords.get(user)
        if password is None:
            return None
        key = (mechanism, user)
        if key not in self._made:
            self._made[key] = scram.from_password(mechanism, password, secrets.token_bytes(scram.SALT_BYTES))
        return self._made[key]
