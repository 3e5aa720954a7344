"""What a program does with a hub, on each asynchronous face."""

from __future__ import annotations

import asyncio
import gc
import json
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio import create_task_group
from faces import Face, Started, everywhere, on, until_waiting

from sluice import Backoff, errors
from sluice.values import Sent


@everywhere
async def test_a_message_goes_from_a_task_to_another(face: Face) -> None:
    async with face.connect() as hub, create_task_group() as group:
        received = Started(group, hub.channel("jobs").recv)
        assert await hub.channel("jobs").send("sweep the yard", timeout=5) == Sent()
        assert await received == b"sweep the yard"


@everywhere
async def test_a_codec_encodes_and_decodes(face: Face) -> None:
    async with face.connect() as hub:
        jobs = await hub.channel("jobs", codec=json).open(capacity=1)
        await jobs.send({"room": 7})
        assert await jobs.recv() == {"room": 7}


@everywhere
async def test_a_message_brings_the_trace_of_its_sender(face: Face) -> None:
    async with face.connect() as hub:
        jobs = await hub.channel("jobs").open(capacity=5)
        await jobs.send(b"a", trace="one")
        await hub.select(jobs.sending(b"b", trace="two"))
        assert (await jobs.recv_message()).trace == "one"
        async with await jobs.recv_leased(30) as job:
            assert job.trace == "two"
        async with create_task_group() as group:
            call = Started(group, partial(hub.channel("calls").call, trace="three"), b"c")
            async with await hub.channel("calls").recv_leased(30) as job:
                assert job.trace == "three"
                job.answer(b"d")
            assert await call == b"d"


@everywhere
async def test_large_bodies_arrive_whole(face: Face) -> None:
    async with face.connect() as hub:
        jobs = await hub.channel("jobs").open(capacity=10)
        bodies = [bytes([number]) * 1_000_000 for number in range(10)]
        async with create_task_group() as group:
            for body in bodies:
                group.start_soon(jobs.send, body)
        assert sorted([await jobs.recv() for _ in bodies]) == bodies
        with pytest.raises(errors.LimitExceeded):
            await jobs.send(bytes(2_000_000))


@everywhere
async def test_a_timeout_of_zero_does_not_wait(face: Face) -> None:
    async with face.connect() as hub:
        with pytest.raises(errors.TimedOut) as caught:
            await hub.channel("jobs").send(b"x", timeout=0)
        assert caught.value.no_receivers


@everywhere
async def test_a_send_with_an_id_is_delivered_once(face: Face) -> None:
    async with face.connect() as hub:
        jobs = await hub.channel("jobs").open(capacity=5)
        assert await jobs.send("pay", id="order-17") == Sent(kept=True)
        assert await jobs.send("pay", id="order-17") == Sent(duplicate=True, kept=True)
        assert await jobs.recv() == b"pay"
        assert await jobs.send("pay", id="order-17") == Sent(duplicate=True)
        with pytest.raises(errors.TimedOut):
            await jobs.recv(timeout=0)


@everywhere
async def test_a_delivery_is_acknowledged_given_back_or_rejected(face: Face) -> None:
    async with face.connect() as hub, create_task_group() as group:
        jobs = hub.channel("jobs")
        sending = Started(group, jobs.send, "a")
        with pytest.raises(ZeroDivisionError):
            async with await jobs.recv_leased() as job:
                raise ZeroDivisionError
        job = await jobs.recv_leased()
        assert (job.body, job.attempt) == (b"a", 2)
        assert not await job.nack()
        async with await jobs.recv_leased() as job:
            assert job.attempt == 3
        await sending
        assert job.is_acknowledged
        with pytest.raises(errors.Stale):
            await job.ack()

        sending = Started(group, jobs.send, "b")
        with pytest.raises(errors.Rejected):
            async with await jobs.recv_leased():
                raise errors.Rejected("we have no black")
        with pytest.raises(errors.Rejected, match="we have no black"):
            await sending

        sending = Started(group, jobs.send, "c")
        await (await jobs.recv_leased()).reject("broken")
        with pytest.raises(errors.Rejected) as caught:
            await sending
        assert caught.value.reason == "broken"


@everywhere
async def test_a_forgotten_delivery_goes_back(face: Face) -> None:
    async with face.connect() as hub, create_task_group() as group:
        jobs = hub.channel("jobs")
        group.start_soon(jobs.send, "a")
        assert (await jobs.recv_leased(3600)).attempt == 1
        gc.collect()
        async with await jobs.recv_leased() as job:
            assert job.attempt == 2


