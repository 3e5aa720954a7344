"""Compares a handoff with Redis (redis-py) and NATS (nats-py): one process sends, another one receives.

    python handoff.py [--messages 5000] [--rounds 3] [--quick]

A rendezvous: a send returns when a receiver has the message. The sender of Redis needs a second list for that, and that
of NATS a reply. A buffer: the sender knows only that the server keeps the message, as RPUSH does. Leases: the receiver
acknowledges each message, as a worker of Celery does, whose library for transports is kombu. Each round runs every
contender once, in turn; the best round of each counts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import tasks

import sluice
from sluice.testing import Daemon

BODY = b"x" * 100


def free_port() -> int:
    """Returns a port that is free at the moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def server(command: list[str], port: int):
    """Runs a server until the end of the block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
        yield
    finally:
        process.terminate()
        process.wait()


# Each contender has a function that receives, and one that sends and returns the seconds that it took.


def sluice_receive(address: str, messages: int, ready) -> None:
    """Receives one message after the other."""
    with sluice.connect(address) as hub:
        channel = hub.channel("handoff")
        ready.set()
        for _ in range(messages):
            channel.recv()


def sluice_send(address: str, messages: int) -> float:
    """Sends; each send returns when a receiver has the message."""
    with sluice.connect(address) as hub:
        channel = hub.channel("handoff")
        started = time.perf_counter()
        for _ in range(messages):
            channel.send(BODY)
        return time.perf_counter() - started


def buffer_receive(address: str, messages: int, ready) -> None:
    """Receives from a channel with a buffer, ahead of the loop."""
    with sluice.connect(address) as hub:
        channel = hub.channel("buffer").open(capacity=65_536)
        ready.set()
        for _ in channel.messages(window=64, count=messages):
            pass


def buffer_send(address: str, messages: int) -> float:
    """Sends to a channel with a buffer, which keeps messages as a list of Redis does."""
    with sluice.connect(address) as hub:
        channel = hub.channel("buffer")
        started = time.perf_counter()
        for _ in range(messages):
            channel.send(BODY)
        while hub.channels("buffer")[0]["buffered"]:
            pass
        return time.perf_counter() - started


def leased_receive(address: str, messages: int, ready) -> None:
    """Receives under leases, and acknowledges each message."""
    with sluice.connect(address) as hub:
        channel = hub.channel("leased").open(capacity=65_536)
        ready.set()
        for job in channel.leased(30, window=64, count=messages):
            job.ack()


def leased_send(address: str, messages: int) -> float:
    """Sends to a channel with a buffer, and waits until all are acknowledged."""
    with sluice.connect(address) as hub:
        channel = hub.channel("leased")
        started = time.perf_counter()
        for _ in range(messages):
            channel.send(BODY)
        while sum(hub.channels("leased")[0][key] for key in ("buffered", "leased")):
            pass
        return time.perf_counter() - started


def kombu_receive(address: str, messages: int, ready) -> None:
    """Receives with Celery's library for transports, and acknowledges each message."""
    import kombu

    with kombu.Connection(f"redis://127.0.0.1:{address}/1") as connection, connection.SimpleQueue("tasks") as queue:
        ready.set()
        for _ in range(messages):
            queue.get(block=True).ack()


def kombu_send(address: str, messages: int) -> float:
    """Sends with Celery's library for transports, and waits until the list is empty."""
    import kombu
    import redis

    client = redis.Redis(port=int(address), db=1)
    with kombu.Connection(f"redis://127.0.0.1:{address}/1") as connection, connection.SimpleQueue("tasks") as queue:
        started = time.perf_counter()
        for _ in range(messages):
            queue.put(BODY)
        while client.llen("tasks") or client.zcard("unacked_index"):
            pass
        return time.perf_counter() - started


def redis_receive(address: str, messages: int, ready) -> None:
    """Receives with BLPOP, and tells the sender by another list."""
    import redis

    client = redis.Redis(port=int(address))
    ready.set()
    for _ in range(messages):
        client.blpop("handoff")
        client.rpush("taken", b"")


def redis_send(address: str, messages: int) -> float:
    """Sends with RPUSH, and waits for the receiver."""
    import redis

    client = redis.Redis(port=int(address))
    started = time.perf_counter()
    for _ in range(messages):
        client.rpush("handoff", BODY)
        client.blpop("taken")
    return time.perf_counter() - started


def queue_receive(address: str, messages: int, ready) -> None:
    """Receives with BLPOP."""
    import redis

    client = redis.Redis(port=int(address))
    ready.set()
    for _ in range(messages):
        client.blpop("handoff")


