"""Receivers that die or fall silent while they hold a lease."""

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from battery import Skipped, exactly, row
from clients import Client
from processes import ChildFailed, redis_server, start

_RECEIVER = Path(__file__).with_name("stopped_receiver.py")
#: The number of leases that a receiver holds when it dies.
BATCH = 50


@contextlib.contextmanager
def stopped_receiver(port, dialect, await_parked):
    """Starts a process that parks `BATCH` receives, and stops it."""
    process = start([sys.executable, _RECEIVER, port, BATCH, dialect], stdout=subprocess.PIPE)
    try:
        if not process.stdout.readline():
            raise ChildFailed("the receiver ended, because the server does not serve it")
        await_parked()
        process.send_signal(signal.SIGSTOP)
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@row(
    "killed-receiver",
    "receivers are stopped, matched and killed while they hold leases",
    wrong={"early-ok": "lost", "two-copies": "acknowledged twice"},
)
def receivers_killed_under_lease(conditions):
    rounds = conditions.count(full=20, quick=4)
    acknowledged, confirmed = {}, set()
    with conditions.daemon() as daemon, Client(daemon.port) as sender, Client(daemon.port) as successor:
        for first in range(0, rounds * BATCH, BATCH):
            numbers = range(first, first + BATCH)
            with stopped_receiver(daemon.port, "sluice", lambda: _await(sender, "parked", BATCH)) as receiver:
                sender.send(b"".join(b"#%d send jobs %d\n" % (number, number) for number in numbers))
                # When this is answered, the server has matched all messages.
                confirmed |= _confirmed(sender)
                receiver.kill()
            _await(successor, "leases", 0)
            _take_over(successor, acknowledged)
            confirmed |= _confirmed(sender)
    lost = sum(1 for number in confirmed if not acknowledged.get(number))
    yield exactly("lost", lost + rounds * BATCH - len(confirmed), 0, f"of {rounds * BATCH:,}".replace(",", " "))
    yield exactly("acknowledged twice", sum(1 for count in acknowledged.values() if count > 1), 0)


def _await(client, key, count):
    return client.await_info(lambda info: info[key] == count)


def _take_over(client, acknowledged):
    """Receives and acknowledges all messages that wait."""
    while (message := client.ask(b"recv lease=1h timeout=0 jobs\n")).word == "MSG":
        if client.ask(b"ack %s\n" % message.delivery).word == "OK":
            number = int(message.body)
            acknowledged[number] = acknowledged.get(number, 0) + 1


def _confirmed(sender):
    """Returns the numbers of the messages whose sends were answered with `OK`."""
    return {int(reply.tag) for reply in sender.replies_before_pong() if reply.tag and reply.word == "OK"}


@row("blpop", "the same with BLPOP of Redis, for comparison: it has no leases", wrong={})
def receivers_of_redis_killed(_):
    if not shutil.which("redis-server"):
        raise Skipped("redis-server is not installed")
    with redis_server() as server, _redis(server.port) as client:
        ask = lambda line: _answer(client, line)  # noqa: E731

        def await_parked():
            end = time.monotonic() + 30
            while f"blocked_clients:{BATCH}\r" not in ask(b"INFO clients\r\n"):
                if time.monotonic() > end:
                    raise ChildFailed("Redis does not report that the receivers wait")

        with stopped_receiver(server.port, "redis", await_parked):
            for number in range(BATCH):
                ask(b"RPUSH jobs %d\r\n" % number)
        left = int(ask(b"LLEN jobs\r\n").strip(":\r\n"))
    yield exactly("lost", BATCH - left, BATCH, f"of {BATCH}")


def _redis(port):
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def _answer(client, line):
    client.sendall(line)
    answer = b""
    while not answer.endswith(b"\r\n") or (answer.startswith(b"$") and answer.count(b"\r\n") < 2):
        if not (piece := client.recv(1 << 16)):
            raise ChildFailed("Redis closed the connection")
        answer += piece
    return answer.decode()


@row(
    "silent-receiver",
    "a receiver is stopped and never dies: its leases expire, and its acknowledgements are stale",
    wrong={"early-ok": "false OK", "endless-leases": "received by the next receiver"},
)
def receiver_that_says_nothing(conditions):
    # A wrong server never gives the messages to the next receiver.
    timeout = b"5s" if conditions.fault else b"60s"
    with conditions.daemon() as daemon, Client(daemon.port) as silent, Client(daemon.port) as sender:
        silent.send(b"".join(b"#%d recv lease=300ms jobs\n" % number for number in range(BATCH)))
        sender.send(b"".join(b"#%d send jobs %d\n" % (number, number) for number in range(BATCH)))
        first = [silent.awaited_reply() for _ in range(BATCH)]
        with Client(daemon.port) as successor:
            successor.send(
                b"".join(b"#%d recv lease=1h timeout=%s jobs\n" % (number, timeout) for number in range(BATCH))
            )
            taken = [successor.awaited_reply() for _ in range(BATCH)]
            stale = [silent.ask(b"ack %s\n" % message.delivery) for message in first]
            early = len(_confirmed(sender))
            for message in taken:
                if message.word == "MSG":
                    successor.ask(b"ack %s\n" % message.delivery)
    second = sum(1 for message in taken if message.word == "MSG" and message.attribute("attempt") == "2")
    yield exactly("received by the next receiver", second, BATCH, f"of {BATCH}")
    yield exactly("late acknowledgements rejected", sum(1 for reply in stale if reply.code == "stale"), BATCH)
    yield exactly("false OK", early, 0)
