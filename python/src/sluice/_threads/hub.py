"""The hub of a server, for threads."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Any, TypeVar, overload

from sluice._protocol import Backoff, Command, Conversation, commands
from sluice._threads.arms import SelectArm, select
from sluice._threads.channel import Channel
from sluice._threads.ends import Joined, OnDeath, ReceiveEnd, SendEnd
from sluice._threads.engine import Engine
from sluice._threads.traces import Trace
from sluice.address import credentials, parse_address, tls_context
from sluice.values import Codec, Selected

T = TypeVar("T")


class Hub:
    """The hub of a server, over one connection. All threads of the process may use it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._joined = Joined(engine)

    def __repr__(self) -> str:
        state = "closed" if self._engine.is_finished else f"connection {self._engine.conversation.connection}"
        return f"<sluice.Hub {self._engine.address} {state}>"

    @overload
    def channel(self, name: str) -> Channel[bytes]: ...
    @overload
    def channel(self, name: str, codec: Codec) -> Channel[Any]: ...
    @overload
    def channel(self, name: str, codec: None) -> Channel[bytes]: ...
    def channel(self, name: str, codec: Codec | None = None) -> Channel[Any]:
        """Returns a channel. With a codec, such as the module ``json``, it sends and receives values, not bytes."""
        return Channel(self._engine, name, codec)

    def sender(self, name: str, codec: Codec | None = None, *, on_death: OnDeath | None = None) -> SendEnd[Any]:
        """Joins the channel as a sender: the channel is closed when its last sender has left.

        If the connection is lost, the end leaves too; with ``on_death="poison"`` the channel is poisoned.
        """
        return SendEnd(self._joined, Channel(self._engine, name, codec), on_death)

    def receiver(self, name: str, codec: Codec | None = None, *, on_death: OnDeath | None = None) -> ReceiveEnd[Any]:
        """Joins the channel as a receiver: the channel is closed when its last receiver has left. See ``sender``."""
        return ReceiveEnd(self._joined, Channel(self._engine, name, codec), on_death)

    # Choosing and meeting

    def select(
        self,
        *arms: SelectArm,
        timeout: float | None = None,
        order: str | None = None,
        otherwise: bool = False,
    ) -> Selected:
        """Waits for the first of several arms: see ``sluice.select``."""
        return select(*arms, timeout=timeout, order=order, otherwise=otherwise)

    def barrier(self, name: str, parties: int, *, timeout: float | None = None) -> None:
        """Waits until so many parties have come to the barrier. Raises ``TimedOut`` after ``timeout`` seconds."""
        self._engine.request(commands.barrier(name, parties, timeout=timeout))

    def meeting(self, name: str, parties: int | None = None) -> SelectArm:
        """Returns an arm of a select that waits at a barrier. Without ``parties``, the other parties set the number."""
        return SelectArm(self._engine, commands.barrier_arm(name, parties))

    # Looking inside

    def ping(self) -> None:
        """Waits until the server answers."""
        self._engine.request(commands.ping())

    def info(self) -> dict[str, Any]:
        """Returns the server's report on itself: see INFO in docs/protocol.md."""
        return self._page(commands.report("info"))

    def channels(self, prefix: str | None = None) -> list[dict[str, Any]]:
        """Returns a report on the channels whose names begin with the prefix: see CHANNELS in docs/protocol.md."""
        return list(self._pages("channels", "channels", prefix))

    def waiters(self, channel: str | None = None) -> list[dict[str, Any]]:
        """Returns a report on the operations that wait, on a channel or on all: see WAITERS in docs/protocol.md."""
        return list(self._pages("waiters", "waiters", channel))

    def clients(self) -> list[dict[str, Any]]:
        """Returns a report on the connections: see CLIENTS in docs/protocol.md."""
        return list(self._pages("clients", "clients", None))

    def stuck(self) -> list[dict[str, Any]]:
        """Returns the cycles of clients that wait for each other: see STUCK in docs/protocol.md."""
        return list(self._pages("stuck", "cycles", None))

    def trace(self, prefix: str | None = None) -> Trace:
        """Iterates over the handoffs of all clients from now on: see TRACE in docs/protocol.md."""
        return Trace(self._engine, prefix)

    def kill(self, *, client: str | None = None, principal: str | None = None, reason: str | None = None) -> int:
        """Closes the connections from the address ``client``, or of a principal. Returns how many."""
        reply = self._engine.request(commands.kill(client=client, principal=principal, reason=reason))
        return int(reply.attributes.get("connections", "0"))

    def label(self, label: str, *, waits_all: bool = False) -> None:
        """Gives the connection a label for the server's reports.

        ``waits_all`` declares that the client waits for nothing but its pending operations, so that ``stuck`` can prove
        that it is stuck.
        """
        self._engine.request(commands.name(label, waits_all))

    @property
    def epoch(self) -> int:
        """A number that changes with every restart of the server."""
        greeting = self._engine.conversation.greeting
        return 0 if greeting is None else greeting.epoch

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection at this moment. Without one, operations wait for the next connection."""
        return self._engine.conversation.is_ready

    def _page(self, command: Command) -> dict[str, Any]:
        page: dict[str, Any] = json.loads(self._engine.request(command).body)
        return page

    def _pages(self, verb: str, key: str, operand: str | None) -> Iterator[dict[str, Any]]:
        after = None
        while True:
            reply = self._engine.request(commands.report(verb, operand, after=after))
            yield from json.loads(reply.body).get(key, [])
            after = reply.attributes.get("more")
            if after is None:
                return

    # The end

    def close(self) -> None:
        """Ends the connection. Pending operations raise ``ClientClosed``; messages under a lease go back."""
        self._engine.shut()

    def abort(self) -> None:
        """Drops the connection as a crash does: joined ends die, as their ``on_death`` says.

        For tests of what other clients do then.
        """
        self._engine.abort()

    def __enter__(self) -> Hub:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def connect(
    address: str | None = None,
    *,
    label: str | None = None,
    principal: str | None = None,
    token: str | None = None,
    tls: ssl.SSLContext | str | None = None,
    reconnect: bool | Backoff = True,
    connect_timeout: float = 10.0,
    keep_alive: float | None = 10.0,
    answer_timeout: float = 3.0,
) -> Hub:
    """Connects to a server, for threads and, after gevent's monkey patching, for greenlets.

    ``address`` is ``host:port``, ``sluices://host:port`` for TLS, or ``unix:/path``; without it, the environment
    variable ``SLUICE_ADDRESS`` or 127.0.0.1:7333. ``tls`` is a context, or the file of the authorities to trust
    (``SLUICE_CA``).
    ``principal`` and ``token`` are the credentials; without them, those of ``SLUICE_PRINCIPAL`` and ``SLUICE_TOKEN``.

    The client reconnects after a lost connection, unless ``reconnect`` is false. It pings a server that has been silent
    for ``keep_alive`` seconds, and gives the connection up if no answer comes in ``answer_timeout`` seconds. An attempt
    to connect takes at most ``connect_timeout`` seconds.

    Raises ``ConnectionLost`` if there is no server, ``AuthRequired`` or ``Denied`` if it does not accept the client,
    and ``ProtocolError`` if it is not a Sluice server.
    """
    where = parse_address(address)
    principal, token = credentials(principal, token)
    conversation = Conversation(
        label=label,
        principal=principal,
        token=token,
        reconnects=bool(reconnect),
        keep_alive=keep_alive,
        answer_timeout=answer_timeout,
        connect_timeout=connect_timeout,
    )
    backoff = reconnect if isinstance(reconnect, Backoff) else Backoff() if reconnect else None
    engine = Engine(where, conversation, tls_context(where, tls), backoff)
    engine.open()
    return Hub(engine)
