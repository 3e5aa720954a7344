"""Measures time, and the part of it that other programs took the processors for."""

import os
import time


class Stopwatch:
    """A context manager that measures how long its block takes.

    `delayed_seconds` is the part of the time for which the first threads of the processes were ready to run, but other
    programs ran instead of them. A process is the number of one, or "self".
    """

    def __init__(self, *pids):
        self._schedules = []
        for pid in pids:
            self._schedules.append(os.open(f"/proc/{pid}/schedstat", os.O_RDONLY))

    def __enter__(self):
        self._delayed = self._delay()
        self._begin = time.perf_counter()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self._begin
        self.delayed_seconds = min(self.seconds, self._delay() - self._delayed)

    def __del__(self):
        for schedule in self._schedules:
            os.close(schedule)

    def _delay(self):
        return sum(int(os.pread(schedule, 100, 0).split()[1]) for schedule in self._schedules) / 1e9
