"""Clients that begin a line and do not finish it."""

import selectors
import time

from battery import Figure, row
from clients import Client, crowd

#: The memory that a connection may use: its input buffer and the connection itself.
MAX_BYTES_EACH = 20 << 10


@row(
    "slow-lines",
    "a line without an end, and lines of 1 000 clients byte by byte",
    wrong={"late-close": "last closed after", "keep-all": "RSS per client"},
    timed=True,
)
def lines_that_do_not_end(conditions):
    count, seconds = conditions.count(full=1000, quick=200), conditions.count(full=10, quick=2)
    with conditions.daemon(line_seconds=seconds) as daemon, Client(daemon.port) as endless:
        clients = crowd(daemon.port, count)
        before = daemon.resident_bytes()
        begin = time.monotonic()
        writers = _Writers(clients, endless)
        peak = before
        while writers.left and time.monotonic() < begin + seconds + 10:
            writers.write_on()
            peak = max(peak, daemon.resident_bytes())
        last = writers.last - begin if not writers.left else float("inf")
        writers.close()
    yield Figure("last closed after", last, "s", at_most=seconds + 1)
    yield Figure("first closed after", writers.first - begin, "s", at_least=seconds - 0.1)
    yield Figure("RSS per client", (peak - before) / (count + 1) / 1024, "KiB", at_most=MAX_BYTES_EACH / 1024)
    yield Figure("written of the endless line", writers.endless_bytes / 1024, "KiB")


class _Writers:
    """Clients that go on writing until the server closes them."""

    def __init__(self, slow, endless):
        self.left = [endless, *slow]
        self._all = list(self.left)
        self._endless = endless
        self.endless_bytes = 0
        self.first = self.last = time.monotonic()
        self._selector = selectors.DefaultSelector()
        for client in self.left:
            client.socket.setblocking(False)
            self._selector.register(client.socket, selectors.EVENT_READ, client)

    def write_on(self):
        """Writes a byte for each client, and as much as possible of the endless line."""
        for client in list(self.left):
            try:
                if client is self._endless:
                    self.endless_bytes += client.socket.send(b"x" * (256 << 10))
                else:
                    client.socket.send(b"x")
            except BlockingIOError:
                pass
            except ConnectionError:
                self._closed(client)
        for _ in range(5):
            for key, _ in self._selector.select(0.1):
                self._read(key.data)

    def _read(self, client):
        try:
            if not client.socket.recv(1 << 16):
                self._closed(client)
        except BlockingIOError:
            pass
        except ConnectionError:
            self._closed(client)

    def _closed(self, client):
        if client not in self.left:
            return
        self.last = time.monotonic()
        if len(self.left) == len(self._all):
            self.first = self.last
        self.left.remove(client)
        self._selector.unregister(client.socket)
        client.close()

    def close(self):
        for client in self._all:
            client.close()
