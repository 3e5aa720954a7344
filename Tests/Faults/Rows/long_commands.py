"""Commands that need much work, at the largest size that the limits permit, beside a client that measures its waits."""

import time

from battery import Figure, exactly, row
from clients import Client, crowd
from measure import Probe

#: The longest that others may wait, on the reference machine.
LONGEST_WAIT_MS = 20
#: The tagged commands that a client may have pending.
TAGS_EACH = 1000


class Beside:
    """A daemon, many clients, and a probe that measures the longest wait of another client.

    With `web`, the daemon has a web door, and a second probe measures the waits of an HTTP client.
    """

    def __init__(self, conditions, web=False, **limits):
        usual = {
            "connections": 20_000,
            "pending_tags": TAGS_EACH + 8,
            "declared_channels": 200_000,
            "remembered_sends": 200_000,
        }
        self._daemon = conditions.daemon(web=web, **usual | limits)
        self._has_web = web

    def __enter__(self):
        self.daemon = self._daemon.__enter__()
        self.port = self.daemon.port
        self.watcher = Client(self.port)
        self.clients = []
        self._probes = [Probe(self.port, server=self.daemon.pids[0])]
        if self._has_web:
            self._probes.append(Probe(self.daemon.web_port, server=self.daemon.pids[0], is_web=True))
        return self

    def __exit__(self, *_):
        for probe in self._probes:
            probe.__exit__()
        self._daemon.__exit__()

    def pause(self):
        """Stops the probes, for what does not concern them."""
        for probe in self._probes:
            probe.pause()

    def connect(self, count):
        """Connects clients, from several addresses so that there are enough ports."""
        added = crowd(self.port, count, source=f"127.0.1.{len(self.clients) // 5000 + 1}")
        self.clients += added
        return added

    def park(self, lines):
        """Sends each line with a tag of its own, and waits until all are parked."""
        before = self.watcher.info()["parked"]
        senders = self.connect((len(lines) + TAGS_EACH - 1) // TAGS_EACH)
        for index, client in enumerate(senders):
            own = lines[index * TAGS_EACH : (index + 1) * TAGS_EACH]
            client.send(b"".join(b"#t%d %s\n" % (number, line) for number, line in enumerate(own)))
        self.watcher.await_info(lambda info: info["parked"] >= before + len(lines))
        return senders

    def park_and_measure(self, lines):
        """Parks operations. Returns the longest wait, and by how much the memory grows for each charged byte."""
        return self.measure(lambda: self.park(lines))

    def measure(self, act):
        """Returns the longest wait while `act` runs, and by how much the memory grows for each charged byte."""
        charge, resident = self.watcher.info()["memoryBytes"], self.daemon.resident_bytes()
        wait, _ = self.longest_wait(act)
        charge, resident = self.watcher.info()["memoryBytes"] - charge, self.daemon.resident_bytes() - resident
        # A process that does little varies by a megabyte or two.
        return wait, resident / max(charge, 4 << 20)

    def leave(self):
        """Disconnects all clients."""
        for client in self.clients:
            client.close()
        self.clients.clear()

    def reset(self, clients):
        """Resets the connections of clients, and waits until no operation is parked."""
        for client in clients:
            client.reset()
        self.await_parked(0)

    def await_parked(self, count):
        self.watcher.await_info(lambda info: info["parked"] <= count + 2, pause=0.01)

    def longest_wait(self, act):
        """Returns the longest wait of the probe while `act` runs, and the time that it took, in milliseconds.

        Time for which the server or the probe had no processor, because other programs used them, does not count.
        """
        (wait, *_), took = self._waits_and_time(act)
        return wait, took

    def longest_waits(self, act):
        """Returns the longest waits of the probe and of the HTTP client's probe while `act` runs, in milliseconds."""
        waits, _ = self._waits_and_time(act)
        return waits

    def _waits_and_time(self, act):
        for probe in self._probes:
            probe.latencies()
        time.sleep(0.05)
        begin = time.monotonic()
        act()
        took = time.monotonic() - begin
        time.sleep(0.05)
        return [probe.waits()[-1] * 1000 for probe in self._probes], took * 1000


def _answers(client, count):
    for _ in range(count):
        client.awaited_reply()


def pipelined(beside, line, count):
    """Sends a line many times in one write, and reads all replies."""

    def act():
        with Client(beside.port) as client:
            client.send(line * count)
            _answers(client, count)

    return act


@row(
    "reports",
    "1 200 reports in one write, beside 100 000 channels and parked operations",
    wrong={"slow-output": "longest wait, channels json"},
    timed=True,
)
def reports_beside_many(conditions):
    count, repeats = conditions.count(full=100_000, quick=20_000), conditions.count(full=1200, quick=100)
    with Beside(conditions) as beside:
        beside.park([b"recv names/%d" % number for number in range(count)])
        for name, line in (
            ("channels", b"channels zzz\n"),
            ("channels json", b"channels format=json names\n"),
            ("waiters", b"waiters zzz\n"),
            ("waiters json", b"waiters format=json\n"),
            ("clients", b"clients\n"),
            ("stuck", b"stuck\n"),
            ("info", b"info format=json\n"),
            ("help", b"help\n"),
        ):
            few = min(repeats, 60) if "json" in name or name in ("waiters", "stuck") else repeats
            wait, took = beside.longest_wait(pipelined(beside, line, few))
            yield Figure(f"longest wait, {name}", wait, "ms", at_most=LONGEST_WAIT_MS)
            yield Figure("each", took / few, "ms")


@row(
    "stuck",
    "STUCK beside 1 200 clients, and 12 000, that have joined and select on 64 channels",
    wrong={"sluggish": "longest wait"},
    timed=True,
)
def stuck_with_many_arms(conditions):
    counts = (conditions.count(full=1200, quick=100), conditions.count(full=12_000, quick=1000))
    durations = []
    with Beside(conditions) as beside:
        arms = b" | ".join(b"recv c%d" % number for number in range(64))
        joins = b"".join(b"join end=send c%d\n" % number for number in range(64))
        for count in counts:
            for client in beside.connect(count - len(beside.clients)):
                client.send(joins + b"select " + arms + b"\n")
            beside.watcher.await_info(lambda info, count=count: info["parked"] >= count)
            wait, took = beside.longest_wait(pipelined(beside, b"stuck format=json\n" + b"ping\n" * 200, 1))
            durations.append(took)
    yield Figure("longest wait", wait, "ms", at_most=LONGEST_WAIT_MS)
    yield Figure("time", durations[-1], "ms")
    yield Figure("for 10 times the clients", durations[-1] / durations[0], "x", at_most=30)


@row(
    "joined-sends",
    "150 000 sends repeat one id, and one receive takes the message",
    wrong={"slow-output": "longest wait"},
    timed=True,
)
def repeated_sends(conditions):
    count = conditions.count(full=150_000, quick=20_000)
    with Beside(conditions) as beside:
        beside.park([b"send id=one jobs x"] * count)
        left = beside.park([b"send id=two jobs y"] * count)
        bodies = []

        def act():
            with Client(beside.port) as client:
                bodies.append(client.ask(b"recv jobs\n").body)
                beside.await_parked(count)

        wait, took = beside.longest_wait(act)
        yield Figure("longest wait", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure("all answered after", took, "ms")
        yield exactly("message received", bodies.count(b"x"), 1)

        wait, took = beside.longest_wait(lambda: beside.reset(left))
        yield Figure("longest wait while all leave", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure("all gone after", took, "ms")


def ended(beside, line):
    """Sends a line that ends all operations, and waits until they are told."""

    def act():
        beside.watcher.ask(line)
        beside.await_parked(0)

    return act


@row(
    "mass-ends",
    "commands that end 100 000 operations at once",
    wrong={"slow-output": "longest wait, poison receives"},
    timed=True,
)
def operations_that_end_together(conditions):
    count = conditions.count(full=100_000, quick=10_000)
    with Beside(conditions) as beside:
        for name, line, share, end in (
            ("poison receives", b"recv %s", 1, b"poison %s\n"),
            ("poison sends", b"send %s x", 1, b"poison %s\n"),
            ("close", b"recv %s", 1, b"close %s\n"),
            ("poison selects", b"select recv %s | recv others", 4, b"poison %s\n"),
            ("barrier", b"barrier parties=%d %%s" % (count + 1), 1, b"barrier parties=%d %%s\n" % (count + 1)),
            ("once", b"recv %s", 1, b"open kind=once %s\n"),
            ("broadcast", b"recv %s", 1, b"open kind=broadcast %s\n"),
        ):
            channel = name.replace(" ", "-").encode()
            beside.park([line % channel] * (count // share))
            if end.startswith(b"open"):
                beside.watcher.ask(end % channel)
                end = b"send %s to all\n"
            wait, took = beside.longest_wait(ended(beside, end % channel))
            yield Figure(f"longest wait, {name}", wait, "ms", at_most=LONGEST_WAIT_MS)
            yield Figure("done after", took, "ms")
            beside.leave()
        beside.park([b"recv timeout=2s jobs"] * count)
        wait, _ = beside.longest_wait(lambda: beside.await_parked(0))
        yield Figure("longest wait, timeouts", wait, "ms", at_most=LONGEST_WAIT_MS)
        beside.park([b"recv jobs"] * count)

        wait, took = beside.longest_wait(lambda: beside.reset(beside.clients))
        yield Figure("longest wait, all leave", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure("gone after", took, "ms")


#: Commands at their largest size, with the number of the line, and how many replies each gets.
_NAME = b"%0190d"
_LARGEST = (
    ("SEND", lambda n: b"send timeout=0 " + _NAME % n + b" " + b"x" * 7900 + b"\n", 1),
    ("RECV", lambda n: b"recv timeout=0 lease=1h " + _NAME % n + b"\n", 1),
    ("SELECT", lambda n: b"select timeout=0 " + b" | ".join(b"recv s/%d/%d" % (n, a) for a in range(64)) + b"\n", 1),
    (
        "SELECT that waits",
        lambda n: b"#s select " + b" | ".join(b"recv w/%d" % a for a in range(64)) + b"\ncancel #s\n",
        2,
    ),
    ("BARRIER", lambda n: b"barrier timeout=0 parties=2 " + _NAME % n + b"\n", 1),
    ("OPEN and CLOSE", lambda n: b"open cap=65536 " + _NAME % n + b"\nclose " + _NAME % n + b"\n", 2),
    ("POISON", lambda n: b"poison " + _NAME % (n + 10_000) + b" " + b"r" * 7900 + b"\n", 1),
    ("JOIN and LEAVE", lambda n: b"join end=receive " + _NAME % n + b"\nleave end=receive " + _NAME % n + b"\n", 2),
    ("TRACE", lambda n: b"#t trace " + _NAME % n + b"\ncancel #t\n", 2),
    ("NAME", lambda n: b"name " + _NAME % n + b"\n", 1),
    ("PING", lambda n: b"ping " + b"p" * 8000 + b"\n", 1),
    ("WAITERS", lambda n: b"waiters limit=1000 zzz\n", 1),
)


@row(
    "largest",
    "each command at its largest size, 1 200 times in one write, beside 100 000 channels and parked operations",
    wrong={"sluggish": "longest wait, SEND"},
    timed=True,
)
def commands_of_the_largest_size(conditions):
    count, repeats = conditions.count(full=100_000, quick=20_000), conditions.count(full=1200, quick=300)
    with Beside(conditions) as beside:
        beside.park([b"recv names/%d" % number for number in range(count)])
        for name, line, replies in _LARGEST:

            def act(line=line, replies=replies):
                with Client(beside.port) as client:
                    # Sent beside reading: the server reads no more from a client that does not read.
                    lines = b"".join(line(number) for number in range(repeats))
                    writer = client.send_beside(lines)
                    _answers(client, repeats * replies)
                    writer.join()

            wait, took = beside.longest_wait(act)
            yield Figure(f"longest wait, {name}", wait, "ms", at_most=LONGEST_WAIT_MS)
            yield Figure("all after", took, "ms")


@row(
    "broadcast",
    "a message of 8 KB for 150 000 receives of a broadcast, and 1 000 further receives beside 50 000",
    wrong={"sluggish": "longest wait, message"},
    timed=True,
)
def one_message_for_many(conditions):
    count = conditions.count(full=150_000, quick=20_000)
    with Beside(conditions) as beside:
        beside.watcher.ask(b"open kind=broadcast all\n")
        beside.park([b"recv all"] * (count // 3))

        def receive():
            with Client(beside.port) as client:
                client.send(b"".join(b"#%d recv all\n" % number for number in range(TAGS_EACH)) + b"ping\n")
                _answers(client, 1)

        wait, _ = beside.longest_wait(receive)
        yield Figure("longest wait, further receives", wait, "ms", at_most=LONGEST_WAIT_MS)
        beside.park([b"recv all"] * (count - count // 3))
        before = beside.daemon.resident_bytes()
        wait, took = beside.longest_wait(lambda: beside.watcher.ask(b"send all " + b"x" * 8000 + b"\n"))
        yield Figure("longest wait, message", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure("done after", took, "ms")
        # Copies for all would take 1.2 GB.
        growth = beside.daemon.resident_bytes() - before
        yield Figure("memory for each receive", growth / count, "bytes", at_most=512)
