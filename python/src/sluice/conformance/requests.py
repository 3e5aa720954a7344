"""Reads what a client under test sends, and says where that breaks the grammar of docs/protocol.md."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_LINE = 8192
_NAME = re.compile(rb"[A-Za-z0-9._:/][A-Za-z0-9._:/-]{0,199}")
_TAG = re.compile(rb"[A-Za-z0-9._-]{1,32}")
_ID = re.compile(rb"[A-Za-z0-9._:/-]{1,64}")
_DID = re.compile(rb"\d+\.\d+")
_NUMBER = re.compile(rb"0|[1-9]\d*")
_DURATION = re.compile(rb"0|(0|[1-9]\d*)(ms|s|m|h)")

_WAITING = {"timeout": _DURATION, "eof": re.compile(rb"wait")}
_IDENTITY = {"id": _ID, "epoch": _NUMBER}
_LENGTH = {"len": _NUMBER}
_CONTEXT = {"trace": re.compile(rb"[!-~]{1,128}")}
_PAGES = {"format": re.compile(rb"text|json"), "after": _NAME, "limit": _NUMBER}
#: The options of each verb, and how many operands stand before its text. None as the last: it takes no text.
_VERBS: dict[str, tuple[dict[str, re.Pattern[bytes]], list[re.Pattern[bytes]], bool]] = {
    "HELLO": ({"features": re.compile(rb"\S*")}, [], False),
    "AUTH": ({}, [_NAME, re.compile(rb"\S+")], False),
    "NAME": ({"waits": re.compile(rb"all")}, [_NAME], False),
    "PING": (_LENGTH, [], True),
    "HELP": ({}, [], True),
    "CANCEL": ({}, [re.compile(rb"#" + _TAG.pattern)], False),
    "KILL": ({"client": re.compile(rb"\S+"), "principal": _NAME}, [], True),
    "QUIT": ({}, [], False),
    "SEND": (
        {
            **_WAITING,
            **_IDENTITY,
            **_LENGTH,
            "until": re.compile(rb"accepted|taken"),
            "need": _NUMBER,
            "delay": _DURATION,
            **_CONTEXT,
        },
        [_NAME],
        True,
    ),
    "CALL": ({**_WAITING, **_IDENTITY, **_LENGTH, **_CONTEXT}, [_NAME], True),
    "RECV": (
        {**_WAITING, "lease": _DURATION, "count": re.compile(rb"\*|[1-9]\d*"), "window": _NUMBER},
        [_NAME],
        False,
    ),
    "ACK": ({**_LENGTH, "reply": re.compile(rb"error")}, [_DID], True),
    "NACK": ({"delay": _DURATION}, [_DID], False),
    "REJECT": ({}, [_DID], True),
    "TOUCH": ({}, [_DID], False),
    "SELECT": ({**_WAITING, "order": re.compile(rb"fair|first|random")}, [], True),
    "OPEN": (
        {key: re.compile(rb"\S+") for key in ("cap", "overflow", "kind", "max-attempts", "dead", "retry")},
        [_NAME],
        False,
    ),
    "CLOSE": ({}, [_NAME], False),
    "POISON": ({}, [_NAME], True),
    "REDRIVE": ({"count": re.compile(rb"\*|[1-9]\d*")}, [_NAME], False),
    "JOIN": ({"end": re.compile(rb"send|recv"), "on-death": re.compile(rb"retire|poison")}, [_NAME], False),
    "LEAVE": ({"end": re.compile(rb"send|recv")}, [_NAME], False),
    "BARRIER": ({"parties": _NUMBER, **_WAITING}, [_NAME], False),
    "INFO": (_PAGES, [], False),
    "CHANNELS": (_PAGES, [], True),
    "WAITERS": (_PAGES, [], True),
    "CLIENTS": (_PAGES, [], False),
    "STUCK": (_PAGES, [], False),
    "TRACE": ({"format": _PAGES["format"]}, [], True),
}
_ARMS: dict[str, tuple[dict[str, re.Pattern[bytes]], bool]] = {
    "recv": ({"lease": _DURATION}, False),
    "send": ({"id": _ID, **_LENGTH, **_CONTEXT}, True),
    "barrier": ({"parties": _NUMBER}, False),
}


class GrammarError(Exception):
    """What the client has sent is not a command."""


@dataclass
class Arm:
    """An arm of a select."""

    word: str
    options: dict[str, str]
    channel: str
    body: bytes


@dataclass
class Request:
    """A command of the client."""

    line: str
    tag: str | None
    verb: str
    options: dict[str, str]
    operands: list[str]
    #: The text, or the body that followed the line.
    body: bytes
    arms: list[Arm] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The channel, barrier, did or tag; empty if the verb has none."""
        return self.operands[0] if self.operands else ""

    def __str__(self) -> str:
        return self.line


