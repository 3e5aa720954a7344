"""One message for very many HTTP clients of one address, which read it or do not."""

from dataclasses import dataclass

from battery import Figure, row
from combined_floods import Floods
from http_clients import UPGRADE, HTTPClient, frame, get
from long_commands import LONGEST_WAIT_MS, Beside
from measure import Memory

_STREAM, _RECEIVE = get(b"/c/value?stream=1"), get(b"/c/value?timeout=1h")
_COUNTED = UPGRADE + frame(b"#1 recv count=* value")


@dataclass(frozen=True)
class _Value:
    """A message, how many clients get it, and what each of them has asked for."""

    name: str
    request: bytes
    count: int
    body: bytes
    kind: bytes = b"broadcast"
    #: The connections that send it again and again to clients that read; without any, it is sent once, and unread.
    senders: int = 0


VALUES = [
    _Value("1 MB to 1 000 streams", _STREAM, 1000, bytes(1_000_000)),
    _Value("1 MB to 9 000 streams", _STREAM, 9000, bytes(1_000_000)),
    _Value("1 MB to 9 000 receives", _RECEIVE, 9000, bytes(1_000_000), b"once"),
    _Value("1 MB to 9 000 WebSockets", _COUNTED, 9000, bytes(1_000_000)),
    _Value("a million lines to 100 streams", _STREAM, 100, b"\n" * 1_000_000),
    _Value("a million lines to 1 000 streams", _STREAM, 1000, b"\n" * 1_000_000),
    _Value("999 lines of 1 KB to 1 000 streams", _STREAM, 1000, (b"x" * 1000 + b"\n") * 999),
    _Value("100 KB again and again to 1 000 streams", _STREAM, 1000, bytes(100_000), senders=3),
    _Value("20 000 lines again and again to 1 000 streams", _STREAM, 1000, b"\n" * 20_000, senders=3),
    _Value("1 000 lines again and again to 1 000 streams", _STREAM, 1000, b"\n" * 1000, senders=3),
]


@row(
    "http-values",
    "a message of up to 1 MB, or of a million lines, for up to 9 000 streams, receives or WebSockets of one address",
    wrong={"slow-output": "longest wait over HTTP, 1 MB to 1 000 streams"},
    timed=True,
)
def one_message_for_many_http_clients(conditions):
    for value in VALUES:
        count = conditions.count(full=value.count, quick=value.count // 20)
        with Beside(conditions, web=True) as beside:
            beside.watcher.ask(b"open kind=%b value\n" % value.kind)
            if value.senders:
                waits, growth = _read(beside, value, count, conditions.count(full=4, quick=1))
            else:
                waits, growth = _unread(beside, value, count, conditions.count(full=12, quick=2))
        yield Figure(f"longest wait, {value.name}", waits[0], "ms", at_most=LONGEST_WAIT_MS)
        yield Figure(f"longest wait over HTTP, {value.name}", waits[1], "ms", at_most=LONGEST_WAIT_MS)
        yield Figure(f"RSS growth, {value.name}", growth, "x charge", at_most=1.5)


def _send(value):
    return b"send len=%d value\n" % len(value.body) + value.body + b"\n"


def _unread(beside, value, count, seconds):
    """Sends the message to clients that do not read, and waits until the server has closed some of them."""
    clients = [
        HTTPClient(beside.daemon.web_port, f"127.0.1.{number // 5000 + 1}", small_window=True)
        for number in range(count)
    ]
    for client in clients:
        client.send(value.request)
    beside.watcher.await_info(lambda info: info["parked"] >= count)
    memory = Memory(beside.daemon, beside.watcher, count)

    def act():
        beside.watcher.send(_send(value))
        beside.watcher.awaited_reply()
        memory.watch(seconds)
        for client in clients:
            client.reset()
        beside.watcher.await_info(lambda info: info["connections"] <= 3)

    return beside.longest_waits(act), memory.growth


def _read(beside, value, count, seconds):
    """Sends the message again and again to clients that read it."""
    memory = Memory(beside.daemon, beside.watcher, count)
    with Floods(beside.daemon.web_port, [("write", value.request, count, len(value.request))]):
        beside.watcher.await_info(lambda info: info["parked"] >= count)

        def act():
            with Floods(beside.port, [("write", _send(value), value.senders)]):
                memory.watch(seconds)

        return beside.longest_waits(act), memory.growth
