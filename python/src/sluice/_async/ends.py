"""Sending and receiving ends: their channel is closed when the last one has left; for tasks."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, TypeVar

from sluice._async.channel import Channel
from sluice._async.link import Link
from sluice._async.runtime import Waiter
from sluice._protocol import Operation, commands
from sluice.errors import Closed, ConnectionLost, NotFound, Withdrawn
from sluice.values import Codec

T = TypeVar("T")
E = TypeVar("E", bound="End[Any]")
OnDeath = Literal["retire", "poison"]


class End(Channel[T]):
    """One end of a channel. ``async with`` or ``await`` joins; the channel is closed when all of a kind have left.

    Clones share the connection's ``JOIN``; the last one to leave sends ``LEAVE``.
    """

    _end = ""

    def __init__(self, link: Link, name: str, codec: Codec | None, on_death: OnDeath | None = None) -> None:
        super().__init__(link, name, codec)
        self._on_death = on_death
        self._is_open = False
        self._running: set[Operation] = set()
        self._idle: Waiter | None = None

    async def _join(self: E) -> E:
        if not self._is_open:
            self._is_open = True
            self.link.ends[self.name, self._end] += 1
            try:
                await self.link.ask(commands.join(self.name, self._end, self._on_death))
            except BaseException:
                await self.leave()
                raise
        return self

    def __await__(self: E) -> Generator[Any, Any, E]:
        return self._join().__await__()

    async def __aenter__(self: E) -> E:
        return await self._join()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.leave()

    def clone(self: E) -> E:
        """Returns another end of the same kind, which has to leave too."""
        self.check()
        twin = type(self)(self.link, self.name, self.codec, self._on_death)
        twin._is_open = True
        self.link.ends[self.name, self._end] += 1
        return twin

    async def leave(self) -> None:
        """Closes this end. Operations that wait on it raise ``Closed``.

        The channel is closed when the last end of its kind, of all clients, has left.
        """
        if not self._is_open:
            return
        self._is_open = False
        if self._running:
            self._idle = self.link.runtime.waiter()
            for operation in list(self._running):
                self.link.withdraw(operation)
            await self._idle.settle()
        self.link.ends[self.name, self._end] -= 1
        if self.link.ends[self.name, self._end] == 0:
            del self.link.ends[self.name, self._end]
            # The connection was lost, and with it the end; or the channel has ended.
            with suppress(ConnectionLost, NotFound):
                await self.link.run(Operation(commands.leave(self.name, self._end)), is_checkpoint=False)

    # What operations call

    def check(self) -> None:
        if not self._is_open:
            raise Closed(f"this end of channel {self.name} is closed", channel=self.name)

    def enter(self, operation: Operation) -> None:
        self.check()
        self._running.add(operation)

    def leave_operation(self, operation: Operation) -> None:
        self._running.discard(operation)
        if self._idle is not None and not self._running:
            self._idle.wake()

    async def run(self, operation: Operation) -> None:
        self.enter(operation)
        try:
            await self.link.run(operation)
        except Withdrawn:
            self.check()
            raise
        finally:
            self.leave_operation(operation)

    def __repr__(self) -> str:
        return f"<sluice.{type(self).__name__} {self.name} {'open' if self._is_open else 'closed'}>"


class SendEnd(End[T]):
    """A channel that this client sends on. Leave it, or use it as an asynchronous context manager."""

    _end = "send"


class ReceiveEnd(End[T]):
    """A channel that this client receives from. Leave it, or use it as an asynchronous context manager."""

    _end = "recv"
