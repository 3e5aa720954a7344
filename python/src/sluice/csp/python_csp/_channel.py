"""Channels, with python-csp's API."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from sluice.csp import _channel
from sluice.csp._exceptions import ChannelPoisonException, ChannelRetireException
from sluice.csp._network import network


class ChannelPoison(Exception):
    """The channel was poisoned, or the programs that used it have ended."""


class Guard:
    """Something that an ``Alt`` may choose: a channel, a ``Timer``, or ``Skip``."""

    def __or__(self, other: Any) -> Any:
        from sluice.csp.python_csp._alt import Alt

        return Alt(self, other).select()


class Channel(Guard):
    """A channel of the hub, for any number of readers and writers.

    With a name, it is the same channel for all programs that use the hub.
    """

    def __init__(self, name: str | None = None) -> None:
        self._join(_channel.Channel(name))

    def _join(self, core: _channel.Channel) -> None:
        self._joined = core
        self._process = os.getpid()
        self.name = core.name
        # The hub poisons the channel if this program dies.
        core._network.join(core._share, "send")

    @property
    def _core(self) -> _channel.Channel:
        if self._process != os.getpid():
            # This process was forked, and needs a connection of its own.
            core = self._joined
            self._join(_channel.Channel._existing(network(core.address), core.name))
        return self._joined

    def __getstate__(self) -> dict[str, Any]:
        return {"core": self._core}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._join(state["core"])

    def __str__(self) -> str:
        return f"Channel {self.name}"

    def write(self, obj: Any) -> None:
        """Writes a value, and returns when a reader has it."""
        try:
            self._core._write(obj)
        except (ChannelPoisonException, ChannelRetireException) as error:
            raise ChannelPoison(*error.args) from None

    def read(self) -> Any:
        """Reads a value."""
        try:
            return self._core._read("send")
        except (ChannelPoisonException, ChannelRetireException) as error:
            raise ChannelPoison(*error.args) from None

    def poison(self, reason: str | None = None) -> None:
        """Ends the channel for all processes: their reads and writes raise ``ChannelPoison``."""
        self._core._network.poison(self._core._share, reason)

    def checkpoison(self) -> None:
        """Raises ``ChannelPoison`` if this program has seen that the channel was poisoned."""
        if self._core._share.ended:
            raise ChannelPoison


FileChannel = Channel


def poison_all(arguments: Any, reason: str | None = None, seen: set[int] | None = None) -> None:
    """Poisons the channels among the arguments of a process, also in containers, objects and other processes."""
    seen = set() if seen is None else seen
    if id(arguments) in seen or isinstance(arguments, (str, bytes, int, float, complex, type(None))):
        return
    seen.add(id(arguments))
    if isinstance(arguments, Channel):
        if not arguments._core._share.ended:
            with contextlib.suppress(Exception):  # without a hub, there is nobody to tell
                arguments.poison(reason)
    elif isinstance(arguments, dict):
        poison_all(list(arguments.values()), reason, seen)
    elif isinstance(arguments, (list, tuple, set, frozenset)):
        for each in arguments:
            poison_all(each, reason, seen)
    elif hasattr(arguments, "__dict__") and not isinstance(arguments, type) and not callable(arguments):
        poison_all(arguments.__dict__, reason, seen)
