"""A strict parser of replies: everything that does not follow the grammar of docs/protocol.md is an error."""

import re
from dataclasses import dataclass

_NAME = rb"[A-Za-z0-9._:/][A-Za-z0-9._:/-]{0,199}"
_ATTRIBUTES = rb"(?: [A-Za-z][A-Za-z0-9-]*=[\x21-\x7e]*)*"
#: A reason is text for people, without control characters.
_TEXT = rb"[^\x00-\x1f\x7f]{1,300}"
_LINE = re.compile(
    rb"(?:#(?P<tag>[A-Za-z0-9._-]{1,32}) )?(?:"
    rb"(?P<plain>OK|ELSE)(?P<attributes>" + _ATTRIBUTES + rb")|"
    rb"(?P<bytes>MSG " + _NAME + rb"|DATA) (?P<length>0|[1-9][0-9]{0,9})(?P<terms>" + _ATTRIBUTES + rb")|"
    rb"(?P<bare>TIMEOUT|END)|"
    rb"(?P<ended>CLOSED|POISONED) " + _NAME + rb"(?: " + _TEXT + rb")?|"
    rb"(?P<withdrawn>CANCELLED)(?: " + _TEXT + rb")?|(?P<doubt>MAYBE) " + _TEXT + rb"|"
    rb"(?P<error>ERR) (?P<code>[a-z-]+)(?: " + _TEXT + rb")?)"
)
#: Longer than any line of a reply.
_MAX_LINE_BYTES = 2048


class BadReply(Exception):
    """Raised when the server sends bytes that are not a reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply. `word` is its first word, `code` the code of an `ERR`."""

    word: str
    tag: bytes | None = None
    code: str = ""
    attributes: tuple = ()
    body: bytes | None = None

    def attribute(self, key):
        return next((value for name, value in self.attributes if name == key), None)

    @property
    def delivery(self):
        """The id of the lease that begins with a message."""
        if not (delivery := self.attribute("did")):
            raise BadReply(f"{self.word} {self.code} begins no lease")
        return delivery.encode()


class ReplyReader:
    """Parses replies incrementally."""

    def __init__(self):
        self._input = bytearray()
        self._head = None

    @property
    def is_between_replies(self):
        return not self._input and self._head is None

    def feed(self, data):
        self._input += data

    def next(self):
        """Returns the next reply; None if it is incomplete."""
        if self._head is None:
            end = self._input.find(b"\n")
            if end < 0:
                if len(self._input) > _MAX_LINE_BYTES:
                    raise BadReply(f"a line without an end: {bytes(self._input[:80])!r}")
                return None
            self._head = _parsed(bytes(self._input[:end]))
            del self._input[: end + 1]
        reply, length = self._head
        if length is None:
            self._head = None
            return reply
        if len(self._input) <= length:
            return None
        if self._input[length] != 10:
            raise BadReply(f"no line end after a body of {length} bytes")
        body = bytes(self._input[:length])
        del self._input[: length + 1]
        self._head = None
        return Reply(reply.word, reply.tag, reply.code, reply.attributes, body)


def _parsed(line):
    """Returns the reply on a line, and the length of its body, or None if it has none."""
    match = _LINE.fullmatch(line)
    if not match:
        raise BadReply(f"not a reply: {line[:120]!r}")
    groups = match.groupdict()
    words = ("plain", "bytes", "bare", "ended", "withdrawn", "doubt", "error")
    word = next(groups[name] for name in words if groups[name])
    pairs = (groups["attributes"] or groups["terms"] or b"").decode().split()
    attributes = tuple(tuple(pair.split("=", 1)) for pair in pairs)
    code = (groups["code"] or b"").decode()
    length = None if groups["length"] is None else int(groups["length"])
    return Reply(word.split()[0].decode(), groups["tag"], code, attributes), length
