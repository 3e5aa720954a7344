"""Hostile bytes, as they arrive on a port that is open to the internet."""

import contextlib

import hostile_openings
from battery import Figure, exactly, row
from clients import Client
from replies import BadReply

#: In how many places each opening is split, one after the other.
PIECES = 10
#: Bytes and characters that end a line in some program.
CONTROLS = [bytes([number]) for number in (*range(1, 10), *range(11, 32), 127)]
BREAKS = [*CONTROLS, b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xc2\x85", b"\xff"]


def _conversations():
    """Yields what a client sends, and the first words of the replies or the code of a fatal error."""
    for end in (b"\n", b"\r\n"):
        for line in hostile_openings.foreign():
            yield line + end + b"Host: x" + end + end + b"SEND x smuggled" + end, ["not-sluice"]
        for line, header in hostile_openings.headed():
            word = "DATA" if b"/" in line and b"open" not in line else "OK"
            yield line + end + header + end + end + b"SEND x smuggled" + end, [word, "not-sluice"]
        for line in hostile_openings.nonsense():
            yield line + end + b"ping" + end, ["ERR", "OK"]
        for line in hostile_openings.rejected():
            yield line + end + hostile_openings.PAYLOAD + end + b"ping" + end, ["ERR", "OK"]
        for line in hostile_openings.ambiguous():
            yield line + end + hostile_openings.PAYLOAD + end + b"ping" + end, ["framing"]
    for number, character in enumerate(BREAKS):
        name = b"injected/%d" % number
        line = b"poison %s because%sOK%s#1 MSG x 1\n" % (name, character, character)
        yield line + b"recv %s\n" % name, ["OK", "POISONED"]


@row(
    "openings",
    "hostile openings: HTTP, TLS, SSH, telnet, NUL, bad UTF-8, lone CR, lengths that read two ways",
    wrong={"smuggle": "commands smuggled", "echo": "lines injected"},
)
def openings(conditions):
    conversations = list(_conversations())
    pieces = conditions.count(full=PIECES, quick=1)
    injected, unexpected = 0, 0
    with conditions.daemon() as daemon, Client(daemon.port) as witness:
        witness.send(b"#x recv count=* x\n#jobs recv count=* jobs\n")
        witness.ask(b"ping\n")
        for request, expected in conversations:
            for piece in range(pieces):
                try:
                    unexpected += _answers(daemon.port, request, len(request) * piece // pieces) != expected
                except BadReply:
                    injected += 1
        smuggled = _message_count(witness)
    yield Figure("openings", len(conversations) * pieces, at_least=5000 * pieces)
    yield exactly("commands smuggled", smuggled, 0)
    yield exactly("lines injected", injected, 0)
    yield exactly("unexpected replies", unexpected, 0)


def _answers(port, request, split):
    """Sends the request in two pieces, and returns the words of the replies."""
    with Client(port) as client:
        for piece in (request[:split], request[split:]):
            # The server may have closed the connection after the first piece.
            with contextlib.suppress(ConnectionError):
                client.send(piece)
        with contextlib.suppress(OSError):
            client.end_input()
        replies = []
        while reply := client.reply():
            replies.append(reply.code if reply.code in ("not-sluice", "framing") else reply.word)
    return replies


def _message_count(witness):
    return sum(reply.word == "MSG" for reply in witness.replies_before_pong())
