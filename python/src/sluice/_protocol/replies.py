"""Replies of the server: bytes in, replies out, however the bytes are split."""

from __future__ import annotations

from urllib.parse import unquote

from sluice import errors
from sluice.errors import ProtocolError, SluiceError

_LONGEST_LINE = 1 << 16
_LONGEST_BODY = 1 << 30
_ENDINGS = (b"CLOSED", b"POISONED", b"REJECTED")


class Reply:
    """A reply. ``kind`` is its first word; ``reason`` the text of an ending, or the code of an ``ERR``."""

    __slots__ = ("arm", "attributes", "body", "channel", "kind", "reason", "tag", "text")

    def __init__(self, tag: bytes | None, kind: str, attributes: dict[str, str] | None = None) -> None:
        self.tag = tag
        self.kind = kind
        self.attributes: dict[str, str] = {} if attributes is None else attributes
        self.body = b""
        self.channel: str | None = None
        self.arm: int | None = None
        self.reason: str | None = None
        self.text = ""

    def __repr__(self) -> str:
        shown = " ".join(f"{key}={value}" for key, value in self.attributes.items())
        parts = [self.kind, self.channel, self.reason, self.text, shown, repr(self.body) if self.body else ""]
        return f"<Reply {' '.join(part for part in parts if part)}>"


def _attributes(words: list[bytes]) -> dict[str, str]:
    result: dict[str, str] = {}
    for word in words:
        key, found, value = word.partition(b"=")
        if found:
            result[key.decode("ascii", "replace")] = value.decode("utf-8", "replace")
    return result


def parse_line(line: bytes) -> tuple[Reply, int]:
    """Parses the line of a reply. Returns it and the length of the body that follows, or -1."""
    tag: bytes | None = None
    if line[:1] == b"#":
        tag, _, line = line[1:].partition(b" ")
    if line == b"OK":
        return Reply(tag, "OK"), -1
    word, _, rest = line.partition(b" ")
    if word == b"MSG":
        words = rest.split(b" ")
        if len(words) < 2:
            raise ProtocolError("the server sent a MSG without its length")
        reply = Reply(tag, "MSG", _attributes(words[2:]) if len(words) > 2 else None)
        reply.channel = words[0].decode("ascii", "replace")
        return _with_arm(reply), _length(words[1])
    if word == b"DATA":
        words = rest.split(b" ")
        return Reply(tag, "DATA", _attributes(words[1:])), _length(words[0])
    if word in (b"OK", b"TIMEOUT", b"ELSE", b"END"):
        return _with_arm(Reply(tag, word.decode(), _attributes(rest.split(b" ")))), -1
    if word in _ENDINGS:
        return _ending(tag, word.decode(), rest), -1
    if word in (b"CANCELLED", b"MAYBE"):
        reply = Reply(tag, word.decode())
        reply.reason = rest.decode("utf-8", "replace") or None
        return reply, -1
    if word in (b"ERR", b"MOVED"):
        code, _, text = rest.partition(b" ")
        reply = Reply(tag, word.decode())
        reply.reason = code.decode("ascii", "replace")
        reply.text = text.decode("utf-8", "replace")
        return reply, -1
    raise ProtocolError("the peer is not a Sluice server: it answered " + repr(line[:60])[1:])


def _with_arm(reply: Reply) -> Reply:
    arm = reply.attributes.get("arm")
    if arm is not None and arm.isdigit():
        reply.arm = int(arm)
    return reply


def _ending(tag: bytes | None, kind: str, rest: bytes) -> Reply:
    reply = Reply(tag, kind)
    channel, _, reason = rest.partition(b" ")
    reply.channel = channel.decode("ascii", "replace")
    if reason.startswith(b"arm="):
        arm, _, reason = reason[4:].partition(b" ")
        reply.arm = int(arm) if arm.isdigit() else None
    # The server puts a second space before a reason that begins like an arm.
    if reason.startswith(b" "):
        reason = reason[1:]
    reply.reason = reason.decode("utf-8", "replace") or None
    return reply


def _length(word: bytes) -> int:
    if not word.isdigit() or len(word) > 10 or int(word) > _LONGEST_BODY:
        raise ProtocolError("the server sent a body without a valid length")
    return int(word)


