"""Where a connection is, and what its untagged replies answer."""

from __future__ import annotations

from enum import IntEnum


class Phase(IntEnum):
    """Where the connection is."""

    OFFLINE = 0
    GREETING = 1
    AUTHENTICATING = 2
    READY = 3
    CLOSING = 4  # QUIT was sent
    ENDED = 5


class Question(IntEnum):
    """What an untagged reply answers, if it is not an operation."""

    GREETING = 0
    CREDENTIALS = 1
    ASIDE = 2
    QUIT = 3


class Renewal:
    """A ``TOUCH`` that the conversation has sent by itself."""

    __slots__ = ("did",)

    def __init__(self, did: str) -> None:
        self.did = did
