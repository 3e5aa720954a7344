#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets into directories of their names: `seeds.py DIRECTORY`.

They are the hostile openings of the parser's tests, and the transcripts of docs/protocol.md: whatever is added there is
fuzzed from the next time on.
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
SPEAKS = {"A": b"\xf8", "B": b"\xf9"}
DRAINS = b"\xf6"
DIRECTIONS = {"(half-closes)": b"\xfb", "(closes)": b"\xfc"}


def transcripts():
    document = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    return re.findall(r"```transcript\n(.*?)```", document, re.DOTALL)


def conversation(transcript):
    """What A and B say in a transcript; a did is the one that the first lease of a hub has."""
    said, speaker = b"", None
    for line in transcript.splitlines():
        if line == "(the server drains)":
            said += DRAINS
        if not (found := re.match(r"([AB])> (.*)", line)):
            continue
        if found[1] != speaker:
            speaker = found[1]
            said += SPEAKS[speaker]
        text = re.sub(r"<[a-z]+>", "1.0", found[2])
        said += DIRECTIONS[text] if text in DIRECTIONS else text.encode() + b"\n"
    return said


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


def write(directory, seeds):
    directory.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (directory / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


def main():
    out = Path(sys.argv[1])
    write(out / "requests", requests())
    write(out / "replies", map(replies, transcripts()))
    openings = [SPEAKS["A"] + seed + SPEAKS["B"] + b"PING\n" for seed in requests()]
    write(out / "conversations", [conversation(transcript) for transcript in transcripts()] + openings)


main()
