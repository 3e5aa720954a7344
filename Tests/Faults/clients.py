"""Clients that can misbehave."""

import contextlib
import json
import socket
import struct
import threading
import time

from processes import ChildFailed
from replies import BadReply, ReplyReader

#: Bounds every wait for a reply.
REPLY_TIMEOUT_SECONDS = 60


class Client:
    """A client with one connection, which blocks until replies arrive. Its `host` may be the path of a socket."""

    def __init__(self, port, source="127.0.0.1", small_window=False, host="127.0.0.1", timeout=REPLY_TIMEOUT_SECONDS):
        family = socket.AF_UNIX if host.startswith("/") else socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family)
        if small_window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(timeout)
        if family == socket.AF_UNIX:
            self.socket.connect(host)
        else:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Crowds that connect again and again use different addresses, so that they do not run out of ports.
            self.socket.bind((source, 0))
            self.socket.connect((host, port))
        self._reader = ReplyReader()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_beside(self, data):
        """Starts a thread that sends, and returns it. If the connection ends, only the reader is told."""

        def send():
            with contextlib.suppress(OSError):
                self.send(data)

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        return thread

    def reply(self, most_bytes=1 << 16):
        """Returns the next reply; None if the connection has ended."""
        while True:
            reply = self._reader.next()
            if reply:
                return reply
            try:
                data = self.socket.recv(most_bytes)
            except ConnectionError:
                return None
            if not data:
                return None
            self._reader.feed(data)

    def awaited_reply(self):
        """Returns the next reply; fails if the connection has ended."""
        reply = self.reply()
        if reply is None:
            raise ChildFailed("the server closed the connection before it answered")
        return reply

    def ask(self, line):
        self.send(line)
        reply = self.reply()
        if reply is None:
            raise ChildFailed(f"the server closed the connection before it answered {line[:40]!r}")
        return reply

    def replies_before_pong(self):
        """Sends a PING, and yields the replies before that to it: those to commands that have ended by then."""
        self.send(b"#pong ping\n")
        while (reply := self.awaited_reply()).tag != b"pong":
            yield reply

    def info(self):
        reply = self.ask(b"info format=json\n")
        if reply.body is None:
            raise BadReply(f"INFO is answered with {reply.word} {reply.code}")
        return json.loads(reply.body)

    def await_info(self, condition, seconds=REPLY_TIMEOUT_SECONDS, pause=0.002):
        """Asks for INFO until it satisfies the condition. Returns the seconds that took; None if it never did."""
        begin = time.monotonic()
        while not condition(self.info()):
            if time.monotonic() - begin > seconds:
                return None
            time.sleep(pause)
        return time.monotonic() - begin

    def end_input(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Resets the connection, with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


def crowd(port, count, source="127.0.0.1"):
    """Returns `count` clients, each of which has been answered."""
    clients = [Client(port, source) for _ in range(count)]
    for client in clients:
        client.send(b"ping\n")
    for client in clients:
        client.awaited_reply()
    return clients
