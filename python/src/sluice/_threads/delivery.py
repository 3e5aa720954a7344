"""A message under a lease, for threads."""

from __future__ import annotations

import contextlib
from types import TracebackType
from typing import Any, TypeVar

from sluice import errors
from sluice._protocol import Operation, Reply, commands
from sluice._threads.engine import Engine
from sluice.errors import SluiceError
from sluice.values import Body, Codec, Leased, encoded

T = TypeVar("T")


class Delivery(Leased[T]):
    """A message that this receiver holds, while its sender waits for the outcome.

    The lease is renewed in the background until the message is acknowledged, given back or rejected, also while the
    receiver computes. As a context manager, a delivery is acknowledged at the end of the block, and given back if the
    block raises an exception; ``Rejected`` rejects it. An unsettled delivery goes back when it is
    garbage-collected.
    """

    __slots__ = ("__weakref__", "_engine", "_settled")

    def __init__(self, engine: Engine, reply: Reply, lease: float, connection: int, codec: Codec | None) -> None:
        super().__init__(reply, lease, connection, codec)
        self._engine = engine
        # The receiver has it only when the call that receives it has returned.
        self._settled = True

    @property
    def is_settled(self) -> bool:
        """Whether the message was acknowledged, given back or rejected by this receiver."""
        return self._settled

    @property
    def is_lost(self) -> bool:
        """Whether the lease has ended too soon, so that another receiver may have the message."""
        engine = self._engine
        return self.connection != engine.conversation.connection or self.did in engine.lost_leases

    def ack(self) -> None:
        """Acknowledges the message: its sender learns that it was received.

        Raises ``Stale`` if the lease has ended, and ``InDoubt`` if the connection was lost before the reply.
        """
        self._settle(commands.acknowledge(self.did))

    def answer(self, value: T | Body) -> None:
        """Acknowledges the message, and answers it: the ``call`` of its sender returns the value.

        If the sender does not wait for an answer, the answer is dropped, and the message is acknowledged all the same.
        """
        answer: Any = value
        self._settle(commands.acknowledge(self.did, encoded(answer, self._codec)))

    def nack(self, delay: float = 0) -> bool:
        """Gives the message back: it is handed out again after ``delay`` seconds.

        Returns true if it was rejected instead, because this was the last attempt that its channel permits.
        Raises ``Stale`` if the lease has ended.
        """
        return self._settle(commands.nack(self.did, delay)).attributes.get("rejected") == "yes"

    def reject(self, reason: str | None = None) -> None:
        """Rejects the message: no receiver gets it again, and its sender gets ``Rejected`` with the reason.

        Raises ``Stale`` if the lease has ended.
        """
        self._settle(commands.reject(self.did, reason))

    def touch(self) -> None:
        """Renews the lease. The client does so by itself: call it to learn whether the lease has ended (``Stale``)."""
        self._engine.request(commands.touch(self.did), self.connection)

    def _settle(self, command: commands.Command) -> Reply:
        if self._settled:
            raise errors.Stale("the message was acknowledged, given back or rejected already")
        operation = Operation(command, connection=self.connection)
        wait = self._engine.begin(operation)
        # An exception before this line gives the message back. If the command was submitted by then, the server runs it
        # first, and refuses the NACK.
        self._settled = True
        try:
            return wait()
        except errors.LimitExceeded:
            self._settled = False  # the answer is too big, and the message is still held
            raise

    def __enter__(self) -> Delivery[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._settled:
            return
        if error is None:
            self.ack()
        elif isinstance(error, errors.Rejected):
            # The block raises its own exception, even if the lease was lost.
            with contextlib.suppress(SluiceError):
                self.reject(error.reason or str(error))
        else:
            with contextlib.suppress(SluiceError):
                self.nack()

    def __del__(self) -> None:
        if not self._settled:
            self._settled = True
            with contextlib.suppress(Exception):
                self._engine.submit(Operation(commands.nack(self.did), connection=self.connection))
