"""HTTP requests, the frames of WebSockets, and clients of the web door that read responses."""

import base64
import re
from dataclasses import dataclass

from clients import Client
from processes import ChildFailed

HOST = b"Host: localhost\r\n"
#: The opcodes of frames.
CONTINUATION, TEXT, BINARY, CLOSE = 0, 1, 2, 8
_MASK = b"\0\0\0\0"
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)


def _head(method, path, headers):
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"%b %b HTTP/1.1\r\n" % (method, path) + HOST + lines + b"\r\n"


def get(path, *headers):
    return _head(b"GET", path, headers)


def post(path, body=b"", *headers):
    return _head(b"POST", path, (b"Content-Length: %d" % len(body), *headers)) + body


#: The request that opens a WebSocket.
UPGRADE = get(
    b"/ws",
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: " + base64.b64encode(bytes(16)),
)


def frame(data, opcode=TEXT, is_last=True):
    """Returns a frame of a WebSocket. Its mask changes nothing."""
    length = len(data)
    if length < 126:
        size = bytes([0x80 | length])
    elif length < 1 << 16:
        size = bytes([0x80 | 126]) + length.to_bytes(2, "big")
    else:
        size = bytes([0x80 | 127]) + length.to_bytes(8, "big")
    return bytes([opcode | (0x80 if is_last else 0)]) + size + _MASK + data


@dataclass(frozen=True)
class Response:
    status: int
    head: bytes
    body: bytes

    def header(self, name):
        """Returns the value of a header; None if there is none with that name."""
        found = re.search(rb"\r\n%b: *([^\r\n]*)" % re.escape(name), self.head, re.IGNORECASE)
        return found and found[1]


class HTTPClient(Client):
    """A client of the web door with one connection, which blocks until responses arrive."""

    def __init__(self, port, source="127.0.0.1", **options):
        super().__init__(port, source, **options)
        self._unread = bytearray()

    def request(self, data):
        """Sends a request. Returns its response."""
        self.send(data)
        return self.response()

    def response(self):
        """Returns the next response; fails if the connection has ended."""
        head = self._until(b"\r\n\r\n")
        status = int(head[9:12])
        length = 0 if status in (204, 304) else int((_LENGTH.search(head) or (b"", b"0"))[1])
        return Response(status, head, self._take(length))

    def frames(self):
        """Yields the opcode and the data of each frame of a WebSocket, until the connection ends."""
        while True:
            try:
                first, size = self._take(2)
                longer = {126: 2, 127: 8}.get(size)
                length = int.from_bytes(self._take(longer), "big") if longer else size
                yield first & 15, self._take(length)
            except (ChildFailed, ConnectionError):
                return

    def _until(self, end):
        while (found := self._unread.find(end)) < 0:
            self._read()
        return self._take(found + len(end))

    def _take(self, count):
        while len(self._unread) < count:
            self._read()
        data = bytes(self._unread[:count])
        del self._unread[:count]
        return data

    def _read(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise ChildFailed("the server closed the connection before its response was complete")
        self._unread += data
