"""Channels and their ends, with PyCSP's API."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterable
from types import FrameType
from typing import Any

from sluice.csp import _context
from sluice.csp._codec import decode, encode
from sluice.csp._exceptions import (
    ChannelPoisonException,
    ChannelRetireException,
    FatalException,
    InfoException,
)
from sluice.csp._network import Network, Share, network, printable

_PACKAGE = os.path.dirname(__file__)


class Channel:
    """A channel of the hub, for any number of readers and writers.

    jobs = Channel("jobs")
    cin, cout = +jobs, -jobs  # the same as jobs.reader(), jobs.writer()

    Without a name, it is for this program and the processes that get one of its ends. With a name, it is the same
    channel for all programs that use the hub. If the channel of that name has ended, it begins anew, unless ``connect``
    says that another program makes it: ``connect`` is true, or the address of another hub, ``"host:port"`` or ``(host,
    port)``. ``buffer`` is the number of messages that it keeps before a writer waits.

    Raises ``ChannelConnectException`` if there is no hub.
    """

    def __init__(self, name: str | None = None, buffer: int = 0, connect: Any = None) -> None:
        if connect and name is None:
            raise InfoException("a channel with connect= needs the name that it has there")
        if connect and buffer:
            raise InfoException("the program that makes the channel chooses its buffer: leave out buffer= or connect=")
        self.name = name or f"csp/{_place()}/{uuid.uuid4().hex[:16]}"
        self.buffer = buffer
        self._network = network(_address(connect))
        if connect or (name is None and not buffer):
            self._share = self._network.existing(self.name)
        else:
            self._share = self._network.channel(self.name, buffer)
        self.address = self._network.address

    @classmethod
    def _existing(cls, network: Network, name: str) -> Channel:
        channel = cls.__new__(cls)
        channel.name = name
        channel.buffer = 0
        channel._network = network
        channel._share = network.existing(name)
        channel.address = network.address
        return channel

    def __repr__(self) -> str:
        return f"<Channel {self.name} at {self.address}>"

    def reader(self) -> ChannelEndRead:
        """Returns a new end to read from. Writers get ``ChannelRetireException`` when the last one has retired."""
        return ChannelEndRead(self)

    def writer(self) -> ChannelEndWrite:
        """Returns a new end to write to. Readers get ``ChannelRetireException`` when the last one has retired."""
        return ChannelEndWrite(self)

    def __pos__(self) -> ChannelEndRead:
        return self.reader()

    def __neg__(self) -> ChannelEndWrite:
        return self.writer()

    def __mul__(self, count: int) -> list[Channel]:
        return [self] + [Channel(buffer=self.buffer) for _ in range(int(count) - 1)]

    __rmul__ = __mul__

    def disconnect(self) -> None:
        """Does nothing: PyCSP needs it where a channel lives in a program."""

    def _read(self, end: str = "recv") -> Any:
        network, share = self._network, self._share
        with network.translated(share):
            network.check(share, end)
            with _context.waiting(f"to read {share.name}"):
                data = network.hub.channel(share.name).recv()
        return decode(network, data)

    def _write(self, value: Any, end: str = "send") -> None:
        network, share = self._network, self._share
        data, moves = encode(network, value)
        with network.translated(share):
            network.check(share, end)
            with _context.waiting(f"to write {share.name}"):
                network.hub.channel(share.name).send(data)
        for move in moves:
            move.happen()


def _place() -> str:
    """Returns where the program makes a channel, so that the reports of the hub say which one it is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and os.path.dirname(frame.f_code.co_filename).startswith(_PACKAGE):
        frame = frame.f_back
    if frame is None:
        return "python"
    file = os.path.basename(frame.f_code.co_filename)
    return printable(f"{file}:{frame.f_lineno}")[:100]


def _address(connect: Any) -> str | None:
    if isinstance(connect, tuple):
        host, port = connect
        return f"{host}:{port}"
    return connect if isinstance(connect, str) else None


