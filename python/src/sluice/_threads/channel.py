"""Channels, for threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, Literal, TypeVar

from sluice import errors
from sluice._protocol import Operation, commands
from sluice._threads.arms import SelectArm, received
from sluice._threads.delivery import Delivery
from sluice._threads.engine import Engine
from sluice._threads.stream import Messages, Stream
from sluice.errors import SluiceError
from sluice.values import Body, Codec, Message, Sent, decoded_body, encoded, sent

T = TypeVar("T")
Overflow = Literal["block", "drop-newest", "drop-oldest"]
Kind = Literal["queue", "broadcast", "once"]


class Channel(Generic[T]):
    """A channel of the hub. Any number of threads may use it; making one costs nothing."""

    def __init__(self, engine: Engine, name: str, codec: Codec | None = None) -> None:
        commands.receive(name)  # checks the name
        self._engine = engine
        self._codec = codec
        self.name = name

    def __repr__(self) -> str:
        return f"<sluice.Channel {self.name} at {self._engine.address}>"

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
    ) -> Sent:
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
        data = encoded(value, self._codec)
        command = commands.send(
            self.name, data, timeout=timeout, id=id, until_taken=until == "taken", need=need, delay=delay, trace=trace
        )
        return sent(self._engine.request(command))

    def call(
        self, value: T | Body, *, timeout: float | None = None, id: str | None = None, trace: str | None = None
    ) -> T:
        """Sends a message and returns the answer of its receiver.

        The receiver answers with ``Delivery.answer``. A call with an ``id`` can be repeated, for example after
        ``InDoubt``: it gets the same answer, and the work is not done again. Raises as ``send`` does, and ``NoAnswer``
        if the receiver has taken the message without an answer.
        """
        command = commands.call(self.name, encoded(value, self._codec), timeout=timeout, id=id, trace=trace)
        reply = self._engine.request(command)
        if reply.kind != "DATA":
            raise errors.NoAnswer(f"the receiver on channel {self.name} gave no answer", channel=self.name)
        answer: T = decoded_body(reply.body, self._codec)
        return answer

    # Receiving

    def recv(self, *, timeout: float | None = None) -> T:
        """Receives a message.

        Raises ``TimedOut`` after ``timeout`` seconds, ``Closed`` when the channel is closed and nothing is left in it,
        and ``Poisoned``. If this process dies before it has dealt with the message, the message is lost: see
        ``recv_leased``.
        """
        operation = Operation(commands.receive(self.name, timeout=timeout))
        codec = self._codec
        reply = None
        value: Any = None
        try:
            reply = self._engine.perform(operation)
            value = reply.body if codec is None else codec.loads(reply.body)
        except SluiceError:
            raise
        except BaseException as error:
            # A message that the codec cannot read is not given back: the next receive could not read it either.
            if reply is None or not isinstance(error, Exception):
                self._engine.abandon(operation)
            raise
        # Nothing can interrupt the thread between here and the end of the caller's assignment.
        return value  # type: ignore[no-any-return]

    def recv_message(self, *, timeout: float | None = None) -> Message[T]:
        """Receives a message as ``recv`` does, with what the server says about it: see ``Message.origin``."""
        operation = Operation(commands.receive(self.name, timeout=timeout))
        try:
            message: Message[T] = Message(self._engine.perform(operation), self._codec)
        except SluiceError:
            raise
        except BaseException:
            self._engine.abandon(operation)
            raise
        return message

    def recv_leased(self, lease: float = 30, *, timeout: float | None = None) -> Delivery[T]:
        """Receives a message that is not lost if this process dies: another receiver gets it then.

        The sender waits until the delivery is acknowledged. The client renews the lease, so ``lease`` only says for how
        many seconds a frozen process keeps the message from other receivers. Raises as ``recv`` does.
        """
        operation = Operation(commands.receive(self.name, timeout=timeout, lease=lease))
        try:
            reply = self._engine.perform(operation)
            delivery: Delivery[T] = received(self._engine, reply, operation.connection or 0, lease, self._codec)
        except SluiceError:
            raise
        except BaseException:
            self._engine.abandon(operation)
            raise
        delivery._settled = False
        return delivery

    def __iter__(self) -> Iterator[T]:
        """Receives messages until the channel is closed."""
        while True:
            try:
                message = self.recv()
            except errors.Closed:
                return
            yield message

    def messages(self, *, window: int = 16, count: int | None = None, timeout: float | None = None) -> Messages[T]:
        """Receives messages ahead of the loop that takes them: at most ``window``, and ``count`` in all.

        Raises ``TimedOut`` if no message comes in ``timeout`` seconds; iteration can go on then. Use this where speed
        matters more than the messages of the window, which are lost if this process dies.
        """
        return Messages(
            Stream(self._engine, self.name, self._codec, lease=None, window=window, count=count, timeout=timeout)
        )

    def leased(
        self, lease: float = 30, *, window: int = 1, count: int | None = None, timeout: float | None = None
    ) -> Messages[Delivery[T]]:
        """Receives messages under leases of ``lease`` seconds. At most ``window`` of them may be unacknowledged.

        for job in jobs.leased(30):
            with job:
                work(job.body)
        """
        return Messages(
            Stream(self._engine, self.name, self._codec, lease=lease, window=window, count=count, timeout=timeout)
        )

    # Choosing

    def receiving(self, *, lease: float | None = None) -> SelectArm:
        """Returns an arm of a select that receives a message or, with a lease in seconds, a delivery."""
        return SelectArm(self._engine, commands.receive_arm(self.name, lease), self._codec)

    def sending(self, value: T | Body, *, id: str | None = None, trace: str | None = None) -> SelectArm:
        """Returns an arm of a select that sends."""
        arm = commands.send_arm(self.name, encoded(value, self._codec), id, trace)
        return SelectArm(self._engine, arm, self._codec)

    # The channel itself

    def open(
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
        self._engine.request(
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

    def close(self) -> None:
        """Closes the channel for all clients: nobody can send any more, and receivers get what is left."""
        self._engine.request(commands.close(self.name))

    def poison(self, reason: str | None = None) -> None:
        """Ends the channel at once, for all clients: they get ``Poisoned``, and the messages that it keeps are lost."""
        self._engine.request(commands.poison(self.name, reason))

    def redrive(self, count: int | None = None) -> int:
        """Sends rejected messages, at most ``count``, back to the channels of their origin. Returns their number."""
        reply = self._engine.request(commands.redrive(self.name, count))
        number: Any = reply.attributes.get("count", "0")
        return int(number)