@everywhere
async def test_a_call_is_answered(face: Face) -> None:
    async with face.connect() as hub, create_task_group() as group:
        squares = hub.channel("squares")
        for awaits in (False, True):
            asking = Started(group, squares.call, "7")
            async with await squares.recv_leased() as question:
                assert question.wants_answer
                answer = question.answer(str(int(question.body) ** 2))
                if awaits:
                    await answer
                    assert question.is_acknowledged
            assert await asking == b"49"
        asking = Started(group, squares.call, "7")
        await (await squares.recv_leased()).ack()
        with pytest.raises(errors.NoAnswer):
            await asking


@everywhere
async def test_a_loop_ends_when_the_channel_is_closed(face: Face) -> None:
    async with face.connect() as hub:
        for many in (1, 64):
            jobs = await hub.channel("jobs").open(capacity=100)
            for number in range(100):
                await jobs.send(str(number))
            await jobs.close()
            loop = jobs if many == 1 else jobs.messages(window=many)
            assert [int(body) async for body in loop] == list(range(100))


@everywhere
async def test_what_a_loop_has_not_taken_is_for_the_next_receive(face: Face) -> None:
    async with face.connect() as hub:
        jobs = await hub.channel("jobs").open(capacity=100)
        for number in range(10):
            await jobs.send(str(number))
        async for body in jobs.messages(window=8):
            assert body == b"0"
            break
        rest = [int(await jobs.recv(timeout=5)) for _ in range(9)]
        assert sorted(rest) == list(range(1, 10))


@everywhere
async def test_a_counted_loop_takes_no_more_than_its_count(face: Face) -> None:
    async with face.connect() as hub:
        jobs = await hub.channel("jobs").open(capacity=100)
        for number in range(10):
            await jobs.send(str(number))
        assert [int(body) async for body in jobs.messages(window=2, count=5)] == list(range(5))
        assert [int(job.body) async for job in jobs.leased(window=4, count=3)] == [5, 6, 7]


@everywhere
async def test_messages_that_a_loop_leaves_are_for_the_next_receives(face: Face) -> None:
    async with face.connect() as hub, face.connect() as other, create_task_group() as group:
        jobs = hub.channel("jobs")
        async with jobs.messages(window=8) as messages:
            first = Started(group, messages.__anext__)
            for number in range(4):
                await other.channel("jobs").send(str(number))
            assert await first == b"0"
        assert await jobs.recv(timeout=0) == b"1"
        # One that was kept counts.
        assert [body async for body in jobs.messages(count=1)] == [b"2"]
        assert [body async for body in jobs.messages(count=1)] == [b"3"]
        await until_waiting(hub, 0)


@everywhere
async def test_a_window_holds_so_many_messages(face: Face) -> None:
    async with face.connect() as hub:
        jobs = await hub.channel("jobs").open(capacity=100)
        for number in range(10):
            await jobs.send(str(number))
        async with jobs.leased(30, window=4) as loop:
            held = [await loop.__anext__() for _ in range(4)]
            assert (await hub.channels("jobs"))[0]["leased"] == 4
            for job in held:
                await job.ack()
            async for job in loop:
                async with job:
                    if job.body == b"9":
                        break
        await hub.ping()
        assert (await hub.channels("jobs"))[0]["buffered"] == 0


@everywhere
async def test_a_cancelled_loop_gives_back_what_it_holds(face: Face) -> None:
    async with face.connect() as hub, face.connect() as other:
        jobs = await hub.channel("jobs").open(capacity=100)

        async def work() -> None:
            async for job in jobs.leased(3600, window=8):
                async with job:
                    await anyio.sleep_forever()

        async with create_task_group() as group:
            group.start_soon(work)
            await until_waiting(hub, 1)
            for number in range(10):
                await other.channel("jobs").send(str(number))
            await face.settled(hub)
            group.cancel_scope.cancel()
        rest = [int(await other.channel("jobs").recv(timeout=5)) for _ in range(10)]
        assert sorted(rest) == list(range(10))


@everywhere
async def test_a_select_does_exactly_one_arm(face: Face) -> None:
    async with face.connect() as hub, face.connect() as other, create_task_group() as group:
        a, b = hub.channel("a"), hub.channel("b")
        choosing = Started(group, lambda: face.select(a.receiving(), b.receiving(), timeout=30))
        await until_waiting(hub, 1)
        await other.channel("b").send(b"3")
        assert await choosing == (1, b"3")
        assert await hub.select(a.recv(), b.recv(), otherwise=True) == (None, None)
        with pytest.raises(errors.TimedOut):
            await face.select(a.recv(), b.recv(), timeout=0)
        letters = await hub.channel("letters").open(capacity=1)
        assert await face.select(a.recv(), letters.send("hello")) == (1, None)
        which, job = await face.select(a.recv(), letters.receiving(lease=30))
        async with job:
            assert (which, job.body) == (1, b"hello")
        await a.close()
        with pytest.raises(errors.Closed) as caught:
            await face.select(letters.recv(), a.recv())
        assert caught.value.arm == 1
        with pytest.raises(errors.BadRequest):
            await face.select(a.recv(), other.channel("b").recv())
        with pytest.raises(errors.BadRequest):
            await face.select()