class RequestReader:
    """Turns bytes into requests, however they are split."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> None:
        self._buffer += data

    @property
    def unread(self) -> bytes:
        return self._buffer

    def next(self) -> Request | None:
        """Returns the next request; None if it has not come completely. Raises GrammarError if it is not one."""
        while True:
            line, separator, rest = self._buffer.partition(b"\n")
            if not separator:
                if len(line) > MAX_LINE:
                    raise GrammarError(f"a line is longer than {MAX_LINE} bytes")
                return None
            line = line[:-1] if line.endswith(b"\r") else line
            if line:
                break
            self._buffer = rest
        if len(line) > MAX_LINE:
            raise GrammarError(f"a line is longer than {MAX_LINE} bytes")
        request = parse_line(line)
        lengths = [arm.options for arm in request.arms] if request.arms else [request.options]
        bodies: list[bytes | None] = []
        for options in lengths:
            if "len" not in options:
                bodies.append(None)
                continue
            length = int(options["len"])
            end = rest[length : length + 2]
            if not end or end == b"\r":
                return None
            if not end.startswith((b"\n", b"\r\n")):
                raise GrammarError(f"no line end follows the body of {_shown(line)}")
            bodies.append(rest[:length])
            rest = rest[length + (1 if end[:1] == b"\n" else 2) :]
        for index, arm in enumerate(request.arms):
            given = bodies[index]
            arm.body = arm.body if given is None else given
        if not request.arms and (body := bodies[0]) is not None:
            request.body = body
        self._buffer = rest
        return request


def parse_line(line: bytes) -> Request:
    """Returns the request of a line, without its bodies. Raises GrammarError."""
    rest, tag = line, None
    if line.startswith(b"#"):
        word, _, rest = line[1:].partition(b" ")
        if not _TAG.fullmatch(word):
            raise GrammarError(f"the tag breaks its rules: {_shown(line)}")
        tag = word.decode()
    word, _, rest = rest.partition(b" ")
    verb = word.decode("latin-1").upper()
    if verb not in _VERBS:
        raise GrammarError(f"there is no such verb: {_shown(line)}")
    known, operand_rules, has_text = _VERBS[verb]
    options, rest = _options(rest, known, line)
    if verb == "SELECT":
        return Request(_shown(line), tag, verb, options, [], b"", [_arm(arm, line) for arm in rest.split(b" | ")])
    operands = []
    for rule in operand_rules:
        operand, _, rest = rest.partition(b" ")
        if not rule.fullmatch(operand):
            raise GrammarError(f"an operand is missing or breaks its rules: {_shown(line)}")
        operands.append(operand.decode("latin-1"))
    if rest.rstrip(b" ") and (not has_text or "len" in options):
        raise GrammarError(f"text follows where none may be: {_shown(line)}")
    if (verb == "TRACE" or (verb == "RECV" and "count" in options)) and tag is None:
        raise GrammarError(f"this command needs a tag: {_shown(line)}")
    if "epoch" in options and "id" not in options:
        raise GrammarError(f"epoch= needs id=: {_shown(line)}")
    return Request(_shown(line), tag, verb, options, operands, rest)


def _options(rest: bytes, known: dict[str, re.Pattern[bytes]], line: bytes) -> tuple[dict[str, str], bytes]:
    options: dict[str, str] = {}
    while found := re.match(rb"([A-Za-z-]+)=(\S*)(?: |$)", rest):
        key = found[1].decode().lower()
        if key not in known or key in options:
            raise GrammarError(f"{key}= is unknown for this command, or occurs twice: {_shown(line)}")
        if not known[key].fullmatch(found[2]):
            raise GrammarError(f"the value of {key}= breaks its rules: {_shown(line)}")
        options[key] = found[2].decode("latin-1")
        rest = rest[found.end() :]
    return options, rest


def _arm(text: bytes, line: bytes) -> Arm:
    word, _, rest = text.partition(b" ")
    name = word.decode("latin-1").lower()
    if name == "else" and not rest:
        return Arm("else", {}, "", b"")
    if name not in _ARMS:
        raise GrammarError(f"an arm is not recv, send, barrier or else: {_shown(line)}")
    known, has_text = _ARMS[name]
    options, rest = _options(rest, known, line)
    channel, _, body = rest.partition(b" ")
    if not _NAME.fullmatch(channel) or (body and (not has_text or "len" in options)):
        raise GrammarError(f"an arm breaks the grammar: {_shown(line)}")
    return Arm(name, options, channel.decode(), body)


def _shown(line: bytes) -> str:
    text = line[:120].decode("utf-8", "backslashreplace")
    return text + "..." if len(line) > 120 else text
