"""HTTP clients that are slow: they do not finish their requests, or do not read what they asked for."""

import base64
import contextlib
import time
from dataclasses import dataclass

from battery import Figure, exactly, row
from clients import Client
from measure import Probe

#: The longest that others may wait.
LONGEST_WAIT_MS = 20
#: The connection of the watcher, the probe, and another HTTP client.
PRESENT = 3
LINE_SECONDS, STALL_SECONDS = 3, 2
#: The time that a deadline may be late, on a busy machine.
LATE_SECONDS = 5
HOST = b"Host: localhost\r\n"
MASK = b"\0\0\0\0"
#: The most memory of a client that has sent little: the connection, its hub's client, and what it holds.
MAX_BYTES_EACH = 20 << 10


def _get(path, *headers):
    return b"GET %b HTTP/1.1\r\n" % path + HOST + b"".join(header + b"\r\n" for header in headers) + b"\r\n"


def _frame(text):
    """Returns a WebSocket's frame with a short text."""
    return bytes([0x81, 0x80 | len(text)]) + MASK + text


_UPGRADE = _get(
    b"/ws",
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)),
)


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
    _Slow("unread responses", _get(b"/ui/main.js") * 20),
    _Slow("unread streams", _get(b"/c/slow?stream=1"), messages=MESSAGES),
    _Slow("unread WebSockets", _UPGRADE, _frame(b"help") * 8),
]


@row(
    "slow-http",
    "2 000 HTTP clients each write heads byte by byte, stop in their bodies, or do not read responses, streams or "
    "WebSockets",
    wrong={},
    timed=True,
)
def slow_http_clients(conditions):
    count = conditions.count(full=2000, quick=200)
    limits = {
        "line_seconds": LINE_SECONDS,
        "stall_seconds": STALL_SECONDS,
        "connections": 20_000,
        "connections_per_address": 1000,
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
    before, charged = daemon.resident_bytes(), watcher.info()["memoryBytes"]
    with Probe(daemon.port, server=daemon.pids[0]) as probe, Client(daemon.web_port, source="127.0.9.2") as other:
        probe.waits()
        crowd = _Crowd(kind, count, daemon.web_port)
        begin = time.monotonic()
        left, most, charge, growth, unserved = count, 0, 0, 0, 0
        while left > 0 and time.monotonic() < begin + 30:
            crowd.write_on()
            unserved += not _is_healthy(other)
            info = watcher.info()
            left = info["connections"] - PRESENT
            most = max(most, left)
            charge = max(charge, info["memoryBytes"] - charged)
            growth = max(growth, daemon.resident_bytes() - before)
        took = time.monotonic() - begin if left <= 0 else float("inf")
        wait = probe.waits()[-1] * 1000
        crowd.close()
        kept = watcher.info()["bufferedMessages"]
    yield Figure(f"{kind.name}: all ended after", took, "s", at_most=kind.deadline + LATE_SECONDS)
    yield Figure("connected at the same time", most)
    yield exactly("requests of another client not served", unserved, 0)
    yield Figure("longest wait of another client", wait, "ms", at_most=LONGEST_WAIT_MS)
    # The memory of idle connections is not charged.
    beyond = (growth - 1.5 * charge) / count / 1024
    yield Figure("memory of each beyond 1.5 x the charge", max(0, beyond), "KiB", at_most=MAX_BYTES_EACH / 1024)
    yield Figure("charge of each", charge / count / 1024, "KiB")
    if messages:
        yield exactly("messages lost", messages - kept, 0)


def _is_healthy(other):
    other.send(_get(b"/healthz"))
    return other.socket.recv(4096).startswith(b"HTTP/1.1 200 ")


class _Crowd:
    """Slow clients, which never read."""

    def __init__(self, kind, count, port):
        self._more = kind.more
        self._left = []
        for number in range(count):
            client = Client(port, source=f"127.0.9.{10 + number % 8}", small_window=True)
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
