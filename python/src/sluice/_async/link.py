"""Keeps a conversation connected, and wakes the tasks that wait for its operations."""

from __future__ import annotations

import logging
import ssl
from collections import Counter
from typing import Any, Callable, Protocol
from weakref import WeakValueDictionary

from sluice._async.runtime import Runtime, Waiter, Wire
from sluice._protocol.backoff import Backoff
from sluice._protocol.commands import Command
from sluice._protocol.conversation import Conversation
from sluice._protocol.operations import Arrived, Broken, Ended, LeaseLost, Operation, Ready, Stage
from sluice._protocol.replies import Reply
from sluice.address import Address
from sluice.errors import ClientClosed, ConnectionLost, SluiceError, Withdrawn

log = logging.getLogger("sluice")


class _Connection:
    """One connection, from the attempt to its end."""

    def __init__(self, gone: Waiter) -> None:
        self.gone = gone
        self.was_ready = False
        self.has_ended = False
        self.is_final = False
        self.cause: SluiceError = ConnectionLost("the server closed the connection")

    def end(self, error: BaseException | None) -> None:
        """Ends it because of an error of the operating system, or because the server has closed it."""
        if not self.has_ended:
            self.has_ended = True
            if error is not None:
                self.cause = ConnectionLost(f"the connection was lost: {error}")
                self.cause.__cause__ = error
            self.gone.wake()

    def fail(self, event: Broken) -> None:
        """Ends it because of an error of the protocol, or because the server does not answer."""
        if not self.has_ended:
            self.has_ended = True
            self.cause = event.error
            self.is_final = event.final
            self.gone.wake()


class Losable(Protocol):
    """A delivery, as far as the link knows it."""

    is_lost: bool


class _Nobody:
    """The waiter of an operation whose end does not matter."""

    @staticmethod
    def wake() -> None:
        pass


def has_happened(operation: Operation) -> bool | None:
    """Returns whether an operation that has ended has happened; None if that is in doubt."""
    if operation.error is not None:
        return None if operation.error.in_doubt else False
    reply = operation.reply
    # A message that was given back leaves no reply.
    return False if reply is None else _HAPPENED.get(reply.kind, False)


_HAPPENED: dict[str, bool | None] = {"OK": True, "DATA": True, "MSG": True, "END": True, "MAYBE": None}


