"""Operations that begin when they are awaited, or become arms of a select."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

from sluice._protocol import Arm, Reply

T = TypeVar("T")


class Pending(Coroutine[Any, Any, T], Generic[T]):
    """An operation of a channel that has not begun.

    ``await`` it, start it as a task, or pass it to ``select``. It can be used once. It is a coroutine, but nothing
    happens, and nothing is wrong, if it is never awaited.
    """

    __slots__ = ("_coroutine",)

    def __init__(self) -> None:
        self._coroutine: Coroutine[Any, Any, T] | None = None

    async def _run(self) -> T:
        """Runs the operation."""
        raise NotImplementedError

    def arm(self) -> Arm:
        """Returns the operation as an arm of a select."""
        raise NotImplementedError

    def taken(self, reply: Reply, connection: int) -> Any:
        """Returns what a select that took this arm has received."""
        raise NotImplementedError

    def _begin(self) -> Coroutine[Any, Any, T]:
        if self._coroutine is None:
            self._coroutine = self._run()
        return self._coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        return self._begin().__await__()

    def send(self, value: Any) -> Any:
        return self._begin().send(value)

    def throw(self, *error: Any) -> Any:
        return self._begin().throw(*error)

    def close(self) -> None:
        if self._coroutine is not None:
            self._coroutine.close()

    def __getattr__(self, name: str) -> Any:
        # Event loops look at cr_frame, cr_running and the like.
        if name.startswith("cr_"):
            return getattr(self._begin(), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
