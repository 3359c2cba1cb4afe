"""What the rest of this adapter expects of a client library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from harness.adapters.emulation.notes import Headers
from harness.model.messages import Outcome

COMMITTED: Final = -1001  # instead of an offset: where the group's last commit left off


@dataclass(frozen=True, slots=True)
class Fetched:
    """``n`` messages as read: lanes and offsets of shape (n,), one time for all of them; ``raws`` are the library's own objects."""

    payloads: list[bytes]
    lanes: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    received_ns: int
    raws: Sequence[object]

    def __len__(self) -> int:
        return len(self.payloads)


@dataclass(frozen=True, slots=True)
class Copy:
    """A message that an emulation publishes."""

    topic: str
    payload: bytes
    key: bytes | None
    headers: Headers


class Owner(Protocol):
    """Told about a member's share, inside ``LogConsumer.fetch``."""

    def assigned(self, lanes: list[int]) -> None: ...

    def revoked(self, lanes: list[int], *, lost: bool) -> None:
        """``lost``: somebody else may have them already, so nothing can be committed."""
        ...

    def commit_failed(self, lanes: list[int]) -> None: ...

    def commit_answered(self) -> None:
        """The commit that was under way is over, well or not."""
        ...


class LogConsumer(Protocol):
    """A member of a group. Each call raises BrokerUnavailable when the library gives up.

    ``glance_s`` is the shortest wait in which a ``fetch`` learns of what has arrived: 0 for a library that reads in the background.
    """

    @property
    def glance_s(self) -> float: ...

    def fetch(self, limit: int, timeout_s: float) -> Fetched:
        """What is there, up to ``limit``; waits only for the first one. Serves the group's business as well."""
        ...

    def commit(self, positions: Mapping[int, int], *, wait: bool) -> None: ...

    def pause(self, lanes: list[int]) -> None: ...

    def resume(self, lanes: list[int]) -> None: ...

    def start_offsets(self, lanes: list[int]) -> dict[int, int]: ...

    def seek(self, positions: Mapping[int, int]) -> None:
        """All lanes of this member, each with an offset or ``COMMITTED``; what was read ahead is dropped."""
        ...

    def key_of(self, raw: object) -> bytes | None: ...

    def headers_of(self, raw: object) -> Sequence[tuple[str, bytes | None]]: ...

    def close(self) -> None:
        """Leave the group. Commits nothing."""
        ...


class Copier(Protocol):
    """Publishes copies and waits for them."""

    def publish(self, copies: Sequence[Copy], timeout_s: float) -> list[Outcome]: ...

    def close(self) -> None: ...
