"""Traces of handoffs, for tasks."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Any

from sluice._async.link import Link
from sluice._async.runtime import Waiter
from sluice._protocol import Arrived, Operation, commands

_MOST_KEPT = 10_000


class _Lines:
    """What has come and was not read."""

    def __init__(self) -> None:
        self.lines: deque[bytes] = deque(maxlen=_MOST_KEPT)
        self.has_ended = False
        self.waiter: Waiter | None = None

    def arrive(self, event: Arrived) -> None:
        self.lines.append(event.reply.body)
        self._wake_reader()

    def wake(self) -> None:
        self.has_ended = True
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self.waiter is not None:
            self.waiter.wake()


class Trace(AsyncIterator[dict[str, Any]]):
    """Iterates over the handoffs of all clients. Close it to end the trace; garbage collection does so too.

    It begins with ``async with``, or with the first step of the loop. A loop that is too slow misses
    the oldest handoffs.
    """

    def __init__(self, link: Link, prefix: str | None) -> None:
        self._link = link
        self._lines = _Lines()
        self._operation = Operation(commands.trace(prefix), self._lines)
        self._has_begun = False
        self._is_closed = False

    def __aiter__(self) -> Trace:
        return self

    async def __anext__(self) -> dict[str, Any]:
        await self._link.checkpoint()
        self._begin()
        lines = self._lines
        while not lines.lines:
            if lines.has_ended:
                if not self._is_closed:
                    self._link.result(self._operation)
                raise StopAsyncIteration
            lines.waiter = self._link.runtime.waiter()
            try:
                await lines.waiter.wait()
            finally:
                lines.waiter = None
        handoff: dict[str, Any] = json.loads(lines.lines.popleft())
        return handoff

    def _begin(self) -> None:
        if not self._has_begun and not self._is_closed:
            self._has_begun = True
            self._link.submit(self._operation)

    def close(self) -> None:
        """Ends the trace."""
        if not self._is_closed:
            self._is_closed = True
            self._lines.wake()
            if self._has_begun:
                self._link.abandon(self._operation)

    async def aclose(self) -> None:
        """Is the same as ``close``, for ``contextlib.aclosing``."""
        self.close()

    async def __aenter__(self) -> Trace:
        """Begins the trace, and returns when the server has begun it too."""
        self._begin()
        await self._link.ask(commands.ping())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if self._has_begun and not self._is_closed:
            with suppress(Exception):
                self._link.soon(self._link.abandon, self._operation)
