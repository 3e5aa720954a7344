"""Clients that make the server keep as much as they can. docs/security.md describes what bounds them."""

import resource
from dataclasses import dataclass, field

from battery import Figure, exactly, row
from clients import Client

MEMORY_BYTES = 64 << 20
#: The number of commands in one write.
CHUNK = 500
#: Nothing but the memory bounds the hoards.
SETTINGS = {
    "pending_tags": 1 << 20,
    "capacity": 1 << 24,
    "ends": 1 << 20,
    "leases": 1 << 20,
    "window": 1 << 20,
    "declared_channels": 1 << 24,
    "remembered_sends": 1 << 24,
    "tombstones": 1 << 24,
    "kept_bytes": 1 << 40,
    "parked_bytes": 1 << 40,
}


@dataclass(frozen=True)
class Hoard:
    """A shape of load: what each client sends first, and the command that it repeats, with the number of each."""

    name: str
    command: callable
    prepare: bytes = b""
    settings: dict = field(default_factory=dict)


def _select(number):
    return b"#%d select %b\n" % (number, b" | ".join(b"recv a/%d/%d" % (number, arm) for arm in range(64)))


def _buffered(name, command):
    return Hoard(name, command, b"open cap=16777216 b\n")


HOARDS = [
    Hoard("receives", lambda n: b"#%d recv c/%d\n" % (n, n)),
    Hoard("receives of one channel", lambda n: b"#%d recv c\n" % n),
    Hoard("receives with timeouts", lambda n: b"#%d recv timeout=1h c/%d\n" % (n, n)),
    Hoard("receives with leases", lambda n: b"#%d recv lease=1h c/%d\n" % (n, n)),
    Hoard("counted receives", lambda n: b"#%d recv count=* c/%d\n" % (n, n)),
    Hoard("long names and tags", lambda n: b"#%032d recv %0200d\n" % (n, n)),
    Hoard("empty sends", lambda n: b"#%d send c/%d\n" % (n, n)),
    Hoard("empty sends to one channel", lambda n: b"#%d send c\n" % n),
    Hoard("sends", lambda n: b"#%d send c/%d %01000d\n" % (n, n, n)),
    Hoard("sends with ids", lambda n: b"#%d send id=%d c\n" % (n, n)),
    Hoard("sends joined to one id", lambda n: b"#%d send id=x c\n" % n),
    Hoard("selects of 64 arms", _select),
    Hoard("cancelled timers", lambda n: b"#t recv timeout=%ds c\ncancel #t\n" % (90000 - n % 80000)),
    Hoard("barriers", lambda n: b"#%d barrier parties=2 b/%d\n" % (n, n)),
    _buffered("empty messages", lambda n: b"send b\n"),
    _buffered("messages", lambda n: b"send b %01000d\n" % n),
    _buffered("messages with ids", lambda n: b"send id=%d b\n" % n),
    _buffered("leased messages", lambda n: b"send b\nrecv lease=1h b\n"),
    Hoard("remembered ids", lambda n: b"send id=%064d b\n" % n, b"open cap=1 overflow=drop-oldest b\n"),
    Hoard("ends", lambda n: b"join end=send c/%d\n" % n),
    Hoard("declared channels", lambda n: b"open cap=1 c/%d\n" % n),
    Hoard("ended channels", lambda n: b"close c/%d\n" % n),
    Hoard("poisoned channels", lambda n: b"poison c/%d %04000d\n" % (n, n)),
]


@dataclass
class Outcome:
    """What a hoard has done to the server."""

    commands: int
    refused: bool
    charged: int
    resident: int
    survived: bool


def _hoard(client, hoard, limit):
    """Sends the hoard's command until the server refuses one. Returns how many it sent, and whether one was refused."""
    client.send(hoard.prepare + b"#end ping\n")
    _await_fence(client)
    for first in range(0, limit, CHUNK):
        client.send(b"".join(hoard.command(first + n) for n in range(CHUNK)) + b"#end ping\n")
        if _await_fence(client):
            return first + CHUNK, True
    return limit, False


def _await_fence(client):
    """Reads replies up to that of the fence. Returns whether one of them is `ERR limit`."""
    refused = False
    while True:
        reply = client.reply()
        if reply is None:
            return True
        # A repeated send that is refused is in doubt, because the first one still waits.
        refused |= reply.code == "limit" or reply.word == "MAYBE"
        if reply.tag == b"end":
            return refused


def outcome_of(conditions, hoard, clients, limit):
    settings = SETTINGS | hoard.settings
    with conditions.daemon(may_crash=True, memory=MEMORY_BYTES, **settings) as daemon, Client(daemon.port) as watcher:
        # The code that runs, and what the allocator keeps for itself, become resident only once.
        with Client(daemon.port) as first:
            _hoard(first, hoard, CHUNK)
        watcher.await_info(lambda info: info["connections"] == 1)
        before = watcher.info()
        daemon.limit(resource.RLIMIT_AS, _mapped_bytes(daemon.pids[0]) + 2 * MEMORY_BYTES)
        hoarders = [Client(daemon.port, source=f"127.0.0.{2 + number % 3}") for number in range(clients)]
        results = [_hoard(client, hoard, limit // clients) for client in hoarders]
        after = watcher.info()
        for client in hoarders:
            client.close()
        return Outcome(
            sum(sent for sent, _ in results),
            any(refused for _, refused in results),
            after["memoryBytes"] - before["memoryBytes"],
            after["residentBytes"] - before["residentBytes"],
            daemon.wait(0.05) is None,
        )


def _mapped_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


@row(
    "hoards",
    f"{len(HOARDS)} shapes of load, until the server refuses more or 100 000 commands have run, with "
    f"{MEMORY_BYTES >> 20} MiB for clients",
    wrong={"undercharge": "receives of 1: RSS growth"},
    timed=False,
)
def hoards(conditions):
    for hoard in HOARDS:
        for clients in (1, 100):
            yield from _figures(conditions, hoard, clients)


def _figures(conditions, hoard, clients):
    outcome = outcome_of(conditions, hoard, clients, conditions.count(full=100_000, quick=20_000))
    name = f"{hoard.name} of {clients}"
    yield exactly(f"{name}: survives", int(outcome.survived), 1)
    yield Figure(f"{name}: charge", outcome.charged / (1 << 20), "MiB", at_most=MEMORY_BYTES / (1 << 20))
    # A process that does little varies by a megabyte or two.
    least = 4 << 20
    yield Figure(f"{name}: RSS growth", outcome.resident / max(outcome.charged, least), "x charge", at_most=1.5)
