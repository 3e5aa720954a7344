"""Thousands of clients of one address that do the same at the same moment, beside a client that measures its waits."""

import time

from battery import Figure, row
from clients import Client
from long_commands import LONGEST_WAIT_MS, Beside

#: One address may have this many connections, less those of the probe and the watcher.
MOST_CLIENTS = 9000


@row(
    "departures",
    "9 000 clients of one address leave at the same time: by QUIT, by a line that they never end, by closing",
    wrong={"slow-output": "longest wait, quits"},
    timed=True,
)
def clients_that_leave_together(conditions):
    count = conditions.count(full=MOST_CLIENTS, quick=1000)
    with Beside(conditions) as beside:
        for name, prepare, leave in (
            ("quits", b"", b"quit\n"),
            ("unfinished lines", b"", b"p"),
            ("closes", b"join end=recv news\nping\n", None),
        ):
            if prepare:
                beside.watcher.ask(b"open kind=broadcast news\n")
            clients = beside.connect(count)
            for client in clients:
                client.send(prepare)

            def act(clients=clients, leave=leave):
                for client in clients:
                    client.send(leave) if leave else client.close()
                beside.watcher.await_info(lambda info: info["connections"] <= 2, pause=0.02)

            wait, took = beside.longest_wait(act)
            beside.leave()
            yield Figure(f"longest wait, {name}", wait, "ms", at_most=LONGEST_WAIT_MS)
            yield Figure("all gone after", took, "ms")


@row(
    "unread-values",
    "9 000 clients of one address get a value of 400 KB, and do not read it",
    wrong={"slow-output": "longest wait"},
    timed=True,
)
def values_that_a_crowd_does_not_read(conditions):
    count = conditions.count(full=MOST_CLIENTS, quick=500)
    with Beside(conditions) as beside:
        beside.watcher.ask(b"open kind=once value\n")
        clients = [Client(beside.port, f"127.0.1.{number // 5000 + 1}", small_window=True) for number in range(count)]
        for client in clients:
            client.send(b"#value recv value\nping\n")
        for client in clients:
            client.awaited_reply()

        def act():
            beside.watcher.ask(b"send len=400000 value\n" + b"x" * 400_000 + b"\n")
            # The kernel runs out of memory for sockets meanwhile, and the server resets the first ones afterwards.
            time.sleep(conditions.count(full=15, quick=2))

        wait, _ = beside.longest_wait(act)
        for client in clients:
            client.reset()
    yield Figure("longest wait", wait, "ms", at_most=LONGEST_WAIT_MS)


@row(
    "rings",
    "STUCK beside 8 000 clients that wait for each other in a ring, from 1 000 connections of one address",
    wrong={"slow-output": "longest wait"},
    timed=True,
)
def reports_on_a_ring(conditions):
    count, askers = conditions.count(full=8000, quick=1000), conditions.count(full=1000, quick=100)
    with Beside(conditions) as beside:
        for number, client in enumerate(beside.connect(count)):
            client.send(
                b"join end=recv ring/%d\njoin end=send ring/%d\nname waits=all member\nrecv ring/%d\n"
                % (number, (number + 1) % count, number)
            )
        beside.watcher.await_info(lambda info: info["parked"] >= count)
        asking = beside.connect(askers)
        resident = beside.daemon.resident_bytes()

        def act():
            for client in asking:
                client.send(b"stuck limit=1\n")
            asking[0].awaited_reply()

        wait, _ = beside.longest_wait(act)
        grown = beside.daemon.resident_bytes() - resident
        yield Figure("longest wait", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure("memory", grown / (1 << 20), "MiB", at_most=64)
