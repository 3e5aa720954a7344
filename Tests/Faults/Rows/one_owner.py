"""One owner of very many addresses, and one user of this machine with very many connections, beside others."""

import contextlib
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

from battery import Figure, Skipped, exactly, row
from clients import Client
from combined_floods import serving_threads
from daemon import private_file
from flooder import keep_writing
from long_commands import LONGEST_WAIT_MS
from namespaces import AllAddresses
from processes import ChildFailed
from stopwatch import Stopwatch

#: From the addresses reserved for documentation. The clients of the owner are in the first network.
_NETWORKS = "2001:db8::/32"
_HOST = "2001:db8:ffff::1"
_OWNER, _OTHER = "2001:db8:0:1", "2001:db8:0:2"
#: The numbers of two users of this machine, who need no accounts.
_USERS = (4_001_001, 4_001_002)
_MEMORY_BYTES = 64 << 20


@row(
    "one-network",
    "2 000 addresses of one /64 network of IPv6 take all connections, memory and time",
    wrong={"every-address": "further ones of it refused", "one-address": "others served"},
    timed=True,
)
def one_network_of_addresses(conditions):
    count = conditions.count(full=2000, quick=200)
    with AllAddresses([_NETWORKS]) as namespace, namespace.inside():
        limits = {"connections": count, "memory": _MEMORY_BYTES}
        with conditions.daemon(host=f"[{_HOST}]", **limits) as daemon:

            def connect(is_owner, number):
                network = _OWNER if is_owner else _OTHER
                return Client(daemon.port, f"{network}:{number >> 16:x}:{number & 0xFFFF:x}::", host=_HOST)

            yield from _taken(conditions, daemon, count, connect)
        with private_file("alice s3cret\n") as users, conditions.daemon(host=f"[{_HOST}]", users_file=users) as daemon:
            yield from _guesses(conditions, daemon, count)


@row(
    "one-user",
    "one user of this machine takes all connections, memory and time on a Unix-domain socket",
    wrong={"one-address": "others served"},
    timed=True,
)
def one_user_of_this_machine(conditions):
    if os.geteuid() != 0:
        raise Skipped("only root can connect as several users")
    count = conditions.count(full=2000, quick=200)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        limits = {"connections": count, "memory": _MEMORY_BYTES}
        with conditions.daemon(path=str(Path(folder) / "s"), **limits) as daemon:

            def connect(is_owner, _):
                # The kernel reports the user that a process is when it connects.
                os.seteuid(_USERS[0 if is_owner else 1])
                try:
                    return Client(0, host=daemon.path)
                finally:
                    os.seteuid(0)

            yield from _taken(conditions, daemon, count, connect)


def _taken(conditions, daemon, count, connect):
    """Lets the owner connect, keep messages and write as much as it can. Yields what is left for others."""
    hoard = [connect(True, number) for number in range(count)]
    refused = sum(not _is_served(lambda number=number: connect(True, count + number)) for number in range(20))
    # Each owner with fewer connections than that has a share of the reserve.
    few = count // 64
    others = [client for number in range(few) if (client := _served(lambda number=number: connect(False, number)))]
    yield exactly("further ones of it refused", refused, 20)
    yield exactly("others served", len(others), few)
    if not others:
        return
    _keep_messages(hoard)
    charge = others[0].info()["memoryBytes"] / (1 << 20)
    other = others[0]
    other.ask(b"open cap=10 own\n")
    stored = other.ask(b"send own " + b"x" * 8000 + b"\n").word
    # Half of the memory, and 16 KiB for each connection, which are never refused.
    most = _MEMORY_BYTES / 2 / (1 << 20) + count * 16 / 1024
    yield Figure("charge", charge, "MiB", at_most=most)
    yield exactly("message of another one kept", int(stored == "OK"), 1)
    # Many short commands, in more than one write.
    lines = b"".join(b"#a%d recv timeout=1ms c\nping\n" % number for number in range(2000))
    seconds = conditions.count(full=4, quick=2)
    fork = multiprocessing.get_context("fork")
    for client in hoard:
        client.socket.setblocking(False)
    flood = fork.Process(target=_flood, args=([client.socket for client in hoard], lines, seconds + 1))
    flood.start()
    try:
        time.sleep(0.5)
        wait = _longest_wait(other, daemon, seconds)
    finally:
        flood.kill()
        flood.join()
    yield Figure("longest wait of another one", wait, "ms", at_most=LONGEST_WAIT_MS)
    for client in hoard + others[1:]:
        client.close()
    left = other.await_info(lambda info: info["connections"] == 1)
    yield exactly("all forgotten", int(left is not None), 1)
    other.close()


def _flood(connections, lines, seconds):
    # The server ends connections that do not read fast enough, once their share of memory is used up.
    while connections:
        with contextlib.suppress(ConnectionError):
            return keep_writing(connections, lines, seconds)
        connections = [connection for connection in connections if _is_open(connection)]


def _is_open(connection):
    try:
        return connection.recv(1 << 17) != b""
    except BlockingIOError:
        return True
    except ConnectionError:
        return False


def _served(connect):
    """Returns a client that the server answers; None if it refuses the client."""
    with contextlib.suppress(ChildFailed, ConnectionError):
        client = connect()
        if client.ask(b"ping\n").word == "OK":
            return client
        client.close()
    return None


def _is_served(connect):
    client = _served(connect)
    if client:
        client.close()
    return client is not None


def _keep_messages(clients):
    """Sends messages with every client until the server refuses one of each."""
    body = b"x" * 30_000
    for client in clients:
        client.send(b"".join(b"#%d send len=30000 kept\n%b\n" % (number, body) for number in range(4)) + b"ping\n")
        # What is refused is answered before the PING.
        while client.awaited_reply().tag is not None:
            pass


def _longest_wait(client, daemon, seconds):
    watch = Stopwatch("self", *serving_threads(daemon.pids[0]))
    longest, end = 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        with watch:
            client.ask(b"ping\n")
        longest = max(longest, watch.seconds - watch.delayed_seconds)
        time.sleep(0.002)
    return longest * 1000


def _guesses(conditions, daemon, count):
    """Lets each address guess a token once, all at the same time."""
    clients = [Client(daemon.port, f"{_OWNER}::{number:x}", host=_HOST) for number in range(1, count + 1)]
    for client in clients:
        client.send(b"auth alice guess\n")
    decided = 0
    for client in clients:
        with contextlib.suppress(ConnectionError):
            decided += b"wrong token" in client.socket.recv(200)
        client.close()
    yield Figure(f"guesses decided of {count}", decided, at_most=30)
