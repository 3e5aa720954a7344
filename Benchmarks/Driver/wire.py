"""Over TCP: the load tester's comparison, and what the daemon's work is in instructions."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from processes import ChildFailed, Server, output_of, start
from report import Result, print_block

#: What is counted, between two connections `a` and `b`.
OPERATIONS = {
    "handoff": "a receive and a send that meet, each in a write of its own",
    "stream": "a message of 64 bytes to a counted receive, 256 in a write",
    "lease": "a send, a receive with a lease, and its acknowledgement",
    "ping": "a PING, 16 in a write",
}


def run_comparison(toolbox, rounds, quick):
    """Has `sluice-load compare` print its tables. Returns whether it could."""
    if "load" not in toolbox.programs:
        return []
    print("\nOver TCP, by sluice-load compare\n", flush=True)
    command = [*toolbox.programs["load"], "compare", "--quiet", "--rounds", rounds]
    command += ["--sluiced", *toolbox.programs["sluiced"], "--duration", "0.3s" if quick else "2s"]
    if quick:
        command += ["--only", "handoff", "--only", "lease", "--only", "ping", "--only", "stream"]
    return [] if start(command, stdout=sys.stdout).wait() == 0 else ["sluice-load compare has failed"]


def run_instructions(toolbox, failures):
    """Counts the daemon's own instructions for each operation: no noise, so that a regression shows."""
    if "sluiced" not in toolbox.programs:
        return []
    if not shutil.which("valgrind"):
        print("\ninstructions of the daemon are not counted: valgrind is not installed")
        return []
    results = []
    for name, title in OPERATIONS.items():
        result = Result(f"instructions-{name}", "sluice", title, "instructions")
        try:
            result.values.append(_instructions(toolbox.programs["sluiced"][0], name))
        except (ChildFailed, OSError) as failure:
            failures.append(f"instructions of {name}: {failure}")
            result.note = "failed: see the end"
        results.append(result)
    print_block("the daemon's instructions, without the kernel's", results)
    return results


def _instructions(program, name):
    with tempfile.TemporaryDirectory() as directory:
        copy, counts = Path(directory) / "sluiced", Path(directory) / "counts"
        # valgrind cannot read all of what describes the program to a debugger.
        output_of(["strip", "--strip-debug", "-o", copy, program])
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={counts}", copy]
        command += ["--listen", "127.0.0.1:0"]
        with Server(command, port=lambda line: int(line.rpartition(":")[2]), ready="ready tcp=") as server:
            with _connected(server.port) as a, _connected(server.port) as b:
                act = globals()[f"_{name}"](a, b)
                act(512)
                _count(server, True)
                operations = act(2_560)
                _count(server, False)
        totals = re.findall(r"^(?:summary|totals): (\d+)", counts.read_text(encoding="ascii"), re.MULTILINE)
        return int(totals[-1]) / operations


def _count(server, on):
    command = ["callgrind_control", "-i", "on" if on else "off", str(server.process.pid)]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def _connected(port):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # The first line of a connection is looked at more closely than others.
    connection.sendall(b"PING\n")
    _read(connection, 3)
    return connection


def _handoff(a, b):
    def act(count):
        for _ in range(count):
            b.sendall(b"RECV c\n")
            a.sendall(b"SEND c hello world 1234\n")
            _expect(a, b"OK\n")
            _expect(b, b"MSG c 16\nhello world 1234\n")
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
            message = b""
            while message.count(b"\n") < 2:
                message += _read(b, 1)
            b.sendall(b"ACK %b\n" % re.search(rb"did=(\S+)", message)[1])
            _expect(a, b"OK\n")
            _expect(b, b"OK\n")
        return count

    return act


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
        raise ChildFailed(f"sluiced said {received[:80]!r}")


def _read(connection, count):
    received = b""
    while len(received) < count:
        piece = connection.recv(count - len(received))
        if not piece:
            raise ChildFailed("sluiced has closed a connection")
        received += piece
    return received
