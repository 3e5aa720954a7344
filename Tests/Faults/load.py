"""A load of senders and receivers, on one thread, whose every outcome is recorded in books."""

import random
import selectors
import socket
import time

from replies import ReplyReader

#: The number of sends that a sender keeps pending.
PENDING = 8
LEASE = b"300ms"


class Party:
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
        except OSError:
            self.socket = None
            return
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.load.selector.register(self.socket, selectors.EVENT_READ, self)
        self.begin()

    def say(self, line):
        self.output += line
        try:
            del self.output[: self.socket.send(self.output)]
        except BlockingIOError:
            pass
        except OSError:
            self.lose()

    def hear(self):
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
            self.take(reply)

    def lose(self):
        if self.socket:
            self.load.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None

    def flush(self):
        if self.socket and self.output:
            self.say(b"")


class Sender(Party):
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
        self.say(b"#hello hello\n")
        for body in self.pending:
            self._send(body)

    def _send(self, body):
        identity = b"id=%s " % body + (b"epoch=%s " % self.epoch if self.epoch else b"") if self.reconnects else b""
        timeout = self.load.random.choice([b"20ms", b"200ms", b"2s"])
        self.say(b"#%s send timeout=%s %s%s %s\n" % (body, timeout, identity, self.channel, body))

    def work(self):
        while self.socket and self.load.is_sending and len(self.pending) < PENDING:
            body = b"%s-%d" % (self.name, self.number)
            self.number += 1
            self.pending[body] = None
            self.load.books.send(body, self.with_lease)
            self._send(body)

    def take(self, reply):
        if reply.tag == b"hello":
            self.epoch = self.epoch or (reply.attribute("epoch") or "0").encode()
        elif reply.tag in self.pending:
            del self.pending[reply.tag]
            self.load.books.reply(reply.tag, reply.word)


class Receiver(Party):
    """Receives messages. With leases, it acknowledges most messages, rejects some, and lets some leases expire."""

    def __init__(self, load, port, with_lease):
        super().__init__(load, port)
        self.with_lease = with_lease

    def begin(self):
        self.acknowledging = {}
        self.number = 0
        self.say(b"#r recv count=* %s\n" % (b"lease=%s window=8 leased" % LEASE if self.with_lease else b"plain"))

    def work(self):
        pass

    def take(self, reply):
        books = self.load.books
        if reply.word == "MSG" and not self.with_lease:
            books.receive(reply.body)
        elif reply.word == "MSG":
            self._decide(reply)
        elif reply.tag in self.acknowledging:
            body = self.acknowledging.pop(reply.tag)
            books.confirmed[body] += reply.word == "OK"

    def _decide(self, message):
        did, chance = message.attribute("did").encode(), self.load.random.random()
        if message.body not in self.load.books.sent:
            self.load.books.phantoms += 1
        if chance < 0.8:
            self.number += 1
            tag = b"a%d" % self.number
            self.acknowledging[tag] = message.body
            # Recorded when it is written, because the server may read it even if this connection is lost.
            self.load.books.acknowledged[message.body] += 1
            self.say(b"#%s ack %s\n" % (tag, did))
        elif chance < 0.9:
            self.say(b"#n nack %s\n" % did)


class Load:
    """Pairs of senders and receivers, with and without leases."""

    def __init__(self, port, books, seed, pairs=3, reconnects=False):
        self.books, self.random = books, random.Random(seed)
        self.selector = selectors.DefaultSelector()
        self.is_sending = True
        self.parties = []
        for number in range(pairs):
            for with_lease in (True, False):
                name = b"%s%d" % (b"l" if with_lease else b"p", number)
                self.parties += [Sender(self, port, name, with_lease), Receiver(self, port, with_lease)]
        for party in self.parties:
            party.reconnects = reconnects
            party.connect()

    def run(self, seconds=None, until=lambda: False):
        """Runs until the time is over, every connection has ended for good, or `until` returns true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until() and (self.selector.get_map() or self._reconnects()):
            for key, _ in self.selector.select(0.01):
                if key.data.socket:
                    key.data.hear()
            for party in self.parties:
                if party.reconnects and not party.socket:
                    party.connect()
                if party.socket:
                    party.work()
                    party.flush()

    def _reconnects(self):
        return any(party.reconnects for party in self.parties)

    @property
    def has_pending(self):
        return any(isinstance(party, Sender) and party.pending for party in self.parties)

    def close(self):
        for party in self.parties:
            party.lose()
