"""The contenders of handoff.py that use asyncio or trio: one task, and many tasks that wait at the same time."""

from __future__ import annotations

import asyncio
import time
from typing import Any

BODY = b"x" * 100
TASKS = 50


def _shares(messages: int) -> list[int]:
    return [messages // TASKS + (task < messages % TASKS) for task in range(TASKS)]


def _aio_receive(address: str, messages: int, ready: Any, shares: list[int]) -> None:
    import sluice.aio

    async def main() -> None:
        async with sluice.aio.connect(address) as hub:
            channel = hub.channel("tasks")

            async def receive(count: int) -> None:
                for _ in range(count):
                    await channel.recv()

            tasks = [asyncio.ensure_future(receive(share)) for share in shares]
            await hub.ping()
            ready.set()
            await asyncio.gather(*tasks)

    asyncio.run(main())


def _aio_send(address: str, messages: int, shares: list[int]) -> float:
    import sluice.aio

    async def main() -> float:
        async with sluice.aio.connect(address) as hub:
            channel = hub.channel("tasks")

            async def send(count: int) -> None:
                for _ in range(count):
                    await channel.send(BODY)

            started = time.perf_counter()
            await asyncio.gather(*(send(share) for share in shares))
            return time.perf_counter() - started

    return asyncio.run(main())


def aio_receive(address: str, messages: int, ready: Any) -> None:
    """Receives one message after the other."""
    _aio_receive(address, messages, ready, [messages])


def aio_send(address: str, messages: int) -> float:
    """Sends; each send returns when a receiver has the message."""
    return _aio_send(address, messages, [messages])


def aio_many_receive(address: str, messages: int, ready: Any) -> None:
    """Receives in many tasks, over one connection."""
    _aio_receive(address, messages, ready, _shares(messages))


def aio_many_send(address: str, messages: int) -> float:
    """Sends in many tasks, over one connection."""
    return _aio_send(address, messages, _shares(messages))


def trio_receive(address: str, messages: int, ready: Any) -> None:
    """Receives one message after the other, under trio."""
    import trio

    import sluice.anyio

    async def main() -> None:
        async with sluice.anyio.connect(address) as hub:
            ready.set()
            for _ in range(messages):
                await hub.channel("tasks").recv()

    trio.run(main)


def trio_send(address: str, messages: int) -> float:
    """Sends under trio; each send returns when a receiver has the message."""
    import trio

    import sluice.anyio

    async def main() -> float:
        async with sluice.anyio.connect(address) as hub:
            started = time.perf_counter()
            for _ in range(messages):
                await hub.channel("tasks").send(BODY)
            return time.perf_counter() - started

    return float(trio.run(main))


def _redis_receive(address: str, ready: Any, shares: list[int]) -> None:
    import redis.asyncio

    async def main() -> None:
        async with redis.asyncio.Redis(port=int(address)) as client:
            await client.ping()
            ready.set()

            async def receive(count: int) -> None:
                for _ in range(count):
                    await client.blpop("tasks")
                    await client.rpush("taken", b"")

            await asyncio.gather(*(receive(share) for share in shares))

    asyncio.run(main())


def _redis_send(address: str, shares: list[int]) -> float:
    import redis.asyncio

    async def main() -> float:
        async with redis.asyncio.Redis(port=int(address)) as client:

            async def send(count: int) -> None:
                for _ in range(count):
                    await client.rpush("tasks", BODY)
                    await client.blpop("taken")

            started = time.perf_counter()
            await asyncio.gather(*(send(share) for share in shares))
            return time.perf_counter() - started

    return asyncio.run(main())


def redis_receive(address: str, messages: int, ready: Any) -> None:
    """Receives with BLPOP, and tells the sender by another list."""
    _redis_receive(address, ready, [messages])


def redis_send(address: str, messages: int) -> float:
    """Sends with RPUSH, and waits for the receiver."""
    return _redis_send(address, [messages])


def redis_many_receive(address: str, messages: int, ready: Any) -> None:
    """Receives in many tasks, each over a connection of its own, because BLPOP blocks one."""
    _redis_receive(address, ready, _shares(messages))


def redis_many_send(address: str, messages: int) -> float:
    """Sends in many tasks, each over a connection of its own."""
    return _redis_send(address, _shares(messages))


def nats_many_receive(address: str, messages: int, ready: Any) -> None:
    """Answers requests in the callback of a subscription."""
    import nats

    async def main() -> None:
        client = await nats.connect(f"nats://127.0.0.1:{address}")
        done = asyncio.Event()
        left = messages

        async def answer(message: Any) -> None:
            nonlocal left
            await message.respond(b"")
            left -= 1
            if left == 0:
                done.set()

        await client.subscribe("tasks", cb=answer)
        await client.flush()
        ready.set()
        await done.wait()
        await client.drain()

    asyncio.run(main())


def nats_many_send(address: str, messages: int) -> float:
    """Sends requests in many tasks, over one connection."""
    import nats

    async def main() -> float:
        client = await nats.connect(f"nats://127.0.0.1:{address}")

        async def send(count: int) -> None:
            for _ in range(count):
                await client.request("tasks", BODY, timeout=60)

        started = time.perf_counter()
        await asyncio.gather(*(send(share) for share in _shares(messages)))
        elapsed = time.perf_counter() - started
        await client.close()
        return elapsed

    return asyncio.run(main())


CONTENDERS = {
    "sluice.aio, a rendezvous": (aio_receive, aio_send),
    "sluice.anyio under trio, a rendezvous": (trio_receive, trio_send),
    "redis.asyncio, acknowledged": (redis_receive, redis_send),
    f"sluice.aio, {TASKS} tasks": (aio_many_receive, aio_many_send),
    f"redis.asyncio, {TASKS} tasks": (redis_many_receive, redis_many_send),
    f"nats-py, {TASKS} tasks": (nats_many_receive, nats_many_send),
}
COMPARISONS = [
    ("sluice.aio, a rendezvous", "redis.asyncio, acknowledged"),
    ("sluice.aio, a rendezvous", "nats-py, requests"),
    ("sluice.anyio under trio, a rendezvous", "redis.asyncio, acknowledged"),
    (f"sluice.aio, {TASKS} tasks", f"redis.asyncio, {TASKS} tasks"),
    (f"sluice.aio, {TASKS} tasks", f"nats-py, {TASKS} tasks"),
]
