"""Servers that are wrong: each changes one thing of what passes through a proxy."""

import re
import time


class Right:
    """No fault at all; what the others change."""

    poll_seconds = 0.02
    close_delay = 0
    hoards = False
    #: Whether it ends when it is told to.
    obeys = True
    #: How much it writes at a time.
    most_bytes = 1 << 20
    exit_status = 0

    def __init__(self, port):
        self.port = port

    def met(self, proxy, pipe):
        """A client has come."""

    def heard(self, proxy, pipe, data):
        """What the daemon is told in place of what the client said."""
        return data

    def answered(self, proxy, pipe, data):
        """What the client is told in place of what the daemon said."""
        return data

    def keeps(self, connection):
        """Whether a connection that has ended stays open."""
        return False


class _ByLine(Right):
    """Changes whole lines. For conversations whose bodies are lines of text."""

    def heard(self, proxy, pipe, data):
        return self._changed("asked", self.line_heard, proxy, pipe, data)

    def answered(self, proxy, pipe, data):
        return self._changed("said", self.line_answered, proxy, pipe, data)

    def _changed(self, key, change, proxy, pipe, data):
        data = pipe.memory.pop(key, b"") + data
        whole, end, rest = data.rpartition(b"\n")
        pipe.memory[key] = rest
        return b"".join(change(proxy, pipe, line + b"\n") for line in whole.split(b"\n")) if end else b""

    def line_heard(self, proxy, pipe, line):
        return line

    def line_answered(self, proxy, pipe, line):
        return line


class EarlyOK(_ByLine):
    """Acknowledges each message itself, as soon as it has been handed out."""

    def line_answered(self, proxy, pipe, line):
        if line.startswith(b"#early "):
            return b""
        if found := re.search(rb" did=(\S+)", line):
            proxy.put(pipe.server, b"#early ack %s\n" % found[1])
        return line


class TwoCopies(_ByLine):
    """Sends each message twice."""

    def line_heard(self, proxy, pipe, line):
        found = re.match(rb"(#\S+ )?(send .*\n)", line)
        return line + b"#twin%d %s" % (time.monotonic_ns(), found[2]) if found else line

    def line_answered(self, proxy, pipe, line):
        return b"" if line.startswith(b"#twin") else line


class Deaf(_ByLine):
    """Lets no lease run out."""

    def line_heard(self, proxy, pipe, line):
        return re.sub(rb"lease=\d+ms", b"lease=1h", line)


class Hoard(Right):
    """Takes all that it is sent, whether or not the replies are taken."""

    hoards = True


class LateClose(Right):
    """Tells the end of a connection, on either side, much later."""

    close_delay = 5


WRONGS = {
    "right": Right,
    "early-ok": EarlyOK,
    "two-copies": TwoCopies,
    "deaf": Deaf,
    "hoard": Hoard,
    "late-close": LateClose,
}
