"""Records what was sent and received."""

from __future__ import annotations

import contextlib
import itertools
import threading
from typing import Callable

from books import Books

import sluice
from sluice._protocol import Conversation


class Tally:
    """What one sender has sent, and what receivers have received and acknowledged."""

    def __init__(self, address: str, kind: str) -> None:
        self.sent = 0
        self.received: list[bytes] = []
        self.acknowledged: list[bytes] = []
        self.address = address
        self.kind = kind
        self.is_leased = kind == "leased"
        self._questions = itertools.count()
        self.answered = 0
        self.mixed = 0
        if kind == "wrong":
            # A client that drops what comes too late: the tests check that this is noticed.
            Conversation._give_back = lambda *_: None
        self._enough = threading.Event()

    # The steps of the test, which may be interrupted anywhere, and the other side, which is not

    def step(self, jobs: sluice.Channel[bytes]) -> Callable[[], None]:
        """Returns the function that is interrupted."""
        steps = {"sender": self.sender, "call": self.caller}
        return steps.get(self.kind, self.receiver)(jobs)

    def other_side(self) -> None:
        """Runs in a thread of its own until ``stop`` or the end of the channel."""
        {"sender": self.receive, "call": self.answer}.get(self.kind, self.send)()

    def end(self, jobs: sluice.Channel[bytes]) -> None:
        """Runs a step to its end, lets the other side end, and runs steps until the channel is closed."""
        step = self.step(jobs)
        step()
        self._enough.set()
        if self.kind in ("sender", "call"):
            jobs.close()
        try:
            while True:
                step()
        except sluice.Closed:
            pass

    def send(self) -> None:
        """Sends until ``stop``, then closes the channel."""
        with sluice.connect(self.address) as hub:
            jobs = hub.channel("jobs")
            while not self._enough.is_set():
                jobs.send(str(self.sent))
                self.sent += 1
            jobs.close()

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

    def caller(self, jobs: sluice.Channel[bytes]) -> Callable[[], None]:
        """Returns a function that asks a question of its own and looks at the answer."""

        def ask() -> None:
            question = b"%d" % next(self._questions)
            answer = jobs.call(question)
            self.answered += 1
            self.mixed += answer != question

        return ask

    def answer(self) -> None:
        """Answers each question by itself, until the channel is closed."""
        with sluice.connect(self.address) as hub:
            for job in hub.channel("jobs").leased(60, window=4):
                with contextlib.suppress(sluice.Stale):  # its caller does not wait any more
                    job.answer(job.raw)

    def verdict(self) -> str:
        """Says which outcomes cannot be true; of calls, how many answers were those to other questions."""
        if self.kind == "call":
            return f"mixed {self.mixed}" if self.answered else "nothing was answered"
        # Nothing was written into the books before, because an interruption could have come first.
        books = Books()
        for number in range(self.sent):
            books.send(b"%d" % number, self.is_leased)
            books.reply(b"%d" % number, "OK")
        for body in self.received:
            if self.is_leased:
                books.may_have_acknowledged(body)
            else:
                books.receive(body)
        books.confirmed.update(self.acknowledged)
        return str(books.verdict() or "nothing is wrong")
