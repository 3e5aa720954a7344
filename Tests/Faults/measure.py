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
#: What docs/security.md permits a connection beyond its charge.
UNCHARGED_BYTES = 36 << 10


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


def roughly_resident_bytes(pid):
    """Returns the same, within some hundred kilobytes. It takes much less time if the process is large."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


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

    With `is_web`, `port` is that of the web door, and the client measures requests that ask the hub. `server` is the id
    of the server's process, whose first thread serves the probe. With it, `waits` knows which part of a wait is the
    server's, and which part is other programs' that used the processors.
    """

    def __init__(self, port, pause_seconds=0.001, server=None, is_web=False):
        # The pause keeps the probe from using much of the processors.
        protocol = "web" if is_web else "line"
        command = [sys.executable, _PROBE, protocol, port, pause_seconds] + ([server] if server else [])
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


class Memory:
    """The most memory of a server, and the greatest charge in INFO, that some connections have caused."""

    def __init__(self, server, watcher, count):
        self._server, self._watcher, self._count = server, watcher, count
        self._charge_before, self._resident_before = watcher.info()["memoryBytes"], self._resident()
        self.charge = self.resident = 0

    def _resident(self):
        return sum(map(roughly_resident_bytes, self._server.pids))

    def watch(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            time.sleep(0.05)

    def look(self):
        """Takes note of what the server uses now. Returns INFO."""
        now = self._watcher.info()
        self.charge = max(self.charge, now["memoryBytes"] - self._charge_before)
        self.resident = max(self.resident, self._resident() - self._resident_before)
        return now

    @property
    def growth(self):
        """By how much the memory has grown for each byte of the charge, and of what need not be charged."""
        # A process that does little varies by some megabytes.
        return self.resident / max(self.charge + self._count * UNCHARGED_BYTES, 8 << 20)
