"""What a face needs from its event loop. Everything else is shared."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Coroutine
from typing import Any, Callable, Protocol

from sluice.address import Address


class Waiter(Protocol):
    """Wakes one task, once."""

    def wake(self) -> None:
        """Ends the wait, now or before it begins. Further calls do nothing."""

    def wait(self) -> Awaitable[Any]:
        """Waits until ``wake``, or until the task is cancelled."""

    async def settle(self) -> None:
        """Waits until ``wake``, also if the task is cancelled meanwhile, any number of times."""


class Wire(Protocol):
    """A stream of bytes to the server."""

    def write(self, data: bytes) -> None:
        """Sends the bytes in the background."""

    def unsent(self) -> int:
        """Returns how many bytes the server's host has not acknowledged."""

    def close(self) -> None:
        """Closes the stream at once."""


class Runtime(Protocol):
    """An event loop, as far as a face needs it."""

    #: The exception by which a task is cancelled.
    @property
    def cancelled(self) -> type[BaseException]: ...

    #: Whether a task that catches its cancellation is cancelled again at its next wait. If so, a cancelled operation
    #: that has happened all the same returns its result.
    persists: bool

    def now(self) -> float:
        """Returns the time of a clock that never goes back, in seconds."""

    def waiter(self) -> Waiter: ...

    async def sleep(self, seconds: float) -> None: ...

    async def checkpoint(self) -> None:
        """Raises the cancellation if the task has been cancelled already."""

    def alarm(self, when: float | None, ring: Callable[[], None]) -> None:
        """Calls ``ring`` at that time. There is one alarm: another time replaces it, None removes it."""

    def soon(self, work: Callable[..., None], *arguments: Any) -> None:
        """Calls a function in the event loop. May itself be called from any thread, and by the garbage collector."""

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Runs the work in a task of its own, which ends with the runtime."""

    async def dial(
        self,
        address: Address,
        tls: ssl.SSLContext | None,
        timeout: float,
        received: Callable[[bytes], None],
        ended: Callable[[BaseException | None], None],
    ) -> Wire:
        """Connects. From then on, calls ``received`` for the bytes that come, and ``ended`` once.

        Raises OSError, also for an error of TLS and after ``timeout`` seconds.
        """

    async def __aenter__(self) -> Any: ...

    async def __aexit__(self, *error: Any) -> bool | None: ...
