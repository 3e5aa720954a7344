"""``connect`` of the faces for tasks."""

from __future__ import annotations

import ssl
from typing import Callable

from sluice._async.hub import Hub
from sluice._async.link import Link
from sluice._async.runtime import Runtime
from sluice._protocol import Backoff, Conversation
from sluice.address import credentials, parse_address, tls_context


class Connect:
    """``connect`` of a face."""

    def __init__(self, runtime: Callable[[], Runtime]) -> None:
        self._runtime = runtime

    def __call__(
        self,
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
        """Returns a client, which ``async with`` connects.

        ``address`` is ``host:port``, ``sluices://host:port`` for TLS, or ``unix:/path``; without it, the environment
        variable ``SLUICE_ADDRESS`` or 127.0.0.1:7333. ``tls`` is a context, or the file of the authorities to trust.
        ``principal`` and ``token`` are the credentials; without them, those of ``SLUICE_PRINCIPAL`` and
        ``SLUICE_TOKEN``.

        The client reconnects after a lost connection, unless ``reconnect`` is false. It pings a server that has been
        silent for ``keep_alive`` seconds, and gives the connection up if no answer comes in ``answer_timeout`` seconds.
        An attempt to connect takes at most ``connect_timeout`` seconds.

        ``async with`` raises ``ConnectionLost`` if there is no server, ``AuthRequired`` or ``Denied`` if it does not
        accept the client, and ``ProtocolError`` if it is not a Sluice server.
        """
        where = parse_address(address)
        principal, token = credentials(principal, token)
        context = tls_context(where, tls)
        backoff = reconnect if isinstance(reconnect, Backoff) else Backoff() if reconnect else None

        def conversation() -> Conversation:
            return Conversation(
                label=label,
                principal=principal,
                token=token,
                reconnects=bool(reconnect),
                keep_alive=keep_alive,
                answer_timeout=answer_timeout,
                connect_timeout=connect_timeout,
            )

        conversation()  # checks the arguments
        return Hub(where, lambda: Link(self._runtime(), conversation(), where, context, backoff))
