"""The adapter of the faces for tasks: `tasks_adapter.py asyncio` or, with anyio, `tasks_adapter.py trio`."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Awaitable
from typing import Any, Callable

import adapting
from adapting import Instruction, encoded, show

from sluice import aio


class Performer:
    """Performs the operations of the instructions with one client."""

    def __init__(self, face: Any, cancelled: type[BaseException]) -> None:
        self.face = face
        self.cancelled = cancelled
        self.hub: Any = None
        self.held: dict[str, Any] = {}

    async def run(self, instruction: Instruction) -> None:
        try:
            result = await self.perform(instruction)
        except Exception as error:
            result = adapting.outcome(error)
        show(instruction.number, result)

    async def perform(self, instruction: Instruction) -> str:
        verb = instruction.verb
        if verb == "connect":
            hub = self.face.connect()
            await hub.__aenter__()
            self.hub = hub
            return "ok"
        if self.hub is None:
            return "disconnected"
        if verb == "close":
            await self.hub.close()
            return "ok"
        if verb == "barrier":
            await self.hub.barrier(
                instruction.operands[0], int(instruction.options["parties"]), timeout=instruction.timeout
            )
            return "ok"
        if verb == "select":
            return await self.select(instruction)
        if verb in ("ack", "answer", "nack", "reject", "touch"):
            delivery = self.held[instruction.operands[0]]
            actions: dict[str, Callable[[], Awaitable[Any]]] = {
                "ack": delivery.ack,
                "answer": lambda: delivery.answer(instruction.body),
                "nack": delivery.nack,
                "reject": lambda: delivery.reject(instruction.body.decode()),
                "touch": delivery.touch,
            }
            await actions[verb]()
            return "ok"
        return await self.exchange(instruction)

    async def exchange(self, instruction: Instruction) -> str:
        """Sends, calls or receives."""
        channel = self.hub.channel(instruction.operands[0])
        timeout, id = instruction.timeout, instruction.options.get("id")
        if "count" in instruction.options:
            taken = 0
            async with channel.messages(count=int(instruction.options["count"]), timeout=timeout) as messages:
                async for message in messages:
                    show(instruction.number, "message", encoded(message))
                    taken += 1
            return "end" if taken == int(instruction.options["count"]) else "closed"
        if instruction.verb == "send":
            pending = channel.send(instruction.body, timeout=timeout, id=id)
        elif instruction.verb == "call":
            pending = channel.call(instruction.body, timeout=timeout, id=id)
        elif instruction.lease is None:
            pending = channel.recv(timeout=timeout)
        else:
            pending = channel.recv_leased(instruction.lease, timeout=timeout)
        try:
            value = await pending
        except self.cancelled:
            # A message that has come all the same is kept for the next receive, or given back.
            happened = False if instruction.verb == "recv" else pending.happened
            show(instruction.number, {True: "ok", False: "cancelled", None: "doubt"}[happened])
            raise
        if instruction.verb == "send":
            return "ok"
        if instruction.verb == "call":
            return f"answer {encoded(value)}"
        if instruction.lease is not None:
            self.held[instruction.number] = value
            value = value.body
        return f"message {encoded(value)}"

    async def select(self, instruction: Instruction) -> str:
        arms = []
        for word, *operands in instruction.arms:
            if word == "send":
                message = adapting.unquote_to_bytes(operands[1]) if len(operands) > 1 else b""
                arms.append(self.hub.channel(operands[0]).send(message))
            elif word == "recv":
                arms.append(self.hub.channel(operands[0]).recv())
        otherwise = instruction.arms[-1] == ["else"]
        which, message = await self.hub.select(*arms, timeout=instruction.timeout, otherwise=otherwise)
        if which is None:
            return "else"
        return f"arm {which} ok" if message is None else f"arm {which} message {encoded(message)}"


ABILITIES = "ready concurrent cancel count lease call select barrier reconnect"


async def with_asyncio() -> None:
    performer = Performer(aio, asyncio.CancelledError)
    tasks: dict[str, asyncio.Task[None]] = {}
    loop = asyncio.get_running_loop()

    def take(line: str) -> None:
        instruction = adapting.parsed(line)
        if instruction.verb == "cancel":
            tasks[instruction.operands[0]].cancel()
        else:
            tasks[instruction.number] = loop.create_task(performer.run(instruction))

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(take, line)
        os._exit(0)

    show(ABILITIES)
    threading.Thread(target=read, daemon=True).start()
    await asyncio.Event().wait()


async def with_trio() -> None:
    import trio

    from sluice import anyio as face

    performer = Performer(face, trio.Cancelled)
    scopes: dict[str, Any] = {}

    async def run(instruction: Instruction) -> None:
        with trio.CancelScope() as scope:
            scopes[instruction.number] = scope
            await performer.run(instruction)
            if instruction.verb == "connect" and performer.hub is not None:
                # The tasks of the connection belong to the task that has made it.
                await trio.sleep_forever()

    show(ABILITIES)
    async with trio.open_nursery() as nursery:
        async for line in trio.wrap_file(sys.stdin):
            instruction = adapting.parsed(line)
            if instruction.verb == "cancel":
                scopes[instruction.operands[0]].cancel()
            else:
                nursery.start_soon(run, instruction)
        os._exit(0)


if "trio" in sys.argv:
    import trio

    trio.run(with_trio)
else:
    asyncio.run(with_asyncio())
