"""HTTP clients that make the server keep as much as they can. docs/security.md describes what bounds them."""

import contextlib
import time
from dataclasses import dataclass

from battery import Figure, row
from http_clients import BINARY, CONTINUATION, HOST, TEXT, UPGRADE, HTTPClient, frame, get
from long_commands import LONGEST_WAIT_MS, Beside
from measure import Memory

#: The number of commands in one write.
CHUNK = 500
#: The length of a name that is nearly as long as permitted, and of a head.
_NAME_BYTES, _HEAD_BYTES = 190, 15_000
_LONG_HEADER = b"X: " + b"x" * _HEAD_BYTES
#: Makes a channel.
OPEN = b"open cap=3 %0*d\n"
_MEGABYTE = bytes(1_000_000)


@dataclass(frozen=True)
class _Hoard:
    """A shape of load: what each client writes, how many there are, and the channels that another client has made."""

    name: str
    data: bytes
    count: int
    channels: int = 0
    #: The command that makes a channel.
    command: bytes = OPEN
    #: For how long the clients read. Without it, they do not.
    seconds: int = 0


_DEAD = b"open cap=3 dead=%b %%0*d\n" % (b"d" * 200)
_POISON = b"poison %%0*d %b\n" % (b'"' * 256)
HOARDS = [
    _Hoard("half heads", b"GET /healthz HTTP/1.1\r\n" + HOST + _LONG_HEADER, 9000),
    _Hoard("half bodies", b"POST /c/x HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\n" + bytes(100_000), 9000),
    _Hoard("long waiting requests", get(b"/c/x?timeout=1h", _LONG_HEADER), 9000),
    _Hoard("requests behind a waiting one", get(b"/c/x?timeout=1h") + get(b"/healthz") * 3000, 9000),
    _Hoard("unread pages of channels", get(b"/v1/channels") * 200, 1000, 20_000),
    _Hoard("streams of reports on long names", get(b"/v1/live"), 30, 20_000, seconds=20),
    _Hoard("more streams of reports on long names", get(b"/v1/live"), 300, 20_000, seconds=20),
    _Hoard("streams of reports on dead channels", get(b"/v1/live"), 30, 16_000, _DEAD, 15),
    _Hoard("streams of reports on reasons", get(b"/v1/live"), 30, 16_000, _POISON, 15),
    _Hoard("idle WebSockets", UPGRADE, 9000),
    _Hoard("half frames", UPGRADE + frame(_MEGABYTE)[:50_000], 9000),
    _Hoard("fragments of a byte", UPGRADE + frame(b"p", TEXT, False) + frame(b"x", CONTINUATION, False) * 7000, 1000),
    _Hoard("unread WebSockets", UPGRADE + (frame(b"ping len=1000000") + frame(_MEGABYTE, BINARY)) * 3, 1000),
    _Hoard("unread short replies of WebSockets", UPGRADE + frame(b"help") * 2000, 9000),
]


@row(
    "http-hoards",
    f"{len(HOARDS)} shapes of load over HTTP: unfinished and waiting requests, unread pages, streams of reports, "
    "WebSockets",
    wrong={"undercharge": "RSS growth, half bodies", "keep-all": "RSS growth, half bodies"},
    timed=True,
)
def hoards_of_http_clients(conditions):
    for hoard in HOARDS[1:2] if conditions.fault else HOARDS:
        # Streams of reports are few already.
        count = (
            hoard.count if hoard.seconds and not conditions.fault else conditions.count(hoard.count, hoard.count // 20)
        )
        with Beside(conditions, web=True) as beside:
            make_channels(beside.watcher, conditions.count(hoard.channels, hoard.channels // 4), hoard.command)
            clients = [HTTPClient(beside.daemon.web_port, f"127.0.1.{number // 5000 + 1}") for number in range(count)]
            memory = Memory(beside.daemon, beside.watcher, count)

            def act(clients=clients, memory=memory, hoard=hoard, beside=beside):
                _write(clients, hoard.data, memory)
                _read(clients, conditions.count(hoard.seconds, min(hoard.seconds, 5)), memory)
                for client in clients:
                    client.reset()
                beside.watcher.await_info(lambda info: info["connections"] <= 3)

            line, web = beside.longest_waits(act)
        yield Figure(f"RSS growth, {hoard.name}", memory.growth, "x charge", at_most=1.5)
        yield Figure(f"longest wait, {hoard.name}", line, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure(f"longest wait over HTTP, {hoard.name}", web, "ms", at_most=LONGEST_WAIT_MS)


def make_channels(client, count, command=OPEN):
    """Runs a command for channels with long names, as many as `count`."""
    for first in range(0, count, CHUNK):
        client.send(b"".join(command % (_NAME_BYTES, first + number) for number in range(CHUNK)))
        for _ in range(CHUNK):
            client.awaited_reply()


def _write(clients, data, memory):
    """Writes the data on each connection, as far as the server reads it."""
    unsent = {client: memoryview(data) for client in clients}
    for client in clients:
        client.socket.setblocking(False)
    last = time.monotonic()
    while unsent and time.monotonic() < last + 3:
        for client, rest in list(unsent.items()):
            try:
                rest = rest[client.socket.send(rest) :]
                last = time.monotonic()
            except BlockingIOError:
                continue
            except ConnectionError:
                rest = b""
            unsent[client] = rest
            if not rest:
                del unsent[client]
        memory.look()
    memory.watch(1)


def _read(clients, seconds, memory):
    """Reads what arrives, and discards it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for client in clients:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                while client.socket.recv(1 << 18):
                    pass
        memory.look()
        time.sleep(0.005)
