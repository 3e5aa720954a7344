"""The adapter of the face for threads: `threads_adapter.py [gevent]`."""

from __future__ import annotations

import sys

if "gevent" in sys.argv:
    from gevent import monkey

    monkey.patch_all()

import os
import threading
from typing import Any, Callable

import adapting
from adapting import Instruction, encoded, show

import sluice


class Performer:
    """Performs the operations of the instructions with one client."""

    def __init__(self) -> None:
        self.hub: sluice.Hub | None = None
        self.held: dict[str, sluice.Delivery[bytes]] = {}

    def run(self, instruction: Instruction) -> None:
        try:
            result = self.perform(instruction)
        except Exception as error:
            result = adapting.outcome(error)
        show(instruction.number, result)

    def perform(self, instruction: Instruction) -> str:
        verb = instruction.verb
        if verb == "connect":
            self.hub = sluice.connect()
            return "ok"
        if self.hub is None:
            return "disconnected"
        if verb == "close":
            self.hub.close()
            return "ok"
        if verb == "barrier":
            self.hub.barrier(instruction.operands[0], int(instruction.options["parties"]), timeout=instruction.timeout)
            return "ok"
        if verb == "select":
            return self.select(instruction)
        if verb in ("ack", "answer", "nack", "reject", "touch"):
            delivery = self.held[instruction.operands[0]]
            actions: dict[str, Callable[[], Any]] = {
                "ack": delivery.ack,
                "answer": lambda: delivery.answer(instruction.body),
                "nack": delivery.nack,
                "reject": lambda: delivery.reject(instruction.body.decode()),
                "touch": delivery.touch,
            }
            actions[verb]()
            return "ok"
        channel = self.hub.channel(instruction.operands[0])
        timeout, id = instruction.timeout, instruction.options.get("id")
        if verb == "send":
            channel.send(instruction.body, timeout=timeout, id=id)
            return "ok"
        if verb == "call":
            return f"answer {encoded(channel.call(instruction.body, timeout=timeout, id=id))}"
        if "count" in instruction.options:
            taken = 0
            for message in channel.messages(count=int(instruction.options["count"]), timeout=timeout):
                show(instruction.number, "message", encoded(message))
                taken += 1
            return "end" if taken == int(instruction.options["count"]) else "closed"
        if instruction.lease is None:
            return f"message {encoded(channel.recv(timeout=timeout))}"
        delivery = channel.recv_leased(instruction.lease, timeout=timeout)
        self.held[instruction.number] = delivery
        return f"message {encoded(delivery.body)}"

    def select(self, instruction: Instruction) -> str:
        assert self.hub is not None
        arms = []
        for word, *operands in instruction.arms:
            if word == "send":
                message = adapting.unquote_to_bytes(operands[1]) if len(operands) > 1 else b""
                arms.append(self.hub.channel(operands[0]).sending(message))
            elif word == "recv":
                arms.append(self.hub.channel(operands[0]).receiving())
        otherwise = instruction.arms[-1] == ["else"]
        which, message = self.hub.select(*arms, timeout=instruction.timeout, otherwise=otherwise)
        if which is None:
            return "else"
        return f"arm {which} ok" if message is None else f"arm {which} message {encoded(message)}"


def main() -> None:
    performer = Performer()
    show("ready concurrent count lease call select barrier reconnect")
    lines: Any = sys.stdin
    if "gevent" in sys.argv:
        from gevent.fileobject import FileObject

        lines = FileObject(sys.stdin.buffer, "r")
    for line in lines:
        threading.Thread(target=performer.run, args=(adapting.parsed(line),), daemon=True).start()
    os._exit(0)


main()
