"""Over TCP: the load tester's comparison, and the servers' instructions for each operation."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from processes import ChildFailed, Server, output_of, redis_server, start
from report import Result, print_block


@dataclass(frozen=True)
class Operation:
    """An operation between two connections whose instructions are counted."""

    name: str
    title: str
    #: The most instructions that the daemon may take.
    bound: int


OPERATIONS = [
    Operation("handoff", "handoff: RECV and SEND, a write each", 7_000),
    Operation("stream", "stream: counted receive, 256 SENDs a write", 1_130),
    Operation("lease", "lease: SEND, RECV lease=, ACK", 20_000),
    Operation("call", "call: CALL to a counted receive, ACK with an answer", 17_000),
    Operation("ping", "PING, 16 a write", 600),
]


#: How often an operation is counted, if more than once. The kernel may report the sender's socket first, and then does
#: so for a while. A send that is read before its receive is parked and takes more instructions.
ROUNDS = {"handoff": 5}


def run_comparison(toolbox, rounds, quick):
    """Runs `sluice-load compare`, which prints its tables. Returns the failures."""
    if "load" not in toolbox.programs:
        return []
    print("\nOver TCP, by sluice-load compare\n", flush=True)
    command = [*toolbox.programs["load"], "compare", "--quiet", "--rounds", rounds]
    command += ["--sluiced", *toolbox.programs["sluiced"], "--duration", "0.3s" if quick else "2s"]
    if quick:
        command += ["--only", "handoff", "unix", "worker", "lease", "ping", "stream"]
    return [] if start(command, stdout=sys.stdout).wait() == 0 else ["sluice-load compare failed"]


def run_instructions(toolbox, failures):
    """Counts the servers' instructions in user mode. The counts have no noise, so that every regression shows."""
    if "sluiced" not in toolbox.programs:
        return []
    if not shutil.which("valgrind"):
        print("\nvalgrind is not installed: instructions are not counted")
        return []
    results = []

    def add(name, contestant, title, count, bound=None):
        result = Result(f"instructions-{name}", contestant, title, "instructions", bound=bound)
        try:
            result.values += [count() for _ in range(ROUNDS.get(name, 1))]
        except (ChildFailed, OSError, subprocess.SubprocessError) as failure:
            failures.append(f"{title}: {failure}")
            result.note = "failed: see the end"
        results.append(result)

    daemon = toolbox.programs["sluiced"][0]
    for operation in OPERATIONS:
        add(
            operation.name,
            "sluice",
            operation.title,
            lambda operation=operation: _daemon_instructions(daemon, operation.name),
            operation.bound,
        )
        if operation.name == "handoff" and shutil.which("redis-server"):
            add(operation.name, "redis", "Redis: BRPOP and LPUSH, a write each", _redis_instructions)
    print_block("instructions of the server, without the kernel's", results)
    return results


def _daemon_instructions(program, name):
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "sluiced"
        # valgrind cannot read all of the program's debug information.
        output_of(["strip", "--strip-debug", "-o", copy, program])
        port = lambda line: int(line.rpartition(":")[2])  # noqa: E731
        daemon = lambda wrapper: Server([*wrapper, copy, "--listen", "127.0.0.1:0"], "ready tcp=", port)  # noqa: E731
        actors = {"handoff": _handoff, "stream": _stream, "lease": _lease, "call": _call, "ping": _ping}
        return _instructions(daemon, actors[name], "PING\n", "OK\n")


def _redis_instructions():
    return _instructions(redis_server, _redis_handoff, "PING\r\n", "+PONG\r\n")