class Link:
    """The only user of a conversation, in the tasks of one event loop."""

    def __init__(
        self,
        runtime: Runtime,
        conversation: Conversation,
        address: Address,
        tls: ssl.SSLContext | None,
        backoff: Backoff | None,
    ) -> None:
        self.runtime = runtime
        self.conversation = conversation
        self.address = address
        self._tls = tls
        self._backoff = backoff
        self._connection: _Connection | None = None
        self._wire: Wire | None = None
        self._alarm: float | None = None
        #: The deliveries whose leases are renewed.
        self.deliveries: WeakValueDictionary[tuple[int, str], Losable] = WeakValueDictionary()
        #: How many open ends of this client share one JOIN, by the channel and the side.
        self.ends: Counter[tuple[str, str]] = Counter()
        self._opened = runtime.waiter()
        self._is_open = False
        self._first_error: SluiceError | None = None
        self._ended = runtime.waiter()
        self.has_ended = False
        self._is_closing = False

    # Operations

    async def checkpoint(self) -> None:
        """Raises the cancellation if the task has been cancelled already, where the event loop can tell."""
        if self.runtime.persists:
            await self.runtime.checkpoint()

    async def ask(self, command: Command, connection: int | None = None) -> Reply:
        """Runs a command to its end. Raises the exception that its reply stands for."""
        operation = Operation(command, None, connection)
        await self.run(operation)
        return operation.result()

    async def run(self, operation: Operation, *, is_checkpoint: bool = True) -> None:
        """Runs an operation to its end. Raises the exception that its reply stands for.

        A task that is cancelled meanwhile withdraws the operation and waits for its final reply. A message that came
        first is given back: to the next receive, or to its channel if it is leased.
        """
        runtime = self.runtime
        if is_checkpoint and runtime.persists:
            await runtime.checkpoint()
        operation.waiter = waiter = runtime.waiter()
        self.conversation.submit(operation, runtime.now())
        self.act()
        if operation.stage is not Stage.ENDED:
            try:
                await waiter.wait()
            except runtime.cancelled:
                await self._withdraw(operation)
                if not (runtime.persists and has_happened(operation)):
                    raise
            except BaseException:
                # The coroutine is closed and cannot wait.
                self.conversation.abandon(operation)
                self.act()
                raise
        self.result(operation)

    def result(self, operation: Operation) -> Reply:
        """Returns the final reply if it is a success; otherwise raises the exception that it stands for."""
        try:
            return operation.result()
        except Withdrawn:
            if self._is_closing:
                raise ClientClosed("the client was closed") from None
            raise

    async def _withdraw(self, operation: Operation) -> None:
        self.conversation.decline(operation)
        self.act()
        if operation.stage is not Stage.ENDED:
            await operation.waiter.settle()

    def withdraw(self, operation: Operation) -> None:
        """Ends an operation of another task, which gets its final reply."""
        self.conversation.cancel(operation)
        self.act()

    def abandon(self, operation: Operation) -> None:
        """Ends an operation that nobody waits for."""
        self.conversation.abandon(operation)
        self.act()

    def tell(self, command: Command, connection: int | None = None) -> None:
        """Submits a command without waiting for its reply."""
        self.submit(Operation(command, _Nobody, connection))

    def submit(self, operation: Operation) -> None:
        """Begins an operation whose waiter is set."""
        self.conversation.submit(operation, self.runtime.now())
        self.act()

    def give_back(self, arrived: Arrived) -> None:
        """Returns a message that nobody has got."""
        self.conversation.give_back(arrived.reply, arrived.connection)
        self.act()

    def has_gone(self, arrived: Arrived) -> bool:
        """Whether a message under a lease has gone back with its connection."""
        return "did" in arrived.reply.attributes and arrived.connection != self.conversation.connection

    def soon(self, work: Callable[..., None], *arguments: Any) -> None:
        """Calls a function in the event loop, from anywhere, unless the client was closed."""
        if not self.has_ended:
            self.runtime.soon(work, *arguments)

    # What the conversation wants

    def act(self) -> None:
        """Does what the conversation wants: wakes tasks, writes bytes, sets the alarm."""
        conversation = self.conversation
        for event in conversation.events():
            if isinstance(event, Ended):
                event.operation.waiter.wake()
            elif isinstance(event, Arrived):
                event.operation.waiter.arrive(event)
            elif isinstance(event, LeaseLost):
                delivery = self.deliveries.pop((event.connection, event.did), None)
                if delivery is not None:
                    delivery.is_lost = True
            elif isinstance(event, Ready):
                self._is_open = True
                self._opened.wake()
                if self._connection is not None:
                    self._connection.was_ready = True
            elif isinstance(event, Broken) and self._connection is not None:
                self._connection.fail(event)
        data = conversation.data_to_send()
        if data and self._wire is not None:
            self._wire.write(data)
        due = conversation.next_time()
        # An alarm that rings too early does no harm.
        if due is not None and (self._alarm is None or due < self._alarm):
            self._alarm = due
            self.runtime.alarm(due, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self.conversation.tick(self.runtime.now(), 0 if self._wire is None else self._wire.unsent())
        self.act()

    # The connection

    async def open(self) -> None:
        """Connects. Raises the error of the first attempt."""
        self.runtime.start(self._stay_connected)
        await self._opened.wait()
        if self._first_error is not None:
            raise self._first_error

    async def close(self) -> None:
        """Says QUIT and waits until the server has answered, or does not answer for a while."""
        self._is_closing = True
        self.conversation.close()
        self.act()
        if self._wire is not None and not self.has_ended:
            await self._ended.settle()
        self._end(ClientClosed("the client was closed"))

    def abort(self) -> None:
        """Drops the connection without ``QUIT``, and does not reconnect."""
        self._is_closing = True
        self._end(ClientClosed("the client was closed"))
        if self._connection is not None:
            self._connection.end(None)

    async def _stay_connected(self) -> None:
        """Connects again and again, until the conversation ends."""
        failures = 0
        while not self.has_ended:
            connection = await self._connect_once()
            if connection.was_ready:
                failures = 0
            if self.has_ended:
                return
            if not self._is_open:
                # The first attempt has failed: its caller decides.
                self._first_error = connection.cause
                return self._end(connection.cause)
            if connection.is_final or self._backoff is None or self._is_closing:
                if not self._is_closing:
                    log.warning("%s: %s; not connecting again", self.address, connection.cause)
                return self._end(connection.cause)
            self.conversation.lost(connection.cause, False, self.runtime.now())
            self.act()
            delay = self._backoff.delay(failures)
            failures += 1
            log.info("%s: %s; connecting again in %.1f s", self.address, connection.cause, delay)
            await self.runtime.sleep(delay)

    async def _connect_once(self) -> _Connection:
        """Connects, and returns when the connection has come to its end."""
        connection = self._connection = _Connection(self.runtime.waiter())
        try:
            wire = await self.runtime.dial(
                self.address,
                self._tls,
                self.conversation.connect_timeout,
                self._received_on(connection),
                connection.end,
            )
        except OSError as error:
            connection.cause = ConnectionLost(f"cannot connect to {self.address}: {error or 'it does not answer'}")
            connection.cause.__cause__ = error
            connection.is_final = isinstance(error, ssl.SSLCertVerificationError)
            connection.has_ended = True
            return connection
        if self.has_ended:
            # The client was closed meanwhile.
            wire.close()
            return connection
        self._wire = wire
        try:
            self.conversation.connected(self.runtime.now())
            self.act()
            await connection.gone.wait()
        finally:
            self._wire = None
            wire.close()
        return connection

    def _received_on(self, connection: _Connection) -> Callable[[bytes], None]:
        def received(data: bytes) -> None:
            # After an error, no more bytes are read.
            if not connection.has_ended:
                self.conversation.receive_data(data, self.runtime.now())
                self.act()

        return received

    def _end(self, cause: SluiceError) -> None:
        """Ends the conversation for good."""
        if self.has_ended:
            return
        self.has_ended = True
        self.conversation.lost(cause, True, self.runtime.now())
        self.act()
        self._opened.wake()
        self._ended.wake()
        kept = self.conversation.kept.take_all()
        if kept:
            log.warning("%d messages for receivers that had stopped waiting were lost", len(kept))
