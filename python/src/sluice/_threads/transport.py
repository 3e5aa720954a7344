"""Sockets that do not block, with and without TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

from sluice._unsent import unacknowledged
from sluice.address import Address

_READ_BYTES = 1 << 17


class Transport:
    """A connected socket. Reading raises ``BlockingIOError`` instead of waiting; writing keeps the rest."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._unsent = bytearray()
        #: Whether bytes wait until the socket is writable.
        self.wants_write = False
        sock.setblocking(False)

    def fileno(self) -> int:
        """The descriptor, for a selector."""
        return self._socket.fileno()

    def receive(self) -> bytes:
        """Returns what has come, or nothing at the end of the stream."""
        return self._socket.recv(_READ_BYTES)

    def send(self, data: bytes) -> None:
        """Writes what the kernel takes, and keeps the rest for the next call."""
        unsent = self._unsent
        if unsent:
            unsent += data
        try:
            taken = self._socket.send(unsent or data) if unsent or data else 0
        except (BlockingIOError, InterruptedError):
            taken = 0
        if unsent:
            del unsent[:taken]  # moves no byte
        elif taken < len(data):
            unsent += memoryview(data)[taken:]
        self.wants_write = bool(unsent)

    def unsent(self) -> int:
        """Returns how many bytes the other host has not acknowledged."""
        return len(self._unsent) + unacknowledged(self.fileno())

    def close(self) -> None:
        """Closes the socket."""
        with contextlib.suppress(OSError):
            self._socket.close()


class SecureTransport(Transport):
    """A connected socket with TLS, whose handshake has been made."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str, deadline: float) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host or None)
        self._shake_hands(sock, deadline)
        super().__init__(sock)

    def _shake_hands(self, sock: socket.socket, deadline: float) -> None:
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                done = False
            else:
                done = True
            if self._outgoing.pending:
                sock.sendall(self._outgoing.read())
            if done:
                return
            sock.settimeout(max(deadline - time.monotonic(), 0.001))
            data = sock.recv(_READ_BYTES)
            if not data:
                raise ConnectionError("the server has closed the connection during the TLS handshake")
            self._incoming.write(data)

    def receive(self) -> bytes:
        """Returns what has come, or nothing at the end of the stream."""
        ended = False
        try:
            data = super().receive()
            if data:
                self._incoming.write(data)
            else:
                ended = True
        except BlockingIOError:
            data = b""
        pieces = []
        with contextlib.suppress(ssl.SSLWantReadError):
            while True:
                piece = self._tls.read(_READ_BYTES)
                if not piece:
                    ended = True
                    break
                pieces.append(piece)
        if pieces:
            return b"".join(pieces)
        if ended:
            return b""
        raise BlockingIOError

    def send(self, data: bytes) -> None:
        """Encrypts the data, and writes what the kernel takes."""
        if data:
            self._tls.write(data)
        super().send(self._outgoing.read())


def connect(address: Address, context: ssl.SSLContext | None, timeout: float) -> Transport:
    """Connects. Blocks for at most the timeout for each step."""
    deadline = time.monotonic() + timeout
    if address.path:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        sock.connect(address.path)
    else:
        sock = socket.create_connection((address.host, address.port), timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    try:
        if context is None:
            return Transport(sock)
        return SecureTransport(sock, context, address.host, deadline)
    except BaseException:
        sock.close()
        raise
