"""The runtime of asyncio."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any, Callable

from sluice._async.runtime import Waiter, Wire
from sluice._unsent import unacknowledged
from sluice.address import Address


class _Waiter:
    __slots__ = ("_future", "_is_awake", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._future: asyncio.Future[None] = loop.create_future()
        self._is_awake = False

    def wake(self) -> None:
        self._is_awake = True
        if not self._future.done():
            self._future.set_result(None)

    def wait(self) -> asyncio.Future[None]:
        return self._future

    async def settle(self) -> None:
        while not self._is_awake:
            # The task's cancellation has cancelled the future that it waited for.
            self._future = self._loop.create_future()
            try:
                await self._future
            except asyncio.CancelledError:
                continue


class _Wire(asyncio.Protocol):
    """Collects what is written in one turn of the loop and sends it with one call of the system."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        received: Callable[[bytes], None],
        ended: Callable[[BaseException | None], None],
    ) -> None:
        self._loop = loop
        self._received = received
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._unsent: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._ended(exc)

    def write(self, data: bytes) -> None:
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(data)

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, []
        if self._transport is not None:
            self._transport.write(unsent[0] if len(unsent) == 1 else b"".join(unsent))

    def unsent(self) -> int:
        if self._transport is None:
            return 0
        kept = sum(map(len, self._unsent)) + self._transport.get_write_buffer_size()
        sock = self._transport.get_extra_info("socket")
        return kept if sock is None else kept + unacknowledged(sock.fileno())

    def close(self) -> None:
        if self._transport is not None:
            self._flush() if self._unsent else None
            self._transport.abort() if self._transport.get_write_buffer_size() else self._transport.close()


class AsyncioRuntime:
    """Runs a hub on the running asyncio loop."""

    cancelled = asyncio.CancelledError
    persists = False

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.now = self._loop.time

    def waiter(self) -> Waiter:
        return _Waiter(self._loop)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def checkpoint(self) -> None:
        """Does nothing: asyncio raises a cancellation at the next wait."""

    def alarm(self, when: float | None, ring: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if when is None else self._loop.call_at(when, ring)

    def soon(self, work: Callable[..., None], *arguments: Any) -> None:
        self._loop.call_soon_threadsafe(work, *arguments)

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = self._loop.create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def dial(
        self,
        address: Address,
        tls: ssl.SSLContext | None,
        timeout: float,
        received: Callable[[bytes], None],
        ended: Callable[[BaseException | None], None],
    ) -> Wire:
        def wire() -> _Wire:
            return _Wire(self._loop, received, ended)

        connecting: Coroutine[Any, Any, tuple[asyncio.Transport, _Wire]]
        if address.path:
            name = address.host or None if tls else None
            connecting = self._loop.create_unix_connection(wire, address.path, ssl=tls, server_hostname=name)
        else:
            connecting = self._loop.create_connection(wire, address.host, address.port, ssl=tls)
        try:
            _, made = await asyncio.wait_for(connecting, timeout)
        except asyncio.TimeoutError:
            # Before Python 3.11, this is not an OSError.
            raise TimeoutError("it does not answer") from None
        return made

    async def __aenter__(self) -> AsyncioRuntime:
        return self

    async def __aexit__(self, *error: Any) -> None:
        self.alarm(None, lambda: None)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
