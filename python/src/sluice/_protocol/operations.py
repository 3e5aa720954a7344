"""An operation: a command, from its call to its final reply. A lost connection need not end it."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Union

from sluice._protocol.commands import Command
from sluice._protocol.replies import Reply, error_of
from sluice.errors import SluiceError

_SUCCESSES = frozenset(("OK", "MSG", "DATA", "ELSE", "END"))


class Stage(IntEnum):
    """Where an operation is."""

    NEW = 0
    QUEUED = 1  # waits in the client for a connection or a tag
    PENDING = 2  # the server has it under a tag
    ASKED = 3  # the server has it without a tag, and answers at once
    ENDED = 4


class Operation:
    """A command on its way to the server. In ``waiter``, a face keeps what wakes the caller."""

    __slots__ = (
        "abandoned",
        "cancelled",
        "command",
        "connection",
        "deadline",
        "declined",
        "delayed",
        "error",
        "feeding",
        "in_doubt_since",
        "parts",
        "reply",
        "serial",
        "stage",
        "tag",
        "waiter",
    )

    def __init__(self, command: Command, waiter: Any = None, connection: int | None = None) -> None:
        self.command = command
        self.waiter = waiter
        #: The number of a connection. Before the operation is asked: the only one on which it makes sense, or None.
        #: When it has ended: the one that has answered.
        self.connection = connection
        self.stage = Stage.NEW
        self.tag: bytes | None = None
        #: The order of submission.
        self.serial = 0
        self.deadline: float | None = None
        #: Whether it has waited in the client, so that its timeout must be shortened.
        self.delayed = False
        self.cancelled = False
        self.abandoned = False
        #: Whether a message that comes all the same is given back at once.
        self.declined = False
        #: Whether the client has cancelled it at the server, to end it with a kept message instead.
        self.feeding = False
        #: How many replies before the final one have come.
        self.parts = 0
        #: If it may have happened: when the server was last heard on its first connection.
        self.in_doubt_since: float | None = None
        self.reply: Reply | None = None
        self.error: SluiceError | None = None

    def __repr__(self) -> str:
        return f"<Operation {self.command.verb.decode()} {self.command.operand!r} {self.stage.name.lower()}>"

    def result(self) -> Reply:
        """Returns the final reply if it is a success; otherwise raises the exception that it stands for."""
        if self.error is not None:
            raise self.error
        reply = self.reply
        if reply is None:
            raise RuntimeError("the operation has not ended")
        if reply.kind in _SUCCESSES:
            return reply
        raise error_of(reply)

    @property
    def lacks_messages(self) -> bool:
        """Whether a receive with a count still waits for messages from the server."""
        count = self.command.count
        return isinstance(count, int) and self.parts < count

    def continue_counting(self) -> bool:
        """Sets the count of a counted receive to what is still missing. Returns false if nothing is."""
        count: int | str | None = self.command.count
        if not isinstance(count, int):
            return True
        if count <= self.parts:
            return False
        self.command.count = count - self.parts
        if self.command.window is not None:
            self.command.window = min(self.command.window, self.command.count)
        self.parts = 0
        return True


class Ended:
    """An operation has ended: ``operation.result()`` says how."""

    __slots__ = ("operation",)

    def __init__(self, operation: Operation) -> None:
        self.operation = operation


class Arrived:
    """A reply before the final one: a message of a counted receive, or a line of a trace."""

    __slots__ = ("connection", "operation", "reply")

    def __init__(self, operation: Operation, reply: Reply, connection: int) -> None:
        self.operation = operation
        self.reply = reply
        self.connection = connection


class Ready:
    """The server has accepted the client."""

    __slots__ = ()


class Broken:
    """The connection has failed or was closed: close the socket, then call ``lost(error, final)``."""

    __slots__ = ("error", "final")

    def __init__(self, error: SluiceError, final: bool) -> None:
        self.error = error
        self.final = final


class LeaseLost:
    """A lease has ended early: its message has gone back."""

    __slots__ = ("connection", "did")

    def __init__(self, did: str, connection: int) -> None:
        self.did = did
        self.connection = connection


Event = Union[Ended, Arrived, Ready, Broken, LeaseLost]
