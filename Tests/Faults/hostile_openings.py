"""Hostile openings, read from the lists in the parser's tests, so that there is one place to add to."""

import re
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1] / "SluiceWireTests"
_LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", '"': '"', "\\": "\\"}
#: The ten bytes that the tests use as a body. Read as lines, they are commands.
PAYLOAD = b"SEND x y\n\n"


def _list(file, beginning):
    """Returns the text between the brackets that follow `beginning` in a file of tests."""
    text = next(_TESTS.rglob(file)).read_text(encoding="utf-8")
    start = text.index("[", text.index(beginning) + len(beginning))
    return re.match(r"\[((?:\[[^\]]*\]|\"(?:[^\"\\]|\\.)*\"|[^\]\"])*)\]", text[start:])[1]


def _strings(file, beginning):
    return [_unescaped(literal) for literal in _LITERAL.findall(_list(file, beginning))]


def _unescaped(literal):
    text = re.sub(r"\\u\{([0-9A-Fa-f]+)\}", lambda found: chr(int(found[1], 16)), literal)
    return re.sub(r"\\(.)", lambda found: _ESCAPES[found[1]], text).encode()


def _byte_lists(file, beginning):
    rows = re.findall(r"\[((?:\s*0x[0-9A-Fa-f]{2},?)+)\s*\]", _list(file, beginning))
    return [bytes(int(number, 16) for number in re.findall(r"0x[0-9A-Fa-f]{2}", row)) for row in rows]


def foreign():
    """Returns openings of other protocols: the connection ends before the next line is read."""
    methods = _strings("OpeningTests.swift", "static let methods =")
    targets = _strings("OpeningTests.swift", "static let targets =")
    versions = _strings("OpeningTests.swift", "static let versions =")
    requests = [b"%s %s %s" % (m, t, v) for m in methods for t in targets for v in versions]
    return [*requests, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"SSH-2.0-OpenSSH_9.6"]


def headed():
    """Returns pairs of a valid command and a header that follows it: the connection ends with the header."""
    headers = _strings("OpeningTests.swift", "static let headers =")
    commands = (b"PING /", b"#a PING / x", b"ping", b"open /")
    return [(command, header) for command in commands for header in headers]


def nonsense():
    """Returns lines that are rejected, after which the next line is read as a command."""
    return _byte_lists("OpeningTests.swift", "static let nonsense: [[UInt8]] =")


def rejected():
    """Returns lines that are rejected, and that announce the payload as their body."""
    return _strings("SmugglingTests.swift", "static let refusedLines =")


def ambiguous():
    """Returns lines whose body length is ambiguous: the connection ends."""
    lengths = _strings("SmugglingTests.swift", "static let unknowableLengths =")
    lines = (b"SEND len=%s jobs", b"FROB len=%s", b"SELECT recv a | send len=%s b")
    return [line % length for length in lengths for line in lines]
