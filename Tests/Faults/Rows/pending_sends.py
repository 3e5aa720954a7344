"""A million sends that wait for their time, or for enough receivers, beside a probe."""

import time

from battery import Figure, exactly, row
from clients import Client
from long_commands import LONGEST_WAIT_MS, TAGS_EACH, Beside, ended

#: For how long the first of the messages that become due together is delayed.
DELAY_SECONDS = 40
QUICK_DELAY_SECONDS = 4


@row(
    "delays",
    "1 000 000 sends with delay= wait and are poisoned, and 1 000 000 become due at the same time",
    wrong={
        "sluggish": "longest wait, delayed SEND",
        "undercharge": "RSS growth",
        "no-delay": "received too early",
    },
    timed=True,
)
def delayed_sends(conditions):
    count = conditions.count(full=1_000_000, quick=20_000)
    with Beside(conditions) as beside:
        wait, growth = beside.park_and_measure([b"send delay=1h c x"] * count)
        yield Figure("longest wait, delayed SEND", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure("RSS growth", growth, "x charge", at_most=1.5)
        wait, _ = beside.longest_wait(ended(beside, b"poison c\n"))
        yield Figure("longest wait, poison", wait, "ms", at_most=LONGEST_WAIT_MS)
    with Beside(conditions) as beside, Client(beside.port) as receiver:
        end = time.monotonic() + conditions.count(full=DELAY_SECONDS, quick=QUICK_DELAY_SECONDS)
        receiver.send(b"#r recv count=* c\n")
        wait, _ = beside.longest_wait(lambda: _delay(beside, count, end))
        yield Figure("longest wait, delays that end together", wait, "ms", at_most=LONGEST_WAIT_MS)
        reader = _Reader(receiver)
        reader.read(until=end)
        yield exactly("received too early", reader.count_in_time, 0)
        wait, took = beside.longest_wait(lambda: reader.read(count))
        yield Figure("longest wait, all become due", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield exactly("received", reader.count, count)
        yield Figure("all received after", took, "ms")


def _delay(beside, count, end):
    """Sends messages that become due at the same time."""
    for client in beside.connect(count // TAGS_EACH):
        delay = max(1, int((end - time.monotonic()) * 1000) + 1)
        client.send(b"".join(b"#t%d send delay=%dms c x\n" % (number, delay) for number in range(TAGS_EACH)))
    beside.watcher.await_info(lambda info: info["parked"] >= count or time.monotonic() > end - 1)


class _Reader:
    """Reads the messages of a counted receive, which are all alike."""

    _MESSAGE = b"#r MSG c 1\nx\n"

    def __init__(self, client):
        self._socket = client.socket
        self._bytes = 0
        #: The messages that were read before the time that `read` waited for.
        self.count_in_time = 0

    @property
    def count(self):
        return self._bytes // len(self._MESSAGE)

    def read(self, count=None, until=float("inf")):
        """Reads until there are so many messages, or until a time."""
        while (count is None or self.count < count) and (now := time.monotonic()) < until:
            self._socket.settimeout(min(60, until - now))
            try:
                data = self._socket.recv(1 << 18)
            except TimeoutError:
                return
            if not data:
                return
            self._bytes += len(data)
            if time.monotonic() < until:
                self.count_in_time = self.count


@row(
    "needs",
    "1 000 000 sends with need= wait for a receiver, and one waits beside 1 000 000 receivers",
    wrong={
        "sluggish": "longest wait, SEND need=1",
        "undercharge": "RSS growth",
        "ignored-need": "too few receivers",
    },
    timed=True,
)
def sends_that_need_receivers(conditions):
    count = conditions.count(full=1_000_000, quick=20_000)
    with Beside(conditions) as beside, Client(beside.port) as receiver:
        beside.watcher.ask(b"open kind=broadcast c\n")
        wait, growth = beside.park_and_measure([b"send need=1 c x"] * count)
        yield Figure("longest wait, SEND need=1", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure("RSS growth", growth, "x charge", at_most=1.5)
        reader = _Reader(receiver)
        receiver.send(b"#r recv count=* c\n")
        wait, took = beside.longest_wait(lambda: reader.read(count))
        yield Figure("longest wait, all are received", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield exactly("received", reader.count, count)
        yield Figure("all received after", took, "ms")
    with Beside(conditions) as beside, Client(beside.port) as sender, Client(beside.port) as last:
        beside.watcher.ask(b"open kind=broadcast c\n")
        wait, growth = beside.park_and_measure([b"recv c"] * count)
        yield Figure("longest wait, RECV", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure("RSS growth of receives", growth, "x charge", at_most=1.5)
        sender.send(b"#s send need=%d c x\n" % (count + 1))
        answers = []
        wait, _ = beside.longest_wait(lambda: answers.extend(sender.replies_before_pong()))
        yield Figure("longest wait, SEND that needs one more", wait, "ms", at_most=LONGEST_WAIT_MS)
        last.send(b"recv c\n")
        wait, took = beside.longest_wait(lambda: beside.await_parked(0))
        yield Figure("longest wait, all receive", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure("all have received after", took, "ms")
        answer = answers[0] if answers else sender.awaited_reply()
        yield exactly("too few receivers", count + 1 - int(answer.attribute("receivers") or 0), 0)


@row(
    "counted-needs",
    "20 sends with a need= that cannot be met, beside 500 000 receives and 1 000 joined clients with 600 commands each",
    wrong={"sluggish": "longest wait"},
    timed=True,
)
def needs_that_take_counting(conditions):
    receives, joined = conditions.count(full=500_000, quick=10_000), conditions.count(full=1000, quick=50)
    with Beside(conditions) as beside, Client(beside.port) as sender:
        beside.watcher.ask(b"open kind=broadcast news\n")
        beside.park([b"recv news"] * receives)
        others = b"".join(b"#%d recv other/%d\n" % (number, number) for number in range(600))
        for client in beside.connect(joined):
            client.send(b"#news recv news\n" + others + b"join end=recv news\nping\n")
        beside.watcher.await_info(lambda info: info["parked"] >= receives + 601 * joined)
        line = b"send timeout=0 need=%d news x\n" % (receives + joined + 1)
        words = []

        def act():
            sender.send(line * 20 + b"ping " + b"x" * 1000 + b"\n")
            words.extend(sender.awaited_reply().word for _ in range(21))

        wait, _ = beside.longest_wait(act)
    yield Figure("longest wait", wait, "ms", at_most=LONGEST_WAIT_MS)
    yield exactly("not sent", words.count("TIMEOUT"), 20)
