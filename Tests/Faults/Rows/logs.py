"""A log that cannot be written: the daemon serves on, and ends."""

import signal
import time

from battery import Figure, exactly, row
from clients import Client
from measure import Probe

#: What happens to the lines of the log.
ERRORS = ("unread", "closed", "full")


@row(
    "logs",
    "stderr is a pipe that nobody reads, closed, or a full disk, while clients are refused",
    wrong={"choke": "clients served", "bad-exit": "expected exit statuses"},
)
def unwritten_logs(conditions):
    count = conditions.count(full=6_100, quick=700)
    served, statuses, longest, waits, growths = 0, 0, 0, [], []
    for errors in ERRORS:
        with conditions.daemon(errors=errors) as daemon, Probe(daemon.port, server=daemon.pids[0]) as probe:
            before = daemon.resident_bytes()
            probe.latencies()
            refused = sum(_is_refused(daemon.port) for _ in range(count))
            served += refused == count and _is_served(daemon.port)
            waits.append(probe.waits()[-1])
            growths.append(daemon.resident_bytes() - before)
            probe.pause()
            begin = time.monotonic()
            daemon.signal(signal.SIGTERM)
            status = daemon.wait(30)
            statuses += status == 0
            longest = max(longest, time.monotonic() - begin if status is not None else float("inf"))
    yield exactly("clients served", served, len(ERRORS))
    yield exactly("expected exit statuses", statuses, len(ERRORS))
    yield Figure("ended after", longest, "s", at_most=3)
    yield Figure("longest wait of another client", max(waits) * 1000, "ms", at_most=20)
    yield Figure("memory", max(growths) / 1024, "KiB", at_most=2048)
    yield Figure("clients refused", count * len(ERRORS))


def _is_refused(port):
    with Client(port) as client:
        client.socket.settimeout(5)
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        try:
            reply = client.reply()
        except TimeoutError:
            return False
        return reply is not None and reply.code == "not-sluice"


def _is_served(port):
    with Client(port) as client:
        client.socket.settimeout(5)
        client.send(b"ping\n")
        try:
            return client.reply() is not None
        except TimeoutError:
            return False
