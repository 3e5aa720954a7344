"""Clients that can be told to misbehave."""

import json
import socket
import struct
import time

from processes import ChildFailed
from replies import ReplyReader

#: Nothing that is waited for takes so long, unless it never comes.
PATIENCE_SECONDS = 60


class Client:
    """One connection, and a blocking conversation on it."""

    def __init__(self, port, source="127.0.0.1", small_window=False, host="127.0.0.1"):
        self.socket = socket.socket()
        if small_window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Addresses of their own, so that crowds that come and go do not use up the ports of one.
        self.socket.bind((source, 0))
        self.socket.connect((host, port))
        self._reader = ReplyReader()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def say(self, data):
        self.socket.sendall(data)

    def reply(self, most_bytes=1 << 16):
        """The next reply; None at the end of the stream, or when it breaks off."""
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

    def ask(self, line):
        self.say(line)
        reply = self.reply()
        if reply is None:
            raise ChildFailed(f"the server has closed the connection that asked {line[:40]!r}")
        return reply

    def info(self):
        return json.loads(self.ask(b"info format=json\n").body)

    def await_info(self, isso, seconds=PATIENCE_SECONDS, pause=0.002):
        """Asks until `isso` is true of the answer. Returns how long that took; None when it did not come true."""
        begin = time.monotonic()
        while not isso(self.info()):
            if time.monotonic() - begin > seconds:
                return None
            time.sleep(pause)
        return time.monotonic() - begin

    def end_input(self):
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Breaks the connection off with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


def crowd(port, count, source="127.0.0.1"):
    """So many clients, all of them served."""
    clients = [Client(port, source) for _ in range(count)]
    for client in clients:
        client.say(b"ping\n")
    for client in clients:
        client.reply()
    return clients
