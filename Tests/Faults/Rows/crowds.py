"""Great numbers of clients, channels, commands and parked receivers."""

import resource
import signal
import time

from battery import Figure, exactly, row
from clients import Client, crowd
from measure import Probe, cpu_share, settled


@row(
    "descriptors",
    "200 clients connect to a server with 64 descriptors",
    wrong={"spin": "CPU", "late-close": "recovers after"},
    timed=True,
)
def descriptors_exhausted(conditions):
    with conditions.daemon() as daemon, Probe(daemon.port) as probe:
        daemon.limit(resource.RLIMIT_NOFILE, 64)
        usual = probe.percentile_99(2)
        clients = [Client(daemon.port) for _ in range(200)]
        beside = probe.percentile_99(2)
        probe.pause()
        busy = cpu_share(daemon, 2)
        # Reading the settings again needs descriptors, and fails.
        daemon.signal(signal.SIGHUP)
        survived = daemon.wait(0.5) is None
        for client in clients:
            client.close()
        begin = time.monotonic()
        while not _is_served(daemon.port) and time.monotonic() < begin + 10:
            time.sleep(0.01)
        recovery = time.monotonic() - begin
        clients = [Client(daemon.port) for _ in range(200)]
        daemon.signal(signal.SIGTERM)
        status = daemon.wait(35)
    yield Figure("CPU", busy * 100, "%", at_most=2)
    yield Figure("others' p99", beside / usual, "x", at_most=2)
    yield Figure("recovers after", recovery, "s", at_most=1)
    yield exactly("survives SIGHUP", int(survived), 1)
    yield exactly("exit status after SIGTERM", status, 0)


def _is_served(port):
    try:
        with Client(port) as client:
            client.socket.settimeout(2)
            client.send(b"ping\n")
            reply = client.reply()
            return reply is not None and reply.word == "OK"
    except OSError:
        return False


@row(
    "parked-and-gone",
    "1 000 parked clients disconnect with a FIN, and 1 000 with an RST",
    wrong={"late-close": "FIN noticed after", "spin": "CPU after RST"},
    timed=True,
)
def parked_clients_that_go(conditions):
    count = conditions.count(full=1000, quick=200)
    with conditions.daemon() as daemon, Client(daemon.port) as watcher:
        for name, go in (("FIN", Client.end_input), ("RST", Client.reset)):
            clients = crowd(daemon.port, count)
            for number, client in enumerate(clients):
                client.send(b"recv parked/%d\n" % number)
            watcher.await_info(lambda info: info["parked"] == count)
            begin = time.monotonic()
            for client in clients:
                go(client)
            gone = watcher.await_info(lambda info: info["parked"] == 0 and info["connections"] == 1, seconds=10)
            noticed = float("inf") if gone is None else (time.monotonic() - begin) * 1000
            yield Figure(f"{name} noticed after", noticed, "ms", at_most=100)
            yield Figure(f"CPU after {name}", cpu_share(daemon, 1) * 100, "%", at_most=1)
            for client in clients:
                client.close()


@row(
    "storm", "5 000 clients connect and disconnect, 20 times", wrong={"leak": "RSS", "leak-descriptors": "descriptors"}
)
def connection_storm(conditions):
    count, rounds = conditions.count(full=5000, quick=500), conditions.count(full=20, quick=10)
    with conditions.daemon() as daemon, Client(daemon.port) as watcher:
        watcher.ask(b"ping\n")
        descriptors = daemon.descriptors()
        # The first rounds warm up what the server keeps for later clients: its tables and its heap.
        warm = range(rounds // 2)
        for number in warm:
            _storm(daemon.port, watcher, count, number)
        before = settled(daemon.resident_bytes)
        for number in range(rounds):
            _storm(daemon.port, watcher, count, len(warm) + number)
        after = settled(daemon.resident_bytes)
        left = settled(daemon.descriptors, 1)
    yield Figure("RSS", after / before, "x before", at_most=1.01)
    yield Figure("descriptors", left / descriptors, "x before", at_most=1.01)
    yield Figure("RSS now", after / 1024, "KiB")


def _storm(port, watcher, count, number):
    clients = crowd(port, count, source=f"127.0.0.{number + 2}")
    for index, client in enumerate(clients):
        client.close() if index % 2 else client.reset()
    watcher.await_info(lambda info: info["connections"] == 1)


#: The number of tagged receives on one connection.
NAMES_EACH = 1000


@row("names", "a million channel names are used once", wrong={"keep-all": "RSS"})
def names_used_once(conditions):
    count = conditions.count(full=1_000_000, quick=100_000)
    with conditions.daemon() as daemon, Client(daemon.port) as watcher:
        _leave_names(daemon.port, watcher, "warm", count // 10)
        before = settled(daemon.resident_bytes)
        for first in range(0, count, count // 10):
            _leave_names(daemon.port, watcher, first, count // 10)
        after = settled(daemon.resident_bytes)
    yield Figure("RSS", after / before, "x before", at_most=1.05)
    yield Figure("RSS now", after / 1024, "KiB")


def _leave_names(port, watcher, prefix, count):
    """Parks receives on `count` channels at a time, and disconnects."""
    clients = []
    for first in range(0, count, NAMES_EACH):
        client = Client(port)
        client.send(b"".join(b"#%d recv %s/%d\n" % (n, str(prefix).encode(), first + n) for n in range(NAMES_EACH)))
        client.ask(b"ping\n")
        clients.append(client)
    for client in clients:
        client.close()
    watcher.await_info(lambda info: info["channels"] == 0)


@row(
    "one-write",
    "100 000 commands in one write",
    wrong={"swap": "in order", "sluggish": "longest wait of another client"},
    timed=True,
)
def commands_in_one_write(conditions):
    count = 100_000
    asked = b"".join(b"ping %d\n" % number for number in range(count))
    expected = b"".join(b"DATA %d\n%d\n" % (len(str(number)), number) for number in range(count))
    with (
        conditions.daemon() as daemon,
        Probe(daemon.port, pause_seconds=0, server=daemon.pids[0]) as probe,
        Client(daemon.port) as client,
    ):
        probe.latencies()
        writer = client.send_beside(asked)
        answered = bytearray()
        while len(answered) < len(expected) and (piece := client.socket.recv(1 << 18)):
            answered += piece
        writer.join()
        waits = probe.waits()
    yield exactly("in order", count if answered == expected else 0, count)
    yield Figure("longest wait of another client", waits[-1] * 1000, "ms", at_most=10)
    # The longest of only a few handoffs would mean little.
    yield Figure("handoffs of the other client", len(waits), at_least=10)


@row("one-wakes", "10 000 parked receivers, and one send", wrong={"wake-two": "woken"})
def one_send_to_many_receivers(conditions):
    connections, each = conditions.count(full=1000, quick=100), 10
    with conditions.daemon() as daemon, Client(daemon.port) as sender:
        clients = crowd(daemon.port, connections)
        for client in clients:
            client.send(b"".join(b"#%d recv one\n" % number for number in range(each)))
        sender.await_info(lambda info: info["parked"] == connections * each)
        sender.ask(b"send one message\n")
        # A message for a client arrives before the reply to its PING.
        woken = [reply for client in clients for reply in client.replies_before_pong()]
        parked = sender.info()["parked"]
        for client in clients:
            client.close()
    yield exactly("woken", len(woken), 1, f"of {connections * each}")
    yield exactly("still parked", parked, connections * each - 1)
