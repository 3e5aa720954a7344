"""The tests of anyio's memory object streams, adapted by behaviour. README.md lists the differences.

From anyio 4.16.0, tests/streams/test_memory.py (MIT licence, copyright Alex Grönholm). A stream pair is a channel: the
sending end and the receiving end are on connections of their own, as they are in programs that use Sluice. Every test
runs on each face.
"""

from __future__ import annotations

import pytest
from anyio import TASK_STATUS_IGNORED, CancelScope, create_task_group
from anyio.abc import TaskStatus
from faces import Face, Pair, everywhere, on

from sluice import errors


@everywhere
async def test_negative_capacity(face: Face) -> None:
    async with face.hub() as hub:
        with pytest.raises((ValueError, errors.SluiceError)):
            await hub.channel("jobs").open(capacity=-1)


@everywhere
async def test_receive_then_send(face: Face) -> None:
    received: list[bytes] = []
    async with face.pair() as pair:

        async def receiver() -> None:
            received.append(await pair.receiving.recv())
            received.append(await pair.receiving.recv())

        async with create_task_group() as group:
            group.start_soon(receiver)
            await pair.settled()
            await pair.sending.send("hello")
            await pair.sending.send("anyio")
    assert received == [b"hello", b"anyio"]


@everywhere
async def test_receive_then_send_nowait(face: Face) -> None:
    received: list[bytes] = []
    async with face.pair() as pair:

        async def receiver() -> None:
            received.append(await pair.receiving.recv())

        async with create_task_group() as group:
            group.start_soon(receiver)
            group.start_soon(receiver)
            await pair.settled()
            await pair.sending.send("hello", timeout=0)
            await pair.sending.send("anyio", timeout=0)
    assert sorted(received, reverse=True) == [b"hello", b"anyio"]


@everywhere
async def test_send_then_receive_nowait(face: Face) -> None:
    async with face.pair() as pair, create_task_group() as group:
        group.start_soon(pair.sending.send, "hello")
        await pair.settled()
        assert await pair.receiving.recv(timeout=0) == b"hello"


@everywhere
async def test_send_is_unblocked_after_receive_nowait(face: Face) -> None:
    async with face.pair(capacity=1) as pair:
        await pair.sending.send("hello", timeout=0)
        async with create_task_group() as group:
            group.start_soon(pair.sending.send, "anyio")
            await pair.settled()
            assert await pair.receiving.recv(timeout=0) == b"hello"
        assert await pair.receiving.recv(timeout=0) == b"anyio"


@everywhere
async def test_send_nowait_then_receive_nowait(face: Face) -> None:
    async with face.pair(capacity=2) as pair:
        await pair.sending.send("hello", timeout=0)
        await pair.sending.send("anyio", timeout=0)
        assert await pair.receiving.recv(timeout=0) == b"hello"
        assert await pair.receiving.recv(timeout=0) == b"anyio"


@everywhere
async def test_iterate(face: Face) -> None:
    received: list[bytes] = []
    async with face.pair() as pair:

        async def receiver() -> None:
            received.extend([message async for message in pair.receiving])

        async with create_task_group() as group:
            group.start_soon(receiver)
            await pair.sending.send("hello")
            await pair.sending.send("anyio")
            await pair.sending.leave()
    assert received == [b"hello", b"anyio"]


@everywhere
async def test_receive_send_closed_sending_end(face: Face) -> None:
    async with face.pair() as pair:
        await pair.sending.leave()
        with pytest.raises(errors.Closed):
            await pair.receiving.recv(timeout=0)
        with pytest.raises(errors.Closed):
            await pair.sending.send("")


@everywhere
async def test_receive_send_closed_receiving_end(face: Face) -> None:
    async with face.pair() as pair:
        await pair.receiving.leave()
        with pytest.raises(errors.Closed):
            await pair.receiving.recv(timeout=0)
        with pytest.raises(errors.Closed):
            await pair.sending.send("")


@everywhere
async def test_close_receiving_clone_while_receiving(face: Face) -> None:
    async with face.pair(capacity=1) as pair:
        clone = pair.receiving.clone()
        async with create_task_group() as group:
            group.start_soon(pair.expect, errors.Closed, pair.receiving.recv)
            await pair.settled()
            await pair.receiving.leave()
            await pair.sending.send("hello", timeout=0)
        assert await clone.recv(timeout=0) == b"hello"


