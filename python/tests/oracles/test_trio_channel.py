"""The tests of trio's memory channels, adapted by behaviour. README.md lists the differences.

From trio 0.35.0, src/trio/_tests/test_channel.py (MIT or Apache 2.0, copyright Contributors to the Trio project).
"""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from anyio import create_task_group
from faces import Face, everywhere, on

from sluice import errors


@everywhere
async def test_channel(face: Face) -> None:
    async with face.pair(capacity=2) as pair:
        sending, receiving = pair.sending, pair.receiving
        assert "jobs" in repr(sending)
        assert "jobs" in repr(receiving)
        await sending.send("1", timeout=0)
        await sending.send("2")
        with pytest.raises(errors.TimedOut):
            await sending.send("", timeout=0)
        assert await receiving.recv() == b"1"
        assert await receiving.recv(timeout=0) == b"2"
        with pytest.raises(errors.TimedOut):
            await receiving.recv(timeout=0)

        await sending.send("last", timeout=0)
        await sending.leave()
        with pytest.raises(errors.Closed):
            await sending.send("too late")
        with pytest.raises(errors.Closed):
            await sending.send("too late", timeout=0)
        with pytest.raises(errors.Closed):
            await sending.clone()
        await sending.leave()

        assert await receiving.recv(timeout=0) == b"last"
        with pytest.raises(errors.Closed):
            await receiving.recv()
        await receiving.leave()
        with pytest.raises(errors.Closed):
            await receiving.recv()
        with pytest.raises(errors.Closed):
            await receiving.recv(timeout=0)
        await receiving.leave()


@everywhere
async def test_553(face: Face) -> None:
    """A receive that timed out leaves no trace: the next send fills the buffer, because nobody waits."""
    async with face.pair(capacity=1) as pair:
        with pytest.raises(errors.TimedOut):
            await pair.receiving.recv(timeout=0.001)
        await pair.sending.send("Test for PR #553")


@everywhere
async def test_channel_multiple_producers(face: Face) -> None:
    async def producer(sending: Any, i: int) -> None:
        async with sending:
            for j in range(3 * i, 3 * (i + 1)):
                await sending.send(str(j))

    async with face.pair() as pair, create_task_group() as group:
        async with pair.sending:
            for i in range(10):
                group.start_soon(producer, pair.sending.clone(), i)
        got = [int(message) async for message in pair.receiving]
    assert sorted(got) == list(range(30))


@everywhere
async def test_channel_multiple_consumers(face: Face) -> None:
    successful: set[int] = set()
    received: list[int] = []
    async with face.pair(capacity=1) as pair:

        async def consumer(i: int) -> None:
            async for message in pair.receiving:
                successful.add(i)
                received.append(int(message))

        async with create_task_group() as group, pair.sending:
            for i in range(5):
                group.start_soon(consumer, i)
            await pair.settled()
            for i in range(10):
                await pair.sending.send(str(i))
    assert successful == set(range(5))
    assert sorted(received) == list(range(10))


@everywhere
async def test_close_basics(face: Face) -> None:
    # closing the sending end ends its sends
    async with face.pair() as pair:
        async with create_task_group() as group:
            group.start_soon(pair.expect, errors.Closed, pair.sending.send, "")
            await pair.settled()
            await pair.sending.leave()
        for timeout in (0, None):
            with pytest.raises(errors.Closed):
                await pair.sending.send("", timeout=timeout)
            with pytest.raises(errors.Closed):
                await pair.receiving.recv(timeout=timeout)
    # closing the receiving end ends the sends of the other side
    async with face.pair() as pair:
        async with create_task_group() as group:
            group.start_soon(pair.expect, errors.Closed, pair.sending.send, "")
            await pair.settled()
            await pair.receiving.leave()
        for timeout in (0, None):
            with pytest.raises(errors.Closed):
                await pair.sending.send("", timeout=timeout)
    # closing the receiving end ends its receives
    async with face.pair() as pair:
        async with create_task_group() as group:
            group.start_soon(pair.expect, errors.Closed, pair.receiving.recv)
            await pair.settled()
            await pair.receiving.leave()
        for timeout in (0, None):
            with pytest.raises(errors.Closed):
                await pair.receiving.recv(timeout=timeout)


@everywhere
async def test_receiving_end_clone_and_close(face: Face) -> None:
    async with face.pair(capacity=10) as pair:
        r1 = pair.receiving
        r2 = r1.clone()
        r3 = r1.clone()
        await pair.sending.send("", timeout=0)
        await r1.leave()
        async with r2:
            pass
        with pytest.raises(errors.Closed):
            r1.clone()
        with pytest.raises(errors.Closed):
            r2.clone()
        await pair.sending.send("", timeout=0)
        await r3.leave()
        with pytest.raises(errors.Closed):
            await pair.sending.send("", timeout=0)


