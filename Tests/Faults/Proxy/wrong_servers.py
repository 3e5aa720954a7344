"""Wrong servers: each changes one thing of what a proxy passes on."""

import itertools
import os
import re
import socket
import time


class Right:
    """A server without a fault, which the others change."""

    poll_seconds = 0.02
    close_delay = 0
    ignores_backpressure = False
    #: Whether the proxy passes SIGTERM on to the daemon.
    obeys_sigterm = True
    max_write_bytes = 1 << 20
    exit_status = 0

    def __init__(self, port):
        self.port = port

    def source(self):
        """Returns the address from which the proxy connects to the daemon for a client; None for the usual one."""

    def connected(self, proxy, pipe):
        """Called when a client has connected."""

    def input(self, proxy, pipe, data):
        """Returns what the daemon gets in place of what the client sent."""
        return data

    def output(self, proxy, pipe, data):
        """Returns what the client gets in place of what the daemon sent."""
        return data


class _ByLine(Right):
    """Changes whole lines, in conversations whose bodies are lines of text."""

    def input(self, proxy, pipe, data):
        return self._changed("input", self.line_input, proxy, pipe, data)

    def output(self, proxy, pipe, data):
        return self._changed("output", self.line_output, proxy, pipe, data)

    def _changed(self, key, change, proxy, pipe, data):
        data = pipe.state.pop(key, b"") + data
        whole, end, rest = data.rpartition(b"\n")
        pipe.state[key] = rest
        return b"".join(change(proxy, pipe, line + b"\n") for line in whole.split(b"\n")) if end else b""

    def line_input(self, proxy, pipe, line):
        return line

    def line_output(self, proxy, pipe, line):
        return line


class EarlyOK(_ByLine):
    """Acknowledges each message itself, as soon as it is delivered."""

    def line_output(self, proxy, pipe, line):
        if line.startswith(b"#early "):
            return b""
        if found := re.search(rb" did=(\S+)", line):
            proxy.put(pipe.server, b"#early ack %s\n" % found[1])
        return line


class MixedAnswers(_ByLine):
    """Gives each caller the answer that the same worker has given before."""

    def line_input(self, proxy, pipe, line):
        found = re.match(rb"(ack \S+ )(.+\n)", line)
        if not found:
            return line
        other = pipe.state.get("answer", found[2])
        pipe.state["answer"] = found[2]
        return found[1] + other


class TwoCopies(_ByLine):
    """Sends each message twice."""

    def line_input(self, proxy, pipe, line):
        found = re.match(rb"(#\S+ )?(send .*\n)", line)
        return line + b"#twin%d %s" % (time.monotonic_ns(), found[2]) if found else line

    def line_output(self, proxy, pipe, line):
        return b"" if line.startswith(b"#twin") else line


class EndlessLeases(_ByLine):
    """Lets no lease expire."""

    def line_input(self, proxy, pipe, line):
        return re.sub(rb"lease=\d+ms", b"lease=1h", line)


class Hoard(Right):
    """Reads everything that a client sends, whether or not the client reads the replies."""

    ignores_backpressure = True


class LateClose(Right):
    """Closes connections much too late."""

    close_delay = 5


class Spin(Right):
    """Polls without a pause."""

    poll_seconds = 0


class KeepAll(Right):
    """Keeps everything that clients send."""

    ignores_backpressure = True

    def __init__(self, port):
        super().__init__(port)
        self._inputs = []

    def input(self, proxy, pipe, data):
        # A careless server keeps the line and a buffer for it.
        self._inputs.append(bytearray(max(len(data), 32 << 10)) + data)
        return data


class Trusting(Right):
    """Never checks whether a silent client is still there."""


class Leak(Right):
    """Leaks some memory for each client."""

    def __init__(self, port):
        super().__init__(port)
        self._kept = []

    def connected(self, proxy, pipe):
        self._kept.append(bytearray(4096))


class LeakDescriptors(Right):
    """Leaks a descriptor for each client."""

    def connected(self, proxy, pipe):
        os.open("/dev/null", os.O_RDONLY)


class Swap(_ByLine):
    """Swaps two replies, once."""

    has_swapped = False

    def output(self, proxy, pipe, data):
        swapped = (
            data if self.has_swapped else data.replace(b"\nDATA 2\n10\nDATA 2\n11\n", b"\nDATA 2\n11\nDATA 2\n10\n")
        )
        self.has_swapped = self.has_swapped or swapped != data
        return swapped


class Sluggish(Right):
    """Serves no other client for a while when a client sends much."""

    def input(self, proxy, pipe, data):
        if len(data) > 1000:
            time.sleep(0.03)
        return data


class SlowOutput(Right):
    """Serves no other client for a while when it sends much to one."""

    def output(self, proxy, pipe, data):
        if len(data) > 1000:
            time.sleep(0.03)
        return data


class WakeTwo(Right):
    """Sends each message to a second client as well."""

    def output(self, proxy, pipe, data):
        if b" MSG " in data:
            other = next(other for other in proxy.pipes if other is not pipe and other is not proxy.pipes[0])
            proxy.put(other.client, data)
        return data


