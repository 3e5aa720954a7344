"""HTTP clients that are slow: they do not finish their requests, or do not read what they asked for."""

import contextlib
import time
from dataclasses import dataclass

from battery import Figure, exactly, row
from clients import Client
from http_clients import HOST, UPGRADE, frame, get
from measure import Memory, Probe

#: The longest that others may wait.
LONGEST_WAIT_MS = 20
#: The connection of the watcher, the probe, and another HTTP client.
PRESENT = 3
LINE_SECONDS, STALL_SECONDS = 3, 2
#: The time that a deadline may be late, on a busy machine.
LATE_SECONDS = 5


@dataclass(frozen=True)
class _Slow:
    """A kind of slow clients: what each sends first, what it sends again and again, and when the server ends it."""

    name: str
    first: bytes
    more: bytes = b""
    deadline: int = STALL_SECONDS
    #: The messages that stand in the channel `slow` before, for each client.
    messages: int = 0


#: One message more than the server sends to a stream that confirms none.
MESSAGES = 17
MESSAGE = b"x" * 2000
_UNFINISHED = b"POST /c/slow HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\nx"
KINDS = [
    _Slow("heads, byte by byte", b"GET /healthz HTTP/1.1\r\nX-", b"x", LINE_SECONDS),
    _Slow("bodies that stop", _UNFINISHED, deadline=LINE_SECONDS),
    _Slow("unread responses", get(b"/ui/main.js") * 20),
    _Slow("unread streams", get(b"/c/slow?stream=1"), messages=MESSAGES),
    _Slow("unread WebSockets", UPGRADE, frame(b"help") * 8),
]


@row(
    "slow-http",
    "2 000 HTTP clients each write heads byte by byte, stop in their bodies, or do not read responses, streams or "
    "WebSockets",
    wrong={
        "keep-all": "heads, byte by byte: RSS growth",
        "sluggish": "unread responses: longest wait of another HTTP client",
    },
    timed=True,
)
def slow_http_clients(conditions):
    count = conditions.count(full=2000, quick=200)
    limits = {
        "line_seconds": LINE_SECONDS,
        "stall_seconds": STALL_SECONDS,
        "connections": 20_000,
        "kept_bytes": 1 << 30,
    }
    for kind in KINDS:
        with conditions.daemon(web=True, **limits) as daemon, Client(daemon.port, source="127.0.9.1") as watcher:
            yield from _figures(kind, count, daemon, watcher)


def _figures(kind, count, daemon, watcher):
    messages = kind.messages * count
    if messages:
        watcher.ask(b"open cap=65536 slow\n")
        sender = watcher.send_beside(b"send slow %b\n" % MESSAGE * messages)
        for _ in range(messages):
            watcher.awaited_reply()
        sender.join()
    memory = Memory(daemon, watcher, count)
    server = daemon.pids[0]
    with Probe(daemon.port, server=server) as probe, Probe(daemon.web_port, server=server, is_web=True) as other:
        probe.waits(), other.waits()
        crowd = _Crowd(kind, count, daemon.web_port)
        begin = time.monotonic()
        left, most = count, 0
        while left > 0 and time.monotonic() < begin + 30:
            crowd.write_on()
            left = memory.look()["connections"] - PRESENT
            most = max(most, left)
        took = time.monotonic() - begin if left <= 0 else float("inf")
        waits = [each.waits()[-1] * 1000 for each in (probe, other)]
        crowd.close()
        kept = watcher.info()["bufferedMessages"]
    yield Figure(f"{kind.name}: all ended after", took, "s", at_most=kind.deadline + LATE_SECONDS)
    yield Figure("connected at the same time", most)
    yield Figure(f"{kind.name}: longest wait of another client", waits[0], "ms", at_most=LONGEST_WAIT_MS)
    yield Figure(f"{kind.name}: longest wait of another HTTP client", waits[1], "ms", at_most=LONGEST_WAIT_MS)
    yield Figure(f"{kind.name}: RSS growth", memory.growth, "x charge", at_most=1.5)
    yield Figure("charge of each", memory.charge / count / 1024, "KiB")
    if messages:
        yield exactly("messages lost", messages - kept, 0)


class _Crowd:
    """Slow clients, which never read."""

    def __init__(self, kind, count, port):
        self._more = kind.more
        self._left = []
        for _ in range(count):
            client = Client(port, source="127.0.9.10", small_window=True)
            client.socket.setblocking(False)
            self._left.append(client)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                client.socket.send(kind.first)

    def write_on(self):
        """Lets each client write more, unless its connection has ended."""
        if not self._more:
            time.sleep(0.1)
            return
        for client in list(self._left):
            try:
                client.socket.send(self._more)
            except BlockingIOError:
                pass
            except ConnectionError:
                self._left.remove(client)
                client.close()

    def close(self):
        for client in self._left:
            client.close()
