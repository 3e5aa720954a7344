"""Measures the resources of a process, from /proc, and the latency that other clients see."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from processes import ChildFailed, start

_PROBE = Path(__file__).with_name("probe.py")


def cpu_seconds(pid):
    """Returns the processor time of all threads. The clock ticks of `stat` are too coarse to measure 1 %."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        # A thread may end meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text(encoding="ascii").split()[0])
    return total / 1e9


def resident_bytes(pid):
    # The counters in statm lag behind by some pages for each processor.
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise ChildFailed(f"/proc/{pid}/smaps_rollup has no line Rss")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_share(server, seconds):
    """Returns the share of one processor that the server uses while nothing is asked of it."""
    begin, before = time.monotonic(), server.cpu_seconds()
    time.sleep(seconds)
    return (server.cpu_seconds() - before) / (time.monotonic() - begin)


def settled(read, seconds=3.0):
    """Returns the lowest value within some seconds: the daemon returns freed memory to the system after a second."""
    lowest, end = read(), time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)
        lowest = min(lowest, read())
    return lowest


class Probe:
    """Another client, in a process of its own, that measures how long its handoffs take.

    `server` is the id of the server's process, whose first thread serves the probe. With it, `waits` knows which part
    of a wait is the server's, and which part is other programs' that used the processors.
    """

    def __init__(self, port, pause_seconds=0.001, server=None):
        # The pause keeps the probe from using much of the processors.
        command = [sys.executable, _PROBE, port, pause_seconds] + ([server] if server else [])
        self._process = start(command, stdout=subprocess.PIPE)
        self._line()

    def _line(self):
        line = self._process.stdout.readline()
        if not line:
            raise ChildFailed("the probe ended, because the server does not answer it")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def pause(self):
        """Stops the probe, so that the server has nothing to do."""
        self._process.send_signal(signal.SIGSTOP)

    def latencies(self):
        """Returns the sorted latencies since the last call, in seconds."""
        return sorted(seconds for seconds, _ in self._handoffs())

    def waits(self):
        """Returns the sorted latencies since the last call that the server caused, in seconds.

        They do not count the time for which the server or the probe was ready but had no processor. If the server does
        not answer the probe any more, the wait is infinite.
        """
        try:
            return sorted(seconds - delay for seconds, delay in self._handoffs())
        except ChildFailed:
            return [float("inf")]

    def _handoffs(self):
        self._process.send_signal(signal.SIGUSR1)
        return self._line()

    def percentile_99(self, seconds):
        self.latencies()
        time.sleep(seconds)
        return percentile_99(self.latencies())


def percentile_99(latencies):
    if not latencies:
        return float("inf")
    return latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)]
