"""Channels, for tasks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Literal, TypeVar

from sluice._async.delivery import Delivery
from sluice._async.link import Link
from sluice._async.ports import Call, Port, Receive, ReceiveMessage, Send
from sluice._async.streams import Messages, OneByOne
from sluice._protocol import commands
from sluice.values import Body, Codec, encoded

T = TypeVar("T")
Overflow = Literal["block", "drop-newest", "drop-oldest"]
Kind = Literal["queue", "broadcast", "once"]


class Channel(Port[T]):
    """A channel of the hub. Any number of tasks may use it; making one costs nothing."""

    def __init__(self, link: Link, name: str, codec: Codec | None = None) -> None:
        commands.receive(name)  # checks the name
        super().__init__(link, name, codec)

    def __repr__(self) -> str:
        return f"<sluice.Channel {self.name} at {self.link.address}>"

    # Sending

    def send(
        self,
        value: T | Body,
        *,
        timeout: float | None = None,
        id: str | None = None,
        until: Literal["accepted", "taken"] = "accepted",
        need: int | None = None,
        delay: float | None = None,
        trace: str | None = None,
    ) -> Send:
        """Sends a message, and returns when a receiver has taken it, or when the channel's buffer keeps it.

        If the receiver has a lease, the send returns when it has acknowledged the message. With ``until="taken"``, the
        send waits for a receiver even if there is a buffer. It waits at most ``timeout`` seconds; with 0, not at all.
        With an ``id``, the message is delivered once however often it is sent; after a lost connection the client sends
        it again. ``need`` is the number of receivers that a broadcast waits for. No receiver gets the message before
        ``delay`` seconds have passed. ``trace`` is a word that comes with the message, such as a W3C ``traceparent``:
        see ``Message.trace``.

        Raises ``TimedOut``, ``Closed``, ``Poisoned``, ``Rejected``, ``Dropped``, ``LimitExceeded`` and ``Draining`` if
        no receiver has got the message, and none will; ``InDoubt`` if one may have.
        """
        return Send(
            self,
            encoded(value, self.codec),
            timeout,
            id,
            until_taken=until == "taken",
            need=need,
            delay=delay,
            trace=trace,
        )

    def call(
        self, value: T | Body, *, timeout: float | None = None, id: str | None = None, trace: str | None = None
    ) -> Call[T]:
        """Sends a message and returns the answer of its receiver.

        The receiver answers with ``Delivery.answer``. A call with an ``id`` can be repeated, for example after
        ``InDoubt``: it gets the same answer, and the work is not done again. Raises as ``send`` does, and ``NoAnswer``
        if the receiver has taken the message without an answer.
        """
        return Call(self, encoded(value, self.codec), timeout, id, trace)

    # Receiving

    def recv(self, *, timeout: float | None = None) -> Receive[T]:
        """Receives a message.

        Raises ``TimedOut`` after ``timeout`` seconds, ``Closed`` when the channel is closed and nothing is left in it,
        and ``Poisoned``. If this process dies before it has dealt with the message, the message is lost: see
        ``recv_leased``.
        """
        return Receive(self, timeout)

    def recv_message(self, *, timeout: float | None = None) -> ReceiveMessage[T]:
        """Receives a message as ``recv`` does, with what the server says about it: see ``Message.origin``."""
        return ReceiveMessage(self, timeout)

    def recv_leased(self, lease: float = 30, *, timeout: float | None = None) -> Receive[Delivery[T]]:
        """Receives a message that is not lost if this process dies: another receiver gets it then.

        The sender waits until the delivery is acknowledged. The client renews the lease, so ``lease`` only says for how
        many seconds a frozen process keeps the message from other receivers. Raises as ``recv`` does.
        """
        return Receive(self, timeout, lease)

    def __aiter__(self) -> AsyncIterator[T]:
        """Receives messages until the channel is closed."""
        return OneByOne(self)

    def messages(self, *, window: int = 16, count: int | None = None, timeout: float | None = None) -> Messages[T]:
        """Receives messages ahead of the loop that takes them: at most ``window``, and ``count`` in all.

        Raises ``TimedOut`` if no message comes in ``timeout`` seconds; iteration can go on then. Use this where speed
        matters more than the messages of the window, which are lost if this process dies.
        """
        return Messages(self, lease=None, window=window, count=count, timeout=timeout)

    def leased(
        self, lease: float = 30, *, window: int = 1, count: int | None = None, timeout: float | None = None
    ) -> Messages[Delivery[T]]:
        """Receives messages under leases of ``lease`` seconds. At most ``window`` of them may be unacknowledged.

        async for job in jobs.leased(30):
            async with job:
                await work(job.body)
        """
        return Messages(self, lease=lease, window=window, count=count, timeout=timeout)

    # Choosing

    def receiving(self, *, lease: float | None = None) -> Receive[Any]:
        """Returns an arm of a select that receives a message or, with a lease in seconds, a delivery."""
        return Receive(self, None, lease)

    def sending(self, value: T | Body, *, id: str | None = None, trace: str | None = None) -> Send:
        """Returns an arm of a select that sends."""
        return Send(self, encoded(value, self.codec), None, id, trace=trace)

    # The channel itself

    async def open(
        self,
        *,
        capacity: int | None = None,
        overflow: Overflow | None = None,
        kind: Kind | None = None,
        max_attempts: int | None = None,
        dead: str | None = None,
        retry: float | None = None,
    ) -> Channel[T]:
        """Declares the channel, and returns it. It exists until it is closed.

        The client declares it again when the server has been restarted.

        ``capacity`` is the number of messages that it keeps. When it is full, senders wait (``overflow="block"``), or
        it drops a message (``drop-newest`` or ``drop-oldest``). ``kind`` is ``queue``, ``broadcast`` (each message is
        for all current receivers) or ``once`` (the first message answers every receive). A message is rejected after
        ``max_attempts``, and moves to the channel ``dead``: open that one first, because a rejected message and its
        sender wait for it. ``retry`` is the time between the first two attempts, in
        seconds; it doubles with each further one.

        Raises ``Conflict`` if the channel is open with another declaration, or is used without one.
        """
        await self.link.ask(
            commands.open_channel(
                self.name,
                capacity=capacity,
                overflow=overflow,
                kind=kind,
                max_attempts=max_attempts,
                dead=dead,
                retry=retry,
            )
        )
        return self

    async def close(self) -> None:
        """Closes the channel for all clients: nobody can send any more, and receivers get what is left."""
        await self.link.ask(commands.close(self.name))

    async def poison(self, reason: str | None = None) -> None:
        """Ends the channel at once, for all clients: they get ``Poisoned``, and the messages that it keeps are lost."""
        await self.link.ask(commands.poison(self.name, reason))

    async def redrive(self, count: int | None = None) -> int:
        """Sends rejected messages, at most ``count``, back to the channels of their origin. Returns their number."""
        reply = await self.link.ask(commands.redrive(self.name, count))
        number: Any = reply.attributes.get("count", "0")
        return int(number)
