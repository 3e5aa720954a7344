"""A client that sends as much as it can until it is killed: `flooder.py KIND PORT SOURCE FILE CONNECTIONS [ONCE]`.

`connect` makes connections, writes what FILE contains on each, and resets it when so many others have been made since.
`write` writes it on each of that many connections again and again, except the first ONCE bytes, and discards the
replies; it replaces a connection that the server closes. `shake-hands` begins TLS handshakes with the certificates and
the key in FILE, so many at a time.
"""

import contextlib
import math
import os
import selectors
import socket
import ssl
import struct
import sys
import time
from pathlib import Path

#: `IP_BIND_ADDRESS_NO_PORT`, which Python does not name: the port is chosen when the connection is made.
_CHOOSE_PORT_LATE = 24


def _connection(port, source, blocking):
    connection = socket.socket()
    connection.setsockopt(socket.IPPROTO_IP, _CHOOSE_PORT_LATE, 1)
    # Closing resets the connection, which leaves no port in use.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.bind((source, 0))
    connection.setblocking(blocking)
    with contextlib.suppress(BlockingIOError):
        connection.connect(("127.0.0.1", port))
    connection.setblocking(False)
    return connection


def _connect(port, source, path, count):
    data = path.read_bytes()
    connections = []
    while True:
        with contextlib.suppress(OSError):
            connection = _connection(port, source, blocking=False)
            connections.append(connection)
            connection.send(data)
        if len(connections) > count:
            connections.pop(0).close()


def _write(port, source, path, count, once=0):
    def connect():
        connection = _connection(port, source, blocking=True)
        connection.setblocking(False)
        return connection

    keep_writing([connect() for _ in range(count)], path.read_bytes(), once=once, replacement=connect)


def keep_writing(connections, data, seconds=math.inf, once=0, replacement=None):
    """Writes data on each of some non-blocking connections, and discards what arrives, as fast as they permit.

    The first `once` bytes are written once on each. `replacement` returns a connection for one that has ended; without
    it, that is an error.
    """
    end = time.monotonic() + seconds
    data = memoryview(data)
    with selectors.DefaultSelector() as selector:

        def add(connection):
            selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, [0])

        for connection in connections:
            add(connection)
        while time.monotonic() < end:
            for key, events in selector.select():
                try:
                    _continue(selector, key, events, data, once)
                except BlockingIOError:
                    pass
                except ConnectionError:
                    if replacement is None:
                        raise
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
                    add(replacement())


def _continue(selector, key, events, data, once):
    """Reads and writes what a connection permits."""
    if events & selectors.EVENT_READ and not key.fileobj.recv(1 << 17):
        raise ConnectionResetError("the server has closed the connection")
    if events & selectors.EVENT_WRITE:
        offset = key.data[0] + key.fileobj.send(data[key.data[0] : key.data[0] + (1 << 17)])
        key.data[0] = once if offset == len(data) else offset
        if key.data[0] == len(data):
            selector.modify(key.fileobj, selectors.EVENT_READ, key.data)


def _shake_hands(port, source, path, count):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(path)
    while True:
        for attempt in [_Handshake(context, _connection(port, source, blocking=True)) for _ in range(count)]:
            attempt.finish()


class _Handshake:
    """A handshake of which the client's half is complete, whatever the server says to it."""

    def __init__(self, context, connection):
        self._input, self._output, self._connection = ssl.MemoryBIO(), ssl.MemoryBIO(), connection
        self._session = context.wrap_bio(self._input, self._output)
        connection.settimeout(10)
        self._advance()

    def _advance(self):
        with contextlib.suppress(ssl.SSLError):
            self._session.do_handshake()
        self._connection.sendall(self._output.read())

    def finish(self):
        with contextlib.suppress(OSError), self._connection:
            self._input.write(self._connection.recv(1 << 16))
            self._advance()
            # The server closes the connection when it has read the certificates.
            self._connection.recv(1)


def main():
    kind, port, source, path, *numbers = sys.argv[1:]
    print("begins", flush=True)
    # The server may close a connection, and may end before this process does.
    with contextlib.suppress(ConnectionError):
        kinds = {"connect": _connect, "write": _write, "shake-hands": _shake_hands}
        kinds[kind](int(port), source, Path(path), *map(int, numbers))


if __name__ == "__main__":
    os.nice(5)
    main()
