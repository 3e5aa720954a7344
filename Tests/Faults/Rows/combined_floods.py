"""Floods of one address that need all kinds of a server's work at once, beside other clients."""

import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from battery import Figure, row
from clients import Client
from http_clients import HTTPClient, get
from long_commands import LONGEST_WAIT_MS, Beside
from processes import ChildFailed, start
from stopwatch import Stopwatch

_FLOODER = Path(__file__).parents[1] / "flooder.py"
_SOURCE = "127.0.9.1"

#: The input that the connections of the flood write. A share of them writes each kind.
INPUTS = {
    "handoffs": b"".join(b"#a send id=%d c x\n#b recv c\n" % number for number in range(5000)),
    "bodies": b"ping len=1000000\n" + b"x" * 1_000_000 + b"\n",
    "reports": b"stuck\nwaiters c\ninfo format=json\n" * 1000,
    "timeouts": b"".join(b"#a%d recv timeout=1ms c\n" % number for number in range(5000)),
    "selects": (b"#a select " + b" | ".join(b"send id=%d c/%d x" % (n, n) for n in range(60)) + b"\ncancel #a\n") * 100,
    "ended names": b"".join(b"poison c/%d\n" % number for number in range(5000)),
    "joins": b"".join(b"join end=send c/%d\nleave end=send c/%d\n" % (number, number) for number in range(2500)),
}


class Floods:
    """Flooders that run during a `with`.

    Each flood has a kind, the input that it writes, and some connections; and, optionally, how many bytes of the input
    it writes only once. A flood that ends is an error, unless the server `may_end`.
    """

    def __init__(self, port, floods, may_end=False):
        self._port, self._floods, self._may_end = port, floods, may_end
        self._children = []

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        for kind, data, *numbers in self._floods:
            path = Path(self._folder.name) / str(len(self._children))
            path.write_bytes(data)
            command = [sys.executable, _FLOODER, kind, self._port, _SOURCE, path, *numbers]
            child = start(command, stdout=subprocess.PIPE)
            self._children.append(child)
            child.stdout.readline()
        return self

    def __exit__(self, failure, *_):
        has_ended = any(child.poll() is not None for child in self._children)
        for child in self._children:
            child.kill()
            child.wait()
            child.stdout.close()
        self._folder.cleanup()
        if has_ended and not self._may_end and failure is None:
            raise ChildFailed("a flood ended too early")


def serving_threads(pid):
    """Returns the threads of a process that have run for more than a millisecond."""
    threads = []
    for path in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            if int((path / "schedstat").read_text(encoding="ascii").split()[0]) > 1_000_000:
                threads.append(path.name)
    return threads


def longest_connect(daemon, port, seconds, context=None, is_web=False):
    """Connects again and again. Returns the longest time until the first answer, in milliseconds.

    The answer is that to a PING, or to a request for `/healthz`. `context` is that of TLS. Time for which threads of
    the server, or this one, had no processor does not count.
    """
    watch = Stopwatch("self", *serving_threads(daemon.pids[0]))
    longest, served, end = 0.0, 0, time.monotonic() + seconds
    kind = HTTPClient if is_web else Client
    while time.monotonic() < end:
        try:
            with watch, contextlib.suppress(ConnectionError), kind(port, "127.0.9.2", timeout=10) as client:
                if context:
                    client.socket = context.wrap_socket(client.socket, server_hostname="127.0.0.1")
                client.request(get(b"/healthz")) if is_web else client.ask(b"ping\n")
                served += 1
        except TimeoutError:
            return float("inf")
        longest = max(longest, watch.seconds - watch.delayed_seconds)
        time.sleep(0.01)
    return longest * 1000 if served else float("inf")


def waits_beside_floods(beside, port, floods, seconds, is_web=False):
    """Returns the longest waits of the probes while floods write to a port, and that of clients that connect.

    The latter connect to the web door if `is_web`. All are in milliseconds.
    """
    connects = []

    def act():
        with Floods(port, floods):
            time.sleep(0.5)
            own_port = beside.daemon.web_port if is_web else beside.port
            connects.append(longest_connect(beside.daemon, own_port, seconds, is_web=is_web))

    return beside.longest_waits(act), connects[0]


@row(
    "connect-flood",
    "one address makes connections as fast as it can, and 1 000 others of it write handoffs and bodies of 1 MB",
    wrong={"sluggish": "longest wait of a client that connects"},
    timed=True,
)
def connections_beside_input(conditions):
    yield from _beside_floods(conditions, ["handoffs", "bodies"])


@row(
    "all-floods",
    "one address makes connections as fast as it can, and 1 000 others of it write commands of seven kinds",
    wrong={"sluggish": "longest wait of a client that connects"},
    timed=True,
)
def everything_at_once(conditions):
    yield from _beside_floods(conditions, list(INPUTS))


def _beside_floods(conditions, kinds):
    seconds, writers = conditions.count(full=5, quick=2), conditions.count(full=1000, quick=200)
    floods = [("write", INPUTS[kind], writers // len(kinds)) for kind in kinds] + [("connect", b"quit\n", 500)]
    with Beside(conditions) as beside:
        (wait,), connect = waits_beside_floods(beside, beside.port, floods, seconds)
    yield Figure("longest wait", wait, "ms", at_most=LONGEST_WAIT_MS)
    yield Figure("longest wait of a client that connects", connect, "ms", at_most=LONGEST_WAIT_MS)
