"""Networks that delay, cut, reset and pass single bytes, and clients that read slowly."""

import time
from collections import Counter

from battery import Figure, exactly, row
from books import Books
from clients import Client
from load import Load
from measure import Probe, percentile_99
from networks import NETWORKS


@row(
    "network",
    "networks that delay, cut, reset and pass one byte at a time; senders repeat sends with the same id",
    wrong={"early-ok": "false outcomes", "no-ids": "false outcomes"},
)
def bad_network(conditions):
    seconds = conditions.count(full=10, quick=2)
    wrong, resolved, sent = Counter(), 0, 0
    for network in NETWORKS:
        with conditions.daemon() as daemon:
            books = Books()
            load = Load(daemon.behind(network), books, seed=sent, reconnects=True)
            load.run(seconds)
            load.is_sending = False
            load.run(60, until=lambda load=load: not load.has_pending)
            # Waits for acknowledgements that are on their way.
            load.run(0.2)
            load.close()
        wrong.update(books.verdict())
        sent += len(books.sent)
        resolved += sum(1 for word in books.sent.values() if word)
    yield exactly("false outcomes", sum(wrong.values()), 0, f"({', '.join(wrong)})" if wrong else "")
    yield exactly("sends without an outcome", sent - resolved, 0, f"of {sent}")


@row(
    "slow-reader",
    "clients that read a little at a time get all messages in order",
    wrong={"lose": "messages in order"},
    timed=True,
)
def slow_readers(conditions):
    count = conditions.count(full=2000, quick=500)
    with conditions.daemon() as daemon, Probe(daemon.port) as probe:
        # The latency of another client while the same messages are read at once.
        probe.latencies()
        _read_in_order(daemon.port, count, pause_seconds=0)
        usual = percentile_99(probe.latencies())
        in_order = _read_in_order(daemon.port, count, pause_seconds=0.001)
        beside = percentile_99(probe.latencies())
    yield exactly("messages in order", in_order, count)
    yield Figure("others' p99", beside / usual, "x", at_most=2)


#: The messages for each reader: more than the system buffers for it.
EACH = 100
BODY_BYTES = 64 << 10


def _read_in_order(port, count, pause_seconds):
    """Sends messages to one reader after the other. Returns the number that arrived in order."""
    in_order = 0
    with Client(port) as sender:
        for number in range(count // EACH):
            with Client(port, small_window=True) as reader:
                reader.send(b"#r recv count=%d slow/%d\n" % (EACH, number))
                sender.send(b"".join(_send(message, number) for message in range(EACH)))
                in_order += _taken_in_order(reader, pause_seconds)
            # Skips the replies to the sends.
            sender.send(b"ping that is all\n")
            while (reply := sender.reply()) and reply.word != "DATA":
                pass
    return in_order


def _send(message, number):
    body = (b"%d " % message).ljust(BODY_BYTES)
    return b"#%d send len=%d slow/%d\n%s\n" % (message, BODY_BYTES, number, body)


def _taken_in_order(reader, pause_seconds):
    reader.socket.settimeout(1)
    for expected in range(EACH):
        try:
            reply = reader.reply(most_bytes=30_000)
        except TimeoutError:
            return expected
        if not reply or reply.word != "MSG" or not reply.body.startswith(b"%d " % expected):
            return expected
        time.sleep(pause_seconds)
    return EACH
