"""The server that the kit plays to a client under test."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable

from .requests import GrammarError, Request, RequestReader
from .results import Failed

GREETING = (
    "OK version=1 epoch=7 max-line=8192 max-body=1048576 max-arms=64 max-tags=1024 "
    "features=call,reject,delay,fence,receivers,rejected,reply,trace,kept"
)


class Connection:
    """A connection of the client. A thread reads its requests and answers those that every server answers alike."""

    def __init__(self, hub: PlayedHub, accepted: socket.socket, number: int) -> None:
        self.number = number
        self._hub = hub
        self._socket = accepted
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = RequestReader()
        self._writing = threading.Lock()
        #: The requests without a final reply; those without a tag by "".
        self.pending: dict[str, PlayedRequest] = {}
        #: How many requests have had a tag at the same time at most.
        self.most_tags = 0
        #: Every verb that came over this connection, in order.
        self.verbs: list[str] = []
        #: The additions that the client has named in HELLO.
        self.features: set[str] = set()
        self.is_closed = False
        self.thread = threading.Thread(target=self._serve, daemon=True)

    # Writing

    def write(self, data: bytes, *, pieces: int | None = None) -> None:
        """Writes bytes; with `pieces`, that many at a time, so that the client can read each piece alone."""
        with self._writing, contextlib.suppress(OSError):
            if pieces is None:
                self._socket.sendall(data)
                return
            for start in range(0, len(data), pieces):
                self._socket.sendall(data[start : start + pieces])
                time.sleep(0.0005)

    def flood(self, data: bytes, times: int, patience: float) -> bool:
        """Writes the bytes so often. Returns false when the client has closed the connection or reads no more."""
        with self._writing:
            self._socket.settimeout(patience)
            try:
                for _ in range(times):
                    self._socket.sendall(data)
            except OSError:
                return False
            finally:
                with contextlib.suppress(OSError):
                    self._socket.settimeout(None)
        return True

    def close(self, *, reset: bool = False) -> None:
        """Closes the connection as the loss of a network or of a server would."""
        if reset:
            with contextlib.suppress(OSError):
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with self._hub.changed:
            self.is_closed = True
            self._hub.changed.notify_all()
        # The thread that reads would keep the descriptor open.
        with contextlib.suppress(OSError):
            if not reset:
                self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    # Reading

    def _serve(self) -> None:
        try:
            while not self.is_closed:
                self._wait_readable()
                if self.is_closed:
                    break
                data = self._socket.recv(65536)
                if not data:
                    break
                self._reader.feed(data)
                while not self.is_closed and (request := self._reader.next()):
                    self._take(request)
        except GrammarError as error:
            self._hub.violations.append(str(error))
            self.write(b"ERR framing cannot tell where the next command begins\n")
        except (OSError, ValueError):
            pass
        self.close()

    def _wait_readable(self) -> None:
        """Waits until there is something to read and the hub reads."""
        while not self.is_closed:
            readable, _, _ = select.select([self._socket], [], [], 0.05)
            if readable:
                with self._hub.changed:
                    self._hub.changed.wait_for(lambda: self._hub.reads or self.is_closed)
                return

    @property
    def has_unread_input(self) -> bool:
        readable, _, _ = select.select([self._socket], [], [], 0)
        return bool(readable) or bool(self._reader.unread)

    def _take(self, request: Request) -> None:
        played = PlayedRequest(self, request)
        key = request.tag or ""
        with self._hub.changed:
            self.verbs.append(request.verb)
            if request.verb == "HELLO":
                self.features.update(filter(None, request.options.get("features", "").split(",")))
            if key in self.pending:
                self._hub.violations.append(f"the tag #{key} is used again before its final reply: {request}")
            self.pending[key] = played
            self.most_tags = max(self.most_tags, len(self.pending))
        if request.verb in self._hub.automatic:
            self._hub.answer(played)
            if request.verb not in ("HELLO", "PING", "NAME", "AUTH"):
                self._hub.put(played)
            return
        self._hub.put(played)
        if request.tag is None:
            # The server runs commands without a tag one after the other.
            with self._hub.changed:
                self._hub.changed.wait_for(lambda: played.is_answered or self.is_closed)


class PlayedRequest:
    """A request of the client, which a case answers."""

    def __init__(self, connection: Connection, request: Request) -> None:
        self.connection = connection
        self.request = request
        self.is_answered = False

    @property
    def body(self) -> bytes:
        return self.request.body

    @property
    def options(self) -> dict[str, str]:
        return self.request.options

    def matches(self, verb: str | None, name: str | None) -> bool:
        """Whether the request has that verb and name, and can still be answered."""
        same = verb in (None, self.request.verb) and name in (None, self.request.name)
        return same and not self.connection.is_closed

    def reply_bytes(self, line: str, body: bytes | None = None) -> bytes:
        """Returns the reply as it is written. `{N}` in the line stands for the length of the body."""
        prefix = f"#{self.request.tag} " if self.request.tag is not None else ""
        if body is None:
            return f"{prefix}{line}\n".encode()
        return f"{prefix}{line.replace('{N}', str(len(body)))}\n".encode() + body + b"\n"

    def reply(self, line: str, body: bytes | None = None, *, pieces: int | None = None) -> None:
        """Sends the final reply."""
        data = self.reply_bytes(line, body)
        # Before it is written: the client may use the tag again at once.
        self.end()
        self.connection.write(data, pieces=pieces)

    def part(self, line: str, body: bytes) -> None:
        """Sends a reply before the final one."""
        self.connection.write(self.reply_bytes(line, body))

    def end(self) -> None:
        """Notes that the final reply is written by the case."""
        hub = self.connection._hub
        with hub.changed:
            self.is_answered = True
            self.connection.pending.pop(self.request.tag or "", None)
            hub.changed.notify_all()


class PlayedHub:
    """Listens on a free port, and keeps the client's requests for the case that plays."""

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.greeting = GREETING
        #: What is answered without the case: what every server answers at once.
        self.automatic = {"HELLO", "AUTH", "NAME", "PING", "CANCEL", "TOUCH", "NACK", "QUIT"}
        #: What answers the requests of a connection that begins, if not the hub.
        self.opening: Callable[[Connection], None] | None = None
        self.reads = True
        self.violations: list[str] = []
        self.changed = threading.Condition()
        self.connections: list[Connection] = []
        self.requests: list[PlayedRequest] = []
        self._is_stopped = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def stop(self) -> None:
        self._is_stopped = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self.changed:
            connections = list(self.connections)
        for connection in connections:
            connection.close()

    def refuse_connections(self) -> None:
        """Accepts no more connections."""
        self._is_stopped = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._is_stopped:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            with self.changed:
                connection = Connection(self, accepted, len(self.connections) + 1)
                self.connections.append(connection)
                self.changed.notify_all()
            if self.opening:
                self.opening(connection)
            connection.thread.start()

    # Answering

    def answer(self, played: PlayedRequest) -> None:
        """Answers what every server answers at once."""
        request = played.request
        if request.verb == "HELLO":
            played.reply(self.greeting)
        elif request.verb == "PING" and (request.body or "len" in request.options):
            played.reply("DATA {N}", request.body)
        elif request.verb == "CANCEL":
            played.reply("OK")
            cancelled = played.connection.pending.get(request.operands[0][1:])
            if cancelled:
                cancelled.reply("CANCELLED")
        else:
            if request.verb == "QUIT":
                for pending in list(played.connection.pending.values()):
                    if pending is not played:
                        pending.reply("CANCELLED closing")
            played.reply("OK")
            if request.verb == "QUIT":
                played.connection.close()

    # For cases

    def wait_for_input(self, connection: Connection) -> None:
        """Waits until a connection has input that the hub, which has stopped reading, has not read."""
        end = time.monotonic() + self.patience
        while not connection.has_unread_input:
            if time.monotonic() > end:
                raise Failed(f"the client has sent nothing within {self.patience:g} s")
            time.sleep(0.001)

    def read_again(self) -> None:
        with self.changed:
            self.reads = True
            self.changed.notify_all()

    def put(self, played: PlayedRequest) -> None:
        with self.changed:
            self.requests.append(played)
            self.changed.notify_all()

    def take(self, verb: str, name: str | None = None, *, patience: float | None = None) -> PlayedRequest | None:
        """Returns the next request with that verb and name, and leaves the others; None if none comes in time."""

        def position() -> int | None:
            for index, played in enumerate(self.requests):
                if played.matches(verb, name):
                    return index
            return None

        with self.changed:
            self.changed.wait_for(lambda: position() is not None, patience or self.patience)
            index = position()
            return None if index is None else self.requests.pop(index)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Waits for something. Raises Failed if it does not happen in time."""
        with self.changed:
            if not self.changed.wait_for(condition, self.patience):
                raise Failed(f"{what} within {self.patience:g} s")
