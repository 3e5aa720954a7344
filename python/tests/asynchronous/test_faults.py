"""What users complain about in clients: long waits, many waiters, leases while they compute, broken servers."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Callable

import pytest
from anyio import create_task_group, from_thread, to_thread
from anyio.lowlevel import checkpoint
from faces import FACES, Face, Started, everywhere, run, until_waiting
from wire import Wire

from sluice import Backoff, errors
from sluice.testing import Daemon

QUICK = Backoff(0.01, 0.1)
IMPATIENT: dict[str, Any] = {"keep_alive": 0.1, "answer_timeout": 1}


def cut(hub: Any) -> None:
    """Cuts the connection of a hub, as a broken network does."""
    hub._link._connection.end(ConnectionResetError("cut by the test"))


class Hours:
    """The clock of a client, which the test puts forward."""

    def __init__(self, hub: Any) -> None:
        self._link = hub._link
        self._hours = 0
        real = self._link.runtime.now
        self._link.runtime.now = lambda: real() + 3600 * self._hours

    def pass_one(self) -> None:
        """Puts the clock forward by an hour. The client sees it at once."""
        self._hours += 1
        self._link._ring()


@contextmanager
def watched(face: Face) -> Iterator[Wire]:
    """A connection to the daemon that the test can watch and cut."""
    wire = Wire(face.daemon.port)
    try:
        yield wire
    finally:
        wire.close()


@everywhere
async def test_a_wait_is_longer_than_every_timeout_of_the_client(face: Face) -> None:
    with watched(face) as wire:
        async with (
            face.connect(wire.address, reconnect=False) as hub,
            face.connect() as other,
            create_task_group() as group,
        ):
            waiting = Started(group, hub.channel("jobs").recv)
            await until_waiting(other, 1)
            hours = Hours(hub)
            for _ in range(10):
                questions = wire.seen.count(b"PING")
                hours.pass_one()
                while wire.seen.count(b"PING") == questions:
                    await checkpoint()
                await hub.info()  # when this is answered, so is the question
            await other.channel("jobs").send(b"at last")
            assert await waiting == b"at last"


@everywhere
async def test_a_thousand_tasks_wait_on_one_connection(face: Face) -> None:
    async with face.connect() as hub, create_task_group() as group:
        waiting = [Started(group, hub.channel("jobs").recv) for _ in range(1000)]
        for number in range(1000):
            await hub.channel("jobs").send(str(number))
        assert sorted([int(await wait) for wait in waiting]) == list(range(1000))
        assert len(await hub.clients()) == 1


@pytest.mark.parametrize("face_name", ["asyncio", "anyio-trio"])
def test_20_000_receives_wait_on_one_connection(face_name: str) -> None:
    async def body(face: Face) -> None:
        got: list[int] = []
        closed = 0
        async with face.connect() as hub, face.connect() as other, create_task_group() as group:

            async def receive() -> None:
                nonlocal closed
                try:
                    got.append(int(await hub.channel("jobs").recv()))
                except errors.Closed:
                    closed += 1

            for _ in range(20_000):
                group.start_soon(receive)
            while (await other.info())["parked"] < 20_000:
                pass
            assert len(await other.clients()) == 2
            for number in range(1000):
                await other.channel("jobs").send(str(number))
            await other.channel("jobs").close()
        assert sorted(got) == list(range(1000))
        assert closed == 19_000

    # A quarter of the tags is for sends.
    with Daemon(config="limits:\n  pending-tags: 30000\n") as daemon:
        face = Face(face_name, daemon)
        run(face, body, face)


@everywhere
async def test_receives_beyond_the_limit_of_tags_wait_in_the_client(face: Face) -> None:
    async with face.connect() as hub, face.connect() as other, create_task_group() as group:
        waiting = [Started(group, hub.channel("jobs").recv) for _ in range(3000)]
        for number in range(3000):
            await other.channel("jobs").send(str(number))
        assert sorted([int(await wait) for wait in waiting]) == list(range(3000))


@everywhere
async def test_a_lease_is_renewed_while_its_holder_computes_in_a_thread(face: Face) -> None:
    def compute(hours: Hours, wire: Wire, touch: bytes, renewals: int) -> None:
        from_thread.run_sync(hours.pass_one)
        while wire.seen.count(touch) < renewals:
            sum(range(10_000))

    with watched(face) as wire:
        async with face.connect(wire.address) as hub, face.connect() as other, create_task_group() as group:
            hours = Hours(hub)
            sending = Started(group, other.channel("jobs").send, b"a")
            async with await hub.channel("jobs").recv_leased(7200) as job:
                for renewals in range(1, 11):
                    await to_thread.run_sync(compute, hours, wire, f"TOUCH {job.did}".encode(), renewals)
                    # When this is answered, so is the renewal: a server that is silent for hours is given up.
                    await hub.info()
                assert not job.is_lost
            await sending
            assert job.is_acknowledged
            assert job.attempt == 1


@everywhere
async def test_a_lease_that_was_lost_is_noticed(face: Face) -> None:
    async with face.connect(reconnect=QUICK) as hub, face.connect() as other, create_task_group() as group:
        sending = Started(group, other.channel("jobs").send, b"a")
        job = await hub.channel("jobs").recv_leased(30)
        cut(hub)
        async with await other.channel("jobs").recv_leased(30) as again:
            assert again.attempt == 2
        with pytest.raises(errors.Stale):
            await job.ack()
        assert job.is_lost
        await sending


@everywhere
async def test_a_frozen_server_is_noticed(face: Face) -> None:
    async with face.connect(reconnect=False, **IMPATIENT) as hub, create_task_group() as group:
        waiting = Started(group, hub.channel("jobs").recv)
        sending = Started(group, hub.channel("x").send, b"x")
        await until_waiting(hub, 2)
        face.daemon.signal(signal.SIGSTOP)
        with pytest.raises(errors.ConnectionLost, match="does not answer any more"):
            await waiting
        with pytest.raises(errors.InDoubt):
            await sending
        with pytest.raises(errors.ConnectionLost):
            await hub.channel("jobs").recv()


@everywhere
async def test_what_a_slow_network_has_not_delivered_is_known(face: Face) -> None:
    # More than the buffers of the kernel take. The server's greeting bounds the size of a message.
    with watched(face) as wire:
        async with face.connect(wire.address) as hub, create_task_group() as group:
            await hub.ping()
            link = hub._link
            assert link._wire.unsent() == 0
            wire.is_open.clear()
            bodies = [b"x" * link.conversation.greeting.max_body] * 20
            sending = [Started(group, hub.channel("jobs").send, body) for body in bodies]
            while link._wire.unsent() < len(bodies[0]):
                await checkpoint()
            wire.is_open.set()
            for body in bodies:
                assert await hub.channel("jobs").recv() == body
            for each in sending:
                await each
            await hub.ping()
            assert link._wire.unsent() == 0


@everywhere
async def test_a_server_that_vanishes_is_noticed(face: Face) -> None:
    with watched(face) as wire:
        async with (
            face.connect(wire.address, reconnect=False, **IMPATIENT) as hub,
            face.connect() as other,
            create_task_group() as group,
        ):
            sending = Started(group, other.channel("jobs").send, b"a")
            held = await hub.channel("jobs").recv_leased(3600)
            wire.is_cut.set()
            with pytest.raises(errors.ConnectionLost):
                await hub.channel("jobs").recv()
            assert held.is_lost
            wire.close()
            async with await other.channel("jobs").recv_leased(30) as again:
                assert again.attempt == 2
            await sending


@everywhere
async def test_a_cancelled_wait_ends_although_the_server_is_frozen(face: Face) -> None:
    async with face.connect(reconnect=QUICK, **IMPATIENT) as hub:
        async with create_task_group() as group:
            group.start_soon(hub.channel("jobs").recv)
            group.start_soon(hub.channel("x").send, b"x")
            await until_waiting(hub, 2)
            face.daemon.signal(signal.SIGSTOP)
            group.cancel_scope.cancel()
        face.daemon.signal(signal.SIGCONT)
        await until_waiting(hub, 0)


@everywhere
async def test_a_client_of_a_frozen_server_can_be_closed(face: Face) -> None:
    async with face.connect(**IMPATIENT) as hub:
        await hub.ping()
        face.daemon.signal(signal.SIGSTOP)


@everywhere
async def test_a_server_that_accepts_and_says_nothing_is_noticed(face: Face) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(errors.ConnectionLost):
        async with face.connect(f"127.0.0.1:{silent.getsockname()[1]}", connect_timeout=0.2):
            pass


@everywhere
async def test_a_server_that_is_not_there_is_noticed(face: Face) -> None:
    face.daemon.kill()
    with pytest.raises(errors.ConnectionLost, match="cannot connect"):
        async with face.connect():
            pass


@everywhere
async def test_another_server_is_noticed(face: Face) -> None:
    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with create_task_group() as group:
            group.start_soon(to_thread.run_sync, serve, listener)
            with pytest.raises(errors.ProtocolError, match="not a Sluice server"):
                async with face.connect(f"127.0.0.1:{listener.getsockname()[1]}"):
                    pass


async def restart(daemon: Daemon, stop: Callable[[Daemon], object]) -> Daemon:
    """Ends the daemon and starts another one on its port."""
    port = daemon.port
    await to_thread.run_sync(stop, daemon)
    return await to_thread.run_sync(lambda: Daemon(port=port))


@pytest.mark.parametrize("stop", [Daemon.kill, Daemon.stop], ids=["killed", "drained"])
@pytest.mark.parametrize("face_name", FACES)
def test_operations_go_on_when_the_server_comes_back(face_name: str, stop: Callable[[Daemon], object]) -> None:
    async def body(face: Face) -> None:
        async with face.connect(label="me", reconnect=QUICK) as hub, create_task_group() as group:
            buffered = await hub.channel("buffered").open(capacity=1)
            end = await hub.sender("ends")
            receiving = Started(group, hub.channel("jobs").recv)
            stream = hub.channel("stream").leased(30)
            streaming = Started(group, stream.__anext__)
            choosing = Started(group, face.select, hub.channel("a").recv(), hub.channel("b").recv())
            await until_waiting(hub, 3)
            with await restart(face.daemon, stop) as again:
                async with face.connect(again.address) as other:
                    await other.channel("jobs").send(b"1")
                    streamed = Started(group, other.channel("stream").send, b"2")
                    await other.channel("b").send(b"3")
                    assert await receiving == b"1"
                    assert await choosing == (1, b"3")
                    async with await streaming as job:
                        assert job.body == b"2"
                    await streamed
                    stream.close()
                    await buffered.send(b"x", timeout=30)
                    assert "me" in [client.get("label") for client in await hub.clients()]
                    ended = Started(group, other.channel("ends").recv)
                    await end.leave()
                    with pytest.raises(errors.Closed, match="last sender"):
                        await ended

    with Daemon() as daemon:
        face = Face(face_name, daemon)
        run(face, body, face)


@everywhere
async def test_a_send_is_in_doubt_when_the_server_dies(face: Face) -> None:
    async with face.connect(reconnect=QUICK) as hub, create_task_group() as group:
        without_id = Started(group, hub.channel("jobs").send, b"a")
        with_id = Started(group, lambda: hub.channel("jobs").send(b"b", id="b"))
        await until_waiting(hub, 2)
        with await restart(face.daemon, Daemon.kill):
            with pytest.raises(errors.InDoubt):
                await without_id
            # The new server cannot know whether the old one has delivered it.
            with pytest.raises(errors.InDoubt) as caught:
                await with_id
            assert caught.value.reason == "epoch"


@everywhere
async def test_a_send_with_an_id_is_delivered_once_over_a_lost_connection(face: Face) -> None:
    async with face.connect(reconnect=QUICK) as hub, face.connect() as other, create_task_group() as group:
        sending = Started(group, lambda: hub.channel("jobs").send(b"a", id="a"))
        await until_waiting(other, 1)
        cut(hub)
        assert await other.channel("jobs").recv() == b"a"
        await sending
        with pytest.raises(errors.TimedOut):
            await other.channel("jobs").recv(timeout=0)


@everywhere
async def test_a_server_drains_while_a_message_is_held(face: Face) -> None:
    async with face.connect(reconnect=QUICK) as hub, create_task_group() as group:
        jobs = hub.channel("jobs")
        async with face.connect(reconnect=False) as other:
            sending = Started(group, other.channel("jobs").send, b"a")
            async with await jobs.recv_leased(30):
                waiting = Started(group, jobs.recv)
                await until_waiting(hub, 2)
                face.daemon.signal(signal.SIGTERM)
                # The receive waits for the next server; a send would hold up the end of this one.
                while not (await hub.info())["isDraining"]:
                    pass
                with pytest.raises(errors.Draining):
                    await hub.channel("results").send(b"x")
            await sending
        assert await to_thread.run_sync(face.daemon.wait) == 0
        port = face.daemon.port
        with await to_thread.run_sync(lambda: Daemon(port=port)) as again:
            async with face.connect(again.address) as other:
                await other.channel("jobs").send(b"b")
                assert await waiting == b"b"


@everywhere
async def test_what_waits_when_a_client_is_closed_fails(face: Face) -> None:
    async with create_task_group() as group:
        async with face.connect() as hub:
            waiting = Started(group, hub.channel("jobs").recv)
            streaming = Started(group, hub.channel("jobs").leased(30).__anext__)
            await until_waiting(hub, 2)
        for started in (waiting, streaming):
            with pytest.raises(errors.ClientClosed):
                await started
        with pytest.raises(errors.ClientClosed):
            await hub.channel("jobs").recv()


@everywhere
async def test_the_exception_of_the_body_comes_through(face: Face) -> None:
    with pytest.raises(ZeroDivisionError):
        async with face.connect() as hub:
            await hub.ping()
            raise ZeroDivisionError
