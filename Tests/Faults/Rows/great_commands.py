"""Work at ten times the sizes of `long_commands`, and work that stands in the way of others, beside a probe."""

import signal
import time

from battery import Figure, exactly, row
from clients import Client
from long_commands import LONGEST_WAIT_MS, TAGS_EACH, Beside, ended, pipelined
from stopwatch import Stopwatch


@row(
    "ended-selects",
    "commands that meet 100 000 selects, which other channels have ended",
    wrong={"sluggish": "longest wait, RECV"},
    timed=True,
)
def commands_behind_ended_selects(conditions):
    count = conditions.count(full=100_000, quick=10_000)
    for name, select, command in (
        ("RECV", b"select send c x | recv p", b"recv timeout=0 c\n"),
        ("SEND", b"select recv c | recv p", b"send timeout=0 c x\n"),
        ("BARRIER", b"select barrier c | recv p", b"barrier timeout=0 parties=%d c\n" % (count + 1)),
    ):
        with Beside(conditions) as beside:
            beside.park([select] * count)
            replies = []

            def act(beside=beside, command=command, replies=replies):
                beside.watcher.send(b"poison p\n" + command)
                replies.append(" ".join(beside.watcher.awaited_reply().word for _ in range(2)))
                beside.await_parked(0)

            wait, took = beside.longest_wait(act)
            yield Figure(f"longest wait, {name}", wait, "ms", at_most=LONGEST_WAIT_MS)
            yield exactly("right replies", replies.count("OK TIMEOUT"), 1)
            yield Figure("done after", took, "ms")


@row(
    "barriers",
    "500 000 selects meet at a barrier, while 10 000 receives are told that their channel has ended",
    wrong={"sluggish": "longest wait"},
    timed=True,
)
def great_barriers(conditions):
    count, told = conditions.count(full=500_000, quick=10_000), conditions.count(full=10_000, quick=1000)
    with Beside(conditions) as beside:
        beside.park([b"select barrier parties=%d all | recv x" % (count + 1)] * count)
        beside.park([b"recv told"] * told)

        def act():
            beside.watcher.send(b"poison told\nbarrier parties=%d all\n" % (count + 1) + b"ping " + b"x" * 1000 + b"\n")
            for _ in range(3):
                beside.watcher.awaited_reply()
            beside.await_parked(0)

        wait, took = beside.longest_wait(act)
    yield Figure("longest wait", wait, "ms", at_most=LONGEST_WAIT_MS)
    yield Figure("all told after", took, "ms")


