"""Crowds of clients from many addresses, each of which does little, beside a probe."""

import contextlib
import selectors

from battery import Figure, exactly, row
from clients import Client
from long_commands import LONGEST_WAIT_MS, Beside
from measure import cpu_share

#: What each client of a crowd writes at once: as much as need not wait for other clients, if they do not wait.
_RUSHES = (
    ("POISON", b"poison a\n" * 27),
    # Nothing happens on the channels that are traced, so no more replies follow.
    ("TRACE", b"#t trace z\n" * 22),
    ("PING", b"ping\n" * 48),
    ("one PING", b"ping\n"),
    ("refused lines", b"x\n" * 120),
    ("RECV", b"".join(b"#%d recv c\n" % number for number in range(20))),
)
_BODY = b"ping len=1000000\n" + b"x" * 1_000_000 + b"\n"


def _crowd(beside, count):
    """Connects clients, each from an address of its own."""
    clients = [Client(beside.port, f"127.{20 + n // 40_000}.{n // 200 % 200}.{n % 200 + 1}") for n in range(count)]
    for client in clients:
        client.send(b"ping\n")
    for client in clients:
        client.awaited_reply()
    beside.clients += clients
    return clients


@row(
    "addresses",
    "2 000 addresses write a few lines at once, 200 write bodies of 1 MB, and 1 000 end with 700 joined ends each, or "
    "with 20 selects of 64 arms",
    wrong={"sluggish": "longest wait, POISON"},
    timed=True,
)
def little_from_each_of_many(conditions):
    count = conditions.count(full=2000, quick=200)
    for name, lines in _RUSHES:
        with Beside(conditions) as beside:
            clients = _crowd(beside, count)
            wait, _ = beside.longest_wait(lambda clients=clients, lines=lines: _exchange(clients, lines, 3))
            yield Figure(f"longest wait, {name}", wait, "ms", at_most=LONGEST_WAIT_MS)
    with Beside(conditions) as beside:
        clients = _crowd(beside, count // 10)
        wait, _ = beside.longest_wait(lambda: _exchange(clients, _BODY, 1))
        yield Figure("longest wait, bodies", wait, "ms", at_most=LONGEST_WAIT_MS)
    each = conditions.count(full=700, quick=70)
    with Beside(conditions) as beside:
        clients = _crowd(beside, count // 2)
        for number, client in enumerate(clients):
            lines = b"".join(b"join end=send on-death=poison e/%d/%d\n" % (number, end) for end in range(each))
            client.send_beside(lines + b"#all ping\n")
            while client.awaited_reply().tag != b"all":
                pass
        wait, _ = beside.longest_wait(lambda: _reset(clients, beside))
        yield Figure("longest wait, ends", wait, "ms", at_most=LONGEST_WAIT_MS)
    for name, end in (("half-close", Client.end_input), ("reset", Client.reset)):
        with Beside(conditions) as beside:
            clients = _crowd(beside, count // 2)
            for number, client in enumerate(clients):
                client.send(b"".join(_select(number, tag) for tag in range(20)))
            beside.watcher.await_info(lambda info, clients=clients: info["parked"] >= 20 * len(clients))
            wait, _ = beside.longest_wait(lambda clients=clients, end=end, beside=beside: _end(clients, end, beside))
            yield Figure(f"longest wait, {name} with selects", wait, "ms", at_most=LONGEST_WAIT_MS)


def _select(number, tag):
    return b"#%d select %s\n" % (tag, b" | ".join(b"recv w/%d/%d/%d" % (number, tag, arm) for arm in range(64)))


def _reset(clients, beside):
    for client in clients:
        client.reset()
    beside.watcher.await_info(lambda info: info["connections"] <= 2)


def _end(clients, end, beside):
    for client in clients:
        end(client)
    beside.await_parked(0)


def _exchange(clients, data, times):
    """Lets all clients write, a few times, and read until nothing has come for a while."""
    for _ in range(times):
        with selectors.DefaultSelector() as selector:
            for client in clients:
                client.socket.setblocking(False)
                selector.register(client.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, [0])
            while ready := selector.select(0.1):
                for key, events in ready:
                    with contextlib.suppress(BlockingIOError):
                        if events & selectors.EVENT_READ:
                            key.fileobj.recv(1 << 17)
                        if events & selectors.EVENT_WRITE:
                            key.data[0] += key.fileobj.send(data[key.data[0] : key.data[0] + (1 << 17)])
                    if key.data[0] == len(data) and events & selectors.EVENT_WRITE:
                        selector.modify(key.fileobj, selectors.EVENT_READ, key.data)


@row(
    "held-rejections",
    "100 000 messages are rejected, and their dead channel does not exist",
    wrong={"spin": "CPU", "sluggish": "longest wait"},
    timed=True,
)
def rejected_without_a_dead_channel(conditions):
    count = conditions.count(full=100_000, quick=5000)
    with Beside(conditions, capacity=1 << 20) as beside, Client(beside.port) as client:
        client.ask(b"open cap=%d max-attempts=1 dead=d c\n" % count)

        def reject():
            for first in range(0, count, 500):
                client.send(b"".join(b"send c %d\nrecv lease=1h c\n" % (first + number) for number in range(500)))
                messages = [client.awaited_reply() for _ in range(1000)][1::2]
                client.send(b"".join(b"reject %s\n" % message.delivery for message in messages))
                for _ in messages:
                    client.awaited_reply()

        wait, _ = beside.longest_wait(reject)
        held = beside.watcher.info()["waitingDeadLetters"]
        busy = cpu_share(beside.daemon, 3)
        client.ask(b"open cap=%d d\n" % count)
        moved, _ = beside.longest_wait(lambda: beside.watcher.await_info(lambda info: info["waitingDeadLetters"] == 0))
        bodies = []
        for _ in range(0, count, 500):
            client.send(b"recv timeout=0 d\n" * 500)
            bodies += [int(client.awaited_reply().body or b"-1") for _ in range(500)]
    yield exactly("held", held, count)
    # The probe asks a thousand times a second meanwhile.
    yield Figure("CPU", busy * 100, "%", at_most=20)
    yield Figure("longest wait", max(wait, moved), "ms", at_most=LONGEST_WAIT_MS)
    yield exactly("moved in order", sum(body == number for number, body in enumerate(bodies)), count)


@row(
    "redrives",
    "200 addresses REDRIVE 20 times each, beside the REDRIVE of another one",
    wrong={"sluggish": "longest wait"},
    timed=True,
)
def many_redrives(conditions):
    count = conditions.count(full=200, quick=20)
    with Beside(conditions) as beside, Client(beside.port, "127.0.6.1") as other:
        _reject(beside.watcher, b"dead", b"source", 5000)
        _reject(other, b"own", b"origin", 100)
        clients = _crowd(beside, count)
        replies = []

        def act():
            for client in clients:
                client.send(b"".join(b"#%d redrive dead\n" % number for number in range(20)))
            replies.append(other.ask(b"redrive own\n"))

        wait, took = beside.longest_wait(act)
    yield Figure("longest wait", wait, "ms", at_most=LONGEST_WAIT_MS)
    yield Figure("REDRIVE of the other address answered after", took, "ms", at_most=500)
    yield exactly("answered", replies[0].word == "OK", 1)


def _reject(client, dead, source, count):
    """Leaves rejected messages in a dead channel, whose source has ended."""
    client.ask(b"open cap=%d %s\n" % (count, dead))
    client.ask(b"open cap=%d max-attempts=1 dead=%s %s\n" % (count, dead, source))
    for _ in range(count // 100):
        client.send(b"send %s x\nrecv lease=1h %s\n" % (source, source) * 100)
        messages = [client.awaited_reply() for _ in range(200)][1::2]
        for message in messages:
            client.ask(b"reject %s\n" % message.delivery)
    client.ask(b"close %s\n" % source)
