"""Operations of channels, which begin when they are awaited or taken by a select."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from sluice import errors
from sluice._async.delivery import Delivery
from sluice._async.link import Link, has_happened
from sluice._async.pending import Pending
from sluice._protocol import Arm, Command, Operation, Reply, commands
from sluice.values import Codec, Message, Sent, decoded_body, sent

T = TypeVar("T")


class Port(Generic[T]):
    """A channel, or an end of one, as its operations see it."""

    def __init__(self, link: Link, name: str, codec: Codec | None) -> None:
        self.link = link
        self.name = name
        self.codec = codec

    async def run(self, operation: Operation) -> None:
        """Runs an operation to its end."""
        await self.link.run(operation)

    def check(self) -> None:
        """Raises ``Closed`` if this end has left."""

    def enter(self, operation: Operation) -> None:
        """Ends the operation when this end leaves."""

    def leave_operation(self, operation: Operation) -> None:
        """Forgets the operation, which has ended."""


class PortOperation(Pending[T]):
    """An operation on a port."""

    __slots__ = ("_operation", "_timeout", "port")

    def __init__(self, port: Port[Any], timeout: float | None = None) -> None:
        super().__init__()
        self.port = port
        self._timeout = timeout
        self._operation: Operation | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.port.name}>"

    @property
    def happened(self) -> bool | None:
        """Whether it has happened, also after a cancellation. None if that is in doubt."""
        return False if self._operation is None else has_happened(self._operation)

    async def _ask(self, command: Command) -> Reply:
        self._operation = operation = Operation(command)
        await self.port.run(operation)
        return operation.result()


def received(port: Port[Any], reply: Reply, connection: int, lease: float | None) -> Any:
    """Returns what a receive returns for a message: its value, or a delivery."""
    if lease is not None:
        return Delivery[Any](port.link, reply, lease, connection, port.codec)
    return decoded_body(reply.body, port.codec)


class Receive(PortOperation[T]):
    """A receive."""

    __slots__ = ("_lease",)

    def __init__(self, port: Port[Any], timeout: float | None = None, lease: float | None = None) -> None:
        super().__init__(port, timeout)
        self._lease = lease

    async def _run(self) -> T:
        reply = await self._ask(commands.receive(self.port.name, timeout=self._timeout, lease=self._lease))
        assert self._operation is not None
        value: T = self.taken(reply, self._operation.connection or 0)
        return value

    def arm(self) -> Arm:
        return commands.receive_arm(self.port.name, self._lease)

    def taken(self, reply: Reply, connection: int) -> Any:
        return received(self.port, reply, connection, self._lease)


class ReceiveMessage(Receive[Message[T]]):
    """A receive that returns the message with what the server says about it."""

    __slots__ = ()

    def taken(self, reply: Reply, connection: int) -> Any:
        return Message[T](reply, self.port.codec)


class Send(PortOperation[Sent]):
    """A send."""

    __slots__ = ("_body", "_id", "_options")

    def __init__(
        self, port: Port[Any], body: bytes, timeout: float | None = None, id: str | None = None, **options: Any
    ) -> None:
        super().__init__(port, timeout)
        self._body = body
        self._id = id
        self._options = options

    async def _run(self) -> Sent:
        command = commands.send(self.port.name, self._body, timeout=self._timeout, id=self._id, **self._options)
        return sent(await self._ask(command))

    def arm(self) -> Arm:
        return commands.send_arm(self.port.name, self._body, self._id, self._options.get("trace"))

    def taken(self, reply: Reply, connection: int) -> Any:
        return None


class Call(PortOperation[T]):
    """A call."""

    __slots__ = ("_body", "_id", "_trace")

    def __init__(
        self, port: Port[Any], body: bytes, timeout: float | None, id: str | None, trace: str | None = None
    ) -> None:
        super().__init__(port, timeout)
        self._body = body
        self._id = id
        self._trace = trace

    async def _run(self) -> T:
        name = self.port.name
        command = commands.call(name, self._body, timeout=self._timeout, id=self._id, trace=self._trace)
        reply = await self._ask(command)
        if reply.kind != "DATA":
            raise errors.NoAnswer(f"the receiver on channel {name} gave no answer", channel=name)
        answer: T = decoded_body(reply.body, self.port.codec)
        return answer

    def arm(self) -> Arm:
        raise errors.BadRequest("a call cannot be an arm of a select", code="syntax")


class Meeting(PortOperation[None]):
    """A wait at a barrier."""

    __slots__ = ("_parties",)

    def __init__(self, link: Link, name: str, parties: int | None, timeout: float | None = None) -> None:
        super().__init__(Port(link, name, None), timeout)
        self._parties = parties

    async def _run(self) -> None:
        if self._parties is None:
            raise errors.BadRequest("pass parties=: only an arm of a select may leave it out", code="bad-option")
        await self._ask(commands.barrier(self.port.name, self._parties, timeout=self._timeout))

    def arm(self) -> Arm:
        return commands.barrier_arm(self.port.name, self._parties)

    def taken(self, reply: Reply, connection: int) -> Any:
        return None
