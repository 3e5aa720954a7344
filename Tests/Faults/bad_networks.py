"""Networks that delay, cut, reset and dribble, and clients that are slow."""

import time
from collections import Counter

from battery import Figure, exactly, row
from checker import Books
from clients import Client
from load import Load
from measure import Probe, percentile_99
from weather import WEATHERS


@row(
    "network",
    "a network that delays, cuts, resets and passes one byte at a time; senders send again with the same id",
    wrong={"early-ok": "false outcomes", "no-ids": "false outcomes"},
)
def bad_network(conditions):
    seconds = conditions.count(full=10, quick=2)
    wrong, resolved, sent = Counter(), 0, 0
    for weather in WEATHERS:
        with conditions.daemon() as daemon:
            books = Books()
            load = Load(daemon.behind(weather), books, seed=sent, returns=True)
            load.run(seconds)
            load.is_sending = False
            load.run(60, until=lambda load=load: not load.has_pending)
            # Acknowledgements that are on their way.
            load.run(0.2)
            load.close()
        wrong.update(books.verdict())
        sent += len(books.sent)
        resolved += sum(1 for word in books.sent.values() if word)
    yield exactly("false outcomes", sum(wrong.values()), 0, f"({', '.join(wrong)})" if wrong else "")
    yield exactly("without an outcome", sent - resolved, 0, f"of {sent}")


@row(
    "slow-reader",
    "clients that read a little at a time: all of it comes, in order",
    wrong={"lose": "messages in order", "sluggish": "others' p99"},
    timed=True,
)
def slow_readers(conditions):
    count, readers = conditions.count(full=2000, quick=500), 20
    body = b"x" * 2000
    with conditions.daemon() as daemon, Probe(daemon.port) as probe:
        usual = probe.percentile_99(2)
        probe.latencies()
        slow = [Client(daemon.port, small_window=True) for _ in range(readers)]
        for number, client in enumerate(slow):
            client.say(b"#r recv count=%d slow/%d\n" % (count // readers, number))
        with Client(daemon.port) as sender:
            in_order = sum(_read_slowly(sender, slow[n], n, count // readers, body) for n in range(readers))
        beside = probe.latencies()
        for client in slow:
            client.close()
    yield exactly("messages in order", in_order, count)
    yield Figure("others' p99", percentile_99(beside) / usual, "x", at_most=2)


def _read_slowly(sender, client, number, count, body):
    """Has messages sent, and takes them in pieces. Returns how many came in their order."""
    for message in range(count):
        sender.say(b"#%d send slow/%d %d %s\n" % (message, number, message, body))
    in_order = 0
    client.socket.settimeout(1)
    expected = 0
    while expected < count:
        try:
            reply = client.reply(most_bytes=3000)
        except TimeoutError:
            break
        if not reply or reply.word != "MSG":
            break
        in_order += reply.body.startswith(b"%d " % expected)
        expected += 1
        time.sleep(0.0005)
    # The senders' replies have all come by now.
    sender.say(b"ping that is all\n")
    while (reply := sender.reply()) and reply.word != "DATA":
        pass
    return in_order
