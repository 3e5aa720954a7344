"""Runs a test on each asynchronous face: asyncio, and anyio's under asyncio and under trio."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from typing import Any, Callable

import anyio
import anyio.lowlevel
import pytest
from anyio import wait_all_tasks_blocked
from background import PATIENCE_SECONDS

from sluice.testing import Daemon

#: The module of each face, and the event loop that it runs under.
FACES: dict[str, tuple[str, str]] = {
    "asyncio": ("sluice.aio", "asyncio"),
    "anyio-asyncio": ("sluice.anyio", "asyncio"),
    "anyio-trio": ("sluice.anyio", "trio"),
}


class Face:
    """A face, and a daemon of its own."""

    def __init__(self, name: str, daemon: Daemon) -> None:
        self.name = name
        self.daemon = daemon
        self.backend = FACES[name][1]
        self.module: Any = import_module(FACES[name][0])
        self.select = self.module.select

    def connect(self, address: str | None = None, **options: Any) -> Any:
        return self.module.connect(address or self.daemon.address, **options)

    hub = connect

    async def settled(self, *hubs: Any) -> None:
        """Returns when each task waits, and the daemon has run every command of the hubs."""
        await wait_all_tasks_blocked()
        for hub in hubs:
            await hub.ping()

    @asynccontextmanager
    async def pair(self, capacity: int = 0) -> AsyncIterator[Pair]:
        async with AsyncExitStack() as stack:
            left = await stack.enter_async_context(self.connect(label="left"))
            right = await stack.enter_async_context(self.connect(label="right"))
            # A channel is opened anew for each pair.
            await left.channel("jobs").open(capacity=capacity)
            sending = await left.sender("jobs")
            receiving = await right.receiver("jobs")
            yield Pair(self, left, right, sending, receiving)


class Pair:
    """The two ends of a channel, on connections of their own."""

    def __init__(self, face: Face, left: Any, right: Any, sending: Any, receiving: Any) -> None:
        self.face = face
        self.left = left
        self.right = right
        self.sending = sending
        self.receiving = receiving

    async def settled(self) -> None:
        await self.face.settled(self.left, self.right)

    async def expect(self, error: type[Exception], operation: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
        with pytest.raises(error):
            await operation(*arguments)

    async def statistics(self) -> dict[str, Any]:
        report = await self.left.channels("jobs")
        rows: list[dict[str, Any]] = [row for row in report if row["name"] == "jobs"]
        row = rows[0]
        return {
            "senders": row["senders"],
            "receivers": row["receivers"],
            "buffered": row["buffered"],
            "ends": (row["sendingEnds"], row["receivingEnds"]),
        }


def run(face: Face, test: Callable[..., Awaitable[None]], *arguments: Any) -> None:
    """Runs a test under the face's event loop, for a bounded time."""

    async def bounded() -> None:
        with anyio.fail_after(PATIENCE_SECONDS):
            await test(*arguments)

    anyio.run(bounded, backend=face.backend)


def everywhere(test: Callable[[Face], Awaitable[None]]) -> Callable[..., None]:
    """Makes an asynchronous test of a face a test of each of them."""
    return on(*FACES)(test)


def on(*names: str) -> Callable[[Callable[[Face], Awaitable[None]]], Callable[..., None]]:
    """Makes an asynchronous test of a face a test of these."""

    def decorate(test: Callable[[Face], Awaitable[None]]) -> Callable[..., None]:
        @pytest.mark.parametrize("face_name", names)
        def synchronous(face_name: str) -> None:
            with Daemon() as daemon:
                face = Face(face_name, daemon)
                run(face, test, face)

        functools.update_wrapper(synchronous, test, assigned=("__name__", "__qualname__", "__doc__", "__module__"))
        del synchronous.__wrapped__  # type: ignore[attr-defined]
        return synchronous

    return decorate


class Started:
    """An operation in a task of its own. Awaiting it returns what the operation returned, or raises its exception."""

    def __init__(self, group: Any, operation: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
        self._done = anyio.Event()
        self._result: Any = None
        self._error: Exception | None = None
        group.start_soon(self._run, operation, arguments)

    async def _run(self, operation: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...]) -> None:
        try:
            self._result = await operation(*arguments)
        except Exception as error:
            self._error = error
        self._done.set()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._wait().__await__()

    async def _wait(self) -> Any:
        await self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result


async def until_waiting(hub: Any, number: int) -> None:
    """Asks the server, again and again, until so many operations wait."""
    while len(await hub.waiters()) != number:
        pass
