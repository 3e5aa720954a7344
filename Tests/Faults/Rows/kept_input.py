"""What clients make the server keep: bodies that do not end, and messages that are withdrawn from a buffer."""

import time

from battery import Figure, exactly, row
from clients import Client
from long_commands import LONGEST_WAIT_MS, Beside

MEMORY_BYTES = 64 << 20
PIECE_BYTES = UNREFUSED_BYTES = 16 << 10
#: How many clients write, and how long a body each announces.
BODIES = ((100, 1 << 20), (1000, 1 << 20), (10_000, 64 << 10))
#: The watcher, the probe and another client.
PRESENT = 3
QUICK_BODIES = ((20, 1 << 20), (200, 1 << 20), (1000, 64 << 10))


@row(
    "trickled-bodies",
    f"100 and 1 000 clients write bodies of 1 MiB, and 10 000 bodies of 64 KiB, in small pieces; none ends, with "
    f"{MEMORY_BYTES >> 20} MiB for clients",
    wrong={"undercharge": "RSS growth of 20", "sluggish": "longest wait of 20"},
    timed=True,
)
def bodies_that_do_not_end(conditions):
    for count, length in QUICK_BODIES[:1] if conditions.fault else conditions.count(full=BODIES, quick=QUICK_BODIES):
        with Beside(conditions, memory=MEMORY_BYTES) as beside, Client(beside.port, source="127.0.5.1") as other:
            other.ask(b"open cap=1 own\n")
            before = beside.watcher.info()["memoryBytes"]
            clients = [Client(beside.port, source=f"127.0.5.{2 + number % 8}") for number in range(count)]
            resident, charges = beside.daemon.resident_bytes(), [before]
            wait, _ = beside.longest_wait(
                lambda clients=clients, length=length, charges=charges: _trickle(beside, clients, length, charges)
            )
            charge = max(charges)
            growth = (beside.daemon.resident_bytes() - resident) / max(charge - before, 4 << 20)
            served = other.ask(b"send own " + b"x" * 8000 + b"\n").word, other.ask(b"recv own\n").word
            for client in clients:
                client.reset()
            beside.watcher.await_info(lambda info: info["connections"] <= PRESENT)
            left = beside.watcher.info()["memoryBytes"] - before
        yield Figure(f"longest wait of {count}", wait, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure(f"RSS growth of {count}", growth, "x charge", at_most=1.5)
        # The first 16 KiB of each connection are never refused.
        most = (MEMORY_BYTES + count * UNREFUSED_BYTES) / (1 << 20)
        yield Figure(f"largest charge of {count}", charge / (1 << 20), "MiB", at_most=most)
        yield exactly("another client served", int(served == ("OK", "MSG")), 1)
        # What the other clients have sent and not read changes the charge in steps of 4 KiB.
        yield Figure("charge that is left", left / 1024, "KiB", at_most=8)


def _trickle(beside, clients, length, charges):
    """Writes all bodies at the same time, up to their last byte, and waits until the server has read them.

    Adds what the server charges meanwhile to `charges`.
    """
    unsent = {}
    for client in clients:
        client.send(b"send len=%d c\n" % length)
        client.socket.setblocking(False)
        unsent[client] = length - 1
    piece = b"x" * PIECE_BYTES
    while unsent:
        for client in list(unsent):
            # The last bytes come one by one.
            most = 1 if unsent[client] <= 16 else min(PIECE_BYTES, unsent[client] - 16)
            try:
                unsent[client] -= client.socket.send(piece[:most])
            except BlockingIOError:
                continue
            if not unsent[client]:
                del unsent[client]
        charges.append(beside.watcher.info()["memoryBytes"])
    end = time.monotonic() + 20
    while len(charges) < 2 or (charges[-1] != charges[-2] and time.monotonic() < end):
        time.sleep(0.1)
        charges.append(beside.watcher.info()["memoryBytes"])


@row(
    "withdrawn-messages",
    "the clients of 65 536, and 655 360, messages with ids in a buffer leave, and withdraw them",
    wrong={"undercharge": "RSS growth of 20 000", "sluggish": "longest wait of 20 000"},
    timed=True,
)
def messages_that_are_withdrawn(conditions):
    for count in conditions.count(full=(65_536, 655_360), quick=(20_000,)):
        name = f"{count:,}".replace(",", " ")
        with Beside(conditions, capacity=1 << 20, remembered_sends=1 << 20) as beside:
            beside.watcher.ask(b"open cap=1048576 b\n")
            lines = [b"send until=taken id=%d b x" % number for number in range(count)]
            wait, growth = beside.park_and_measure(lines)
            kept = beside.watcher.info()["bufferedMessages"]
            yield Figure(f"longest wait of {name}", wait, "ms", at_most=LONGEST_WAIT_MS)
            yield Figure(f"RSS growth of {name}", growth, "x charge", at_most=1.5)
            wait, took = beside.longest_wait(lambda beside=beside: beside.reset(beside.clients))
            yield Figure(f"longest wait while {name} leave", wait, "ms", at_most=LONGEST_WAIT_MS)
            yield exactly("messages in the buffer", kept, count)
            yield exactly("messages left in the buffer", beside.watcher.info()["bufferedMessages"], 0)
            yield Figure("all withdrawn after", took, "ms")
