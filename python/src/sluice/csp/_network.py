"""The connection of a program to its hub, and what its channel ends have joined there."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import sys
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

import sluice
from sluice import errors
from sluice._protocol import Command, Operation, commands
from sluice.address import parse_address
from sluice.csp._daemon import PrivateHub
from sluice.csp._exceptions import ChannelConnectException, raise_as_csp
from sluice.errors import SluiceError
from sluice.values import Codec

log = logging.getLogger("sluice")
T = TypeVar("T")

#: The hub keeps the name of an ended channel for 60 seconds. An end that was idle for longer than this asks the hub
#: whether its channel has ended before it is used.
IDLE_SECONDS = 30.0
#: How long a program that ends waits for the receivers of ends that it has sent.
MOVE_SECONDS = 5.0


class Share:
    """The ends that this program has of a channel. All ends of a kind share one ``JOIN``."""

    __slots__ = ("__weakref__", "counts", "ended", "name", "used_at")

    def __init__(self, name: str) -> None:
        self.name = name
        self.counts = {"send": 0, "recv": 0}
        #: Whether this program has seen the end of the channel.
        self.ended = False
        self.used_at = time.monotonic()


class Network:
    """A connection to a hub. All threads of the program share it."""

    def __init__(self, address: str | None, codec: Codec | None, options: dict[str, Any]) -> None:
        try:
            self.hub = sluice.connect(address, label=_label(), reconnect=False, **options)
        except errors.ConnectionLost as error:
            raise ChannelConnectException(address, str(error)) from error
        self.engine = self.hub._engine
        self.address = str(self.engine.address)
        self.codec = codec
        #: Whether the hub knows that this program waits for nothing but its pending operations.
        self.waits_all = False
        # Reentrant, because the collection of a share may interrupt any line of its owner's thread.
        self._lock = threading.RLock()
        self._named: weakref.WeakValueDictionary[str, Share] = weakref.WeakValueDictionary()
        self._moving = 0
        self._moved = threading.Condition()

    def name(self, name: str, waits_all: bool) -> None:
        """Names the connection in the hub's reports. ``waits_all`` is for a program with a single thread."""
        with contextlib.suppress(SluiceError):
            self.hub.label(printable(name), waits_all=waits_all)
        self.waits_all = waits_all

    # Channels

    def channel(self, name: str, buffer: int) -> Share:
        """Returns the share of a named channel, which begins anew if it has ended."""
        with self._lock:
            share = self._named.get(name)
        if share is not None and not share.ended and (end := next((e for e, n in share.counts.items() if n), None)):
            # A client that holds an end already loses nothing by joining again.
            with contextlib.suppress(errors.Closed, errors.Poisoned):
                self.request(commands.join(name, end, "poison"))
                return share
        try:
            self.request(commands.open_channel(name, capacity=buffer))
        except errors.Conflict:
            # Clients that have not declared the channel wait on it already.
            if buffer:
                raise
        return self.existing(name, anew=True)

    def existing(self, name: str, anew: bool = False) -> Share:
        """Returns the share of a channel that another party may have made."""
        with self._lock:
            share = None if anew else self._named.get(name)
            if share is None:
                share = self._named[name] = Share(name)
                # Ends stay joined when their process has ended, as in PyCSP, until nobody has the channel any more.
                finalizer = weakref.finalize(share, self._forget, name, share.counts)
                finalizer.atexit = False  # type: ignore[misc]
            return share

    def join(self, share: Share, end: str) -> None:
        """Adds an end. If the channel has ended, its use raises that."""
        with self._lock:
            share.counts[end] += 1
            wait = self.engine.begin(Operation(commands.join(share.name, end, "poison")))
        try:
            wait()
        except (errors.Closed, errors.Poisoned):
            share.ended = True
        except errors.LimitExceeded as error:
            raise errors.LimitExceeded(
                f"{error}; retire ends that nobody needs, or let some processes be @multiprocess", channel=share.name
            ) from None
        except SluiceError as error:
            raise_as_csp(error, self.address)

    def leave(self, share: Share, end: str) -> None:
        """Removes an end, and leaves the channel with the last one."""
        wait = self._begin_to_leave(share, end)
        if wait is not None:
            # The channel has ended, or the connection, and with it the end.
            with contextlib.suppress(errors.NotFound, errors.ConnectionLost, errors.Closed, errors.Poisoned):
                wait()

    def _begin_to_leave(self, share: Share, end: str) -> Callable[[], object] | None:
        with self._lock:
            share.counts[end] -= 1
            if share.counts[end] > 0 or share.ended:
                return None
            return self.engine.begin(Operation(commands.leave(share.name, end)))

    def _forget(self, name: str, counts: dict[str, int]) -> None:
        for end, count in counts.items():
            if count > 0:
                self.engine.submit(Operation(commands.leave(name, end)))

    def poison(self, share: Share, reason: str | None) -> None:
        """Ends the channel for everybody."""
        with self.translated(share):
            self.request(commands.poison(share.name, reason))
        share.ended = True

    # Operations

    def request(self, command: Command) -> sluice._protocol.Reply:
        """Waits for the final reply of a command that brings no message."""
        return self.engine.request(command)

    def translated(self, *shares: Share) -> _Translated:
        """Turns errors of the client into PyCSP's exceptions, and records that a channel has ended."""
        return _Translated(self, shares)

    def check(self, share: Share, end: str) -> None:
        """Raises ``Closed`` if the channel has ended so long ago that the hub has forgotten it."""
        now = time.monotonic()
        idle, share.used_at = now - share.used_at, now
        if idle < IDLE_SECONDS or not share.counts[end]:
            return
        for row in self.hub.channels(share.name):
            if row["name"] == share.name and (row["state"] != "open" or row["sendingEnds"] or row["receivingEnds"]):
                return
            break
        raise errors.Closed(f"channel {share.name} has ended", channel=share.name)

    # Ends that move to other processes

    def hand_over(self, share: Share, end: str, handover: str) -> None:
        """Leaves the channel as soon as the receiver of the end has joined it."""
        operation = Operation(commands.receive(handover))

        def moved() -> None:
            # Runs on the engine's thread, so it does not wait.
            self._begin_to_leave(share, end)
            with self._moved:
                self._moving -= 1
                self._moved.notify_all()

        operation.waiter = moved
        with self._moved:
            self._moving += 1
        self.engine.submit(operation)

    def take_over(self, handover: str) -> None:
        """Tells the sender of an end that its receiver has joined the channel."""
        self.engine.submit(Operation(commands.send(handover, b"")))

    def close(self) -> None:
        """Closes the connection: the ends of this program leave their channels."""
        with self._moved:
            self._moved.wait_for(lambda: not self._moving or self.engine.is_finished, MOVE_SECONDS)
        self.hub.close()


