"""A proxy with a fault between clients and a daemon: `proxy.py FAULT HOST PORT PID`.

The fault is that of a wrong server (`wrong_servers.py`), which shows that the battery can fail, or that of a network
(`networks.py`). The proxy prints the same ready line as the daemon, and ends when the process of the daemon ends.
"""

import contextlib
import os
import selectors
import signal
import socket
import struct
import sys
import time
from pathlib import Path

#: When this many bytes wait to be written to one side, no more is read from the other, as the daemon does.
MAX_OUTPUT_BYTES = 16 << 10
#: How often the proxy looks for what the daemon has written before its end.
MOST_LAST_ROUNDS = 100


class Side:
    """One of the two sockets of a pipe, and the bytes that wait to be written to it."""

    def __init__(self, connection, pipe):
        connection.setblocking(False)
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket, self.pipe = connection, pipe
        self.output = bytearray()
        #: The events that the selector waits for; 0 if the socket is not registered.
        self.events = 0
        self.has_ended = False
        self.is_to_end = False
        self.is_shut = False


class Pipe:
    """A connection of a client, and the connection to the daemon for it."""

    def __init__(self, client, server):
        self.client, self.server = Side(client, self), Side(server, self)
        #: The state that the fault keeps for this pipe.
        self.state = {}
        self.is_closed = False

    def other(self, side):
        return self.server if side is self.client else self.client


class Proxy:
    def __init__(self, fault, host, port, pid):
        self._fault, self._port, self._pid = fault, port, pid
        self._host = host.strip("[]")
        self._selector = selectors.DefaultSelector()
        self._due = []
        self.pipes = []
        self._listener = self._listening()
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, None)

    def _listening(self):
        """Returns a listening socket. If the host is the path of a socket, the proxy has the same path with `-p`."""
        if not self._host.startswith("/"):
            family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
            return socket.create_server((self._host, 0), family=family, backlog=4096)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._host + "-p")
        os.chmod(self._host + "-p", 0o666)
        listener.listen(4096)
        return listener

    def _connected(self):
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, self._port), source_address=self._fault.source())
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._host)
        return server

    def run(self):
        signal.signal(
            signal.SIGTERM, lambda *_: os.kill(self._pid, signal.SIGTERM) if self._fault.obeys_sigterm else None
        )
        port = 0 if self._host.startswith("/") else self._listener.getsockname()[1]
        print(f"ready tcp={self._host}:{port}", flush=True)
        while not self._has_daemon_ended():
            self._pass_on(self._fault.poll_seconds)
        # What the daemon has written before its end.
        for _ in range(MOST_LAST_ROUNDS):
            if not self._pass_on(0):
                break
        return self._fault.exit_status

    def _pass_on(self, seconds):
        """Waits for so many seconds, at most, until sockets are ready, and serves them. Returns whether any was."""
        ready = self._selector.select(seconds)
        for key, events in ready:
            if key.data is None:
                self._accept()
            elif not key.data.pipe.is_closed:
                self._serve(key.data, events)
        self._do_what_is_due()
        return bool(ready)

    def _has_daemon_ended(self):
        try:
            stat = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii")
        except OSError:
            return True
        return stat.rpartition(")")[2].split()[0] == "Z"

    def _accept(self):
        try:
            client, _ = self._listener.accept()
        except OSError:
            return None  # The client has gone already, or there are no descriptors.
        try:
            pipe = Pipe(client, self._connected())
        except OSError:
            return client.close()
        self.pipes.append(pipe)
        self._watch(pipe)
        self._fault.connected(self, pipe)

    # Passing bytes on

    def _serve(self, side, events):
        try:
            if events & selectors.EVENT_WRITE:
                self._flush(side)
            if events & selectors.EVENT_READ and not side.pipe.is_closed:
                self._read(side)
        except BlockingIOError:
            pass
        except OSError:
            self._lose(side.pipe)

    def _read(self, side):
        pipe, other = side.pipe, side.pipe.other(side)
        data = side.socket.recv(MAX_OUTPUT_BYTES)
        if data:
            change = self._fault.input if side is pipe.client else self._fault.output
            return self.put(other, change(self, pipe, data))
        side.has_ended = True
        self._watch(pipe)
        self.later(self._fault.close_delay, lambda: self._end(other))

    def put(self, side, data):
        """Writes bytes to a side, or queues them."""
        if not side.pipe.is_closed:
            side.output += data
            self._flush(side)

    def _flush(self, side):
        try:
            while side.output:
                del side.output[: side.socket.send(side.output[: self._fault.max_write_bytes])]
        except BlockingIOError:
            pass
        except OSError:
            return self._lose(side.pipe)
        if side.is_to_end and not side.output and not side.is_shut:
            self._shut(side)
        self._watch(side.pipe)

    def _watch(self, pipe):
        if pipe.is_closed or pipe.state.get("lost"):
            return
        for side in (pipe.client, pipe.server):
            has_room = self._fault.ignores_backpressure or len(pipe.other(side).output) < MAX_OUTPUT_BYTES
            reading = selectors.EVENT_READ if has_room and not side.has_ended else 0
            self._ask(side, reading | (selectors.EVENT_WRITE if side.output else 0))

    def _ask(self, side, events):
        if events == side.events:
            return
        if side.events and events:
            self._selector.modify(side.socket, events, side)
        elif events:
            self._selector.register(side.socket, events, side)
        else:
            self._selector.unregister(side.socket)
        side.events = events

    # Ending

    def _end(self, side):
        """Ends the output to a side when everything that waits has been written."""
        side.is_to_end = True
        if not side.pipe.is_closed:
            self._flush(side)

    def _shut(self, side):
        side.is_shut = True
        with contextlib.suppress(OSError):
            side.socket.shutdown(socket.SHUT_WR)
        if side.pipe.other(side).is_shut:
            self.close(side.pipe)

    def _lose(self, pipe):
        """Resets both connections, after one side has reset its own."""
        if not pipe.state.get("lost"):
            pipe.state["lost"] = True
            for side in (pipe.client, pipe.server):
                self._ask(side, 0)
            self.later(self._fault.close_delay, lambda: self.reset(pipe))

    def reset(self, pipe):
        for side in (pipe.client, pipe.server):
            if not pipe.is_closed:
                side.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(pipe)

    def close(self, pipe):
        if pipe.is_closed:
            return
        for side in (pipe.client, pipe.server):
            self._ask(side, 0)
            side.socket.close()
        pipe.is_closed = True
        self.pipes.remove(pipe)

    # Time

    def later(self, seconds, action):
        if seconds:
            self._due.append((time.monotonic() + seconds, action))
        else:
            action()

    def _do_what_is_due(self):
        now = time.monotonic()
        due = [action for when, action in self._due if when <= now]
        self._due = [(when, action) for when, action in self._due if when > now]
        for action in due:
            action()


if __name__ == "__main__":
    from networks import NETWORKS
    from wrong_servers import WRONG_SERVERS

    name, host, port, pid = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    sys.exit(Proxy((WRONG_SERVERS | NETWORKS)[name](port), host, port, pid).run())
