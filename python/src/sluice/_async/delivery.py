"""A message under a lease, for tasks."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import Any, TypeVar

from sluice import errors
from sluice._async.link import Link, has_happened
from sluice._protocol import Command, Operation, Reply, commands
from sluice.errors import SluiceError
from sluice.values import Body, Codec, Leased, encoded

T = TypeVar("T")


class _State(Enum):
    HELD = 0
    SETTLED = 1
    ACKNOWLEDGED = 2


class Delivery(Leased[T]):
    """A message that this receiver holds, while its sender waits for the outcome.

    The lease is renewed in the background until the message is acknowledged, given back or rejected. As an asynchronous
    context manager, a delivery is acknowledged at the end of the block, and given back if the block raises an exception
    or is cancelled; ``Rejected`` rejects it. An unsettled delivery goes back when it is
    garbage-collected.
    """

    __slots__ = ("__weakref__", "_answer", "_link", "_state", "is_lost")

    def __init__(self, link: Link, reply: Reply, lease: float, connection: int, codec: Codec | None) -> None:
        super().__init__(reply, lease, connection, codec)
        self._link = link
        self._answer: bytes | None = None
        self._state = _State.HELD
        #: Whether the lease has ended too soon, so that another receiver may have the message.
        self.is_lost = False
        link.deliveries[connection, self.did] = self

    @property
    def is_settled(self) -> bool:
        """Whether the message was acknowledged, given back or rejected by this receiver."""
        return self._state is not _State.HELD

    @property
    def is_acknowledged(self) -> bool:
        """Whether the server has confirmed the acknowledgement. A cancelled task can see here what happened."""
        return self._state is _State.ACKNOWLEDGED

    async def ack(self) -> None:
        """Acknowledges the message: its sender learns that it was received.

        Raises ``Stale`` if the lease has ended, and ``InDoubt`` if the connection was lost before the reply.
        """
        await self._settle(commands.acknowledge(self.did, self._answer))

    def answer(self, value: T | Body) -> Answer:
        """Answers the message: the ``call`` of its sender returns the value.

        ``await`` it to acknowledge the message with the answer now. Otherwise the answer goes with the acknowledgement,
        as at the end of ``async with``. If the sender does not wait for an answer, it is dropped.
        """
        answer: Any = value
        self._answer = encoded(answer, self._codec)
        return Answer(self)

    async def nack(self, delay: float = 0) -> bool:
        """Gives the message back: it is handed out again after ``delay`` seconds.

        Returns true if it was rejected instead, because this was the last attempt that its channel permits.
        Raises ``Stale`` if the lease has ended.
        """
        reply = await self._settle(commands.nack(self.did, delay))
        return reply.attributes.get("rejected") == "yes"

    async def reject(self, reason: str | None = None) -> None:
        """Rejects the message: no receiver gets it again, and its sender gets ``Rejected`` with the reason.

        Raises ``Stale`` if the lease has ended.
        """
        await self._settle(commands.reject(self.did, reason))

    async def touch(self) -> None:
        """Renews the lease. The client does so by itself: call it to learn whether the lease has ended (``Stale``)."""
        await self._link.ask(commands.touch(self.did), self.connection)

    async def _settle(self, command: Command) -> Reply:
        if self.is_settled:
            raise errors.Stale("the message was acknowledged, given back or rejected already")
        await self._link.checkpoint()
        return await self._settle_now(command)

    async def _settle_now(self, command: Command) -> Reply:
        operation = Operation(command, None, self.connection)
        self._state = _State.SETTLED
        try:
            await self._link.run(operation, is_checkpoint=False)
        except errors.LimitExceeded:
            self._state = _State.HELD  # the answer is too big, and the message is still held
            self._answer = None
            raise
        finally:
            if command.verb == b"ACK" and has_happened(operation):
                self._state = _State.ACKNOWLEDGED
        return operation.result()

    async def __aenter__(self) -> Delivery[T]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.is_settled:
            return
        if error is None:
            # Not a checkpoint: the work is done.
            await self._settle_now(commands.acknowledge(self.did, self._answer))
        elif isinstance(error, errors.Rejected):
            # The block raises its own exception, even if the lease was lost.
            with suppress(SluiceError):
                await self._settle_now(commands.reject(self.did, error.reason or str(error)))
        else:
            self._let_go()

    def _let_go(self) -> None:
        self._state = _State.SETTLED
        self._link.tell(commands.nack(self.did), self.connection)

    def __del__(self) -> None:
        if self._state is _State.HELD:
            with suppress(Exception):
                self._link.soon(self._let_go_of, self._link, self.did, self.connection)

    @staticmethod
    def _let_go_of(link: Link, did: str, connection: int) -> None:
        link.tell(commands.nack(did), connection)


class Answer:
    """An answer that goes with the acknowledgement of its message, or now if it is awaited."""

    __slots__ = ("_delivery",)

    def __init__(self, delivery: Delivery[Any]) -> None:
        self._delivery = delivery

    def __await__(self) -> Generator[Any, Any, None]:
        return self._delivery.ack().__await__()
