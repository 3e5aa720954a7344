"""A command of the client, and what happens to it when a connection is lost."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from sluice._protocol import names

if TYPE_CHECKING:
    from sluice._protocol.commands import Arm


class Lane(IntEnum):
    """The queue in which a command waits for a tag."""

    INSTANT = 0  # the server answers at once: the command needs no tag
    TAKING = 1
    SENDING = 2


class Recovery(IntEnum):
    """What happens to a command whose connection was lost before its final reply."""

    AGAIN = 0  # it has not happened, or may happen twice without harm
    WITH_ID = 1  # it is sent again under its id
    IN_DOUBT = 2  # it may have happened
    STALE = 3  # its message has gone back with the connection
    DISCONNECTED = 4  # it concerned the connection itself


class Command:
    """A command before it has a tag. ``timeout``, ``epoch`` and ``count`` may change when it is asked again."""

    __slots__ = (
        "arms",
        "body",
        "channel",
        "count",
        "did",
        "epoch",
        "has_id",
        "has_parts",
        "lane",
        "lease",
        "memo",
        "operand",
        "options",
        "recovery",
        "timeout",
        "verb",
        "window",
    )

    def __init__(
        self,
        verb: bytes,
        operand: bytes = b"",
        options: bytes = b"",
        body: bytes | None = None,
        *,
        lane: Lane = Lane.INSTANT,
        recovery: Recovery = Recovery.AGAIN,
        timeout: float | None = None,
        channel: str | None = None,
    ) -> None:
        self.verb = verb
        self.operand = operand
        self.options = options  # each with a space before it
        self.body = body  # everything after the line, its last line end excluded
        self.lane = lane
        self.recovery = recovery
        self.timeout = timeout
        self.channel = channel
        self.lease: float | None = None
        self.count: int | str | None = None
        self.window: int | None = None
        self.arms: Sequence[Arm] = ()
        self.did: str | None = None  # the delivery that it ends
        self.has_id = False
        self.has_parts = False
        self.epoch: int | None = None
        self.memo: tuple[str, tuple[str, ...]] | None = None  # what a new connection has to be told again

    def encode(self, tag: bytes | None, timeout: float | None) -> bytes:
        """Returns the bytes of the command."""
        line = b"#%b %b" % (tag, self.verb) if tag is not None else self.verb
        if timeout is not None:
            line += b" timeout=" + names.duration(timeout)
        if self.options:
            line += self.options
        if self.epoch is not None:
            line += b" epoch=%d" % self.epoch
        if self.count is not None:
            line += b" count=%b" % str(self.count).encode()
            if self.window is not None:
                line += b" window=%d" % self.window
        if self.operand:
            line = b"%b %b" % (line, self.operand)
        return b"%b\n" % line if self.body is None else b"%b\n%b\n" % (line, self.body)

    @property
    def body_bytes(self) -> int:
        """The number of bytes of its bodies."""
        return 0 if self.body is None else len(self.body)
