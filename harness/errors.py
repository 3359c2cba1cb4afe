"""Every error a person can meet: whose fault it is, what happened, and what to type next.

``code`` is stable (documentation and scripts may rely on it); ``exit_code`` follows the command line's convention:
0 done, 1 an expectation failed, 2 usage, 3 broker or environment missing, 4 not comparable, 5 measurement invalid,
130 interrupted.
"""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Whose fault an error is."""

    OURS = "ours"
    USER = "user"
    BROKER = "broker"
    ENVIRONMENT = "environment"


class HarnessError(Exception):
    """Base of all errors shown to a person: one sentence of cause, one command to go on with."""

    code: str = "H000"
    fault: Fault = Fault.OURS
    exit_code: int = 1

    def __init__(self, message: str, *, next_command: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.next_command = next_command

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.next_command)

    def as_document(self) -> dict[str, str | None]:
        """The error as ``--json`` prints it."""
        return {
            "code": self.code,
            "fault": str(self.fault),
            "message": self.message,
            "next_command": self.next_command,
        }


def _rebuild(kind: type[HarnessError], message: str, next_command: str | None) -> HarnessError:
    """Unpickle an error that crossed a process boundary."""
    return kind(message, next_command=next_command)


class UsageError(HarnessError):
    """Flags or arguments that make no sense together."""

    code = "H001"
    fault = Fault.USER
    exit_code = 2


class WorkloadError(HarnessError):
    """A workload file that cannot be understood; the message names file, line and the nearest key."""

    code = "H002"
    fault = Fault.USER
    exit_code = 2


class RunFolderError(HarnessError):
    """A run folder that is taken, missing, or not one."""

    code = "H003"
    fault = Fault.USER
    exit_code = 2


class HistoryError(HarnessError):
    """A history that is truncated or not one of ours."""

    code = "H004"
    fault = Fault.ENVIRONMENT
    exit_code = 5


class ResultError(HarnessError):
    """A result document that cannot be read or compared."""

    code = "H005"
    fault = Fault.USER
    exit_code = 4


class StateError(HarnessError):
    """The rehearsal's file of answers cannot be used: not ours, newer than this program, or unreadable."""

    code = "H007"
    fault = Fault.ENVIRONMENT
    exit_code = 3


class BrokerMissing(HarnessError):
    """The broker is not on this machine; ``next_command`` gets it."""

    code = "H010"
    fault = Fault.ENVIRONMENT
    exit_code = 3


class BrokerStartFailed(HarnessError):
    """The broker was started and did not become ready."""

    code = "H011"
    fault = Fault.BROKER
    exit_code = 3


class PortBusy(HarnessError):
    """Something else listens on the port."""

    code = "H012"
    fault = Fault.ENVIRONMENT
    exit_code = 3


class BrokerUnavailable(HarnessError):
    """The broker does not answer just now: the connection was lost or refused. The runner may connect again."""

    code = "H013"
    fault = Fault.BROKER
    exit_code = 3


class NotAllowedExternally(HarnessError):
    """The operation would start, kill or wipe a broker that is not ours."""

    code = "H014"
    fault = Fault.USER
    exit_code = 2


class ProvisioningFailed(HarnessError):
    """The broker refused to create what the workload needs."""

    code = "H015"
    fault = Fault.BROKER
    exit_code = 3


class Unsupported(HarnessError):
    """The adapter declares this need IMPOSSIBLE on this broker; the runner marks the cell, it does not fail."""

    code = "H016"
    fault = Fault.BROKER
    exit_code = 4


class DiskFull(HarnessError):
    """No room left where the history or a broker's data is written."""

    code = "H017"
    fault = Fault.ENVIRONMENT
    exit_code = 3


class WorkerDied(HarnessError):
    """A worker process ended without being asked to."""

    code = "H018"
    fault = Fault.OURS
    exit_code = 5


class ToolMissing(HarnessError):
    """A program that one experiment needs is not on this machine; ``next_command`` gets it."""

    code = "H019"
    fault = Fault.ENVIRONMENT
    exit_code = 3


class LoadEngineError(HarnessError):
    """Locust could not be started, or its workers are not what a run needs."""

    code = "H040"
    fault = Fault.ENVIRONMENT
    exit_code = 3


class Interrupted(HarnessError):
    """Ctrl-C: finished runs are kept."""

    code = "H130"
    fault = Fault.USER
    exit_code = 130
