"""Servers that end under load: nobody was told what is not so."""

import signal
import time
from collections import Counter

from battery import Figure, exactly, row
from checker import Books
from load import Load


def _lives(conditions, number, lives):
    """Ends so many servers under load. Yields the books of each, the status it ended with and how long it took."""
    for life in range(lives):
        books = Books()
        with conditions.daemon() as daemon:
            load = Load(daemon.port, books, seed=life)
            load.run(seconds=0.05 + life % 10 * 0.03)
            begin = time.monotonic()
            daemon.signal(number)
            # What is still on its way counts, too.
            load.run(seconds=35)
            status = daemon.wait(max(0.1, begin + 35 - time.monotonic()))
            seconds = time.monotonic() - begin
            load.close()
        yield books, status, seconds


def _figures(lives, conditions, number, wanted_status):
    wrong, words, statuses, longest = Counter(), Counter(), 0, 0
    for books, status, seconds in _lives(conditions, number, lives):
        wrong.update(books.verdict())
        words.update(word or "lost" for word in books.sent.values())
        statuses += status == wanted_status
        longest = max(longest, seconds if status is not None else float("inf"))
    yield exactly("false outcomes", sum(wrong.values()), 0, f"({', '.join(wrong)})" if wrong else "")
    yield exactly(f"exit status {wanted_status}", statuses, lives)
    yield Figure("longest end", longest, "s", at_most=30)
    yield Figure("OK", words["OK"])
    yield Figure("lost with their connection", words["lost"])
    yield Figure("others", sum(words.values()) - words["OK"] - words["lost"])


@row(
    "sigterm",
    "SIGTERM under load, 50 times",
    wrong={"early-ok": "false outcomes", "false-timeout": "false outcomes", "bad-exit": "exit status 0"},
)
def terminated_under_load(conditions):
    yield from _figures(conditions.count(full=50, quick=10), conditions, signal.SIGTERM, 0)


@row("sigkill", "SIGKILL under load, 50 times", wrong={"early-ok": "false outcomes", "false-timeout": "false outcomes"})
def killed_under_load(conditions):
    yield from _figures(conditions.count(full=50, quick=10), conditions, signal.SIGKILL, -signal.SIGKILL)
