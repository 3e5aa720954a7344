"""Wakes a thread that waits in a selector."""

from __future__ import annotations

import contextlib
import os

_ONE = (1).to_bytes(8, "little")


class Waker:
    """A descriptor that becomes readable when another thread wakes its owner."""

    def __init__(self) -> None:
        if hasattr(os, "eventfd"):
            self._reader = self._writer = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self._reader, self._writer = os.pipe()
            os.set_blocking(self._reader, False)
            os.set_blocking(self._writer, False)

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._reader

    def wake(self) -> None:
        """Makes the descriptor readable."""
        with contextlib.suppress(BlockingIOError):  # it is readable already
            os.write(self._writer, _ONE)

    def clear(self) -> None:
        """Makes the descriptor unreadable."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._reader, 4096)

    def __del__(self) -> None:
        # Not before: a thread that is about to wake the owner must not write to a descriptor that is another's now.
        os.close(self._reader)
        if self._writer != self._reader:
            os.close(self._writer)