@everywhere
async def test_a_barrier_opens_for_all(face: Face) -> None:
    async with face.connect() as hub, create_task_group() as group:
        first = Started(group, hub.barrier, "start", 3)
        second = Started(group, face.select, hub.meeting("start", 3), hub.channel("a").recv())
        await until_waiting(hub, 2)
        await hub.barrier("start", 3)
        await first
        assert (await second).which == 0
        with pytest.raises(errors.TimedOut):
            await hub.barrier("start", 3, timeout=0)


@everywhere
async def test_the_last_end_closes_the_channel(face: Face) -> None:
    async with face.connect() as hub, face.connect() as other, create_task_group() as group:
        waiting = Started(group, other.channel("news").recv)
        async with hub.sender("news") as news:
            anchor = news.clone()
        with pytest.raises(errors.Closed):
            news.clone()
        await anchor.leave()
        with pytest.raises(errors.Closed, match="last sender"):
            await waiting


@everywhere
async def test_a_dead_sender_poisons_its_channel(face: Face) -> None:
    async with face.connect() as other, face.connect() as hub, create_task_group() as group:
        await hub.sender("news", on_death="poison")
        waiting = Started(group, other.channel("news").recv)
        await until_waiting(other, 1)
        await hub.abort()
        with pytest.raises(errors.Poisoned):
            await waiting
        with pytest.raises(errors.ClientClosed):
            await hub.ping()


@everywhere
async def test_reports_say_who_waits(face: Face) -> None:
    async with face.connect(label="me") as hub, create_task_group() as group:
        group.start_soon(hub.channel("jobs").recv)
        await until_waiting(hub, 1)
        assert [row["label"] for row in await hub.waiters("jobs")] == ["me"]
        await hub.label("you")
        assert [row["label"] for row in await hub.clients()] == ["you"]
        assert (await hub.info())["parked"] == 1
        assert await hub.stuck() == []
        assert hub.is_connected
        assert hub.epoch == (await hub.info())["epoch"]
        assert "connection 1" in repr(hub)
        await hub.channel("jobs").send("x")


@everywhere
async def test_a_trace_shows_what_is_handed_over(face: Face) -> None:
    async with face.connect() as hub:
        jobs = await hub.channel("jobs").open(capacity=5)
        async with hub.trace("jobs") as trace:
            await jobs.send("x")
            await jobs.recv()
            async for handoff in trace:
                assert handoff["channel"] == "jobs"
                break
        assert await hub.waiters() == []


@everywhere
async def test_an_operation_that_is_never_awaited_does_nothing_and_warns(face: Face) -> None:
    async with face.connect() as hub:
        operation = hub.channel("jobs").send("x")
        await hub.ping()
        assert await hub.waiters() == []
        assert operation.happened is False
        with pytest.warns(RuntimeWarning, match="<Send jobs> was never awaited"):
            del operation
            gc.collect()


@everywhere
async def test_a_hub_is_of_no_use_before_it_is_connected(face: Face) -> None:
    hub = face.connect()
    assert "not connected" in repr(hub)
    with pytest.raises(errors.ClientClosed, match="async with"):
        hub.channel("jobs")
    with pytest.raises(TypeError, match="async with"):
        await hub
    for _ in range(2):
        async with hub:
            await hub.ping()


@on("asyncio")
async def test_a_cancelled_send_tells_whether_it_has_happened(face: Face) -> None:
    async with face.connect() as hub, face.connect() as other:
        jobs = hub.channel("jobs")
        for is_received in (False, True):
            operation = jobs.send("x")
            task = asyncio.create_task(operation)
            await until_waiting(hub, 1)
            receiving = asyncio.create_task(_receive(other)) if is_received else None
            if receiving is not None:
                await receiving
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
                raise asyncio.CancelledError  # the reply may have come first
            assert operation.happened is is_received


async def _receive(hub: Any) -> None:
    assert await hub.channel("jobs").recv() == b"x"


@everywhere
async def test_many_hubs_in_one_program(face: Face) -> None:
    async with create_task_group() as group:

        async def use(number: int) -> None:
            async with face.connect(reconnect=Backoff()) as hub:
                channel = await hub.channel(f"jobs/{number}").open(capacity=1)
                await channel.send(str(number))
                assert int(await channel.recv()) == number

        for number in range(50):
            group.start_soon(use, number)