class _Translated:
    __slots__ = ("_network", "_shares")

    def __init__(self, network: Network, shares: tuple[Share, ...]) -> None:
        self._network = network
        self._shares = shares

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if not isinstance(error, SluiceError):
            return
        if isinstance(error, (errors.Closed, errors.Poisoned)):
            for share in self._shares:
                if len(self._shares) == 1 or share.name == error.channel:
                    share.ended = True
        raise_as_csp(error, self._network.address)


# The hub of this program

_lock = threading.RLock()
_networks: dict[str, Network] = {}
_address: str | None = None
_codec: Codec | None = None
_options: dict[str, Any] = {}
_private: PrivateHub | None = None
_is_exiting = False


def use(
    address: str | None = None,
    *,
    codec: Codec | None = None,
    principal: str | None = None,
    token: str | None = None,
    tls: Any = None,
) -> None:
    """Names the hub whose channels this program uses from now on.

    Without a call of ``use``, it is the hub at ``SLUICE_ADDRESS``. Without that, the program starts a ``sluiced`` for
    itself, if there is one on the PATH, on a Unix-domain socket that only its user can open.

    Messages are pickled, as in PyCSP: any client that may send on a channel can run code in its receivers. If other
    people use the hub, pass a codec, such as the module ``json``. Channel ends cannot be sent then.
    """
    global _address, _codec, _options
    with _lock:
        _address, _codec = address, codec
        given = {"principal": principal, "token": token, "tls": tls}
        _options = {key: value for key, value in given.items() if value is not None}


def network(address: str | None = None) -> Network:
    """Returns the connection to the program's hub, or to the one at the address."""
    with _lock:
        key = str(parse_address(address or _address or os.environ.get("SLUICE_ADDRESS") or _private_address()))
        found = _networks.get(key)
        if found is None or found.engine.is_finished:
            found = _networks[key] = Network(key, _codec, _options)
        return found


def settings() -> dict[str, Any]:
    """Returns the arguments of ``use`` for a process that does not share this one's memory."""
    with _lock:
        return {"address": network().address, "codec": _codec, **_options}


def _private_address() -> str:
    global _private
    if _private is None:
        _private = PrivateHub()
    return _private.address


def _label() -> str:
    program = os.path.basename(sys.argv[0] if sys.argv and sys.argv[0] else "python") or "python"
    return printable(f"{program}/{os.getpid()}")


def printable(text: str) -> str:
    """Returns the text with every character that the hub's names may not have replaced."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "._-/:") else "-" for c in text)
    return kept.lstrip("-")[:200] or "python"


def more_threads() -> None:
    """Tells the hubs that this program has several threads, one of which may end the wait of another."""
    for each in list(_networks.values()):
        if each.waits_all:
            each.name(_label(), waits_all=False)


def close_all() -> None:
    """Closes the connections of this process."""
    with _lock:
        closing = list(_networks.values())
        _networks.clear()
    for each in closing:
        each.close()


def is_exiting() -> bool:
    """Whether the program is ending, so that a lost connection is no failure."""
    return _is_exiting


@atexit.register
def _at_exit() -> None:
    global _is_exiting
    _is_exiting = True
    # A program that has failed does not close its connections, so that the hub poisons the channels that it had joined.
    has_failed = getattr(sys, "last_value", None) is not None and not hasattr(sys, "ps1")
    if _private is not None or not has_failed:
        close_all()
    if _private is not None:
        _private.stop()


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    _networks.clear()
    if _private is not None:
        _private.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
