"""Reads the transcripts of docs/protocol.md, which define what a server answers.

Each line of a transcript is a step, and the steps happen in the order of the lines:

- `A> line`: client A sends the line. `A< line`: client A receives the line.
- `A> (half-closes)`, `A> (closes)`: client A ends its sending side, or the connection.
- `A< (closes)`: the server closes client A's connection.
- `(A waits)`, `(A waits 2 times)`: the server has parked that many commands of client A.
- `(the server drains)`: the server gets SIGTERM.

In a line that a client receives, `<word>` stands for any word and then for that same word, `<A>` for the address of
client A, `...` for anything, and two or more spaces for any number of spaces.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

#: Written into the wheel by the build, from docs/protocol.md of the repository.
PACKAGED = Path(__file__).with_name("protocol.md")


@dataclass(frozen=True)
class Step:
    """A line of a transcript."""

    #: `sends`, `receives`, `half-closes`, `closes`, `sees-the-end`, `waits` or `drains`.
    action: str
    #: The letter of the client; empty for `drains`.
    client: str
    #: The line that is sent or received, or how often the client waits.
    text: str
    #: The number of the line in the document.
    line: int


@dataclass(frozen=True)
class Transcript:
    """A conversation of several clients with a server."""

    name: str
    heading: str
    line: int
    steps: tuple[Step, ...]

    @property
    def title(self) -> str:
        return f"{self.heading}: the server answers as protocol.md:{self.line} shows"

    @property
    def sent_lines(self) -> list[str]:
        """The lines that the clients send, without their tags."""
        return [re.sub(r"^#\S+ ", "", step.text) for step in self.steps if step.action == "sends"]

    @property
    def drains(self) -> bool:
        return any(step.action == "drains" for step in self.steps)

    @property
    def reports_on_everything(self) -> bool:
        """Whether a report shows what other clients of the server do."""
        return any(
            re.fullmatch(r"(info|clients|stuck|waiters|channels)( format=json)?", line) for line in self.sent_lines
        )

    @property
    def principals(self) -> bool:
        """Whether the server needs the users or principals of the document."""
        return any(line.startswith("auth ") for line in self.sent_lines)


def document() -> Path:
    """Returns protocol.md: of the repository that this file is in, otherwise the packaged one."""
    for folder in Path(__file__).resolve().parents:
        path = folder / "docs" / "protocol.md"
        if (folder / "Sources" / "SluiceWire").is_dir() and path.exists():
            return path
    return PACKAGED


def load(path: Path | None = None) -> list[Transcript]:
    """Returns the transcripts of the document, in its order."""
    path = path or document()
    return parse(path.read_text(encoding="utf-8"))


def parse(text: str) -> list[Transcript]:
    """Returns the transcripts of a document's text. Raises ValueError if a line of one is not a step."""
    transcripts: list[Transcript] = []
    heading = ""
    counts: dict[str, int] = {}
    steps: list[Step] | None = None
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            if fence and steps is not None:
                counts[heading] = counts.get(heading, 0) + 1
                name = f"{_slug(heading if len(transcripts) else 'introduction')}-{counts[heading]}"
                transcripts.append(Transcript(name, heading, steps[0].line, tuple(steps)))
            fence = "" if fence else line
            steps = [] if fence == "```transcript" else None
        elif steps is not None:
            steps.append(_step(line, number))
        elif not fence and (found := re.match(r"#+ (.*)", line)):
            heading = found[1]
    return transcripts


def _slug(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def _step(line: str, number: int) -> Step:
    if line == "(the server drains)":
        return Step("drains", "", "", number)
    if found := re.fullmatch(r"\(([A-Z]) waits(?: (\d+) times)?\)", line):
        return Step("waits", found[1], found[2] or "1", number)
    if found := re.fullmatch(r"([A-Z])([<>])(?: (.*))?", line):
        client, direction, said = found[1], found[2], found[3] or ""
        special = {
            (">", "(half-closes)"): "half-closes",
            (">", "(closes)"): "closes",
            ("<", "(closes)"): "sees-the-end",
        }.get((direction, said))
        return Step(special or ("sends" if direction == ">" else "receives"), client, said, number)
    raise ValueError(f"line {number} is not a step of a transcript: {line}")
