"""Cancellations at random points lose and double nothing, and never mix replies."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Callable

import anyio
import anyio.lowlevel
import pytest
from anyio import CancelScope, create_task_group, to_thread, wait_all_tasks_blocked
from books import REPLIES, Books
from faces import FACES, Face, everywhere, run

from sluice import errors
from sluice.testing import Daemon

#: The number of cancellations in each test below, of which there are 28: over 10 000 in all.
CANCELLATIONS = 400
_LANES = 20

Attempt = Callable[[Callable[[], Awaitable[Any]], random.Random], Awaitable[bool]]


async def _turns(chance: random.Random) -> None:
    """Waits for a random number of turns of the event loop: before the command has left, or after its reply."""
    for _ in range(chance.choice((0, 1, 2, 5, 10, 20))):
        await anyio.lowlevel.checkpoint()


async def _by_scope(operation: Callable[[], Awaitable[Any]], chance: random.Random) -> bool:
    """Cancels by a scope of anyio. Returns whether the operation was cancelled."""
    done = False

    async def work() -> None:
        nonlocal done
        await operation()
        done = True
        group.cancel_scope.cancel()

    async with create_task_group() as group:
        group.start_soon(work)
        await _turns(chance)
        group.cancel_scope.cancel()
    return not done


async def _by_task(operation: Callable[[], Awaitable[Any]], chance: random.Random) -> bool:
    """Cancels a task of asyncio, perhaps more than once."""
    task = asyncio.ensure_future(operation())
    try:
        await _turns(chance)
        for _ in range(chance.choice((1, 1, 3))):
            task.cancel()
            await asyncio.sleep(0)
    finally:
        task.cancel()
        await asyncio.wait([task])
    if task.cancelled():
        return True
    task.result()
    return False


async def _by_wait_for(operation: Callable[[], Awaitable[Any]], chance: random.Random) -> bool:
    """Cancels by a timeout of asyncio's wait_for."""
    try:
        await asyncio.wait_for(operation(), timeout=chance.uniform(0, 0.003))
    except asyncio.TimeoutError:
        return True
    return False


WAYS = [
    (name, way)
    for name, (_, backend) in FACES.items()
    for way in ((_by_scope,) if backend == "trio" else (_by_scope, _by_task, _by_wait_for))
]


async def _fight(face: Face, attempt: Attempt, operations: str) -> None:
    books = Books()
    with_lease = operations in ("leased", "call")
    async with face.connect() as sending, face.connect() as receiving:
        jobs, taken = sending.channel("jobs"), receiving.channel("jobs")
        other = receiving.channel("other")
        is_over = False

        async def send(lane: int) -> None:
            chance = random.Random(lane)
            number = 0
            while books.cancelled < CANCELLATIONS:
                body = b"%d/%d" % (lane, number)
                number += 1
                books.send(body, with_lease)

                async def operation(body: bytes = body) -> None:
                    if operations == "select":
                        await face.select(jobs.send(body), sending.channel("nothing").recv())
                        books.reply(body, "OK")
                        return
                    pending = (jobs.call if operations == "call" else jobs.send)(body)
                    try:
                        with suppress(errors.InDoubt):
                            await pending
                    finally:
                        books.reply(body, REPLIES[pending.happened])

                if chance.random() < 0.5:
                    await operation()
                elif await attempt(operation, chance):
                    books.cancelled += 1

        async def receive(lane: int) -> None:
            chance = random.Random(-1 - lane)
            while not is_over:

                async def operation() -> None:
                    if with_lease:
                        job = await taken.recv_leased(30)
                        try:
                            async with job:
                                job.answer(job.body)
                                await anyio.lowlevel.checkpoint()
                        finally:
                            # A cancellation before the acknowledgement gives the message back.
                            if job.is_acknowledged:
                                books.has_acknowledged(job.body)
                    elif operations == "select":
                        books.receive((await face.select(other.recv(), taken.recv()))[1])
                    else:
                        books.receive(await taken.recv())

                # Some wait to their end: on a busy machine, each of the others may be cancelled too early.
                if chance.random() < 0.25:
                    await operation()
                elif await attempt(operation, chance):
                    books.cancelled += 1

        async with create_task_group() as receivers:
            for lane in range(_LANES):
                receivers.start_soon(receive, lane)
            async with create_task_group() as senders:
                for lane in range(_LANES):
                    senders.start_soon(send, lane)
            is_over = True
            receivers.cancel_scope.cancel()
        # What was kept for a next receive. A task that was cancelled itself has not waited for the one that it cancels.
        with suppress(errors.TimedOut):
            while True:
                books.receive(await taken.recv(timeout=0))
        # When this is answered, messages that were given back are back.
        await receiving.ping()
        rest = await sending.channels("jobs")
    assert books.verdict() == {}
    assert books.cancelled >= CANCELLATIONS
    assert [row for row in rest if row["senders"] or row["receivers"] or row["leased"]] == []


