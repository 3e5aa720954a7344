"""Clients that do not read their replies."""

import time

from battery import Figure, row
from clients import Client
from measure import Probe, percentile_99, settled

#: The bytes of commands that are sent without reading a reply.
PIPELINED_BYTES = 64 << 20
QUESTION = b"ping " + b"x" * 1018 + b"\n"


@row(
    "unread",
    "64 MiB of commands are pipelined, and no reply is read",
    wrong={"hoard": "RSS", "late-close": "closed after"},
    timed=True,
)
def replies_that_nobody_reads(conditions):
    stall_seconds = conditions.count(full=10, quick=2)
    with conditions.daemon(stall_seconds=stall_seconds) as daemon, Probe(daemon.port) as probe:
        usual = probe.percentile_99(2)
        before = settled(daemon.resident_bytes, 0.5)
        with Client(daemon.port, small_window=True) as client:
            begin = time.monotonic()
            accepted, closed = _pipeline(client, begin + stall_seconds + 5, daemon)
        beside = probe.latencies()
    yield Figure("RSS", (closed.peak - before) / 1024, "KiB", at_most=256)
    yield Figure("others' p99", percentile_99(beside) / usual, "x", at_most=2)
    yield Figure("closed after", closed.seconds, "s", at_most=stall_seconds + 1)
    yield Figure("input accepted", accepted / 1024, "KiB")


class _Closed:
    peak = 0
    seconds = float("inf")


def _pipeline(client, end, daemon):
    """Writes until the server closes the connection. Returns the bytes that it accepted, and how it closed."""
    closed, accepted, stalled_since = _Closed(), 0, time.monotonic()
    looked_at = 0
    batch = QUESTION * 64
    client.socket.setblocking(False)
    while (now := time.monotonic()) < end:
        try:
            if accepted < PIPELINED_BYTES:
                accepted += client.socket.send(batch[accepted % len(QUESTION) :])
                stalled_since = now
            else:
                client.socket.send(b"")
        except BlockingIOError:
            time.sleep(0.02)
        except ConnectionError:
            closed.seconds = now - stalled_since
            break
        # Not each time, because reading the size stops the process for a moment.
        if now - looked_at > 0.05:
            closed.peak, looked_at = max(closed.peak, daemon.resident_bytes()), now
    return accepted, closed
