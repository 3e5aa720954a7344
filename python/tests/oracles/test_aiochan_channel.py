"""The tests of aiochan's channels, adapted by behaviour. README.md lists the differences.

From aiochan 0.2.7, aiochan/test/test_channel.py (Apache 2.0, copyright Ziyang Hu).
"""

from __future__ import annotations

import pytest
from anyio import create_task_group
from faces import Face, everywhere

from sluice import errors


@everywhere
async def test_channel_creation(face: Face) -> None:
    async with face.hub() as hub:
        await hub.channel("fixed").open(capacity=1)
        await hub.channel("dropping").open(capacity=1, overflow="drop-newest")
        await hub.channel("sliding").open(capacity=1, overflow="drop-oldest")
        for text in ("one", "two"):
            await hub.channel("dropping").send(text, timeout=0)
            await hub.channel("sliding").send(text, timeout=0)
        assert await hub.channel("dropping").recv(timeout=0) == b"one"
        assert await hub.channel("sliding").recv(timeout=0) == b"two"


@everywhere
async def test_channel_closing(face: Face) -> None:
    async with face.hub() as hub:
        buffered = hub.channel("buffered")
        await buffered.open(capacity=2)
        await buffered.send("1")
        await buffered.send("2", timeout=0)
        assert await buffered.recv() == b"1"
        await buffered.close()
        assert await buffered.recv() == b"2"
        with pytest.raises(errors.Closed):
            await buffered.recv()

        jobs = hub.channel("jobs")
        async with create_task_group() as group:
            group.start_soon(jobs.send, "1")
            await face.settled(hub)
            group.start_soon(jobs.send, "2")
            await face.settled(hub)
            assert await jobs.recv() == b"1"
            await jobs.close()
            await jobs.close()
            with pytest.raises(errors.Closed):
                await jobs.send("1")
            assert await jobs.recv() == b"2"


@everywhere
async def test_writes_block_on_full_buffer(face: Face) -> None:
    async with face.hub() as hub:
        jobs = hub.channel("jobs")
        await jobs.open(capacity=1)
        await jobs.send("42")
        with pytest.raises(errors.TimedOut):
            await jobs.send("43", timeout=0)


@everywhere
async def test_unfulfilled_readers_block(face: Face) -> None:
    got: list[bytes] = []
    async with face.hub() as hub:
        jobs = hub.channel("jobs")
        await jobs.open(capacity=1)

        async def receive() -> None:
            got.append(await jobs.recv())

        async with create_task_group() as group:
            group.start_soon(receive)
            group.start_soon(receive)
            await face.settled(hub)
            await jobs.send("42")
            await face.settled(hub)
            assert got == [b"42"]
            group.cancel_scope.cancel()


@everywhere
async def test_a_send_waits_for_its_receive(face: Face) -> None:
    """aiochan: test_get_and_put_nowait and test_puts_fulfill_when_buffer_available."""
    done: list[str] = []
    for capacity in (0, 1):
        async with face.hub() as hub:
            jobs = hub.channel("jobs")
            await jobs.open(capacity=capacity)
            if capacity:
                await jobs.send("full")

            async def send(jobs: object = jobs) -> None:
                await jobs.send("value")  # type: ignore[attr-defined]
                done.append("sent")

            async with create_task_group() as group:
                group.start_soon(send)
                await face.settled(hub)
                assert done == []
                assert await jobs.recv() == (b"full" if capacity else b"value")
            assert done == ["sent"]
            done.clear()
            await jobs.poison()


@everywhere
async def test_a_receive_waits_for_its_send(face: Face) -> None:
    """aiochan: test_put_and_get_nowait."""
    got: list[bytes] = []
    async with face.hub() as hub:
        jobs = hub.channel("jobs")

        async def receive() -> None:
            got.append(await jobs.recv())

        async with create_task_group() as group:
            group.start_soon(receive)
            await face.settled(hub)
            assert got == []
            await jobs.send("value")
        assert got == [b"value"]


@everywhere
async def test_offer_poll(face: Face) -> None:
    async with face.hub() as hub:
        jobs = hub.channel("jobs")
        await jobs.open(capacity=2)
        await jobs.send("1", timeout=0)
        await jobs.send("2", timeout=0)
        with pytest.raises(errors.TimedOut):
            await jobs.send("3", timeout=0)
        assert await jobs.recv() == b"1"
        assert await jobs.recv(timeout=0) == b"2"
        with pytest.raises(errors.TimedOut):
            await jobs.recv(timeout=0)


@everywhere
async def test_promise_channel(face: Face) -> None:
    got: list[bytes] = []
    async with face.hub() as hub:
        answer = hub.channel("answer")
        await answer.open(kind="once")

        async def receive() -> None:
            got.append(await answer.recv())

        async with create_task_group() as group:
            group.start_soon(receive)
            group.start_soon(receive)
            await face.settled(hub)
            assert got == []
            await answer.send("value")
        assert got == [b"value"] * 2
        with pytest.raises(errors.Closed):
            await answer.send("LOST")
        for _ in range(3):
            assert await answer.recv() == b"value"
        await answer.close()
        for _ in range(3):
            assert await answer.recv() == b"value"


