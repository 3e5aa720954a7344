"""Servers that end under load: every reply that a client got is true."""

import signal
import time
from collections import Counter

from battery import Figure, exactly, row
from books import Books
from load import Load


def _endings(conditions, number, count):
    """Ends servers under load. Yields the books, the exit status and the seconds that ending took, for each of them."""
    for index in range(count):
        books = Books()
        with conditions.daemon() as daemon:
            load = Load(daemon.port, books, seed=index)
            load.run(seconds=0.05 + index % 10 * 0.03)
            begin = time.monotonic()
            daemon.signal(number)
            # Replies that are still on their way count, too.
            load.run(seconds=35)
            status = daemon.wait(max(0.1, begin + 35 - time.monotonic()))
            seconds = time.monotonic() - begin
            load.close()
        yield books, status, seconds


def _figures(count, conditions, number, wanted_status):
    wrong, words, statuses, longest = Counter(), Counter(), 0, 0
    for books, status, seconds in _endings(conditions, number, count):
        wrong.update(books.verdict())
        words.update(word or "lost" for word in books.sent.values())
        statuses += status == wanted_status
        longest = max(longest, seconds if status is not None else float("inf"))
    yield exactly("false outcomes", sum(wrong.values()), 0, f"({', '.join(wrong)})" if wrong else "")
    yield exactly("expected exit statuses", statuses, count)
    yield Figure("ended after", longest, "s", at_most=30)
    yield Figure("OK", words["OK"])
    yield Figure("lost with their connection", words["lost"])
    yield Figure("other replies", sum(words.values()) - words["OK"] - words["lost"])


@row(
    "sigterm",
    "servers are ended with SIGTERM under load",
    wrong={"early-ok": "false outcomes", "false-timeout": "false outcomes", "bad-exit": "expected exit statuses"},
)
def terminated_under_load(conditions):
    yield from _figures(conditions.count(full=50, quick=10), conditions, signal.SIGTERM, 0)


@row(
    "sigkill",
    "servers are killed with SIGKILL under load",
    wrong={"early-ok": "false outcomes", "false-timeout": "false outcomes"},
)
def killed_under_load(conditions):
    yield from _figures(conditions.count(full=50, quick=10), conditions, signal.SIGKILL, -signal.SIGKILL)
