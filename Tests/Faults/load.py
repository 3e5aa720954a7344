"""A load of senders and receivers, on one thread, whose every outcome is recorded in books."""

import random
import selectors
import socket
import time

from replies import ReplyReader

#: The number of sends that a sender keeps pending.
PENDING = 8
LEASE = b"300ms"


class LoadClient:
    """A client with one connection at a time. With `reconnects`, it replaces a connection that is lost."""

    reconnects = False

    def __init__(self, load, port):
        self.load, self.port = load, port
        self.socket = None

    def connect(self):
        self.reader = ReplyReader()
        self.output = bytearray()
        try:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=5)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            self.socket = None
            return
        self.socket.setblocking(False)
        self.load.selector.register(self.socket, selectors.EVENT_READ, self)
        self.begin()

    def send(self, line):
        """Sends a line. One for a connection that is lost already is dropped."""
        if not self.socket:
            return
        self.output += line
        try:
            del self.output[: self.socket.send(self.output)]
        except BlockingIOError:
            pass
        except OSError:
            self.lose()

    def receive(self):
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            return self.lose()
        self.reader.feed(data)
        while self.socket and (reply := self.reader.next()):
            self.handle(reply)

    def lose(self):
        if self.socket:
            self.load.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None

    def flush(self):
        if self.socket and self.output:
            self.send(b"")


class Sender(LoadClient):
    """Keeps some sends pending, each with a timeout. With `reconnects`, repeats sends whose outcome is unknown."""

    def __init__(self, load, port, name, with_lease):
        super().__init__(load, port)
        self.name, self.with_lease = name, with_lease
        self.number = 0
        self.pending = {}
        self.epoch = None

    @property
    def channel(self):
        return b"leased" if self.with_lease else b"plain"

    def begin(self):
        # Repeated sends carry the epoch of the first connection, because they belong to that run of the server.
        self.send(b"#hello hello\n")
        for body in self.pending:
            self._send(body)

    def _send(self, body):
        identity = b"id=%s " % body + (b"epoch=%s " % self.epoch if self.epoch else b"") if self.reconnects else b""
        timeout = self.load.random.choice([b"20ms", b"200ms", b"2s"])
        self.send(b"#%s send timeout=%s %s%s %s\n" % (body, timeout, identity, self.channel, body))

    def work(self):
        while self.socket and self.load.is_sending and len(self.pending) < PENDING:
            body = b"%s-%d" % (self.name, self.number)
            self.number += 1
            self.pending[body] = None
            self.load.books.send(body, self.with_lease)
            self._send(body)

    def handle(self, reply):
        if reply.tag == b"hello":
            self.epoch = self.epoch or (reply.attribute("epoch") or "0").encode()
        elif reply.tag in self.pending:
            del self.pending[reply.tag]
            self.load.books.reply(reply.tag, reply.word)


class Receiver(LoadClient):
    """Receives messages. With leases, it acknowledges most messages, rejects some, and lets some leases expire."""

    def __init__(self, load, port, with_lease):
        super().__init__(load, port)
        self.with_lease = with_lease

    def begin(self):
        self.acknowledging = {}
        self.number = 0
        self.send(b"#r recv count=* %s\n" % (b"lease=%s window=8 leased" % LEASE if self.with_lease else b"plain"))

    def work(self):
        pass

    def handle(self, reply):
        books = self.load.books
        if reply.word == "MSG" and not self.with_lease:
            books.receive(reply.body)
        elif reply.word == "MSG":
            self._decide(reply)
        elif reply.tag in self.acknowledging:
            body = self.acknowledging.pop(reply.tag)
            books.confirmed[body] += reply.word == "OK"

    def _decide(self, message):
        did, chance = message.delivery, self.load.random.random()
        if message.body not in self.load.books.sent:
            self.load.books.phantoms += 1
        if chance < 0.8:
            self.number += 1
            tag = b"a%d" % self.number
            self.acknowledging[tag] = message.body
            # Recorded when it is written, because the server may read it even if this connection is lost.
            self.load.books.acknowledged[message.body] += 1
            self.send(b"#%s ack %s\n" % (tag, did))
        elif chance < 0.9:
            self.send(b"#n nack %s\n" % did)


class Load:
    """Pairs of senders and receivers, with and without leases."""

    def __init__(self, port, books, seed, pairs=3, reconnects=False):
        self.books, self.random = books, random.Random(seed)
        self.selector = selectors.DefaultSelector()
        self.is_sending = True
        self.clients = []
        for number in range(pairs):
            for with_lease in (True, False):
                name = b"%s%d" % (b"l" if with_lease else b"p", number)
                self.clients += [Sender(self, port, name, with_lease), Receiver(self, port, with_lease)]
        for client in self.clients:
            client.reconnects = reconnects
            client.connect()

    def run(self, seconds=None, until=lambda: False):
        """Runs until the time is over, every connection has ended for good, or `until` returns true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until() and (self.selector.get_map() or self._reconnects()):
            for key, _ in self.selector.select(0.01):
                if key.data.socket:
                    key.data.receive()
            for client in self.clients:
                if client.reconnects and not client.socket:
                    client.connect()
                if client.socket:
                    client.work()
                    client.flush()

    def _reconnects(self):
        return any(client.reconnects for client in self.clients)

    @property
    def has_pending(self):
        return any(isinstance(client, Sender) and client.pending for client in self.clients)

    def close(self):
        for client in self.clients:
            client.lose()
