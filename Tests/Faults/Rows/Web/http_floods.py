"""HTTP clients of one address that send as much as they can, beside clients of both protocols."""

import contextlib
import hashlib
import itertools
import string
from dataclasses import dataclass

from battery import Figure, row
from combined_floods import waits_beside_floods
from daemon import private_file
from http_clients import HOST, UPGRADE, frame, get, post
from long_commands import LONGEST_WAIT_MS, Beside

#: The longest head that the web door reads is a little longer.
_LONG_BYTES = 15_600


@dataclass(frozen=True)
class _Flood:
    """What each connection writes again and again, how many there are, and what each writes first."""

    name: str
    data: bytes
    count: int
    first: bytes = b""
    #: What another client tells the hub before.
    setup: bytes = b""
    #: The configuration of the principals.
    principals: str | None = None


def _parameters():
    """Returns different names of parameters, as many as fit into a head."""
    names = map("".join, itertools.product(string.ascii_letters, repeat=3))
    return "&".join(itertools.islice(names, _LONG_BYTES // 4)).encode()


def _with_ids():
    return b"".join(post(b"/c/flooded?timeout=0", b"x", b"Idempotency-Key: k%d" % number) for number in range(2000))


def _chunked(chunks):
    return (
        b"POST /c/flooded?timeout=0 HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    )


_PRINCIPALS = "principals:\n  anonymous:\n    allow: {'*': [''], inspect: all}\n" + "".join(
    f"  {name}:\n    tokens: ['sha256:{hashlib.sha256(name.encode()).hexdigest()}']\n    allow: {{'*': ['']}}\n"
    for name in ("alice", "bob")
)
_ALTERNATING = b"".join(
    get(b"/c/flooded?timeout=0", b"Authorization: Bearer %b:%b" % (name, name)) for name in (b"alice", b"bob")
)

FLOODS = [
    # Each of these heads once took between 1 and 30 ms in one piece.
    _Flood("queries of 3 900 parameters", get(b"/?" + _parameters()) * 30, 40),
    _Flood("long hosts", b"GET /healthz HTTP/1.1\r\nHost: %b\r\n\r\n" % (b"a." * (_LONG_BYTES // 2)) * 30, 1000),
    _Flood("paths of combining marks", get(b"/c/" + "e\u0301".encode() * (_LONG_BYTES // 3)) * 30, 1000),
    _Flood("escaped texts", get(b"/v1/channels?prefix=" + b"%f0" * (_LONG_BYTES // 3)) * 30, 1000),
    _Flood("7 000 tokens", get(b"/ws", b"Connection: upgrade", b"Upgrade: " + b"a," * 7000) * 30, 1000),
    _Flood("60 headers", get(b"/healthz", *(b"x%d: " % number + b"v" * 240 for number in range(60))) * 30, 1000),
    _Flood("receives that end at once", get(b"/c/flooded?timeout=0") * 2000, 9000),
    _Flood("sends with ids", _with_ids(), 9000),
    # Each request needs another client of the hub, which belongs to the address until it has authenticated.
    _Flood("requests of two principals", _ALTERNATING * 1000, 1000, principals=_PRINCIPALS),
    _Flood("bodies in chunks of a byte", _chunked(b"1\r\nx\r\n" * 100_000), 500),
    _Flood("PINGs over WebSockets", frame(b"ping") * 10_000, 9000, UPGRADE),
    _Flood("empty messages over WebSockets", frame(b"") * 10_000, 3000, UPGRADE),
    _Flood("handoffs over WebSockets", (frame(b"#a send c x") + frame(b"#b recv c")) * 5000, 3000, UPGRADE),
    _Flood(
        "values of 1 MB",
        get(b"/c/value") * 100,
        1000,
        setup=b"open kind=once value\nsend len=1000000 value\n" + b"x" * 1_000_000 + b"\n",
    ),
]


@contextlib.contextmanager
def _configuration(flood):
    """Gives the settings of the daemon."""
    if flood.principals is None:
        yield {}
        return
    with private_file(flood.principals) as principals:
        yield {"principals_file": principals}


@row(
    "http-floods",
    "up to 9 000 HTTP clients of one address write long heads, short requests, bodies, or messages of WebSockets as "
    "fast as they can",
    wrong={
        "sluggish": "longest wait over HTTP, sends with ids",
        "slow-output": "longest wait over HTTP, values of 1 MB",
    },
    timed=True,
)
def floods_of_requests(conditions):
    seconds = conditions.count(full=3, quick=1)
    for flood in FLOODS:
        count = conditions.count(full=flood.count, quick=max(20, flood.count // 20))
        with _configuration(flood) as settings, Beside(conditions, web=True, **settings) as beside:
            if flood.setup:
                beside.watcher.send(flood.setup)
                for _ in range(2):
                    beside.watcher.awaited_reply()
            floods = [("write", flood.first + flood.data, count, len(flood.first))]
            (line, web), connect = waits_beside_floods(beside, beside.daemon.web_port, floods, seconds, is_web=True)
        yield Figure(f"longest wait, {flood.name}", line, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure(f"longest wait over HTTP, {flood.name}", web, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure(
            f"longest wait of an HTTP client that connects, {flood.name}", connect, "ms", at_most=LONGEST_WAIT_MS
        )
