"""What stands between clients and a daemon, with a fault: `proxy.py FAULT HOST PORT PID`.

It passes on what the two say, but for the fault: one of a server (`wrongs.py`), so that the battery can be seen to fail,
or one of a network (`weather.py`). Says that it is ready in the daemon's words, and ends when the daemon (its address and
port, its process) does.
"""

import os
import selectors
import signal
import socket
import struct
import sys
import time
from pathlib import Path

#: What waits to be written to one side; more is not read from the other. As the daemon does.
ROOM_BYTES = 16 << 10


class Side:
    """One of the two sockets of a conversation, and what waits to be written to it."""

    def __init__(self, connection, pipe):
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket, self.pipe = connection, pipe
        self.output = bytearray()
        #: What the selector is asked about it; 0 when it does not know it.
        self.events = 0
        self.has_ended = False
        self.is_to_end = False
        self.is_shut = False


class Pipe:
    """A client, and the conversation with the daemon for it."""

    def __init__(self, client, server):
        self.client, self.server = Side(client, self), Side(server, self)
        #: What the fault remembers of it.
        self.memory = {}
        self.is_closed = False

    def other(self, side):
        return self.server if side is self.client else self.client


class Proxy:
    def __init__(self, fault, host, port, pid):
        self._fault, self._host, self._port, self._pid = fault, host, port, pid
        self._selector = selectors.DefaultSelector()
        self._due = []
        self.pipes = []
        self._listener = socket.create_server((self._host, 0), backlog=4096)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, None)

    def run(self):
        signal.signal(signal.SIGTERM, lambda *_: os.kill(self._pid, signal.SIGTERM) if self._fault.obeys else None)
        print(f"ready tcp={self._host}:{self._listener.getsockname()[1]}", flush=True)
        while not self._has_daemon_ended():
            for key, events in self._selector.select(self._fault.poll_seconds):
                if key.data is None:
                    self._accept()
                elif not key.data.pipe.is_closed:
                    self._serve(key.data, events)
            self._do_what_is_due()
        return self._fault.exit_status

    def _has_daemon_ended(self):
        try:
            stat = Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii")
        except OSError:
            return True
        return stat.rpartition(")")[2].split()[0] == "Z"

    def _accept(self):
        client, _ = self._listener.accept()
        try:
            pipe = Pipe(client, socket.create_connection((self._host, self._port)))
        except OSError:
            return client.close()
        self.pipes.append(pipe)
        self._watch(pipe)
        self._fault.met(self, pipe)

    # Passing on

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
        data = side.socket.recv(ROOM_BYTES)
        if data:
            said = self._fault.heard if side is pipe.client else self._fault.answered
            return self.put(other, said(self, pipe, data))
        side.has_ended = True
        self._watch(pipe)
        self.later(self._fault.close_delay, lambda: self._end(other))

    def put(self, side, data):
        """Has something written to a side."""
        if not side.pipe.is_closed:
            side.output += data
            self._flush(side)

    def _flush(self, side):
        try:
            while side.output:
                # All of it, but for a network that carries less at a time.
                del side.output[: side.socket.send(side.output[: self._fault.most_bytes])]
        except BlockingIOError:
            pass
        except OSError:
            return self._lose(side.pipe)
        if side.is_to_end and not side.output and not side.is_shut:
            self._shut(side)
        self._watch(side.pipe)

    def _watch(self, pipe):
        if pipe.is_closed:
            return
        for side in (pipe.client, pipe.server):
            has_room = self._fault.hoards or len(pipe.other(side).output) < ROOM_BYTES
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
        """The other side has said its last: when that is written, this one is told."""
        side.is_to_end = True
        if not side.pipe.is_closed:
            self._flush(side)

    def _shut(self, side):
        side.is_shut = True
        try:
            side.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        if side.pipe.other(side).is_shut:
            self.close(side.pipe)

    def _lose(self, pipe):
        """One side has broken the connection off: so does this one, with the other."""
        if not pipe.memory.get("lost"):
            pipe.memory["lost"] = True
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
    from weather import WEATHERS
    from wrongs import WRONGS

    name, host, port, pid = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    sys.exit(Proxy((WRONGS | WEATHERS)[name](port), host, port, pid).run())