@pytest.mark.parametrize("operations", ["plain", "leased", "select", "call"])
@pytest.mark.parametrize(("face_name", "way"), WAYS, ids=lambda value: getattr(value, "__name__", value))
def test_random_cancellations_lose_and_double_nothing(face_name: str, way: Attempt, operations: str) -> None:
    with Daemon() as daemon:
        face = Face(face_name, daemon)
        run(face, _fight, face, way, operations)


@everywhere
async def test_cancelled_waits_never_mix_replies(face: Face) -> None:
    cancelled = 0
    async with face.connect() as hub:

        async def ask(lane: int) -> None:
            nonlocal cancelled
            chance = random.Random(lane)
            for number in range(50):
                text = b"%d/%d" % (lane, number)
                answers: list[bytes] = []

                async def operation(text: bytes = text, answers: list[bytes] = answers) -> None:
                    answers.append(await hub.channel("echo").call(text))

                cancelled += await _by_scope(operation, chance)
                assert answers in ([], [text])

        async def echo() -> None:
            async for job in hub.channel("echo").leased(30):
                async with job:
                    job.answer(job.body)

        async with create_task_group() as workers:
            for _ in range(5):
                workers.start_soon(echo)
            async with create_task_group() as group:
                for lane in range(50):
                    group.start_soon(ask, lane)
            workers.cancel_scope.cancel()
    assert cancelled > 0


@everywhere
async def test_a_cancelled_leased_receive_gives_its_message_back(face: Face) -> None:
    async with face.connect() as hub, face.connect() as other:
        for number in range(50):
            async with create_task_group() as senders:
                async with create_task_group() as group:
                    group.start_soon(lambda: hub.channel("jobs").recv_leased(3600))
                    await face.settled(hub)
                    senders.start_soon(other.channel("jobs").send, str(number))
                    await _turns(random.Random(number))
                    group.cancel_scope.cancel()
                # The receive may have been handed the message and have ended; then the lease was not used.
                job = await other.channel("jobs").recv_leased(30)
                assert job.body == str(number).encode()
                await job.ack()


def _serve_two_receives(listener: socket.socket) -> None:
    """Answers a cancelled receive by a message, and one that does not wait by TIMEOUT, in one write."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as lines:
        # The message leaves before the server has read the CANCEL.
        message = b"#1 MSG jobs 1\nx\n"
        answers = b""
        for line in lines:
            if line == b"HELLO\n":
                answers += b"OK version=1 epoch=1 max-line=8192 max-body=100 max-arms=64 max-tags=8\n"
            elif line == b"#2 RECV timeout=0 jobs\n":
                answers += b"#2 TIMEOUT\n"
            elif not line.startswith(b"#"):
                answers += b"OK\n"
            if b"TIMEOUT" in answers and b"OK" in answers:
                answers, message = message + answers, b""
            if not message or not line.startswith((b"CANCEL", b"#")):
                connection.sendall(answers)
                answers = b""


@everywhere
async def test_a_receive_that_does_not_wait_gets_the_message_of_a_cancelled_one(face: Face) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with create_task_group() as group:
            group.start_soon(to_thread.run_sync, _serve_two_receives, listener)
            async with face.connect(f"127.0.0.1:{listener.getsockname()[1]}") as hub:
                jobs = hub.channel("jobs")
                scope = CancelScope()

                async def receive() -> None:
                    with scope:
                        await jobs.recv()

                group.start_soon(receive)
                await wait_all_tasks_blocked()
                scope.cancel()
                assert await jobs.recv(timeout=0) == b"x"
