"""The runtime of anyio, under trio or asyncio."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Coroutine
from typing import Any, Callable

import anyio
import anyio.abc
import anyio.lowlevel
from anyio.streams.tls import TLSStream

from sluice._async.runtime import Waiter, Wire
from sluice._unsent import unacknowledged
from sluice.address import Address

_CHUNK_BYTES = 1 << 18


class _Waiter:
    __slots__ = ("_event", "wait")

    def __init__(self) -> None:
        self._event = anyio.Event()
        self.wait = self._event.wait

    def wake(self) -> None:
        self._event.set()

    async def settle(self) -> None:
        while not self._event.is_set():
            with anyio.CancelScope(shield=True):
                try:
                    await self._event.wait()
                except anyio.get_cancelled_exc_class():
                    # A task of asyncio was cancelled by other means than a scope.
                    continue


class _Wire:
    """Writes in a task of its own what tasks leave in its buffer."""

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self._stream = stream
        self._unsent: list[bytes] = []
        # How many bytes of the current write the stream has not taken.
        self._untaken = 0
        self._wakeup = anyio.Event()
        self._scope = anyio.CancelScope()

    def write(self, data: bytes) -> None:
        self._unsent.append(data)
        self._wakeup.set()

    def unsent(self) -> int:
        sock = self._stream.extra(anyio.abc.SocketAttribute.raw_socket, None)
        kept = sum(map(len, self._unsent)) + self._untaken
        return kept if sock is None else kept + unacknowledged(sock.fileno())

    def close(self) -> None:
        self._scope.cancel()

    async def run(self, received: Callable[[bytes], None], ended: Callable[[BaseException | None], None]) -> None:
        error: BaseException | None = None
        try:
            with self._scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(self._write)
                    error = await self._read(received)
                    group.cancel_scope.cancel()
        finally:
            ended(error)
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(self._stream)

    async def _read(self, received: Callable[[bytes], None]) -> BaseException | None:
        try:
            while True:
                received(await self._stream.receive(_CHUNK_BYTES))
        except anyio.EndOfStream:
            return None
        except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError) as error:
            return error

    async def _write(self) -> None:
        while True:
            if not self._unsent:
                self._wakeup = anyio.Event()
                await self._wakeup.wait()
            unsent, self._unsent = self._unsent, []
            data = unsent[0] if len(unsent) == 1 else b"".join(unsent)
            self._untaken = len(data)
            try:
                while self._untaken:
                    start = len(data) - self._untaken
                    piece = data if len(data) <= _CHUNK_BYTES else data[start : start + _CHUNK_BYTES]
                    await self._stream.send(piece)
                    self._untaken -= len(piece)
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
                return  # the reader sees the end as well


class AnyioRuntime:
    """Runs a hub on anyio. Its tasks belong to the ``async with`` of the hub."""

    persists = True

    def __init__(self) -> None:
        self.cancelled = anyio.get_cancelled_exc_class()
        self.now = anyio.current_time
        self._group = anyio.create_task_group()
        self._scopes: set[anyio.CancelScope] = set()
        self._soon = _soon()
        self._due: float | None = None
        self._ring: Callable[[], None] | None = None
        self._alarm_changed = anyio.Event()

    def waiter(self) -> Waiter:
        return _Waiter()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def checkpoint(self) -> None:
        await anyio.lowlevel.checkpoint_if_cancelled()

    def alarm(self, when: float | None, ring: Callable[[], None]) -> None:
        self._due = when
        self._ring = ring
        self._alarm_changed.set()

    async def _ring_alarms(self) -> None:
        while True:
            self._alarm_changed = anyio.Event()
            due = math.inf if self._due is None else self._due
            with anyio.CancelScope(deadline=due):
                await self._alarm_changed.wait()
                continue
            ring, self._due = self._ring, None
            if ring is not None:
                ring()

    def soon(self, work: Callable[..., None], *arguments: Any) -> None:
        self._soon(work, *arguments)

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._group.start_soon(self._shielded, work)

    async def _shielded(self, work: Callable[..., Coroutine[Any, Any, None]], *arguments: Any) -> None:
        # A cancelled task waits for the final reply of its operation, so the connection must outlive the cancellation
        # of a scope around both.
        with anyio.CancelScope(shield=True) as scope:
            self._scopes.add(scope)
            try:
                await work(*arguments)
            finally:
                self._scopes.discard(scope)

    async def dial(
        self,
        address: Address,
        tls: ssl.SSLContext | None,
        timeout: float,
        received: Callable[[bytes], None],
        ended: Callable[[BaseException | None], None],
    ) -> Wire:
        with anyio.fail_after(timeout):
            stream = await _connected(address, tls)
        wire = _Wire(stream)
        self._group.start_soon(self._shielded, wire.run, received, ended)
        return wire

    async def __aenter__(self) -> AnyioRuntime:
        await self._group.__aenter__()
        self.start(self._ring_alarms)
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._group.cancel_scope.cancel()
        for scope in list(self._scopes):
            scope.cancel()
        # Without the error of the body, which would come back in an ExceptionGroup.
        await self._group.__aexit__(None, None, None)


async def _connected(address: Address, tls: ssl.SSLContext | None) -> anyio.abc.ByteStream:
    stream: anyio.abc.ByteStream
    if address.path:
        stream = await anyio.connect_unix(address.path)
    else:
        stream = await anyio.connect_tcp(address.host, address.port)
    if tls is None:
        return stream
    try:
        return await TLSStream.wrap(stream, hostname=address.host or None, ssl_context=tls, standard_compatible=False)
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(stream)
        if isinstance(error, (anyio.BrokenResourceError, anyio.EndOfStream)):
            raise ConnectionError("the server has closed the connection during the TLS handshake") from error
        raise


def _soon() -> Callable[..., object]:
    """Returns the function by which other threads call functions in the running event loop."""
    try:
        return asyncio.get_running_loop().call_soon_threadsafe
    except RuntimeError:
        import trio

        return trio.lowlevel.current_trio_token().run_sync_soon
