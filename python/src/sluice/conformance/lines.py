"""A blocking connection that sends bytes and receives lines, within a time."""

from __future__ import annotations

import select
import socket
import time

from .results import Failed


def split_address(address: str) -> tuple[str, int]:
    """Returns the host and the port of `HOST:PORT` or `[HOST]:PORT`. Raises ValueError if it is neither."""
    host, separator, port = address.rpartition(":")
    if not separator or not host or not port.isdigit():
        raise ValueError(f"an address is HOST:PORT, not '{address}'")
    return host.strip("[]"), int(port)


def joined_address(host: str, port: int) -> str:
    """Returns the address as the reports of a server show it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class LineConnection:
    """A client's connection to a server."""

    def __init__(self, address: tuple[str, int], patience: float) -> None:
        self._patience = patience
        self._socket = socket.create_connection(address, timeout=patience)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    @property
    def address(self) -> str:
        host, port = self._socket.getsockname()[:2]
        return joined_address(host, port)

    def send(self, data: bytes, *, piece: int | None = None) -> None:
        """Sends the bytes, in pieces of so many bytes."""
        for start in range(0, len(data), piece or len(data) or 1):
            self._socket.sendall(data[start : start + (piece or len(data))])

    def half_close(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()

    def line(self) -> str | None:
        """Returns the next line without its LF; None at the end of the stream. Raises Failed if none comes in time."""
        end = time.monotonic() + self._patience
        while b"\n" not in self._received:
            readable, _, _ = select.select([self._socket], [], [], max(0.0, end - time.monotonic()))
            if not readable:
                raise Failed(f"no line came within {self._patience:g} s")
            try:
                data = self._socket.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._received += data
        line, _, self._received = self._received.partition(b"\n")
        return line.decode("utf-8", "replace")