def queue_send(address: str, messages: int) -> float:
    """Sends with RPUSH, and does not know whether anybody receives."""
    import redis

    client = redis.Redis(port=int(address))
    started = time.perf_counter()
    for _ in range(messages):
        client.rpush("handoff", BODY)
    while client.llen("handoff"):
        pass
    return time.perf_counter() - started


def nats_receive(address: str, messages: int, ready) -> None:
    """Answers requests."""
    import nats

    async def main() -> None:
        client = await nats.connect(f"nats://127.0.0.1:{address}")
        subscription = await client.subscribe("handoff")
        await client.flush()
        ready.set()
        for _ in range(messages):
            message = await subscription.next_msg(timeout=None)
            await message.respond(b"")
        await client.drain()

    asyncio.run(main())


def nats_send(address: str, messages: int) -> float:
    """Sends requests, and waits for the replies."""
    import nats

    async def main() -> float:
        client = await nats.connect(f"nats://127.0.0.1:{address}")
        started = time.perf_counter()
        for _ in range(messages):
            await client.request("handoff", BODY, timeout=60)
        elapsed = time.perf_counter() - started
        await client.close()
        return elapsed

    return asyncio.run(main())


CONTENDERS = {
    "sluice, a rendezvous": (sluice_receive, sluice_send),
    "sluice, a buffer": (buffer_receive, buffer_send),
    "sluice, leases": (leased_receive, leased_send),
    "redis-py, acknowledged": (redis_receive, redis_send),
    "redis-py, a list": (queue_receive, queue_send),
    "nats-py, requests": (nats_receive, nats_send),
    "kombu on redis": (kombu_receive, kombu_send),
    **tasks.CONTENDERS,
}
# What each is compared with: the same guarantee, and for a list of Redis both.
COMPARISONS = [
    ("sluice, a rendezvous", "redis-py, acknowledged"),
    ("sluice, a rendezvous", "nats-py, requests"),
    ("sluice, a rendezvous", "redis-py, a list"),
    ("sluice, a buffer", "redis-py, a list"),
    ("sluice, leases", "kombu on redis"),
    *tasks.COMPARISONS,
]


def measure(name: str, address: str, messages: int) -> float:
    """Returns the handoffs per second."""
    receive, send = CONTENDERS[name]
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    receiver = context.Process(target=receive, args=(address, messages, ready))
    receiver.start()
    ready.wait()
    seconds = send(address, messages)
    receiver.join()
    return messages / seconds


def waiting_receives(address: str, number: int) -> float:
    """Makes ``number`` receives wait on one connection. Returns how many messages a second they take."""
    import threading

    from sluice._protocol import Operation, commands

    with sluice.connect(address) as hub, sluice.connect(address) as other:
        done = threading.Semaphore(0)
        for _ in range(number):
            hub._engine.submit(Operation(commands.receive("many"), waiter=done.release))
        hub.ping()
        channel = other.channel("many")
        started = time.perf_counter()
        for _ in range(number):
            channel.send(BODY)
        for _ in range(number):
            done.acquire()
        return number / (time.perf_counter() - started)


def main() -> None:
    """Prints a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--waiting", type=int, default=20_000)
    parser.add_argument("--quick", action="store_true", help="few messages, one round: does it run?")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.messages, options.rounds, options.waiting = 300, 1, 2000
    best: dict[str, float] = {}
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(Daemon())
        addresses = dict.fromkeys(("sluice", "sluice.aio", "sluice.anyio under trio"), daemon.address)
        for program, name in (("redis-server", "redis-py"), ("nats-server", "nats-py")):
            if shutil.which(program) is None:
                print(f"{program} is missing: skipped", file=sys.stderr)
                continue
            port = free_port()
            flags = ["--port", str(port), *(["--save", ""] if program == "redis-server" else [])]
            stack.enter_context(server([program, *flags], port))
            addresses[name] = addresses[name.replace("-py", ".asyncio")] = str(port)
            if name == "redis-py" and importlib.util.find_spec("kombu") is not None:
                addresses["kombu on redis"] = str(port)
        for _ in range(options.rounds):
            for name in CONTENDERS:
                address = addresses.get(name.partition(",")[0])
                if address is not None:
                    best[name] = max(best.get(name, 0), measure(name, address, options.messages))
        waiting = waiting_receives(daemon.address, options.waiting) if options.waiting else 0
    if options.json:
        print(json.dumps({"handoffs": best, "waiting": waiting, "processors": os.cpu_count()}))
        return
    for name, rate in best.items():
        print(f"{name:<38} {rate:>8.0f} handoffs a second")
    for ours, theirs in COMPARISONS:
        if theirs in best:
            print(f"{ours} / {theirs}: {best[ours] / best[theirs]:.2f}")
    if waiting:
        print(f"{options.waiting} waiting receives on one connection take {waiting:.0f} messages a second")


if __name__ == "__main__":
    main()