class FalseTimeout(_ByLine):
    """Answers TIMEOUT to some sends that succeeded."""

    count = 0

    def line_output(self, proxy, pipe, line):
        found = re.fullmatch(rb"(#[lp]\d+-\d+ )OK\n", line)
        self.count += bool(found)
        return found[1] + b"TIMEOUT\n" if found and self.count % 7 == 0 else line


class NoIDs(_ByLine):
    """Does not recognize repeated sends by their id."""

    def line_input(self, proxy, pipe, line):
        return re.sub(rb" id=\S+( epoch=\S+)?", b"", line)


class BadExit(Right):
    """Ends with the wrong exit status."""

    exit_status = 3


class Lose(_ByLine):
    """Loses some messages to a slow client."""

    count = 0

    def line_output(self, proxy, pipe, line):
        if b" MSG slow/" in line:
            self.count += 1
            pipe.state["loses"] = self.count % 50 == 0
        return b"" if pipe.state.get("loses") else line


class Smuggle(Right):
    """Runs the lines of bodies as commands."""

    def input(self, proxy, pipe, data):
        for line in data.split(b"\n"):
            if line.startswith(b"SEND x "):
                with socket.create_connection(("127.0.0.1", self.port)) as own:
                    own.sendall(line + b"\n")
                    own.recv(100)
        return data


class Echo(_ByLine):
    """Repeats the rejected line in an error."""

    def line_input(self, proxy, pipe, line):
        pipe.state.setdefault("lines", []).append(line)
        return line

    def line_output(self, proxy, pipe, line):
        return line + pipe.state["lines"][0] if line.startswith(b"ERR ") else line


class Undercharge(Right):
    """Charges its clients a tenth of what they use."""

    def output(self, proxy, pipe, data):
        # As many bytes, because the reply says how many there are.
        tenth = lambda found: found[1] + b"%*d" % (len(found[2]), int(found[2]) // 10)  # noqa: E731
        return re.sub(rb'("memoryBytes":)(\d+)', tenth, data)


class NoDelay(_ByLine):
    """Does not delay messages."""

    def line_input(self, proxy, pipe, line):
        return re.sub(rb" delay=\d+\w+", b"", line)


class IgnoredNeed(_ByLine):
    """Sends a message when there is one receiver, although it needs more."""

    def line_input(self, proxy, pipe, line):
        return re.sub(rb" need=\d+", b" need=1", line)


class OneAddress(Right):
    """Takes all its clients for clients of one address, as every proxy does."""


class EveryAddress(Right):
    """Takes each client for one of another network."""

    _numbers = itertools.count(1)

    def source(self):
        return f"2001:db8:{next(self._numbers):x}::1", 0


class CancelledFirst(_ByLine):
    """Answers CANCEL before the command that it withdraws."""

    def line_input(self, proxy, pipe, line):
        if line.startswith(b"#q cancel "):
            proxy.put(pipe.client, b"#q OK\n")
        return line

    def line_output(self, proxy, pipe, line):
        return b"" if line == b"#q OK\n" else line


class InstantGuesses(_ByLine):
    """Decides every guess of a token at once."""

    def line_input(self, proxy, pipe, line):
        if b" guess" not in line:
            return line
        proxy.put(pipe.client, b"ERR denied wrong token\n")
        return b""


class SplitMessages(Right):
    """Takes each line of a WebSocket's message for a message of its own."""

    def input(self, proxy, pipe, data):
        # The frames of the battery are short, arrive whole, and have a mask that changes nothing.
        found = re.fullmatch(rb"\x81.\0\0\0\0(.*)", data, re.DOTALL)
        if not found:
            return data
        return b"".join(b"\x81" + bytes([0x80 | len(line)]) + bytes(4) + line for line in found[1].split(b"\n"))


class KeptLeases(Right):
    """Refuses to end leases over HTTP, as if there were no place for a further connection."""

    def input(self, proxy, pipe, data):
        if not data.startswith(b"POST /d/"):
            return data
        proxy.put(pipe.client, b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")
        return b""


class Choke(Right):
    """Serves nobody any more after some clients, as a server whose log blocks."""

    def __init__(self, port):
        super().__init__(port)
        self._count = 0

    def output(self, proxy, pipe, data):
        self._count += 1
        return data if self._count < 100 else b""


WRONG_SERVERS = {
    "right": Right,
    "early-ok": EarlyOK,
    "mixed-answers": MixedAnswers,
    "two-copies": TwoCopies,
    "endless-leases": EndlessLeases,
    "hoard": Hoard,
    "late-close": LateClose,
    "spin": Spin,
    "keep-all": KeepAll,
    "trusting": Trusting,
    "leak": Leak,
    "leak-descriptors": LeakDescriptors,
    "swap": Swap,
    "sluggish": Sluggish,
    "slow-output": SlowOutput,
    "wake-two": WakeTwo,
    "false-timeout": FalseTimeout,
    "bad-exit": BadExit,
    "no-ids": NoIDs,
    "lose": Lose,
    "smuggle": Smuggle,
    "echo": Echo,
    "choke": Choke,
    "undercharge": Undercharge,
    "no-delay": NoDelay,
    "ignored-need": IgnoredNeed,
    "one-address": OneAddress,
    "every-address": EveryAddress,
    "cancelled-first": CancelledFirst,
    "instant-guesses": InstantGuesses,
    "split-messages": SplitMessages,
    "kept-leases": KeptLeases,
}
