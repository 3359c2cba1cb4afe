"""Freezing a container: the runtime's "unable to freeze" is asked again, anything else is not."""

from __future__ import annotations

from typing import Any

import pytest
from docker.errors import APIError

from harness.brokers import container as room
from harness.brokers.container import Container


class Handle:
    def __init__(self, *errors: str) -> None:
        self.errors = list(errors)
        self.asked = 0

    def pause(self) -> None:
        self.asked += 1
        if self.errors:
            raise APIError(self.errors.pop(0))


def container(handle: Handle, monkeypatch: pytest.MonkeyPatch) -> Container:
    monkeypatch.setattr(room, "FREEZE_PAUSE_S", 0.0)
    made: Any = Container.__new__(Container)
    made._handle = handle
    return made  # type: ignore[no-any-return]


BUSY = "OCI runtime pause failed: unable to freeze: unknown"


def test_a_busy_one_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    handle = Handle(BUSY, BUSY)
    container(handle, monkeypatch).freeze()
    assert handle.asked == 3


@pytest.mark.parametrize(("errors", "asked"), [((BUSY,) * 9, room.FREEZE_ATTEMPTS), (("no such container",), 1)])
def test_it_gives_up(errors: tuple[str, ...], asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = Handle(*errors)
    with pytest.raises(APIError):
        container(handle, monkeypatch).freeze()
    assert handle.asked == asked
