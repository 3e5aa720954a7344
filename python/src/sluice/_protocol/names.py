"""Names, ids and durations as the protocol spells them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Union

from sluice.errors import BadRequest

Text = Union[str, bytes]

_NAME = re.compile(r"[A-Za-z0-9._:/][A-Za-z0-9._:/-]{0,199}")
_ID = re.compile(r"[A-Za-z0-9._:/-]{1,64}")
_TRACE = re.compile(r"[!-~]{1,128}")
_LONGEST_SECONDS = 100 * 365 * 24 * 3600


@lru_cache(maxsize=4096)
def name(text: str, what: str = "channel") -> bytes:
    """Returns the bytes of a name of a channel, a barrier, a label or a principal."""
    if not isinstance(text, str) or not _NAME.fullmatch(text):
        raise BadRequest(
            f"the {what} {text!r} must be 1 to 200 bytes of A-Z a-z 0-9 . _ : / - and must not begin with -",
            code="bad-name",
        )
    return text.encode()


def message_id(text: str) -> bytes:
    """Returns the bytes of a message's id."""
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise BadRequest(f"the id {text!r} must be 1 to 64 bytes of A-Z a-z 0-9 . _ : / -", code="bad-name")
    return text.encode()


def trace(text: str) -> bytes:
    """Returns the bytes of the trace context of a message."""
    if not isinstance(text, str) or not _TRACE.fullmatch(text):
        raise BadRequest(f"trace must be 1 to 128 visible ASCII characters, not {text!r}", code="bad-option")
    return text.encode()


def count(value: int, what: str, least: int = 1) -> bytes:
    """Returns the digits of a number that is at least ``least``."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise BadRequest(f"{what} must be a whole number of at least {least}, not {value!r}", code="bad-number")
    return b"%d" % value


def duration(seconds: float, what: str = "timeout") -> bytes:
    """Returns a duration in the protocol's unit, rounded up to whole milliseconds."""
    if not _is_possible(seconds):
        raise BadRequest(f"{what} must be 0 to 100 years, in seconds, not {seconds!r}", code="bad-number")
    milliseconds = int(-(-seconds * 1000 // 1))
    if milliseconds == 0:
        return b"0"
    if milliseconds % 1000 == 0:
        return b"%ds" % (milliseconds // 1000)
    return b"%dms" % milliseconds


def checked_timeout(seconds: float | None) -> float | None:
    """Returns the timeout if it can be sent; None and infinity wait for ever."""
    if seconds is None or seconds == float("inf"):
        return None
    if not _is_possible(seconds):
        duration(seconds)
    return seconds


def _is_possible(seconds: float) -> bool:
    try:
        return 0 <= seconds <= _LONGEST_SECONDS
    except TypeError:
        return False


def lease(seconds: float) -> bytes:
    """Returns the duration of a lease, which is at least a millisecond."""
    milliseconds = duration(seconds, "a lease")
    if milliseconds == b"0":
        raise BadRequest(f"a lease must be longer than 0 seconds, not {seconds!r}", code="bad-number")
    return milliseconds


def text(value: Text) -> bytes:
    """Returns the bytes of a reason. Spaces replace its line ends, which would end the command."""
    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else bytes(value)
    return data.replace(b"\r", b" ").replace(b"\n", b" ").strip(b" ")


def token(value: str) -> bytes:
    """Returns the bytes of a token: visible bytes without spaces."""
    data = value.encode()
    if not data or any(byte <= 0x20 or byte == 0x7F for byte in data):
        raise BadRequest("a token must have at least one byte, and no spaces or control characters")
    return data