@everywhere
async def test_iteration(face: Face) -> None:
    """aiochan: test_iter, test_async_iterator and test_collect."""
    async with face.hub() as hub:
        jobs = hub.channel("jobs")
        await jobs.open(capacity=10)
        for number in range(10):
            await jobs.send(str(number))
        await jobs.close()
        assert [int(message) async for message in jobs] == list(range(10))


@everywhere
async def test_cancelled_waits_leave_the_queue(face: Face) -> None:
    """aiochan: the dirty puts and gets of test_limit_async_get_nowait_and_put_nowait3 and 4."""
    got: list[int] = []
    async with face.hub() as hub:
        jobs = hub.channel("jobs")
        async with create_task_group() as group:
            async with create_task_group() as cancelled:
                for number in range(100):
                    (group if number % 2 else cancelled).start_soon(jobs.send, str(number))
                await face.settled(hub)
                cancelled.cancel_scope.cancel()
            group.start_soon(jobs.send, "100")
            for _ in range(51):
                got.append(int(await jobs.recv()))
        with pytest.raises(errors.TimedOut):
            await jobs.recv(timeout=0)
    assert set(range(1, 100, 2)) | {100} == set(got)


@everywhere
async def test_timeout(face: Face) -> None:
    async with face.hub() as hub:
        with pytest.raises(errors.TimedOut):
            await hub.channel("nothing").recv(timeout=0.02)


@everywhere
async def test_pipe(face: Face) -> None:
    """aiochan: test_pipe_and_list and test_map."""
    async with face.hub() as hub:
        numbers, doubles = hub.channel("numbers"), hub.channel("doubles")

        async def produce() -> None:
            for number in range(5):
                await numbers.send(str(number))
            await numbers.close()

        async def double() -> None:
            async for message in numbers:
                await doubles.send(str(int(message) * 2))
                await doubles.send(str(int(message) * 2 + 1))
            await doubles.close()

        async with create_task_group() as group:
            group.start_soon(produce)
            group.start_soon(double)
            assert [int(message) async for message in doubles] == list(range(10))


@everywhere
async def test_merge_and_distribute(face: Face) -> None:
    async with face.hub() as hub:
        numbers, merged = hub.channel("numbers"), hub.channel("merged")

        async def produce() -> None:
            for number in range(20):
                await numbers.send(str(number))
            await numbers.close()

        async def relay() -> None:
            sending = await hub.sender("merged")
            async with sending:
                async for message in numbers:
                    await sending.send(message)

        async with create_task_group() as group:
            for _ in range(3):
                group.start_soon(relay)
            await face.settled(hub)
            group.start_soon(produce)
            got = [int(message) async for message in merged]
    assert sorted(got) == list(range(20))


@everywhere
async def test_duplicate(face: Face) -> None:
    """aiochan: test_dup and test_pub_sub. A broadcast is for all that receive."""
    got: list[list[int]] = [[], []]
    async with face.hub() as hub:
        news = hub.channel("news")
        await news.open(kind="broadcast")

        async def receive(target: list[int]) -> None:
            async for message in news:
                target.append(int(message))

        async with create_task_group() as group:
            for target in got:
                group.start_soon(receive, target)
            for number in range(4):
                await news.send(str(number), need=2)
            await news.close()
    assert got == [[0, 1, 2, 3], [0, 1, 2, 3]]


@everywhere
async def test_workers_answer_out_of_order(face: Face) -> None:
    """aiochan: test_async_pipe_unordered and test_parallel_pipe_unordered."""
    async with face.hub() as hub:
        squares = hub.channel("squares")
        answers: list[int] = []

        async def worker() -> None:
            async for job in squares.leased(30):
                async with job:
                    job.answer(str(int(job.body) ** 2))

        async def ask(number: int) -> None:
            answers.append(int(await squares.call(str(number))))

        async with create_task_group() as workers:
            for _ in range(10):
                workers.start_soon(worker)
            async with create_task_group() as group:
                for number in range(100):
                    group.start_soon(ask, number)
            workers.cancel_scope.cancel()
    assert sorted(answers) == [number**2 for number in range(100)]


@everywhere
async def test_select_works_at_all(face: Face) -> None:
    async with face.hub() as hub:
        jobs = hub.channel("jobs")
        await jobs.open(capacity=1)
        await jobs.send("42")
        await jobs.close()
        which, message = await face.select(jobs.recv())
        assert (which, message) == (0, b"42")


@everywhere
async def test_select_default(face: Face) -> None:
    async with face.hub() as hub:
        with pytest.raises(errors.TimedOut):
            await face.select(hub.channel("jobs").recv(), timeout=0)


@everywhere
async def test_select_sends(face: Face) -> None:
    hits = {0: 0, 1: 0}
    async with face.hub() as hub:
        full, empty = hub.channel("full"), hub.channel("empty")
        await full.open(capacity=100)
        await empty.open(capacity=100)
        for _ in range(100):
            await full.send("1")
        for _ in range(100):
            which, _ = await face.select(full.recv(), empty.send("2"), order="random")
            hits[which] += 1
    # With a probability of 2 ** -99, a correct hub takes the same arm each time.
    assert min(hits.values()) > 0
