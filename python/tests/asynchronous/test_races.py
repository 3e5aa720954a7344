"""Cancellations against a hub in memory, which answers when the test says so, in pieces that the test chooses."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any, Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from sluice import errors
from sluice._async.asyncio_runtime import AsyncioRuntime
from sluice._async.hub import Hub
from sluice._async.link import Link
from sluice._async.runtime import Wire
from sluice._protocol import Backoff, Conversation
from sluice.address import Address


class MemoryHub:
    """A hub with one channel that keeps messages. It is also the wire to its only client."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.leases: dict[bytes, bytes] = {}
        self.waiting: dict[bytes, bool] = {}
        self.acknowledged: list[bytes] = []
        self.gone: list[bytes] = []
        self.unread = b""
        self.lines = b""
        self.received: Callable[[bytes], None] = lambda data: None

    def write(self, data: bytes) -> None:
        *lines, self.lines = (self.lines + data).split(b"\n")
        for line in lines:
            self._run(line)

    def close(self) -> None:
        pass

    def _run(self, line: bytes) -> None:
        tag, _, line = line.rpartition(b" RECV ") if b" RECV " in line else (b"", b"", line)
        if tag:
            self.waiting[tag] = b"lease=" in line
            return
        verb, _, rest = line.partition(b" ")
        if verb == b"HELLO":
            self._reply(b"OK version=1 epoch=1")
            return
        if verb == b"ACK":
            self.acknowledged.append(self.leases.pop(rest))
        elif verb == b"NACK":
            self.messages.insert(0, self.leases.pop(rest))
        self._reply(b"OK")
        if verb == b"CANCEL" and rest in self.waiting:
            del self.waiting[rest]
            self._reply(rest + b" CANCELLED")

    def _reply(self, line: bytes) -> None:
        self.unread += line + b"\n"

    def match(self) -> None:
        """Hands the oldest message to the oldest receive."""
        if self.messages and self.waiting:
            tag = next(iter(self.waiting))
            is_leased = self.waiting.pop(tag)
            body = self.messages.pop(0)
            did = b"%d.1" % (len(self.leases) + 1000 * len(self.acknowledged))
            while did in self.leases:
                did = b"9" + did
            attributes = b" did=%b attempt=1 fence=1" % did if is_leased else b""
            if is_leased:
                self.leases[did] = body
            else:
                self.gone.append(body)
            self._reply(b"%b MSG jobs %d%b\n%b" % (tag, len(body), attributes, body))

    def tell(self, count: int) -> None:
        """Passes so many bytes to the client."""
        piece, self.unread = self.unread[:count], self.unread[count:]
        if piece:
            self.received(piece)


class MemoryRuntime(AsyncioRuntime):
    """Connects to a hub in memory."""

    def __init__(self, hub: MemoryHub) -> None:
        super().__init__()
        self._hub = hub

    async def dial(
        self,
        address: Address,
        tls: ssl.SSLContext | None,
        timeout: float,
        received: Callable[[bytes], None],
        ended: Callable[[BaseException | None], None],
    ) -> Wire:
        self._hub.received = received
        return self._hub


# An operation begins with the turn of the event loop after it. An offered message is handed to a receive that waits.
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["receive", "lease", "offer", "turn", "send"]), st.just(0)),
        st.tuples(st.sampled_from(["receive", "lease", "offer", "turn"]), st.just(0)),
        st.tuples(st.just("tell"), st.integers(1, 60)),
        st.tuples(st.just("cancel"), st.integers(0, 8)),
    ),
    min_size=20,
    max_size=100,
)


async def _play(actions: list[tuple[str, int]]) -> None:
    memory = MemoryHub()
    address = Address("memory", 1, "", False)
    link = Link(MemoryRuntime(memory), Conversation(keep_alive=None), address, None, Backoff())
    received: list[bytes] = []
    tasks: list[asyncio.Task[None]] = []
    sent = 0

    async def pump(until: Callable[[], bool]) -> None:
        while not until():
            memory.tell(1 << 20)
            await asyncio.sleep(0)

    async def with_pump(work: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.ensure_future(work)
        await pump(task.done)
        return await task

    hub = Hub(address, lambda: link)
    await with_pump(hub.__aenter__())
    jobs = hub.channel("jobs")

    async def receive() -> None:
        received.append(await jobs.recv())

    async def lease() -> None:
        async with await jobs.recv_leased(3600) as job:
            await asyncio.sleep(0)
        assert job.is_acknowledged

    for action, number in actions:
        if action in ("receive", "lease"):
            tasks.append(asyncio.ensure_future(receive() if action == "receive" else lease()))
        elif action in ("send", "offer"):
            memory.messages.append(b"%d" % sent)
            sent += 1
            if action == "offer":
                memory.match()
        elif action == "tell":
            memory.tell(number)
        elif action == "cancel" and number < len(tasks):
            tasks[number].cancel()
        if action == "turn":
            await asyncio.sleep(0)

    # The end: everything that waits is cancelled, and everything that was kept is received.
    for task in tasks:
        task.cancel()
    await pump(lambda: all(task.done() for task in tasks))
    assert all(task.cancelled() or task.exception() is None for task in tasks)
    assert not memory.waiting
    while link.conversation.kept:
        received.append(await with_pump(_value(jobs.recv(timeout=0))))
    await with_pump(_value(hub.ping()))
    assert not memory.leases
    assert not link.conversation.leases
    assert sorted(received) == sorted(memory.gone)
    everything = received + memory.acknowledged + memory.messages
    assert sorted(everything) == sorted(b"%d" % number for number in range(sent))
    await with_pump(hub.__aexit__(None, None, None))
    try:
        await jobs.recv()
    except errors.ClientClosed:
        return
    raise AssertionError("a closed client has received")


async def _value(operation: Coroutine[Any, Any, Any]) -> Any:
    return await operation


@settings(max_examples=200, deadline=None)
@given(ACTIONS)
def test_no_message_is_lost_or_doubled_at_any_split_point(actions: list[tuple[str, int]]) -> None:
    asyncio.run(_play(actions))
