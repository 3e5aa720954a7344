"""Operations that begin when they are awaited, or become arms of a select."""

from __future__ import annotations

import warnings
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

from sluice._protocol import Arm, Reply

T = TypeVar("T")


class Pending(Coroutine[Any, Any, T], Generic[T]):
    """An operation of a channel that has not begun.

    ``await`` it, start it as a task, or pass it to ``select``. It can be used once. Nothing happens if it is never
    awaited, but a warning says so.
    """

    __slots__ = ("_coroutine", "_is_used")

    def __init__(self) -> None:
        self._is_used = False
        self._coroutine: Coroutine[Any, Any, T] | None = None

    async def _run(self) -> T:
        """Runs the operation."""
        raise NotImplementedError

    def as_arm(self) -> Arm:
        """Uses the operation as an arm of a select."""
        self._is_used = True
        return self.arm()

    def arm(self) -> Arm:
        """Returns the operation as an arm of a select."""
        raise NotImplementedError

    def taken(self, reply: Reply, connection: int) -> Any:
        """Returns what a select that took this arm has received."""
        raise NotImplementedError

    def _begin(self) -> Coroutine[Any, Any, T]:
        if self._coroutine is None:
            self._is_used = True
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

    def __del__(self) -> None:
        if not getattr(self, "_is_used", True):
            warnings.warn(f"{self!r} was never awaited", RuntimeWarning, stacklevel=2, source=self)

    def __getattr__(self, name: str) -> Any:
        # Event loops look at cr_frame, cr_running and the like.
        if name.startswith("cr_"):
            return getattr(self._begin(), name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
