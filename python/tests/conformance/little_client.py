"""A small client with the adapter that the conformance kit needs: `little_client.py [FAULT]`.

The tests of the kit run it as it is, which passes, and with each of its faults, which must be found.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

FAULT = sys.argv[1] if len(sys.argv) > 1 else ""


class Broken(Exception):
    """The server's bytes are no reply."""


class Client:
    """A connection, with a table of the commands that wait for their reply."""

    def __init__(self) -> None:
        self.pending: dict[str, asyncio.Future[tuple[list[str], bytes]]] = {}
        self.last = 0
        self.end: str | None = None
        self.buffer = b""

    async def connect(self) -> str:
        host, _, port = os.environ["SLUICE_ADDRESS"].rpartition(":")
        try:
            self.reader, self.writer = await asyncio.open_connection(host, int(port))
        except OSError:
            self.end = "disconnected"
            return "disconnected"
        self.task = asyncio.create_task(self.read())
        if FAULT == "no-hello":
            return "ok"
        words, _ = await self.ask("HELLO")
        if words[0] != "OK":
            return outcome(words, b"")
        if "version=1" not in words and FAULT != "any-version":
            self.end = "broken"
            return "broken another version"
        if FAULT == "names-any-feature":
            await self.ask("HELLO features=receivers,rejected,kept")
        return "ok"

    async def ask(self, command: str, body: bytes | None = None, tag: str = "") -> tuple[list[str], bytes]:
        if self.end:
            return [self.end], b""
        if not tag:
            self.last += 1
            tag = str(self.last)
        if FAULT == "reuses-tags":
            tag = "1"
        reply: asyncio.Future[tuple[list[str], bytes]] = asyncio.get_running_loop().create_future()
        self.pending[tag] = reply
        data = f"#{tag} {command}\n".encode()
        if body is not None:
            data += body + b"\n"
        self.writer.write(data)
        return await reply

    async def read(self) -> None:
        end = "doubt"
        try:
            while data := await self.reader.read(65536):
                self.buffer += data
                while self.take():
                    if FAULT == "one-read-one-reply":
                        break
        except Broken as error:
            end = f"broken {error}"
            if FAULT == "hangs-on-nonsense":
                return
        except OSError:
            pass
        if FAULT == "partial-body" and b"\n" in self.buffer:
            line, _, body = self.buffer.partition(b"\n")
            self.pending.pop(line.split(b" ")[0][1:].decode()).set_result((["MSG"], body))
        self.end = "timeout" if FAULT == "loss-is-timeout" else end
        self.writer.close()
        for reply in self.pending.values():
            if not reply.done():
                reply.set_result(([self.end], b""))

    def take(self) -> bool:
        """Takes one reply from the buffer."""
        line, separator, rest = self.buffer.partition(b"\n")
        if not separator:
            if len(line) > 8192 and FAULT != "endless":
                raise Broken("the line is too long")
            return False
        words = line.decode("utf-8", "replace").split(" ")
        tag = words.pop(0)[1:] if words[0].startswith("#") else ""
        body = b""
        if not words:
            raise Broken("no word")
        if words[0] in ("MSG", "DATA"):
            place = 2 if words[0] == "MSG" else 1
            if len(words) <= place or not words[place].isascii() or not words[place].isdigit():
                raise Broken("no length")
            length = int(words[place])
            if length > 1 << 20:
                raise Broken("the body is too long")
            if FAULT == "splits-body-at-lf" and b"\n" in rest:
                length = rest.index(b"\n")
            if len(rest) <= length:
                return False
            body = rest[:length]
            if rest[length : length + 1] != b"\n":
                raise Broken("no line end follows the body")
            rest = rest[length + 1 :]
        self.buffer = rest
        if FAULT == "in-order" and self.pending:
            tag = next(iter(self.pending))
        reply = self.pending.pop(tag, None)
        if reply is None and not FAULT:
            raise Broken("nobody has asked")
        if reply and not reply.done():
            reply.set_result((words, body))
        return True


