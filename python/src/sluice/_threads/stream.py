"""Iterators over the messages of a channel, for threads."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

from sluice import errors
from sluice._protocol import Arrived, Operation, commands
from sluice._threads.arms import received
from sluice._threads.engine import Engine
from sluice.errors import SluiceError
from sluice.values import Codec

T = TypeVar("T")


class Stream(Generic[T]):
    """Receives the messages of a channel ahead of the loop that takes them. One thread at a time may use it.

    Iteration ends when the channel is closed, and after ``count`` messages. Messages that the loop has not taken when
    the stream is closed are not lost: those under a lease go back, and the others are for the next receive.
    """

    def __init__(
        self,
        engine: Engine,
        channel: str,
        codec: Codec | None,
        *,
        lease: float | None,
        window: int,
        count: int | None,
        timeout: float | None,
    ) -> None:
        if window < 1:
            raise errors.BadRequest(f"window must be at least 1, not {window}")
        commands.receive_many(channel, count, timeout=timeout, lease=lease)  # checks the arguments
        self._engine = engine
        self._channel = channel
        self._codec = codec
        self._lease = lease
        self._window = window
        self._wanted = count
        self._timeout = timeout
        # The engine's thread appends; the thread that iterates takes. `_signal` is free when there is something new.
        self._arrived: deque[Arrived] = deque()
        self._signal = threading.Lock()
        self._signal.acquire()
        self._ending: SluiceError | None = None
        self._is_complete = False
        # Only for the engine's thread:
        self._operation: Operation | None = None
        self._closed = False

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        arrived = self._arrived
        if not arrived:
            self._wait()
        event = arrived[0]
        try:
            value: Any = received(self._engine, event.reply, event.connection, self._lease, self._codec)
        except Exception:
            del arrived[0]  # the codec cannot read it, now or later
            raise
        if self._lease is None and 2 * len(arrived) <= self._window < 2 * len(arrived) + 2:
            self._engine.submit(self._top_up)
        # Nothing can interrupt the thread from here on, so the message is either in the queue or with the caller.
        del arrived[0]
        if self._lease is not None:
            value._settled = False
        return value  # type: ignore[no-any-return]

    def _wait(self) -> None:
        while not self._arrived:
            if self._is_complete:
                raise StopIteration
            ending = self._ending
            if ending is not None:
                if isinstance(ending, errors.Closed):
                    raise StopIteration
                self._ending = None
                raise ending
            self._engine.submit(self._top_up)
            self._signal.acquire()

    # On the engine's thread

    def _top_up(self) -> None:
        """Asks for more messages when no request is pending and there is room for them."""
        if self._operation is not None or self._closed or self._is_complete:
            return
        if self._wanted == 0:
            if not self._arrived:
                self._is_complete = True
                self._notify()
            return
        if self._lease is not None:
            count, window = self._wanted, self._window
        else:
            count, window = self._window - len(self._arrived), 1
            if count < 1:
                return
            if self._wanted is not None:
                count = min(count, self._wanted)
        command = commands.receive_many(
            self._channel, count, timeout=self._timeout, lease=self._lease, window=min(window, count or window)
        )
        self._operation = Operation(command, waiter=self)
        self._engine.submit_here(self._operation)

    def arrived(self, event: Arrived) -> None:
        """Takes a message."""
        if self._closed or self._wanted == 0:
            self._engine.conversation.give_back(event.reply, event.connection)
            return
        self._arrived.append(event)
        self._notify()
        if self._wanted is not None:
            self._wanted -= 1
            operation = self._operation
            # A kept message was among them: the server owes one that nobody wants.
            if self._wanted == 0 and operation is not None and operation.lacks_messages:
                self._engine.conversation.cancel(operation)

    def ended(self, operation: Operation) -> None:
        """Takes the end of a request."""
        self._operation = None
        try:
            operation.result()
        except SluiceError as error:
            if self._wanted != 0:
                self._ending = error
            self._notify()
        else:
            if self._wanted == 0 and not self._arrived:
                self._is_complete = True
                self._notify()
            elif len(self._arrived) * 2 <= self._window:
                self._top_up()

    def _notify(self) -> None:
        if self._signal.locked():
            with contextlib.suppress(RuntimeError):
                self._signal.release()

    def _end(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._operation is not None:
            self._engine.conversation.abandon(self._operation)
        while self._arrived:
            event = self._arrived.popleft()
            self._engine.conversation.give_back(event.reply, event.connection)
        self._is_complete = True
        self._notify()

    # The end

    def close(self) -> None:
        """Stops receiving."""
        self._engine.submit(self._end)


class Messages(Generic[T]):
    """The messages of a channel, one after the other. Close it to stop receiving; garbage collection does so too."""

    def __init__(self, stream: Stream[T]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        return self._stream.__next__()

    def close(self) -> None:
        """Stops receiving. Messages that were not taken go back if they are leased, or else to the next receive."""
        self._stream.close()

    def __enter__(self) -> Messages[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self._stream.close()
