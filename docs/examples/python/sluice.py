"""A client of Sluice in a page: one connection, one command at a time. docs/protocol.md describes the protocol."""

import os
import socket


class Ended(Exception):
    """The channel was closed or poisoned."""


class Client:
    def __init__(self, label=None):
        host, port = os.environ["SLUICE"].rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)))
        self.replies = self.socket.makefile("rb")
        if label:
            self.ask(f"NAME {label}")

    @property
    def address(self):
        """The address by which the daemon's reports call this connection."""
        host, port = self.socket.getsockname()
        return f"{host}:{port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ask("QUIT")
        self.socket.close()

    def die(self):
        """Drops the connection, as a crash does."""
        self.replies.close()
        self.socket.close()

    def ask(self, line, body=None):
        """Sends a command and waits for its reply. Returns the words of the reply and its body, which may be None."""
        self.begin(line, body)
        return self.finish()

    def begin(self, line, body=None):
        self.socket.sendall(line.encode() + b"\n" + (b"" if body is None else body + b"\n"))

    def finish(self):
        words = self.replies.readline().decode().split()
        if not words:
            raise ConnectionError("the daemon closed the connection")
        if words[0] in ("CLOSED", "POISONED"):
            raise Ended(" ".join(words))
        if words[0] == "ERR":
            raise ValueError(" ".join(words))
        if words[0] not in ("MSG", "DATA"):
            return words, None
        length = int(words[2] if words[0] == "MSG" else words[1])
        return words, self.replies.read(length + 1)[:-1]

    def send(self, channel, message):
        """Returns when a receiver has taken the message."""
        self.ask(f"SEND len={len(message)} {channel}", message)

    def receive(self, channel):
        """Returns the next message."""
        return self.ask(f"RECV {channel}")[1]

    def receive_leased(self, channel, lease):
        """Returns the message, the did to acknowledge it by, and its attributes."""
        words, message = self.ask(f"RECV lease={lease} {channel}")
        attributes = dict(word.split("=") for word in words[3:])
        return message, attributes["did"], attributes

    def call(self, channel, message, id):
        """Sends a message and returns the answer of its receiver. Repeat a call with its id after a lost connection."""
        self.begin_call(channel, message, id)
        words, answer = self.finish()
        if answer is None:
            raise ValueError(" ".join(words))
        return answer

    def begin_call(self, channel, message, id):
        """Sends a message whose answer `finish` returns."""
        self.begin(f"CALL id={id} len={len(message)} {channel}", message)

    def answer(self, did, answer):
        """Acknowledges a message, and answers it."""
        self.ask(f"ACK len={len(answer)} {did}", answer)
