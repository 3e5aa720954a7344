"""Records what senders and receivers were told, with the books of the fault battery, which check what can be true."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

_BATTERY = Path(__file__).resolve().parents[2] / "Tests" / "Faults" / "books.py"


def _load_books_of_battery() -> Any:
    spec = importlib.util.spec_from_file_location("books_of_battery", _BATTERY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Books


#: The first word of the reply that says what an operation says of itself: whether it has happened, None if in doubt.
REPLIES: dict[bool | None, str] = {True: "OK", False: "CANCELLED", None: "MAYBE"}


class Books(_load_books_of_battery()):  # type: ignore[misc]
    """The books of a test in which no process dies: each message that was sent has been received as well.

    In the books of the battery, a receiver may die with a message.
    """

    def __init__(self) -> None:
        super().__init__()
        #: The number of operations that were cancelled.
        self.cancelled = 0

    def may_have_acknowledged(self, body: bytes) -> None:
        """Records that a receiver had a message under a lease, and was perhaps interrupted while it acknowledged it."""
        if body in self.sent:
            self.acknowledged[body] += 1
        else:
            self.phantoms += 1

    def has_acknowledged(self, body: bytes) -> None:
        """Records that a receiver has acknowledged a message, and knows it."""
        self.may_have_acknowledged(body)
        self.confirmed[body] += 1

    def verdict(self) -> dict[str, int]:
        """Returns the number of outcomes that cannot be true, by the kind of contradiction."""
        wrong: dict[str, int] = super().verdict()
        got = self.received + self.acknowledged
        lost = sum(word == "OK" and not got[body] for body, word in self.sent.items())
        return {**wrong, "lost": lost} if lost else wrong
