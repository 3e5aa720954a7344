"""Addresses of servers, and the TLS and credentials for them."""

from __future__ import annotations

import os
import ssl
from typing import NamedTuple

from sluice.errors import BadRequest

#: The application protocol that client and server negotiate in TLS (ALPN).
APPLICATION_PROTOCOL = "sluice/1"
_DEFAULT = "127.0.0.1:7333"


class Address(NamedTuple):
    """``path`` is that of a Unix-domain socket, and empty for TCP."""

    host: str
    port: int
    path: str
    secure: bool

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'sluices://' if self.secure else ''}{host}:{self.port}"


def parse_address(text: str | None) -> Address:
    """Parses ``host:port``, ``sluice://host:port``, ``sluices://host:port`` or ``unix:/path``.

    Without a text, it is that of the environment variable ``SLUICE_ADDRESS``, or 127.0.0.1:7333.

    >>> parse_address("sluices://hub.example:7334")
    Address(host='hub.example', port=7334, path='', secure=True)
    >>> str(parse_address("[::1]:7333"))
    '[::1]:7333'
    """
    if text is None:
        text = os.environ.get("SLUICE_ADDRESS") or _DEFAULT
    secure = text.startswith("sluices://")
    rest = text.split("://", 1)[1] if text.startswith(("sluice://", "sluices://", "tcp://")) else text
    if rest.startswith("unix:"):
        if not rest[5:]:
            raise BadRequest(f"the address {text!r} has no path after unix:")
        return Address("", 0, rest[5:], secure)
    host, colon, port = rest.rstrip("/").rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise BadRequest(f"the address {text!r} must be host:port, sluices://host:port or unix:/path")
    return Address(host, int(port), "", secure)


def tls_context(address: Address, tls: ssl.SSLContext | str | None) -> ssl.SSLContext | None:
    """Returns the given context, or one that trusts the given file of authorities; None without TLS.

    Without a file, it is that of ``SLUICE_CA``, or the system's. ``SLUICE_CERT`` and ``SLUICE_KEY`` name the files with
    the client's certificate and key.
    """
    if tls is None and not address.secure:
        return None
    if isinstance(tls, ssl.SSLContext):
        return tls
    context = ssl.create_default_context(cafile=tls or os.environ.get("SLUICE_CA") or None)
    certificate = os.environ.get("SLUICE_CERT")
    if certificate:
        context.load_cert_chain(certificate, os.environ.get("SLUICE_KEY") or None)
    context.set_alpn_protocols([APPLICATION_PROTOCOL])
    return context


def credentials(principal: str | None, token: str | None) -> tuple[str | None, str | None]:
    """Returns the given credentials, or those of ``SLUICE_PRINCIPAL`` and ``SLUICE_TOKEN``."""
    if principal is None and token is None:
        return os.environ.get("SLUICE_PRINCIPAL") or None, os.environ.get("SLUICE_TOKEN") or None
    return principal, token
