"""What is known of the process that a thread runs."""

from __future__ import annotations

import threading
import weakref
from typing import Any, Protocol

from sluice.csp._network import Share


class Running(Protocol):
    """A process that was started."""

    def join_report(self) -> Any:
        """Waits for its end, and returns what its function has returned."""

    def has_ended_well(self) -> bool:
        """Whether it has ended and not failed."""


class Context:
    """What a process has spawned and made."""

    def __init__(self, id: str, is_process: bool) -> None:
        self.id = id
        #: False for a thread that no process runs in, such as the main thread.
        self.is_process = is_process
        self.spawned: list[Running] = []
        self._prune_at = 64
        #: What it waits for at this moment.
        self.waits = ""
        #: When it failed, by ``time.monotonic``; 0.0 if it has not.
        self.failed_at = 0.0
        #: The channel ends that it has made. They are poisoned when it fails.
        self.ends: weakref.WeakSet[Any] = weakref.WeakSet()
        #: How often FairSelect has chosen each channel, by the place of the call.
        self.choices: dict[tuple[str, int], weakref.WeakKeyDictionary[Share, int]] = {}

    def add_spawned(self, process: Running) -> None:
        """Adds a process that its parent waits for at its end."""
        if len(self.spawned) >= self._prune_at:
            self.spawned = [each for each in self.spawned if not each.has_ended_well()]
            self._prune_at = 2 * len(self.spawned) + 64
        self.spawned.append(process)


class _Local(threading.local):
    context: Context | None = None


_local = _Local()


def current() -> Context:
    """Returns the context of this thread."""
    context = _local.context
    if context is None:
        thread = threading.current_thread()
        context = _local.context = Context(f"{thread.name}.{thread.ident}", is_process=False)
    return context


class waiting:
    """Records, during a block, what the process of this thread waits for."""

    __slots__ = ("_context", "_for")

    def __init__(self, what: str) -> None:
        self._context = current()
        self._for = what

    def __enter__(self) -> None:
        self._context.waits = self._for

    def __exit__(self, *_: object) -> None:
        self._context.waits = ""


def enter(context: Context) -> None:
    """Sets the context of this thread."""
    _local.context = context


def current_process_id() -> str:
    """Returns a string that no other process of this program has."""
    return current().id