class ReplyParser:
    """Splits the server's bytes into replies."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0
        self._head: Reply | None = None
        self._needed = 0

    def feed(self, data: bytes) -> list[Reply]:
        """Takes bytes and returns the replies that are complete."""
        buffer = self._buffer
        buffer += data
        replies: list[Reply] = []
        start = 0
        while True:
            if self._head is not None:
                end = start + self._needed
                if len(buffer) <= end:
                    break
                if buffer[end] != 10:
                    raise ProtocolError("no line end follows the body of a reply")
                self._head.body = bytes(buffer[start:end])
                replies.append(self._head)
                self._head = None
                self._scanned = start = end + 1
                continue
            end = buffer.find(b"\n", max(start, self._scanned))
            if end < 0:
                self._scanned = len(buffer)
                if len(buffer) - start > _LONGEST_LINE:
                    raise ProtocolError("the peer sent a line that is too long for a reply")
                break
            reply, length = parse_line(bytes(buffer[start:end]).rstrip(b"\r"))
            self._scanned = start = end + 1
            if length < 0:
                replies.append(reply)
            else:
                self._head, self._needed = reply, length
        if start:
            del buffer[:start]
            self._scanned = max(0, self._scanned - start)
        return replies


_REFUSALS = {
    "denied": errors.Denied,
    "auth-required": errors.AuthRequired,
    "stale": errors.Stale,
    "limit": errors.LimitExceeded,
    "too-big": errors.LimitExceeded,
    "too-long": errors.LimitExceeded,
    "conflict": errors.Conflict,
    "not-found": errors.NotFound,
    "draining": errors.Draining,
    "not-sluice": errors.ProtocolError,
    "framing": errors.ProtocolError,
    "tag-in-use": errors.ProtocolError,
    "syntax": errors.BadRequest,
    "unknown-command": errors.BadRequest,
    "bad-option": errors.BadRequest,
    "bad-name": errors.BadRequest,
    "bad-number": errors.BadRequest,
}


def error_of(reply: Reply) -> SluiceError:
    """Returns the exception for a reply that is not a success."""
    kind, reason, channel = reply.kind, reply.reason, reply.channel
    because = f": {reason}" if reason else ""
    if kind == "TIMEOUT":
        timed_out = errors.TimedOut("the time ran out while waiting")
        if reply.attributes.get("receivers") == "0":
            timed_out = errors.TimedOut("the time ran out, and nobody receives from the channel")
            timed_out.no_receivers = True
        return timed_out
    if kind == "CLOSED":
        return errors.Closed(f"channel {channel} is closed{because}", channel=channel, reason=reason, arm=reply.arm)
    if kind == "POISONED":
        return errors.Poisoned(f"channel {channel} is poisoned{because}", channel=channel, reason=reason, arm=reply.arm)
    if kind == "REJECTED":
        return errors.Rejected(
            f"a receiver on channel {channel} has rejected the message{because}",
            channel=channel,
            reason=reason,
            arm=reply.arm,
        )
    if kind == "CANCELLED":
        if reason == "draining":
            return errors.Draining("the server is about to stop", reason=reason)
        if reason == "dropped":
            return errors.Dropped("the channel has dropped the message", reason=reason)
        return errors.Withdrawn(f"the operation was withdrawn{because}", reason=reason)
    if kind == "MAYBE":
        if reason == "epoch":
            return errors.InDoubt(
                "the server was restarted after the first attempt, which may have been received", reason=reason
            )
        return errors.InDoubt(f"the operation may have happened{because}", reason=reason)
    if kind == "ERR":
        code = reason or "error"
        return _REFUSALS.get(code, SluiceError)(f"{code}: {reply.text}" if reply.text else code, code=code)
    if kind == "MOVED":
        return errors.ConnectionLost(f"another server owns the channel: {reply.text}", code="moved")
    return errors.ProtocolError(f"the server gave an unexpected answer: {kind}")


def decoded(value: str) -> str:
    """Decodes a percent-encoded attribute."""
    return unquote(value, errors="replace")
