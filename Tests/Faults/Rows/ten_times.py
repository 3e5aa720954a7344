"""What a client could once do to others, at the size at which it was seen and at ten times that size."""

import contextlib
import threading
import time

from battery import Figure, exactly, row
from clients import Client
from flooder import keep_writing
from long_commands import LONGEST_WAIT_MS, Beside
from measure import settled
from processes import ChildFailed

#: The commands of one write.
_CHUNK = 500
_TIMES = (1, 10)
#: The addresses of the clients.
_ADDRESS = "127.0.7.%d"


def _name(what, times):
    return what if times == 1 else f"{what}, {times} times"


class Flood:
    """A client that repeats commands, each of which gets one line as its reply, and counts the refusals."""

    def __init__(self, beside, host_number=1):
        self._client = Client(beside.port, source=_ADDRESS % host_number)
        self.refused = 0
        self.sent = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.close()

    def repeat(self, command, count, first=0, lines_each=1):
        """Sends the command for each number, and waits for the replies."""
        socket = self._client.socket
        for begin in range(first, first + count, _CHUNK):
            end = min(begin + _CHUNK, first + count)
            socket.sendall(b"".join(command(number) for number in range(begin, end)))
            missing = (end - begin) * lines_each
            while missing > 0:
                data = socket.recv(1 << 16)
                if not data:
                    raise ChildFailed("the server closed the connection")
                missing -= data.count(b"\n")
                self.refused += data.count(b"ERR limit")
            self.sent += end - begin


@row(
    "cancelled-timers",
    "RECV with ever shorter timeouts and CANCEL, 400 000 times, and 4 000 000 times",
    wrong={"sluggish": "longest wait"},
    timed=True,
)
def cancelled_timers(conditions):
    for times in _TIMES:
        count = conditions.count(full=400_000, quick=20_000) * times
        with Beside(conditions) as beside:
            beside.watcher.info()
            before = settled(beside.daemon.resident_bytes, 0.5)
            with Client(beside.port) as client:
                wrong, peak = [], [before]

                def act(beside=beside, client=client, count=count, wrong=wrong, peak=peak):
                    wrong.append(_cancel(client, count))
                    peak.append(beside.daemon.resident_bytes())

                wait, _ = beside.longest_wait(act)
        yield Figure(_name("longest wait", times), wait, "ms", at_most=LONGEST_WAIT_MS)
        yield exactly(_name("wrong replies", times), wrong[0], 0)
        # One that is left for each command would take 137 bytes.
        yield Figure(_name("memory", times), (max(peak) - before) / count, "bytes each", at_most=8)


