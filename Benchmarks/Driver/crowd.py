"""sluiced with a million parked operations: what commands cost beside them, and what is left when they go."""

import socket
import time
from contextlib import ExitStack

from ping import server_of
from processes import ChildFailed
from report import Result, print_block

#: Each connection has as many tagged receives as it may have, less a few.
RECEIVES_EACH = 1_000
#: Handoffs that one write asks for, and what they are answered with.
BATCH = 50
QUESTION = b"#1 RECV c\nSEND c hello\n" * BATCH
ANSWER_BYTES = len(b"OK\n#1 MSG c 5\nhello\n") * BATCH


def run_crowd(toolbox, rounds, quick, failures):
    """Handoffs on one channel, alone and beside receives parked on a hundred thousand others; then names that come and go."""
    if "sluiced" not in toolbox.programs:
        return []
    count = 100_000 if quick else 1_000_000
    alone = Result("crowd", "alone", "handoffs, nothing else parked", "ns a handoff")
    beside = Result("crowd", "sluice", f"handoffs beside {count:,} parked receives", "ns a handoff")
    parked = Result("crowd-bytes", "sluice", "a parked receive", "bytes")
    names = Result("crowd-names", "sluice", f"after {count:,} names", "of RSS before")
    try:
        for _ in range(max(1, rounds // 2)):
            _measure(toolbox, count, alone, beside, parked, names)
    except (ChildFailed, OSError) as failure:
        failures.append(f"crowd: {failure}")
    print_block("a crowd of parked operations", [alone, beside, parked, names])
    return [alone, beside, parked, names]


def _measure(toolbox, count, alone, beside, parked, names):
    with ExitStack() as stack:
        server = stack.enter_context(server_of("sluiced", toolbox))
        talker = stack.enter_context(_connected(server))
        alone.values.append(_nanoseconds_a_handoff(server, talker))
        _park(server, stack=None, count=count // 50)
        before = _resident_bytes(server)
        with ExitStack() as crowd:
            _park(server, crowd, count, channels=100_000)
            parked.values.append((_resident_bytes(server) - before) / count)
            beside.values.append(_nanoseconds_a_handoff(server, talker))
        _await_gone(talker)
        # The same number of connections again, so that only the names differ.
        settled = _resident_bytes(server)
        with ExitStack() as crowd:
            _park(server, crowd, count, channels=count)
        _await_gone(talker)
        names.values.append(_resident_bytes(server) / settled)


def _connected(server):
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _park(server, stack, count, channels=1):
    """Parks receives on connections that `stack` closes, or that are closed at once."""
    with ExitStack() as own:
        for first in range(0, count, RECEIVES_EACH):
            connection = (stack or own).enter_context(_connected(server))
            lines = (b"#%d RECV crowd/%d\n" % (i, (first + i) % channels) for i in range(RECEIVES_EACH))
            connection.sendall(b"".join(lines) + b"PING\n")
            _read(connection, len(b"OK\n"))


def _await_gone(talker):
    """Waits until the server knows that nobody is parked any more, and has given memory back."""
    while True:
        talker.sendall(b"INFO format=json\n")
        head = b""
        while not head.endswith(b"\n"):
            head += _read(talker, 1)
        if b'"parked":0' in _read(talker, int(head.split()[1]) + 1):
            break
    time.sleep(2)


def _nanoseconds_a_handoff(server, talker, handoffs=100_000):
    """The server's processor time for each."""
    begin = server.cpu_seconds()
    for _ in range(handoffs // BATCH):
        talker.sendall(QUESTION)
        _read(talker, ANSWER_BYTES)
    return (server.cpu_seconds() - begin) * 1e9 / handoffs


def _read(connection, count):
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        if not piece:
            raise ChildFailed("sluiced has closed a connection")
        received += piece
    return received


def _resident_bytes(server):
    with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096
