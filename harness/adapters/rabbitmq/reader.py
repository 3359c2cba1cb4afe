"""One lane of a stream as one member reads it: the consumer, the messages in hand, and how far they are settled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness.adapters.rabbitmq import frames
from harness.adapters.rabbitmq.lanes import LanePost
from harness.adapters.rabbitmq.link import Connection, Link
from harness.adapters.rabbitmq.places import PRIMER_OFFSET, LaneProgress, Place

OnStreamMessage = Callable[["LaneReader", int, Any, Any, bytes], None]


class LaneReader:
    """``term`` counts the beginnings: a delivery of an earlier one is nobody's any more. ``post`` keeps the tags that are unsettled.

    Not thread-safe: its owner locks around all but ``prepare`` and ``open_anew``, which run on the link's thread.
    """

    def __init__(
        self,
        link: Link,
        channel: int,
        stream: str,
        place_queue: str,
        post: LanePost,
        prefetch: int,
        on_message: OnStreamMessage,
    ) -> None:
        self.place_queue = place_queue
        self.post = post
        self.term = 0
        self.progress: LaneProgress | None = None
        self.reading = 0
        self._link = link
        self._number = channel
        self._stream = stream
        self._prefetch = prefetch
        self._on_message = on_message
        self._connection: Connection = None
        self._channel: Any = None
        self._closing = False
        self._noted = Place(0, PRIMER_OFFSET)
        self._under_way: Place | None = None
        self._held = False

    @property
    def holds_token(self) -> bool:
        return self._held

    @property
    def pending(self) -> bool:
        """More is settled than is written down, or it is being written down."""
        return self.progress is not None and (self._under_way is not None or self._news)

    @property
    def _news(self) -> bool:
        here = None if self.progress is None else (self.progress.settled, self.reading)
        return here is not None and here != (self._noted.offset, self._noted.reading)

    # -- the life of a term -----------------------------------------------------------------------------------------

    def begin(self) -> int:
        """The token came. Returns the number of this term."""
        self._held = True
        self.term += 1
        self.progress = None
        self._under_way = None
        return self.term

    def start(self, place: Place, reading: int) -> None:
        """Go on where the last one stopped; from the beginning, where that was in an earlier reading than ``reading``."""
        self._noted = place
        self.reading = max(place.reading, reading)
        self.progress = LaneProgress(place.offset if place.reading >= reading else PRIMER_OFFSET)

    def to_the_start(self, reading: int) -> None:
        """Read everything again."""
        self.term += 1
        self.reading = reading
        self.progress = LaneProgress(PRIMER_OFFSET)
        self.post.unsettled.keep(0)

    def stop(self, read_ahead: Iterable[int]) -> None:
        """The lane is on its way to another member: read no more. On the link's thread."""
        self._held = False
        if self.progress is not None:
            self.progress.forget(read_ahead)
            self.post.unsettled.keep(len(self.progress))
        self._close()

    # -- reading ----------------------------------------------------------------------------------------------------

    def prepare(self, connection: Connection) -> None:
        self._connection = connection

    def open_anew(self) -> None:
        """Consume from behind the settled place on. A consumer that is there goes first, with its channel."""
        if self._channel is not None:
            self._close()
        elif not self._closing:
            self._connection.channel(channel_number=self._number, on_open_callback=self._consume)

    def _close(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None and channel.is_open:
            self._closing = True
            channel.close()

    def _consume(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._closed)
        channel.add_on_cancel_callback(lambda _frame: self._link.fail(f"stream {self._stream} is gone"))
        if self.progress is None or not self._held:
            self._close()
            return
        term = self.term
        channel.basic_qos(prefetch_count=self._prefetch)
        channel.basic_consume(
            self._stream,
            lambda _channel, method, properties, body: self._on_message(self, term, method, properties, body),
            arguments={"x-stream-offset": self.progress.settled + 1},
        )

    def _closed(self, _channel: Any, why: BaseException) -> None:
        if not self._closing:
            self._link.fail(f"the channel of {self._stream} was closed: {why}")
            return
        if self._held:  # closed in order to begin anew; pika forgets the number of this channel only after this call
            self._link.call(self._reopen)
        else:
            self._closing = False

    def _reopen(self) -> None:
        self._closing = False
        if self._held:
            self._connection.channel(channel_number=self._number, on_open_callback=self._consume)

    def read(self, term: int, offset: int, tag: int) -> bool:
        """Whether a message that came is this member's. The broker begins with a whole chunk, which may hold earlier ones."""
        if term != self.term or self.progress is None or self.post.closing:
            return False
        if offset <= self.progress.settled:
            self._link.send(frames.ack(self._number, tag, multiple=False))
            return False
        self.progress.read(offset)
        self.post.unsettled.add(tag)
        return True

    def settle(self, rows: Sequence[tuple[int, int]]) -> list[bytes]:
        """Mark (offset, tag) settled; returns the frames that give the broker credit for more."""
        if self.progress is None:
            return []
        self.progress.settle(offset for offset, _ in rows)
        acks = self.post.acknowledge(tag for _, tag in rows)
        if not self._held:
            return []  # the channel is gone
        return [frames.ack(self._number, tag, multiple=multiple) for tag, multiple in acks]

    # -- the place --------------------------------------------------------------------------------------------------

    def next_note(self) -> Place | None:
        """What is to be written down now; None where there is no news, or a note is under way."""
        if self.progress is None or self._under_way is not None or not self._news:
            return None
        self._under_way = Place(self._noted.serial + 1, self.progress.settled, self.reading)
        return self._under_way

    def noted(self) -> None:
        """The broker has the note that was under way."""
        if self._under_way is not None:
            self._noted, self._under_way = self._under_way, None