@row(
    "drains",
    "a drain begins with 100 000 waiting operations, or with 10 000 idle connections",
    wrong={"slow-output": "longest wait, recv"},
    timed=True,
)
def drain_begins(conditions):
    count = conditions.count(full=100_000, quick=10_000)
    for name, lines, idle in (
        ("recv", [b"recv c"] * count, 0),
        ("send", [b"send c x"] * count, 0),
        ("idle connections", [], count // 10),
    ):
        with Beside(conditions) as beside:
            beside.park(lines)
            beside.connect(idle)
            yield from drained(beside, name)


def drained(beside, name, most_seconds=20):
    """Ends the daemon while a client holds a lease. Yields how long that client waits for TOUCH, and the outcomes."""
    with Client(beside.port) as holder, Client(beside.port) as sender:
        sender.send(b"send leased job\n")
        delivery = holder.ask(b"recv lease=1h leased\n").delivery
        touch = b"touch " + delivery + b"\n"
        waits = []
        beside.pause()
        beside.daemon.signal(signal.SIGTERM)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            with Stopwatch("self", beside.daemon.pids[0]) as watch:
                holder.ask(touch)
            waits.append(watch.seconds - watch.delayed_seconds)
        yield Figure(f"longest wait, {name}", max(waits) * 1000, "ms", at_most=LONGEST_WAIT_MS)
        acknowledged = holder.ask(b"ack " + delivery + b"\n").word
        yield exactly("OK to ACK and to the sender", [acknowledged, sender.awaited_reply().word].count("OK"), 2)
        begin = time.monotonic()
        yield exactly("exit status", beside.daemon.wait(35), 0)
        yield Figure("ended after", time.monotonic() - begin, "s", at_most=most_seconds)


@row(
    "ten-times",
    "the work of mass-ends, joined-sends, broadcast and reports at ten times its size",
    wrong={"sluggish": "longest wait, poison receives", "undercharge": "RSS growth"},
    timed=True,
)
def ten_times_the_size(conditions):
    count = conditions.count(full=1_000_000, quick=20_000)
    for name, line, end in (
        ("poison receives", b"recv c", b"poison c\n"),
        ("poison sends", b"send c x", b"poison c\n"),
        ("joined sends", b"send id=one c x", b"recv c\n"),
        ("poison selects of 64 arms", b"select " + b" | ".join([b"recv c"] * 64), b"poison c\n"),
        ("broadcast of 8 KB", b"recv c", b"send c " + b"x" * 8000 + b"\n"),
    ):
        with Beside(conditions) as beside:
            if name.startswith("broadcast"):
                beside.watcher.ask(b"open kind=broadcast c\n")
            waits = []
            wait, growth = beside.park_and_measure([line] * (count // 64 if "64" in name else count))
            waits.append(wait)
            if name.startswith("broadcast"):
                waits.append(beside.longest_wait(lambda beside=beside: _receive_once(beside, 10_000))[0])
            before = beside.daemon.resident_bytes()
            waits.append(beside.longest_wait(ended(beside, end))[0])
            yield Figure(f"longest wait, {name}", max(waits), "ms", at_most=LONGEST_WAIT_MS)
            yield Figure(f"RSS growth, {name}", growth, "x charge", at_most=1.5)
            if name.startswith("broadcast"):
                # Copies for all would take 8 KB each.
                copied = (beside.daemon.resident_bytes() - before) / count
                yield Figure("memory for each receive of the broadcast", copied, "bytes", at_most=512)
    with Beside(conditions) as beside:
        parked = beside.park([b"recv names/%d" % number for number in range(count)])
        for report in (b"channels zzz\n", b"waiters format=json zzz\n", b"stuck\n"):
            wait, _ = beside.longest_wait(pipelined(beside, report, 5))
            yield Figure(f"longest wait, {report.split()[0].decode()}", wait, "ms", at_most=LONGEST_WAIT_MS)
        wait, _ = beside.longest_wait(lambda: _ask_for_a_while(beside, b"channels zzz\n" * 1200, 20))
        yield Figure("longest wait, 1 200 channels in one write", wait, "ms", at_most=LONGEST_WAIT_MS)
        wait, _ = beside.longest_wait(lambda: beside.reset(parked))
        yield Figure("longest wait, all leave", wait, "ms", at_most=LONGEST_WAIT_MS)
    yield from _buffered(conditions)


def _receive_once(beside, count):
    """Parks further receives of the broadcast, in one write for each client."""
    for client in beside.connect(count // TAGS_EACH):
        client.send(b"".join(b"#%d recv c\n" % number for number in range(TAGS_EACH)) + b"ping\n")
        client.awaited_reply()


def _ask_for_a_while(beside, lines, seconds):
    """Sends lines in one write, and disconnects when the time is over or all are answered."""
    with Client(beside.port) as client:
        client.send(lines + b"#last ping\n")
        end = time.monotonic() + seconds
        while client.awaited_reply().tag != b"last" and time.monotonic() < end:
            pass


def _buffered(conditions):
    """Empty messages into a buffer, until a share of memory is used up; then the client leaves."""
    memory = 64 << 20
    with (
        Beside(conditions, memory=memory, capacity=1 << 24) as beside,
        Client(beside.port, source="127.0.4.4") as client,
    ):
        client.ask(b"open cap=16777216 b\n")
        before = beside.watcher.info()
        words = []

        def act():
            while "ERR" not in words[-500:]:
                client.send(b"send b\n" * 500)
                words.extend(client.awaited_reply().word for _ in range(500))

        wait, _ = beside.longest_wait(act)
        after = beside.watcher.info()
        charge = after["memoryBytes"] - before["memoryBytes"]
        yield Figure("longest wait, empty messages", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure("empty messages before ERR limit", words.count("OK"), at_least=1000)
        yield Figure("RSS growth", (after["residentBytes"] - before["residentBytes"]) / charge, "x charge", at_most=1.5)
        wait, _ = beside.longest_wait(lambda: beside.watcher.ask(b"poison b\n"))
        yield Figure("longest wait, poison messages", wait, "ms", at_most=LONGEST_WAIT_MS)