def outcome(words: list[str], body: bytes) -> str:
    word, rest = words[0], " ".join(words[1:])
    if word == "OK" or (FAULT == "prefix-ok" and word.startswith("OK")):
        if FAULT == "chokes-on-keys" and any("=" in key and "dup=" not in key for key in words[1:]):
            return "broken"
        return "ok"
    if word in ("MSG", "DATA"):
        return f"{'message' if word == 'MSG' else 'answer'} {quote_from_bytes(body)}".rstrip()
    if word == "MAYBE":
        return "ok" if FAULT == "maybe-is-ok" else "doubt"
    if word == "CANCELLED":
        return {"": "cancelled", "draining": "draining"}.get(rest, "withdrawn")
    if word == "ERR":
        return "ok" if FAULT == "unknown-error-is-ok" else f"error {words[1] if len(words) > 1 else 'none'}"
    if word in ("TIMEOUT", "CLOSED", "POISONED", "REJECTED", "ELSE", "END"):
        return word.lower()
    return word if word in ("doubt", "disconnected", "timeout") else f"broken {word}"


async def perform(client: Client, verb: str, words: list[str], held: dict[str, str], number: str) -> str:
    options = [word for word in words if "=" in word]
    operands = [word for word in words if "=" not in word]
    head = " ".join([verb.upper(), *options])
    if verb == "connect":
        return await client.connect()
    if verb == "close":
        await client.ask("QUIT")
        await client.task
        return "ok"
    if verb in ("send", "call"):
        body = unquote_to_bytes(operands[1]) if len(operands) > 1 else b""
        if FAULT == "text-bodies":
            said, came = await client.ask(f"{head} {operands[0]} {body.decode('latin-1')}")
        else:
            said, came = await client.ask(f"{head} len={len(body)} {operands[0]}", body)
        if said[0] == "doubt" and FAULT == "repeats-sends":
            again = Client()
            await again.connect()
            said, came = await again.ask(f"{head} len={len(body)} {operands[0]}", body)
        expected = ("OK", "DATA") if verb == "call" else ("OK",)
        return "broken" if said[0] in ("MSG", "DATA") and said[0] not in expected else outcome(said, came)
    if verb == "recv":
        said, came = await client.ask(f"{head} {operands[0]}", None, f"r{number}")
        for word in said:
            if word.startswith("did="):
                did = word[4:]
                held[number] = str(int(float(did))) + ".1" if FAULT == "interprets-did" else did
        return "broken" if said[0] == "OK" else outcome(said, came)
    if verb in ("ack", "nack", "touch"):
        return outcome(*await client.ask(f"{head} {held[operands[0]]}"))
    if verb == "reject":
        reason = unquote_to_bytes(operands[1]).decode() if len(operands) > 1 else ""
        return outcome(*await client.ask(f"REJECT {held[operands[0]]} {reason}".rstrip()))
    body = unquote_to_bytes(operands[1]) if len(operands) > 1 else b""
    return outcome(*await client.ask(f"ACK len={len(body)} {held[operands[0]]}", body))


async def main() -> None:
    client = Client()
    held: dict[str, str] = {}
    tasks: dict[str, Any] = {}
    print("hello" if FAULT == "no-ready" else "ready concurrent cancel lease call", flush=True)
    loop = asyncio.get_running_loop()
    instructions = asyncio.StreamReader(limit=8 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(instructions), sys.stdin)

    async def run(number: str, verb: str, words: list[str]) -> None:
        result = await perform(client, verb, words, held, number)
        print(number, result, flush=True)
        if FAULT == "two-outcomes":
            print(number, result, flush=True)

    while line := (await instructions.readline()).decode().rstrip("\n"):
        number, verb, *words = line.split(" ")
        if FAULT == "exits" and verb == "send":
            raise SystemExit("the client has crashed")
        if verb == "cancel":
            if FAULT == "forgets-tag-at-cancel" and (reply := client.pending.get(f"r{words[0]}")):
                reply.set_result((["CANCELLED"], b""))
            tag = f"r{words[0]}" if f"r{words[0]}" in client.pending else str(client.last)
            tasks[number] = asyncio.create_task(client.ask(f"CANCEL #{tag}"))
        else:
            tasks[number] = asyncio.create_task(run(number, verb, words))
    os._exit(0)


asyncio.run(main())
