"""Counts what was sent and received."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Callable

import sluice
from sluice._protocol import Conversation


class Tally:
    """What one sender has sent, and what receivers have received and acknowledged."""

    def __init__(self, address: str, kind: str) -> None:
        self.sent = 0
        self.received: list[bytes] = []
        self.acknowledged: list[bytes] = []
        self.address = address
        self.is_leased = kind == "leased"
        if kind == "wrong":
            # A client that drops what comes too late: the tests check that this is noticed.
            Conversation.give_back = lambda *_: None
        self._enough = threading.Event()

    def send(self) -> None:
        """Sends until ``stop``, then closes the channel."""
        with sluice.connect(self.address) as hub:
            jobs = hub.channel("jobs")
            while not self._enough.is_set():
                jobs.send(str(self.sent))
                self.sent += 1
            jobs.close()

    def stop(self) -> None:
        """Lets the sender end."""
        self._enough.set()

    def receiver(self, jobs: sluice.Channel[bytes]) -> Callable[[], None]:
        """Returns a function that receives one message. It can be interrupted anywhere."""

        def receive_plain() -> None:
            self.received.append(jobs.recv())

        def receive_leased() -> None:
            with jobs.recv_leased(60) as job:
                self.received.append(job.raw)
                job.ack()
                self.acknowledged.append(job.raw)

        return receive_leased if self.is_leased else receive_plain

    def sender(self, jobs: sluice.Channel[bytes]) -> Callable[[], None]:
        """Returns a function that sends the next message. When it is interrupted, it sends the same one again."""

        def send_next() -> None:
            jobs.send(str(self.sent), id=f"message-{self.sent}")
            self.sent += 1

        return send_next

    def receive(self) -> None:
        """Receives until the channel is closed."""
        with sluice.connect(self.address) as hub:
            self.received += hub.channel("jobs")

    def verdict(self) -> str:
        """Says how many messages were lost, and how many came once more although they had been received."""
        counts = Counter(int(body) for body in self.received)
        lost = sum(counts[number] == 0 for number in range(self.sent))
        if self.is_leased:
            # A message whose acknowledgement was interrupted may come again.
            acknowledged = Counter(self.acknowledged)
            doubled = sum(count > 1 for count in acknowledged.values())
        else:
            doubled = sum(count > 1 for count in counts.values())
        return f"lost {lost}, doubled {doubled}"
