"""Records what senders and receivers were told, and checks whether all of it can be true.

The same rules as those of Tests/Faults/books.py.
"""

from __future__ import annotations

from collections import Counter
from collections import Counter as Counts

#: What a cancelled operation says about itself.
OUTCOMES: dict[bool | None, str] = {True: "sent", False: "not sent", None: "in doubt"}


class Books:
    """The outcomes of sends and receives, by the body of the message, which is unique."""

    def __init__(self) -> None:
        #: "sent", "not sent" or "in doubt".
        self.sent: dict[bytes, str] = {}
        self.received: Counts[bytes] = Counter()
        self.cancelled = 0

    def send(self, body: bytes) -> None:
        self.sent[body] = "in doubt"

    def told(self, body: bytes, outcome: str) -> None:
        self.sent[body] = outcome

    def receive(self, body: bytes) -> None:
        self.received[body] += 1

    def verdict(self) -> list[str]:
        """Returns what cannot be true."""
        wrong = [f"{body!r} was received, but never sent" for body in self.received if body not in self.sent]
        wrong += [f"{body!r} was received {count} times" for body, count in self.received.items() if count > 1]
        for body, outcome in self.sent.items():
            if outcome == "sent" and not self.received[body]:
                wrong.append(f"{body!r} was sent, but not received")
            if outcome == "not sent" and self.received[body]:
                wrong.append(f"{body!r} was not sent, but received")
        return wrong
