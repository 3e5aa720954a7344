"""Sending and receiving ends: their channel is closed when the last one has left; for threads."""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType
from typing import Generic, Literal, TypeVar

from sluice import errors
from sluice._protocol import commands
from sluice._threads.channel import Channel
from sluice._threads.engine import Engine

T = TypeVar("T")
E = TypeVar("E", bound="_End")
OnDeath = Literal["retire", "poison"]


class Joined:
    """Counts the ends of this client. However many share a channel, the connection joins it once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._counts: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    def join(self, channel: str, end: str, on_death: str | None) -> None:
        """Adds an end, and joins the channel if it is the first one."""
        with self._lock:
            count = self._counts.get((channel, end), 0)
            if count == 0 or on_death is not None:
                self._engine.request(commands.join(channel, end, on_death))
            self._counts[channel, end] = count + 1

    def leave(self, channel: str, end: str) -> None:
        """Removes an end, and leaves the channel if it was the last one."""
        with self._lock:
            count = self._counts.get((channel, end), 0)
            if count > 1:
                self._counts[channel, end] = count - 1
                return
            self._counts.pop((channel, end), None)
            # The connection was lost, and with it the end; or the channel has ended.
            with contextlib.suppress(errors.ConnectionLost, errors.NotFound):
                self._engine.request(commands.leave(channel, end))


class _End:
    _end = ""

    def __init__(self, joined: Joined, channel: str, on_death: str | None) -> None:
        joined.join(channel, self._end, on_death)
        self._joined = joined
        self._joined_channel = channel
        self._is_open = True

    def clone(self: E) -> E:
        """Returns another end of the same kind, which has to leave too."""
        if not self._is_open:
            raise errors.Closed(f"this end of channel {self._joined_channel} is closed", channel=self._joined_channel)
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        self._joined.join(self._joined_channel, self._end, None)
        return twin

    def leave(self) -> None:
        """Closes this end. The channel is closed when the last end of its kind, of all clients, has left."""
        if self._is_open:
            self._is_open = False
            self._joined.leave(self._joined_channel, self._end)

    def __enter__(self: E) -> E:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.leave()


class SendEnd(_End, Channel[T], Generic[T]):
    """A channel that this client sends on. Leave it, or use it as a context manager."""

    _end = "send"

    def __init__(self, joined: Joined, channel: Channel[T], on_death: OnDeath | None) -> None:
        Channel.__init__(self, channel._engine, channel.name, channel._codec)
        _End.__init__(self, joined, channel.name, on_death)


class ReceiveEnd(_End, Channel[T], Generic[T]):
    """A channel that this client receives from. Leave it, or use it as a context manager."""

    _end = "recv"

    def __init__(self, joined: Joined, channel: Channel[T], on_death: OnDeath | None) -> None:
        Channel.__init__(self, channel._engine, channel.name, channel._codec)
        _End.__init__(self, joined, channel.name, on_death)