@everywhere
async def test_close_sending_clone_while_sending(face: Face) -> None:
    async with face.pair() as pair:
        clone = pair.sending.clone()
        async with create_task_group() as group:
            group.start_soon(pair.expect, errors.Closed, pair.sending.send, "withdrawn")
            await pair.settled()
            await pair.sending.leave()
            with pytest.raises(errors.TimedOut):
                await pair.receiving.recv(timeout=0)
        async with create_task_group() as group:
            group.start_soon(clone.send, "hello")
            assert await pair.receiving.recv() == b"hello"


@everywhere
async def test_cancel_receive(face: Face) -> None:
    async with face.pair() as pair:
        async with create_task_group() as group:
            group.start_soon(pair.receiving.recv)
            await pair.settled()
            group.cancel_scope.cancel()
        with pytest.raises(errors.TimedOut):
            await pair.sending.send("hello", timeout=0)


@everywhere
async def test_cancel_send(face: Face) -> None:
    async with face.pair() as pair:
        async with create_task_group() as group:
            group.start_soon(pair.sending.send, "hello")
            await pair.settled()
            group.cancel_scope.cancel()
        with pytest.raises(errors.TimedOut):
            await pair.receiving.recv(timeout=0)


@everywhere
async def test_clone(face: Face) -> None:
    async with face.pair(capacity=1) as pair:
        sending = pair.sending.clone()
        receiving = pair.receiving.clone()
        await pair.sending.leave()
        await pair.receiving.leave()
        await sending.send("hello", timeout=0)
        assert await receiving.recv(timeout=0) == b"hello"


@everywhere
async def test_clone_closed(face: Face) -> None:
    async with face.pair(capacity=1) as pair:
        await pair.sending.leave()
        await pair.receiving.leave()
        with pytest.raises(errors.Closed):
            pair.sending.clone()
        with pytest.raises(errors.Closed):
            pair.receiving.clone()


@everywhere
async def test_close_sending_end_while_receiving(face: Face) -> None:
    async with face.pair() as pair, create_task_group() as group:
        group.start_soon(pair.expect, errors.Closed, pair.receiving.recv)
        await pair.settled()
        await pair.sending.leave()


@everywhere
async def test_close_sending_end_while_sending(face: Face) -> None:
    async with face.pair() as pair, create_task_group() as group:
        group.start_soon(pair.expect, errors.Closed, pair.sending.send, "")
        await pair.settled()
        await pair.sending.leave()
        with pytest.raises(errors.Closed):
            await pair.receiving.recv(timeout=0)


@everywhere
async def test_close_receiving_end_while_receiving(face: Face) -> None:
    async with face.pair() as pair, create_task_group() as group:
        group.start_soon(pair.expect, errors.Closed, pair.receiving.recv)
        await pair.settled()
        await pair.receiving.leave()


@everywhere
async def test_close_receiving_end_while_sending(face: Face) -> None:
    async with face.pair() as pair, create_task_group() as group:
        group.start_soon(pair.expect, errors.Closed, pair.sending.send, "")
        await pair.settled()
        await pair.receiving.leave()


@everywhere
async def test_close_sending_end_after_item_received(face: Face) -> None:
    async with face.pair() as pair, create_task_group() as group:
        group.start_soon(pair.sending.send, "")
        await pair.settled()
        assert await pair.receiving.recv(timeout=0) == b""
        await pair.sending.leave()


@everywhere
async def test_close_receiving_end_after_item_sent(face: Face) -> None:
    received: list[bytes] = []
    async with face.pair() as pair:

        async def receiver() -> None:
            received.append(await pair.receiving.recv())

        async with create_task_group() as group:
            group.start_soon(receiver)
            await pair.settled()
            await pair.sending.send("hello", timeout=0)
            await pair.receiving.leave()
    assert received == [b"hello"]


@everywhere
async def test_receive_after_sending_end_closed(face: Face) -> None:
    async with face.pair(capacity=1) as pair:
        await pair.sending.send("hello")
        await pair.sending.leave()
        assert await pair.receiving.recv() == b"hello"


