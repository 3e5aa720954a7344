"""Traces of handoffs, for threads."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import deque
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from sluice._protocol import Arrived, Operation, commands
from sluice._threads.engine import Engine
from sluice.errors import SluiceError

_MOST_KEPT = 10_000


class Trace:
    """Iterates over the handoffs of all clients. Close it to end the trace.

    A loop that is too slow misses the oldest handoffs.
    """

    def __init__(self, engine: Engine, prefix: str | None) -> None:
        self._engine = engine
        self._lines: deque[bytes] = deque(maxlen=_MOST_KEPT)
        self._signal = threading.Lock()
        self._signal.acquire()
        self._ending: SluiceError | None = None
        self._operation = Operation(commands.trace(prefix), waiter=self)
        engine.submit(self._operation)

    def arrived(self, event: Arrived) -> None:
        """Takes a line."""
        self._lines.append(event.reply.body)
        self._notify()

    def ended(self, operation: Operation) -> None:
        """Takes the end."""
        try:
            operation.result()
        except SluiceError as error:
            self._ending = error
        self._notify()

    def _notify(self) -> None:
        if self._signal.locked():
            with contextlib.suppress(RuntimeError):
                self._signal.release()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        while not self._lines:
            if self._ending is not None:
                if self._operation.cancelled:
                    raise StopIteration
                raise self._ending
            self._signal.acquire()
        handoff: dict[str, Any] = json.loads(self._lines.popleft())
        return handoff

    def close(self) -> None:
        """Ends the trace."""
        operation = self._operation
        self._engine.submit(lambda: self._engine.conversation.cancel(operation))

    def __enter__(self) -> Trace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
