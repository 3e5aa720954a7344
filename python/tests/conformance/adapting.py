"""What the adapters of the faces of the Python client share."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote_to_bytes

import sluice

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_OUTCOMES: list[tuple[type[BaseException], str]] = [
    (sluice.TimedOut, "timeout"),
    (sluice.Closed, "closed"),
    (sluice.Poisoned, "poisoned"),
    (sluice.Rejected, "rejected"),
    (sluice.Draining, "draining"),
    (sluice.Stale, "stale"),
    (sluice.InDoubt, "doubt"),
    (sluice.NoAnswer, "ok"),
    (sluice.Dropped, "withdrawn"),
    (sluice.ConnectionLost, "disconnected"),
    (sluice.ProtocolError, "broken"),
]
_output = threading.Lock()


@dataclass
class Instruction:
    """An instruction of the kit."""

    number: str
    verb: str
    options: dict[str, str]
    operands: list[str]

    @property
    def body(self) -> bytes:
        return unquote_to_bytes(self.operands[1]) if len(self.operands) > 1 else b""

    @property
    def timeout(self) -> float | None:
        return self._seconds("timeout")

    @property
    def lease(self) -> float | None:
        return self._seconds("lease")

    @property
    def arms(self) -> list[list[str]]:
        return [arm.split(" ") for arm in " ".join(self.operands).split(" | ")]

    def _seconds(self, option: str) -> float | None:
        if option not in self.options:
            return None
        text = self.options[option]
        unit = text.lstrip("0123456789")
        return int(text[: len(text) - len(unit)]) * _UNITS.get(unit, 1.0)


def parsed(line: str) -> Instruction:
    number, verb, *words = line.rstrip("\n").split(" ")
    count = next((index for index, word in enumerate(words) if "=" not in word), len(words))
    options = dict(word.split("=", 1) for word in words[:count])
    return Instruction(number, verb, options, words[count:])


def show(*words: str) -> None:
    with _output:
        sys.stdout.write(" ".join(words).rstrip() + "\n")
        sys.stdout.flush()


def encoded(body: bytes) -> str:
    return quote_from_bytes(body)


def outcome(error: BaseException) -> str:
    for kind, word in _OUTCOMES:
        if isinstance(error, kind):
            return f"{word} {error}".replace("\n", " ")
    if isinstance(error, sluice.Withdrawn):
        return "withdrawn" if error.reason else "cancelled"
    if isinstance(error, sluice.SluiceError):
        return f"error {error.code} {error}".replace("\n", " ")
    return f"broken {type(error).__name__}: {error}".replace("\n", " ")