@everywhere
async def test_receive_when_cancelled(face: Face) -> None:
    async with face.pair() as pair, create_task_group() as group:
        group.start_soon(pair.sending.send, "hello")
        await pair.settled()
        group.start_soon(pair.sending.send, "world")
        await pair.settled()
        with CancelScope() as scope:
            scope.cancel()
            await pair.receiving.recv()
        assert await pair.receiving.recv() == b"hello"
        assert await pair.receiving.recv() == b"world"


@on("anyio-asyncio", "anyio-trio")
async def test_send_when_cancelled(face: Face) -> None:
    received: list[bytes] = []
    async with face.pair() as pair:

        async def receiver() -> None:
            received.append(await pair.receiving.recv())

        async with create_task_group() as group:
            group.start_soon(receiver)
            with CancelScope() as scope:
                scope.cancel()
                await pair.sending.send("hello")
            await pair.sending.send("world")
    assert received == [b"world"]


async def receive_in_scope(
    pair: Pair, received: list[bytes], *, task_status: TaskStatus[CancelScope] = TASK_STATUS_IGNORED
) -> None:
    with CancelScope() as scope:
        task_status.started(scope)
        received.append(await pair.receiving.recv())


@everywhere
async def test_cancel_during_receive(face: Face) -> None:
    """The message that a cancelled receive has won is kept for the next receive."""
    received: list[bytes] = []
    async with face.pair() as pair:
        async with create_task_group() as group:
            scope = await group.start(receive_in_scope, pair, received)
            await pair.settled()
            await pair.sending.send("hello", timeout=0)
            scope.cancel()
        if not received:
            received.append(await pair.receiving.recv(timeout=0))
    assert received == [b"hello"]


@everywhere
async def test_cancel_during_receive_buffered(face: Face) -> None:
    received: list[bytes] = []
    async with face.pair(capacity=1) as pair:
        async with create_task_group() as group:
            scope = await group.start(receive_in_scope, pair, received)
            await pair.settled()
            scope.cancel()
            await pair.sending.send("item", timeout=0)
        if not received:
            received.append(await pair.receiving.recv(timeout=0))
    assert received == [b"item"]


@everywhere
async def test_close_receiving_end_after_send(face: Face) -> None:
    async with face.pair() as pair:

        async def send() -> None:
            async with pair.sending:
                await pair.sending.send("test")

        async def receive() -> None:
            async with pair.receiving:
                assert await pair.receiving.recv() == b"test"

        async with create_task_group() as group:
            group.start_soon(send)
            group.start_soon(receive)


@everywhere
async def test_statistics(face: Face) -> None:
    async with face.pair(capacity=1) as pair:
        assert await pair.statistics() == {"senders": 0, "receivers": 0, "buffered": 0, "ends": (1, 1)}
        await pair.sending.send("", timeout=0)
        async with create_task_group() as group:
            for _ in range(3):
                group.start_soon(pair.sending.send, "")
            await pair.settled()
            assert await pair.statistics() == {"senders": 3, "receivers": 0, "buffered": 1, "ends": (1, 1)}
            for waiting in (2, 1, 0):
                await pair.receiving.recv(timeout=0)
                assert (await pair.statistics())["senders"] == waiting
            await pair.receiving.recv(timeout=0)
        async with create_task_group() as group:
            group.start_soon(pair.receiving.recv)
            await pair.settled()
            assert (await pair.statistics())["receivers"] == 1
            await pair.sending.send("", timeout=0)
        assert await pair.statistics() == {"senders": 0, "receivers": 0, "buffered": 0, "ends": (1, 1)}


@everywhere
async def test_send_to_natively_cancelled_receiver(face: Face) -> None:
    """A message that is sent after a receive was cancelled goes to the next receive."""
    async with face.pair(capacity=1) as pair:
        async with create_task_group() as group:
            group.start_soon(pair.receiving.recv)
            await pair.settled()
            group.cancel_scope.cancel()
        await pair.sending.send("hello", timeout=0)
        assert await pair.receiving.recv(timeout=0) == b"hello"
