"""Servers that are wrong: each changes one thing of what passes through a proxy."""

import os
import re
import socket
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


class Spin(Right):
    """Asks again and again whether there is something to do."""

    poll_seconds = 0


class KeepAll(Right):
    """Forgets nothing that it has heard."""

    hoards = True

    def __init__(self, port):
        super().__init__(port)
        self._heard = []

    def heard(self, proxy, pipe, data):
        # What it keeps of each is what a careless server would: the line, and room to find it by.
        self._heard.append(bytearray(max(len(data), 32 << 10)) + data)
        return data


class Trusting(Right):
    """Takes every client to be there that has not said otherwise."""


class Leak(Right):
    """Keeps a little of each client."""

    def __init__(self, port):
        super().__init__(port)
        self._kept = []

    def met(self, proxy, pipe):
        self._kept.append(bytearray(4096))


class LeakDescriptors(Right):
    """Opens something for each client, and does not close it."""

    def met(self, proxy, pipe):
        os.open("/dev/null", os.O_RDONLY)


class Swap(_ByLine):
    """Answers two commands in the wrong order, once."""

    has_swapped = False

    def answered(self, proxy, pipe, data):
        swapped = data if self.has_swapped else data.replace(b"\nDATA 2\n10\nDATA 2\n11\n", b"\nDATA 2\n11\nDATA 2\n10\n")
        self.has_swapped = self.has_swapped or swapped != data
        return swapped


class Sluggish(Right):
    """Does nothing else for a while when a client says much."""

    def heard(self, proxy, pipe, data):
        if len(data) > 1000:
            time.sleep(0.03)
        return data


class WakeTwo(Right):
    """Hands what one client is given to another one as well."""

    def answered(self, proxy, pipe, data):
        if b" MSG " in data:
            other = next(other for other in proxy.pipes if other is not pipe and other is not proxy.pipes[0])
            proxy.put(other.client, data)
        return data


class FalseTimeout(_ByLine):
    """Has some senders know that nothing has come of it, although it has."""

    count = 0

    def line_answered(self, proxy, pipe, line):
        found = re.fullmatch(rb"(#[lp]\d+-\d+ )OK\n", line)
        self.count += bool(found)
        return found[1] + b"TIMEOUT\n" if found and self.count % 7 == 0 else line


class NoIDs(_ByLine):
    """Knows no message again that is sent again."""

    def line_heard(self, proxy, pipe, line):
        return re.sub(rb" id=\S+( epoch=\S+)?", b"", line)


class BadExit(Right):
    """Ends as if something had gone wrong."""

    exit_status = 3


class Lose(_ByLine):
    """Loses a message of a slow client now and then."""

    count = 0

    def line_answered(self, proxy, pipe, line):
        if b" MSG slow/" in line:
            self.count += 1
            pipe.memory["loses"] = self.count % 50 == 0
        return b"" if pipe.memory.get("loses") else line


class Smuggle(Right):
    """Takes each line for a command, bodies included."""

    def heard(self, proxy, pipe, data):
        for line in data.split(b"\n"):
            if line.startswith(b"SEND x "):
                with socket.create_connection(("127.0.0.1", self.port)) as own:
                    own.sendall(line + b"\n")
                    own.recv(100)
        return data


class Echo(_ByLine):
    """Tells a client which line it has refused."""

    def line_heard(self, proxy, pipe, line):
        pipe.memory.setdefault("lines", []).append(line)
        return line

    def line_answered(self, proxy, pipe, line):
        return line + pipe.memory["lines"][0] if line.startswith(b"ERR ") else line


WRONGS = {
    "right": Right,
    "early-ok": EarlyOK,
    "two-copies": TwoCopies,
    "deaf": Deaf,
    "hoard": Hoard,
    "late-close": LateClose,
    "spin": Spin,
    "keep-all": KeepAll,
    "trusting": Trusting,
    "leak": Leak,
    "leak-descriptors": LeakDescriptors,
    "swap": Swap,
    "sluggish": Sluggish,
    "wake-two": WakeTwo,
    "false-timeout": FalseTimeout,
    "bad-exit": BadExit,
    "no-ids": NoIDs,
    "lose": Lose,
    "smuggle": Smuggle,
    "echo": Echo,
}