def _cancel(client, count):
    """Parks receives with timeouts, each of which is shorter than the one before, and cancels them.

    Returns the number of wrong bytes in the replies.
    """

    def write():
        # If the connection ends, the reader is told.
        with contextlib.suppress(OSError):
            for first in range(0, count, _CHUNK):
                numbers = range(first, min(first + _CHUNK, count))
                client.send(b"".join(b"#t recv timeout=%dms c\ncancel #t\n" % (90_000_000 - n) for n in numbers))

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    pattern = b"OK\n#t CANCELLED\n"
    stream = pattern * (1 + (1 << 16) // len(pattern))
    received, wrong = 0, 0
    while received < count * len(pattern):
        data = client.socket.recv(len(stream) - len(pattern))
        if not data:
            return count
        phase = received % len(pattern)
        wrong += data != stream[phase : phase + len(data)]
        received += len(data)
    writer.join()
    return wrong


@row(
    "unread-reports",
    "100 clients, and 1 000, ask for reports of the largest size and read none of them",
    wrong={"hoard": "memory of each", "late-close": "all closed after"},
    timed=True,
)
def reports_that_nobody_reads(conditions):
    stall_seconds = 3
    for times in _TIMES:
        count = conditions.count(full=100, quick=20) * times
        with Beside(conditions, stall_seconds=stall_seconds) as beside:
            arms = b" | ".join(b"recv %0190d" % arm for arm in range(40))
            beside.park([b"select " + arms] * 1000)
            with Flood(beside) as flood:
                flood.repeat(lambda n: b"poison %0190d %0250d\n" % (n + 100, n), 1000)
            present = beside.watcher.info()["connections"]
            before = beside.daemon.resident_bytes()
            readers = [Client(beside.port, source=_ADDRESS % (2 + n % 3), small_window=True) for n in range(count)]
            peak, closed = [before], []

            def act(beside=beside, readers=readers, peak=peak, closed=closed, present=present):
                for reader in readers:
                    # The server closes those that were first while the others write.
                    with contextlib.suppress(ConnectionError):
                        reader.send(b"channels format=json\nwaiters format=json\n" * 100)
                begin = time.monotonic()
                while beside.watcher.info()["connections"] > present and time.monotonic() < begin + 60:
                    peak.append(beside.daemon.resident_bytes())
                    time.sleep(0.1)
                closed.append(time.monotonic() - begin)

            wait, _ = beside.longest_wait(act)
            for reader in readers:
                reader.close()
        yield Figure(_name("longest wait", times), wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure(_name("memory of each", times), (max(peak) - before) / count / 1024, "KiB", at_most=256)
        # The time includes that of the reports that the kernel accepts.
        yield Figure(_name("all closed after", times), closed[0], "s", at_most=50)


@row(
    "shares",
    "one client declares, traces, closes, and sends with ids and into buffers as much as it can, and ten times as much",
    wrong={"no-ids": "served all the same"},
    timed=True,
)
def shares_of_others(conditions):
    for times in _TIMES:
        with Beside(conditions, memory=1 << 30, **_DEFAULTS) as beside, Client(beside.port) as other:
            other.ask(b"open cap=10 own\n")
            other.send(b"send id=mine own once\nrecv own\nclose ended\n")
            for _ in range(3):
                other.reply()
            before = beside.watcher.info()
            waits = []
            for shape in _SHAPES:
                wait, _ = beside.longest_wait(lambda shape=shape, times=times: shape(beside, conditions, times))
                waits.append(wait)
            served = [
                other.ask(b"send id=mine own once\n").attribute("dup") == "yes",
                other.ask(b"recv timeout=0 ended\n").word == "CLOSED",
                other.ask(b"open cap=10 another\n").word == "OK",
                other.ask(b"send own " + b"x" * 8000 + b"\n").word == "OK",
                _traces(other),
            ]
            after = beside.watcher.info()
        charge = after["memoryBytes"] - before["memoryBytes"]
        yield exactly(_name("served all the same", times), sum(served), len(served))
        for shape, wait in zip(_SHAPES, waits, strict=True):
            yield Figure(_name(f"longest wait, {shape.__doc__}", times), wait, "ms", at_most=LONGEST_WAIT_MS)
        growth = (after["residentBytes"] - before["residentBytes"]) / charge
        yield Figure(_name("RSS growth", times), growth, "x charge", at_most=1.5)


#: The limits that `Beside` raises, as they are by default.
_DEFAULTS = {"declared_channels": 65_536, "remembered_sends": 65_536}


def _traces(client):
    client.send(b"#trace trace own\nping\n")
    return client.awaited_reply().word == "OK"


def _opens(beside, conditions, times):
    """OPEN"""
    for hoarder in range(times):
        with Flood(beside) as flood:
            flood.repeat(lambda n: b"open cap=1 h/%d\n" % n, conditions.count(65_536, 5000), first=hoarder * 65_536)


def _ids(beside, conditions, times):
    """ids"""
    with Flood(beside) as flood:
        flood.repeat(lambda n: b"open cap=1 overflow=drop-oldest i\n", 1)
        flood.repeat(lambda n: b"send id=%d i\n" % n, conditions.count(65_536, 5000) * times)


def _closes(beside, conditions, times):
    """CLOSE"""
    with Flood(beside) as flood:
        flood.repeat(lambda n: b"close e/%d\n" % n, conditions.count(16_384, 2000) * times)


def _buffers(beside, conditions, times):
    """buffers"""
    body = b"x" * 8000
    for hoarder in range(3):
        with Flood(beside, 10) as flood:
            flood.repeat(lambda n, hoarder=hoarder: b"open cap=65536 m/%d\n" % hoarder, 1)
            flood.repeat(
                lambda n, hoarder=hoarder: b"send m/%d %s\n" % (hoarder, body), conditions.count(12_000, 1000) * times
            )


def _many_traces(beside, conditions, times):
    """TRACE"""
    # They last until the clients leave, after the others have been served.
    for _ in range(times):
        client = Client(beside.port, source=_ADDRESS % 20)
        client.send(b"".join(b"#%d trace h/%d\n" % (n, n) for n in range(16)) + b"ping\n")
        beside.clients.append(client)


_SHAPES = (_opens, _ids, _closes, _buffers, _many_traces)


_SELECT = b"select timeout=0 " + b" | ".join(b"recv n%d" % arm for arm in range(60)) + b"\n"
_LONG = b"len=1048576 x\n" + b"x" * 1048576 + b"\n"
#: What each connection writes again and again, and how many there are.
_FLOODS = (
    ("unknown verbs", b"x\n" * 8000, 500),
    ("selects", _SELECT * 20, 500),
    ("OPEN and CLOSE", b"open x\nclose x\n" * 1000, 200),
    ("HELP", b"help\n" * 1000, 200),
    ("bodies", b"send timeout=0 " + _LONG, 200),
)


@row(
    "floods",
    "hundreds of connections write as fast as they can, end with many pending commands, or get long messages",
    wrong={"sluggish": "longest wait, unknown verbs"},
    timed=True,
)
def floods_of_many_connections(conditions):
    seconds = conditions.count(full=2, quick=1)
    for name, lines, count in _FLOODS:
        with Beside(conditions) as beside:
            clients = beside.connect(conditions.count(count, count // 10))
            wait, _ = beside.longest_wait(lambda clients=clients, lines=lines: _write(clients, lines, seconds))
        yield Figure(f"longest wait, {name}", wait, "ms", at_most=LONGEST_WAIT_MS)
    with Beside(conditions) as beside:
        for name, line in (("RECV", b"recv c/%d"), ("SELECT", b"select " + b" | ".join([b"recv c/%d"] * 40))):
            lines = [line % ((number,) * line.count(b"%d")) for number in range(conditions.count(20_000, 2000))]
            parked = beside.park(lines)
            wait, _ = beside.longest_wait(lambda parked=parked, beside=beside: _end(parked, beside))
            yield Figure(f"longest wait, half-close with {name}", wait, "ms", at_most=LONGEST_WAIT_MS)
        beside.watcher.ask(b"open kind=once o\n")
        beside.watcher.ask(b"send " + _LONG.replace(b" x\n", b" o\n", 1))
        clients = beside.connect(conditions.count(500, 50))
        wait, _ = beside.longest_wait(lambda clients=clients: _write(clients, b"recv o\n" * 4, seconds))
        yield Figure("longest wait, long messages", wait, "ms", at_most=LONGEST_WAIT_MS)


def _write(clients, lines, seconds):
    """Lets all clients write lines, and read and discard the replies, as fast as they can."""
    for client in clients:
        client.socket.setblocking(False)
    keep_writing([client.socket for client in clients], lines, seconds)


def _end(clients, beside):
    for client in clients:
        client.end_input()
    beside.await_parked(0)
