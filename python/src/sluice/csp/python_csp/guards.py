"""The guards of python-csp's ``csp.guards``: timers and barriers."""

from __future__ import annotations

import threading
import time

from sluice.csp import _guards
from sluice.csp.python_csp._channel import Guard

__all__ = ["Barrier", "Timer"]


class Timer(Guard):
    """A guard that is ready at the time of its alarm, or always if it has none."""

    def __init__(self) -> None:
        self.now = time.time()
        self.name = f"timer made at {self.now}"
        self.alarm: float | None = None

    def set_alarm(self, timeout: float) -> None:
        """Makes it ready after ``timeout`` seconds."""
        self.alarm = time.monotonic() + timeout

    def read(self) -> float:
        """Returns the time, in seconds since 1970."""
        self.now = time.time()
        return self.now

    def sleep(self, timeout: float) -> None:
        """Waits for ``timeout`` seconds."""
        time.sleep(timeout)

    def _as_guard(self) -> _guards.Guard:
        left = 0.0 if self.alarm is None else self.alarm - time.monotonic()
        return _guards.TimeoutGuard(left) if left > 0 else _guards.SkipGuard()

    def _chosen(self) -> None:
        return None


class Barrier:
    """A barrier for the threads of a program. ``Hub.barrier`` is one for programs."""

    def __init__(self, participants: int = 0) -> None:
        self._condition = threading.Condition()
        self._round = 0
        self.reset(participants)

    def reset(self, participants: int) -> None:
        """Sets the number of participants. None of them has arrived."""
        with self._condition:
            self.participants = self.not_ready = participants

    def enrol(self) -> None:
        """Adds a participant."""
        with self._condition:
            self.participants += 1
            self.not_ready += 1

    def retire(self) -> None:
        """Removes a participant."""
        with self._condition:
            self.participants -= 1
            self._arrive()

    def synchronise(self) -> None:
        """Waits until all participants have arrived."""
        with self._condition:
            before = self._round
            self._arrive()
            self._condition.wait_for(lambda: self._round != before)

    def _arrive(self) -> None:
        self.not_ready -= 1
        if self.not_ready <= 0:
            self.not_ready = self.participants
            self._round += 1
            self._condition.notify_all()