@everywhere
async def test_close_multiple_sending_ends(face: Face) -> None:
    """Closing one end of a side only ends the sends on that end."""
    async with face.pair() as pair:
        s1, s2 = pair.sending, pair.sending.clone()
        async with create_task_group() as group:
            group.start_soon(pair.expect, errors.Closed, s1.send, "nope")
            await pair.settled()
            group.start_soon(s2.send, "ok")
            await pair.settled()
            await s1.leave()
            assert await pair.receiving.recv() == b"ok"


@everywhere
async def test_close_multiple_receiving_ends(face: Face) -> None:
    """Closing one end of a side only ends the receives on that end."""
    received: list[bytes] = []
    async with face.pair() as pair:
        r1, r2 = pair.receiving, pair.receiving.clone()

        async def receive() -> None:
            received.append(await r2.recv())

        async with create_task_group() as group:
            group.start_soon(pair.expect, errors.Closed, r1.recv)
            await pair.settled()
            group.start_soon(receive)
            await pair.settled()
            await r1.leave()
            await pair.sending.send("ok")
    assert received == [b"ok"]


@everywhere
async def test_large_capacity(face: Face) -> None:
    async with face.pair(capacity=65_536) as pair:
        async with pair.sending:
            for i in range(10):
                await pair.sending.send(str(i), timeout=0)
        got = [int(message) async for message in pair.receiving]
    assert got == list(range(10))


@everywhere
async def test_statistics(face: Face) -> None:
    async with face.pair(capacity=2) as pair:
        assert await pair.statistics() == {"senders": 0, "receivers": 0, "buffered": 0, "ends": (1, 1)}
        await pair.sending.send("", timeout=0)
        assert (await pair.statistics())["buffered"] == 1
        # Clones share the end of their connection.
        s2 = pair.sending.clone()
        await pair.sending.leave()
        assert (await pair.statistics())["ends"] == (1, 1)
        async with create_task_group() as group:
            await s2.send("", timeout=0)
            group.start_soon(s2.send, "")
            group.start_soon(s2.send, "")
            await pair.settled()
            assert (await pair.statistics())["senders"] == 2
            group.cancel_scope.cancel()
        assert (await pair.statistics())["senders"] == 0
        for _ in range(2):
            await pair.receiving.recv(timeout=0)
        assert (await pair.statistics())["buffered"] == 0
        async with create_task_group() as group:
            group.start_soon(pair.receiving.recv)
            await pair.settled()
            assert (await pair.statistics())["receivers"] == 1
            group.cancel_scope.cancel()
        assert (await pair.statistics())["receivers"] == 0


@everywhere
async def test_channel_fairness(face: Face) -> None:
    results: list[bytes] = []
    # A message belongs to the receive that waits, also if another receive follows at once.
    async with face.pair(capacity=1) as pair:
        await pair.sending.send("1", timeout=0)
        assert await pair.receiving.recv(timeout=0) == b"1"

        async def receive() -> None:
            results.append(await pair.receiving.recv())

        async with create_task_group() as group:
            group.start_soon(receive)
            await pair.settled()
            await pair.sending.send("2", timeout=0)
            with pytest.raises(errors.TimedOut):
                await pair.receiving.recv(timeout=0)
    assert results == [b"2"]
    # Likewise, a place in the buffer belongs to the send that waits.
    async with face.pair(capacity=1) as pair:
        await pair.sending.send("1", timeout=0)
        async with create_task_group() as group:
            group.start_soon(pair.sending.send, "2")
            await pair.settled()
            assert await pair.receiving.recv(timeout=0) == b"1"
            with pytest.raises(errors.TimedOut):
                await pair.sending.send("3", timeout=0)
            assert await pair.receiving.recv() == b"2"


@everywhere
async def test_unbuffered(face: Face) -> None:
    async with face.pair() as pair:
        with pytest.raises(errors.TimedOut):
            await pair.receiving.recv(timeout=0)
        with pytest.raises(errors.TimedOut):
            await pair.sending.send("1", timeout=0)
        async with create_task_group() as group:
            group.start_soon(pair.sending.send, "1")
            assert await pair.receiving.recv() == b"1"
        with pytest.raises(errors.TimedOut):
            await pair.receiving.recv(timeout=0)


@on("anyio-asyncio", "anyio-trio")
async def test_every_operation_is_a_checkpoint(face: Face) -> None:
    """trio's assert_checkpoints: a cancelled scope cancels an operation that could happen at once."""
    async with face.pair(capacity=1) as pair:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await pair.sending.send("1")
        assert scope.cancelled_caught
        await pair.sending.send("2", timeout=0)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await pair.receiving.recv()
        assert scope.cancelled_caught
        assert await pair.receiving.recv(timeout=0) == b"2"