class ChannelEnd:
    """An end of a channel: call it to read or to write.

    An end that is sent on a channel, or passed to a process outside of this one, moves there.
    """

    _op = ""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._network = channel._network
        self._share: Share = channel._share
        self._retired = False
        self._poisoned = False
        self._moved = False
        self._network.join(self._share, self._op)
        _context.current().ends.add(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of channel {self.channel.name}>"

    def __reduce__(self) -> Any:
        raise InfoException("a channel end can only be pickled to be sent on a channel or passed to a process")

    def isReader(self) -> bool:
        """Whether it is an end to read from."""
        return self._op == "recv"

    def isWriter(self) -> bool:
        """Whether it is an end to write to."""
        return self._op == "send"

    def _check(self) -> None:
        if self._moved:
            raise FatalException(f"{self!r} has moved to another process; make another end for this one")
        if self._poisoned:
            raise ChannelPoisonException("this end was poisoned")
        if self._retired:
            raise ChannelRetireException("this end has retired")

    def poison(self, reason: str | None = None) -> None:
        """Ends the channel at once, for all programs: they get ``ChannelPoisonException``."""
        if self._moved:
            self._check()
        if not self._poisoned:
            self._poisoned = True
            self._network.poison(self._share, reason)

    def retire(self) -> None:
        """Leaves the channel. It ends when the last end of this kind has left and its buffer is empty."""
        if self._moved:
            self._check()
        if not self._retired and not self._poisoned:
            self._retired = True
            self._network.leave(self._share, self._op)

    def disconnect(self) -> None:
        """Does nothing: PyCSP needs it where a channel lives in a program."""

    def _move(self, handover: str) -> None:
        self._moved = True
        self._network.hand_over(self._share, self._op, handover)


class ChannelEndRead(ChannelEnd):
    """Reads: ``value = cin()``. Raises ``ChannelPoisonException`` and ``ChannelRetireException``."""

    _op = "recv"

    def __call__(self) -> Any:
        self._check()
        return self.channel._read()


class ChannelEndWrite(ChannelEnd):
    """Writes: ``cout(value)``, which returns when a reader has the value, or the buffer keeps it."""

    _op = "send"

    def __call__(self, msg: Any) -> None:
        self._check()
        self.channel._write(msg)


def poison(*ends: Any) -> None:
    """Poisons channel ends, and those in lists: their channels end at once, for readers and writers."""
    for end in _flattened(ends, "poison"):
        end.poison()


def retire(*ends: Any) -> None:
    """Retires channel ends, and those in lists: a channel ends when the last end of a kind has retired."""
    for end in _flattened(ends, "retire"):
        end.retire()


def _flattened(ends: Iterable[Any], verb: str) -> Iterable[Any]:
    for end in ends:
        if isinstance(end, (list, tuple)):
            yield from _flattened(end, verb)
        elif isinstance(end, Channel):
            raise InfoException(f"{verb} needs the ends of a channel, not the channel: pass an end that you hold")
        else:
            yield end


def ends_among(arguments: Any) -> list[ChannelEnd]:
    """Returns the channel ends among the arguments of a process, also in lists, tuples, sets and dictionaries."""
    if isinstance(arguments, ChannelEnd):
        return [arguments]
    if isinstance(arguments, dict):
        arguments = [*arguments.keys(), *arguments.values()]
    if isinstance(arguments, (list, tuple, set, frozenset)):
        return [end for each in arguments for end in ends_among(each)]
    return []


def with_new_ends(arguments: Any) -> Any:
    """Returns the arguments for a copy of a process, with new ends instead of its channel ends."""
    if isinstance(arguments, ChannelEnd):
        return type(arguments)(arguments.channel)
    if isinstance(arguments, dict):
        return {with_new_ends(key): with_new_ends(value) for key, value in arguments.items()}
    if type(arguments) in (list, tuple):
        return type(arguments)(with_new_ends(each) for each in arguments)
    return arguments
