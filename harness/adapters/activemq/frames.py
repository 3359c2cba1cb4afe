"""STOMP 1.2 frames as bytes, so that many go out in one write.

stomp.py sends one frame a call, through a dictionary and a sort; joined frames cost a tenth of that. Header values are escaped as the
specification's section "Value Encoding" says. Bodies always carry their length, since they may contain NUL.
"""

from __future__ import annotations

from collections.abc import Iterable

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", ":": "\\c"})

Header = tuple[str, str]


def escaped(value: str) -> str:
    return value.translate(_ESCAPES)


def head(command: str, headers: Iterable[Header]) -> bytes:
    """Command and headers of a frame, without the blank line that ends them."""
    lines = [command, *(f"{escaped(name)}:{escaped(value)}" for name, value in headers), ""]
    return "\n".join(lines).encode()


def frame(command: str, headers: Iterable[Header], body: bytes = b"") -> bytes:
    """A whole frame. A body that is not empty gets a content-length."""
    length = b"content-length:%d\n" % len(body) if body else b""
    return b"%b%b\n%b\x00" % (head(command, headers), length, body)


def send(start: bytes, payload: bytes) -> bytes:
    """A SEND whose command and headers (``head``) are ready. An empty payload needs its length, too: it makes a bytes message."""
    return b"%bcontent-length:%d\n\n%b\x00" % (start, len(payload), payload)


def ack(ack_id: str, *, transaction: str = "") -> bytes:
    return _answer("ACK", ack_id, transaction)


def nack(ack_id: str) -> bytes:
    """To ActiveMQ this is poison: the message goes to the dead-letter queue, it is not handed out again."""
    return _answer("NACK", ack_id, "")


def _answer(command: str, ack_id: str, transaction: str) -> bytes:
    within = f"transaction:{transaction}\n" if transaction else ""
    return f"{command}\nid:{escaped(ack_id)}\n{within}\n\x00".encode()


def begin(transaction: str) -> bytes:
    return f"BEGIN\ntransaction:{transaction}\n\n\x00".encode()


def commit(transaction: str) -> bytes:
    """COMMIT that asks for a receipt under the transaction's own name."""
    return f"COMMIT\ntransaction:{transaction}\nreceipt:{transaction}\n\n\x00".encode()


def abort(transaction: str) -> bytes:
    """ABORT that asks for a receipt under the transaction's own name."""
    return f"ABORT\ntransaction:{transaction}\nreceipt:{transaction}\n\n\x00".encode()