def _instructions(server_within, actor, ping, pong):
    """Returns a server's instructions for one operation of `actor`, after a warm-up.

    `server_within` returns the server that a command runs, which counts the instructions.
    """
    with tempfile.TemporaryDirectory() as directory:
        counts = Path(directory) / "counts"
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={counts}"]
        with (
            server_within(command) as server,
            _connected(server.port, ping, pong) as a,
            _connected(server.port, ping, pong) as b,
        ):
            act = actor(a, b)
            act(512)
            _set_counting(server, "on")
            operations = act(2_560)
            _set_counting(server, "off")
        totals = re.findall(r"^(?:summary|totals): (\d+)", counts.read_text(encoding="ascii"), re.MULTILINE)
        if not totals:
            raise ChildFailed("callgrind wrote no counts")
        return int(totals[-1]) / operations


def _set_counting(server, state):
    command = ["callgrind_control", "-i", state, str(server.process.pid)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def _connected(port, ping, pong):
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # The daemon inspects the first line of a connection more closely than others.
    connection.sendall(ping.encode())
    _expect(connection, pong.encode())
    return connection


def _handoff(a, b):
    # Now and then, a send is read before its receive and waits. The first one makes Swift's runtime look up types.
    a.sendall(b"#s SEND c x\n#p PING\n")
    _expect(a, b"#p OK\n")
    b.sendall(b"RECV c\n")
    _expect(a, b"#s OK\n")
    _expect(b, b"MSG c 1\nx\n")

    def act(count):
        for _ in range(count):
            b.sendall(b"RECV c\n")
            a.sendall(b"SEND c hello world 1234\n")
            _expect(a, b"OK\n")
            _expect(b, b"MSG c 16\nhello world 1234\n")
        return count

    return act


def _redis_handoff(a, b):
    pop = b"*3\r\n$5\r\nBRPOP\r\n$1\r\nc\r\n$1\r\n0\r\n"
    push = b"*3\r\n$5\r\nLPUSH\r\n$1\r\nc\r\n$16\r\nhello world 1234\r\n"

    def act(count):
        for _ in range(count):
            b.sendall(pop)
            a.sendall(push)
            _expect(a, b":1\r\n")
            _expect(b, b"*2\r\n$1\r\nc\r\n$16\r\nhello world 1234\r\n")
        return count

    return act


def _stream(a, b):
    body = b"x" * 64
    b.sendall(b"#r RECV count=* c\nPING\n")
    _expect(b, b"OK\n")

    def act(count):
        for _ in range(count // 256):
            a.sendall(b"SEND c %b\n" % body * 256)
            _expect(a, b"OK\n" * 256)
            _expect(b, b"#r MSG c 64\n%b\n" % body * 256)
        return count // 256 * 256

    return act


def _lease(a, b):
    def act(count):
        for _ in range(count):
            b.sendall(b"RECV lease=30s c\n")
            a.sendall(b"SEND c hello world 1234\n")
            b.sendall(b"ACK %b\n" % _delivery(b))
            _expect(a, b"OK\n")
            _expect(b, b"OK\n")
        return count

    return act


def _call(a, b):
    b.sendall(b"#w RECV count=* lease=30s window=1 c\n")

    def act(count):
        for _ in range(count):
            a.sendall(b"CALL c hello world 1234\n")
            b.sendall(b"ACK reply=error %b ok\n" % _delivery(b))
            _expect(a, b"DATA 2\nok\n")
        return count

    return act


def _delivery(connection):
    """Reads a message under a lease, and returns the id of its delivery."""
    message = b""
    while message.count(b"\n") < 2:
        message += _read(connection, 1)
    if not (delivery := re.search(rb"did=(\S+)", message)):
        raise ChildFailed(f"expected a leased message, but the server sent {message[:80]!r}")
    return delivery[1]


def _ping(a, _):
    def act(count):
        for _ in range(count // 16):
            a.sendall(b"PING\n" * 16)
            _expect(a, b"OK\n" * 16)
        return count // 16 * 16

    return act


def _expect(connection, expected):
    received = _read(connection, len(expected))
    if received != expected:
        raise ChildFailed(f"expected {expected[:80]!r}, but the server sent {received[:80]!r}")


def _read(connection, count):
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        if not piece:
            raise ChildFailed("the server closed a connection")
        received += piece
    return received
