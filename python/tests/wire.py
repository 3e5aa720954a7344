"""A connection that a test can watch and cut."""

from __future__ import annotations

import contextlib
import socket
import threading


class Wire:
    """A connection to a server through this process, which can swallow everything, as a cut cable does."""

    def __init__(self, port: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.is_cut = threading.Event()
        #: While this is not set, nothing that the client sends is read.
        self.is_open = threading.Event()
        self.is_open.set()
        self.sockets: list[socket.socket] = []
        #: What the client has sent.
        self.seen = bytearray()
        threading.Thread(target=self.accept, args=(port,), daemon=True).start()

    def accept(self, port: int) -> None:
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", port))
        self.sockets += [client, server]
        for source, target in ((client, server), (server, client)):
            threading.Thread(target=self.forward, args=(source, target), daemon=True).start()

    def forward(self, source: socket.socket, target: socket.socket) -> None:
        is_client = source is self.sockets[0]
        with contextlib.suppress(OSError):  # of sockets that `close` has closed
            while data := source.recv(65536):
                if is_client:
                    self.is_open.wait()
                    self.seen += data
                if not self.is_cut.is_set():
                    target.sendall(data)

    def close(self) -> None:
        self.is_open.set()
        for each in self.sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # also ends the thread that reads from it
            each.close()
        self.listener.close()
