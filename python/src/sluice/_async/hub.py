"""The hub of a server, for tasks."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Callable, NoReturn, overload

from sluice._async.channel import Channel
from sluice._async.ends import OnDeath, ReceiveEnd, SendEnd
from sluice._async.link import Link
from sluice._async.ports import Meeting, PortOperation
from sluice._async.selecting import select
from sluice._async.traces import Trace
from sluice._protocol import commands
from sluice.address import Address
from sluice.errors import ClientClosed
from sluice.values import Codec, Selected


class Hub:
    """The hub of a server, over one connection. All tasks of the event loop may use it."""

    def __init__(self, address: Address, new_link: Callable[[], Link]) -> None:
        self._address = address
        self._new_link = new_link
        self._open_link: Link | None = None

    @property
    def _link(self) -> Link:
        if self._open_link is None:
            raise ClientClosed("the client is not connected: use it with async with")
        return self._open_link

    def __repr__(self) -> str:
        link = self._open_link
        if link is None:
            return f"<sluice.Hub {self._address} not connected>"
        state = "closed" if link.has_ended else f"connection {link.conversation.connection}"
        return f"<sluice.Hub {self._address} {state}>"

    @overload
    def channel(self, name: str) -> Channel[bytes]: ...
    @overload
    def channel(self, name: str, codec: Codec) -> Channel[Any]: ...
    @overload
    def channel(self, name: str, codec: None) -> Channel[bytes]: ...
    def channel(self, name: str, codec: Codec | None = None) -> Channel[Any]:
        """Returns a channel. With a codec, such as the module ``json``, it sends and receives values, not bytes."""
        return Channel(self._link, name, codec)

    def sender(self, name: str, codec: Codec | None = None, *, on_death: OnDeath | None = None) -> SendEnd[Any]:
        """Returns an end that ``async with`` joins as a sender: the channel is closed when its last sender has left.

        If the connection is lost, the end leaves too; with ``on_death="poison"`` the channel is poisoned.
        """
        return SendEnd(self._link, name, codec, on_death)

    def receiver(self, name: str, codec: Codec | None = None, *, on_death: OnDeath | None = None) -> ReceiveEnd[Any]:
        """Returns an end that ``async with`` joins as a receiver. Everything else is as with ``sender``."""
        return ReceiveEnd(self._link, name, codec, on_death)

    # Choosing and meeting

    async def select(
        self,
        *arms: PortOperation[Any],
        timeout: float | None = None,
        order: str | None = None,
        otherwise: bool = False,
    ) -> Selected:
        """Waits for the first of several arms: see ``sluice.aio.select``."""
        return await select(*arms, timeout=timeout, order=order, otherwise=otherwise)

    def barrier(self, name: str, parties: int, *, timeout: float | None = None) -> Meeting:
        """Waits until so many parties have come to the barrier. Raises ``TimedOut`` after ``timeout`` seconds."""
        return Meeting(self._link, name, parties, timeout)

    def meeting(self, name: str, parties: int | None = None) -> Meeting:
        """Returns an arm of a select that waits at a barrier. Without ``parties``, the other parties set the number."""
        return Meeting(self._link, name, parties)

    # Looking inside

    async def ping(self) -> None:
        """Waits until the server answers. It has then begun all earlier operations of this client."""
        await self._link.ask(commands.ping())

    async def info(self) -> dict[str, Any]:
        """Returns the server's report on itself: see INFO in docs/protocol.md."""
        page: dict[str, Any] = json.loads((await self._link.ask(commands.report("info"))).body)
        return page

    async def channels(self, prefix: str | None = None) -> list[dict[str, Any]]:
        """Returns a report on the channels whose names begin with the prefix: see CHANNELS in docs/protocol.md."""
        return await self._pages("channels", "channels", prefix)

    async def waiters(self, channel: str | None = None) -> list[dict[str, Any]]:
        """Returns a report on the operations that wait, on a channel or on all: see WAITERS in docs/protocol.md."""
        return await self._pages("waiters", "waiters", channel)

    async def clients(self) -> list[dict[str, Any]]:
        """Returns a report on the connections: see CLIENTS in docs/protocol.md."""
        return await self._pages("clients", "clients", None)

    async def stuck(self) -> list[dict[str, Any]]:
        """Returns the cycles of clients that wait for each other: see STUCK in docs/protocol.md."""
        return await self._pages("stuck", "cycles", None)

    def trace(self, prefix: str | None = None) -> Trace:
        """Iterates over the handoffs of all clients from now on: see TRACE in docs/protocol.md."""
        return Trace(self._link, prefix)

    async def kill(self, *, client: str | None = None, principal: str | None = None, reason: str | None = None) -> int:
        """Closes the connections from the address ``client``, or of a principal. Returns how many."""
        reply = await self._link.ask(commands.kill(client=client, principal=principal, reason=reason))
        return int(reply.attributes.get("connections", "0"))

    async def label(self, label: str, *, waits_all: bool = False) -> None:
        """Gives the connection a label for the server's reports.

        ``waits_all`` declares that the client waits for nothing but its pending operations, so that ``stuck`` can prove
        that it is stuck.
        """
        await self._link.ask(commands.name(label, waits_all))

    @property
    def epoch(self) -> int:
        """A number that changes with every restart of the server."""
        greeting = self._link.conversation.greeting
        return 0 if greeting is None else greeting.epoch

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection at this moment. Without one, operations wait for the next connection."""
        return self._link.conversation.is_ready

    async def _pages(self, verb: str, key: str, operand: str | None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        after = None
        while True:
            reply = await self._link.ask(commands.report(verb, operand, after=after))
            rows += json.loads(reply.body).get(key, [])
            after = reply.attributes.get("more")
            if after is None:
                return rows

    # The connection

    async def close(self) -> None:
        """Ends the connection. Pending operations raise ``ClientClosed``; messages under a lease go back."""
        await self._link.close()

    async def abort(self) -> None:
        """Drops the connection as a crash does: joined ends die, as their ``on_death`` says.

        For tests of what other clients do then.
        """
        self._link.abort()

    def __await__(self) -> NoReturn:
        raise TypeError("connect with `async with connect(...) as hub:`, which also closes the connection")

    async def __aenter__(self) -> Hub:
        self._open_link = link = self._new_link()
        runtime = link.runtime
        await runtime.__aenter__()
        try:
            await link.open()
        except BaseException:
            await runtime.__aexit__()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._link.close()
        finally:
            await self._link.runtime.__aexit__()
