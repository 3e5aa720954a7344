"""Loops over the messages of a channel, for tasks."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Generic, TypeVar

from sluice import errors
from sluice._async.link import Link
from sluice._async.ports import Port, Receive, received
from sluice._async.runtime import Waiter
from sluice._protocol import Arrived, Operation, commands
from sluice.errors import SluiceError

T = TypeVar("T")


class OneByOne(AsyncIterator[T]):
    """Receives a message when the loop asks for it, so that nothing is held when the loop is left."""

    def __init__(self, port: Port[T]) -> None:
        self._port = port

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        try:
            return await Receive[T](self._port)
        except errors.Closed:
            raise StopAsyncIteration from None


class Inbox:
    """Receives ahead of its reader, and keeps what has come until it is taken."""

    def __init__(
        self, port: Port[Any], lease: float | None, window: int, count: int | None, timeout: float | None
    ) -> None:
        if window < 1:
            raise errors.BadRequest(f"window must be at least 1, not {window}")
        commands.receive_many(port.name, count, timeout=timeout, lease=lease)  # checks the arguments
        self._port = port
        self._link: Link = port.link
        self.lease = lease
        self._window = window
        self._wanted = count
        self._timeout = timeout
        self._arrived: deque[Arrived] = deque()
        self._operation: Operation | None = None
        self._waiter: Waiter | None = None
        self._ending: SluiceError | None = None
        self._is_closed = False

    async def next(self) -> Arrived:
        """Returns the next message. Raises what ended the receive, or ``StopAsyncIteration``."""
        await self._link.checkpoint()
        while True:
            while self._arrived:
                event = self._arrived.popleft()
                if not self._link.has_gone(event):
                    self._top_up()
                    return event
            if self._is_closed:
                raise StopAsyncIteration
            if self._ending is not None:
                ending, self._ending = self._ending, None
                raise ending
            self._top_up()
            if self._operation is None:
                raise StopAsyncIteration
            self._waiter = self._link.runtime.waiter()
            try:
                await self._waiter.wait()
            finally:
                self._waiter = None

    def _top_up(self) -> None:
        """Asks for more messages when no request is pending and there is room for them."""
        if self._operation is not None or self._is_closed or self._wanted == 0:
            return
        count, window = self._wanted, self._window
        if self.lease is None:
            # Without a lease the server has no window: as many are asked for as there is room for.
            if 2 * len(self._arrived) > self._window:
                return
            room = self._window - len(self._arrived)
            count, window = room if self._wanted is None else min(room, self._wanted), 1
        command = commands.receive_many(
            self._port.name, count, timeout=self._timeout, lease=self.lease, window=min(window, count or window)
        )
        self._operation = operation = Operation(command, self)
        self._port.enter(operation)
        self._link.submit(operation)

    # What the link calls

    def arrive(self, event: Arrived) -> None:
        """Takes a message."""
        if self._is_closed or self._wanted == 0:
            self._link.give_back(event)
            return
        self._arrived.append(event)
        self._wake_reader()
        if self._wanted is not None:
            self._wanted -= 1
            operation = self._operation
            # A kept message was among them: the server owes one that nobody wants.
            if self._wanted == 0 and operation is not None and operation.lacks_messages:
                self._link.withdraw(operation)

    def wake(self) -> None:
        """Takes the end of the request."""
        operation, self._operation = self._operation, None
        if operation is not None:
            self._port.leave_operation(operation)
            try:
                self._port.check()
                self._link.result(operation)
            except SluiceError as error:
                if self._wanted != 0:
                    self._ending = error
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._waiter is not None:
            self._waiter.wake()

    def close(self) -> None:
        """Stops receiving, and gives back what was not taken."""
        self._is_closed = True
        # First, so that what is given back does not come here again.
        operation, self._operation = self._operation, None
        if operation is not None:
            self._port.leave_operation(operation)
            self._link.abandon(operation)
        while self._arrived:
            self._link.give_back(self._arrived.popleft())
        self._wake_reader()


class Messages(AsyncIterator[T], Generic[T]):
    """The messages of a channel, one after the other. Close it to stop receiving; garbage collection does so too.

    Iteration ends when the channel is closed, and after ``count`` messages. Messages that the loop has not taken when
    it is left or cancelled are not lost: those under a lease go back, and the others are for the next receive.
    """

    def __init__(
        self, port: Port[Any], *, lease: float | None, window: int, count: int | None, timeout: float | None
    ) -> None:
        self._port = port
        self._inbox: Inbox | None = Inbox(port, lease, window, count, timeout)

    def __aiter__(self) -> Messages[T]:
        return self

    async def __anext__(self) -> T:
        inbox = self._inbox
        if inbox is None:
            raise StopAsyncIteration
        try:
            event = await inbox.next()
        except (errors.Closed, StopAsyncIteration):
            self.close()
            raise StopAsyncIteration from None
        except errors.TimedOut:
            raise
        except BaseException:
            self.close()
            raise
        value: T = received(self._port, event.reply, event.connection, inbox.lease)
        return value

    def close(self) -> None:
        """Stops receiving. Messages that were not taken go back if they are leased, or else to the next receive."""
        inbox, self._inbox = self._inbox, None
        if inbox is not None:
            inbox.close()

    async def aclose(self) -> None:
        """Is the same as ``close``, for ``contextlib.aclosing``."""
        self.close()

    async def __aenter__(self) -> Messages[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        inbox = getattr(self, "_inbox", None)
        if inbox is not None:
            with suppress(Exception):
                self._port.link.soon(inbox.close)
