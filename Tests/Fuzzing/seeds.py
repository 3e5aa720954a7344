#!/usr/bin/env python3
"""Writes the seeds of each fuzz target into a folder of its name: `seeds.py FOLDER`.

The seeds are the hostile openings of the parser's tests and the transcripts of docs/protocol.md, so that additions to
these are fuzzed, too.
"""

import hashlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "Tests" / "Faults"))

import hostile_openings  # noqa: E402

#: See ConversationsTarget.swift.
SENDS = {"A": b"\xf8", "B": b"\xf9"}
DRAINS = b"\xf6"
EVENTS = {"(half-closes)": b"\xfb", "(closes)": b"\xfc"}


def transcripts():
    document = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    return re.findall(r"```transcript\n(.*?)```", document, re.DOTALL)


def conversation(transcript):
    """Returns the input for what A and B send in a transcript. Each delivery id is that of the hub's first lease."""
    sent, sender = b"", None
    for line in transcript.splitlines():
        if line == "(the server drains)":
            sent += DRAINS
        if not (found := re.match(r"([AB])> (.*)", line)):
            continue
        if found[1] != sender:
            sender = found[1]
            sent += SENDS[sender]
        text = re.sub(r"<[a-z]+>", "1.0", found[2])
        sent += EVENTS[text] if text in EVENTS else text.encode() + b"\n"
    return sent


def replies(transcript):
    return "".join(line[3:] + "\n" for line in transcript.splitlines() if line.startswith(("A<", "B<"))).encode()


def requests():
    for line in (
        hostile_openings.foreign()[::20]
        + hostile_openings.nonsense()
        + hostile_openings.rejected()
        + hostile_openings.ambiguous()
    ):
        yield line + b"\r\n" + hostile_openings.PAYLOAD + b"\nPING\n"
    for transcript in transcripts():
        yield re.sub(rb"[\xf6-\xff]", b"", conversation(transcript))


def web():
    """Yields requests with every kind of body, one after another, and frames of WebSockets."""
    lines = [
        b"GET /metrics",
        b"POST /c/a%2Fb?timeout=1s&call=1",
        b"GET /c/a?lease=1s",
        b"DELETE /d/0123?reject=x",
        b"GET /ws",
    ]
    headers = [
        b"",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Origin: http://h\r\nSec-Fetch-Site: same-origin\r\nAuthorization: Basic YTpi\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ]
    bodies = [b"", b"hello", b"5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n", b"", b"\x81\x84\1\2\3\4qkmc"]
    for line in lines:
        for header, body in zip(headers, bodies, strict=True):
            yield (line + b" HTTP/1.1\r\nHost: [::1]:80\r\n" + header + b"\r\n" + body) * 2
    mask = b"\1\2\3\4"
    for code in (0x01, 0x02, 0x80, 0x81, 0x82, 0x88, 0x89, 0x8A):
        for size in (0, 2, 125):
            yield (bytes([code, 0x80 | size]) + mask + bytes(size)) * 3
    yield b"\x82\xfe\x00\xc8" + mask + bytes(200)


def records():
    """Yields a choice, as in RecordsTarget.swift, and heads of records or what a client encrypts."""
    yield b"\x00\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"
    yield b"\x00\x15\x03\x01\x00\x02\x02\x28"
    for kind in b"\x14\x15\x16\x17":
        for length in (0, 1, 2, 32, 0x4000, 0x4101, 0xFFFF):
            yield b"\x01" + bytes([kind, 3, 3]) + length.to_bytes(2, "big") + b"\x01" * min(length, 64)
    for transcript in transcripts():
        yield b"\x03" + conversation(transcript)
    yield b"\x03" + b"\xfe" * 40 + b"x" * 300


def write(directory, seeds):
    directory.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (directory / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def main():
    out = Path(sys.argv[1])
    write(out / "requests", requests())
    write(out / "replies", map(replies, transcripts()))
    write(out / "records", records())
    write(out / "web", web())
    openings = [SENDS["A"] + seed + SENDS["B"] + b"PING\n" for seed in requests()]
    write(out / "conversations", [conversation(transcript) for transcript in transcripts()] + openings)


main()
