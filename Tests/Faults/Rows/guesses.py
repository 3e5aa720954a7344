"""Clients that guess tokens: slowly, and at nobody else's expense."""

import contextlib
import threading
import time

from battery import Figure, row
from clients import Client
from daemon import private_file
from stopwatch import Stopwatch

#: The connections that guess again and again.
GUESSERS = 64
#: The connections that guess at the same time, once each.
CROWD = 14_000


@row(
    "guesses",
    "64 connections guess the token of a user, each again and again; then 14 000 guess at once, ten times",
    wrong={"instant-guesses": "guesses decided"},
)
def guessed_tokens(conditions):
    seconds = conditions.count(full=10, quick=3)
    users = "alice s3cret\nbob hunter2\n"
    with private_file(users) as path, conditions.daemon(users_file=path, connections=20_000) as daemon:
        # Wrong tokens of an address do not delay the users that have authenticated from there before.
        _authentication_seconds(daemon.port, b"bob hunter2")
        end = time.monotonic() + seconds
        counts = [[0, 0] for _ in range(GUESSERS)]
        threads = [threading.Thread(target=_guess, args=(daemon.port, end, count)) for count in counts]
        for thread in threads:
            thread.start()
        time.sleep(1)
        other = max(_authentication_seconds(daemon.port, b"bob hunter2") for _ in range(20))
        for thread in threads:
            thread.join()
        same = _authentication_seconds(daemon.port, b"alice s3cret")
        crowd = conditions.count(full=CROWD, quick=500)
        rounds = [_guess_together(daemon, crowd) for _ in range(conditions.count(full=10, quick=1))]
    yield Figure("guesses decided", sum(decided for decided, _ in counts) / seconds, "a second", at_most=30)
    yield Figure("guesses refused", sum(refused for _, refused in counts) / seconds, "a second")
    yield Figure("another user waits", other * 1000, "ms", at_most=100)
    yield Figure("the same user waits afterwards", same, "s", at_most=1.5)
    yield Figure(f"decided of {crowd} at once", max(decided for decided, _ in rounds), at_most=30)
    yield Figure("another client waits meanwhile", max(wait for _, wait in rounds) * 1000, "ms", at_most=20)


def _guess(port, end, count):
    while time.monotonic() < end:
        data = b""
        # The server may close the connection before it has read the guess.
        with contextlib.suppress(ConnectionError), Client(port) as client:
            client.send(b"auth alice guess\n")
            data = client.socket.recv(200)
        is_decided = b"wrong token" in data
        count[0] += is_decided
        count[1] += not is_decided
        # A client that was refused tries again at once, but does not keep the machine busy.
        if not is_decided:
            time.sleep(0.01)


def _guess_together(daemon, count):
    """Lets many connections guess at the same time. Returns how many guesses are decided, and another client's wait."""
    with Client(daemon.port) as other:
        other.ask(b"auth bob hunter2\n")
        guessers = [Client(daemon.port, source="127.0.6.1") for _ in range(count)]
        longest = 0
        for number, guesser in enumerate(guessers):
            # The server closes connections that have not authenticated in time.
            with contextlib.suppress(ConnectionError):
                guesser.send(b"auth alice guess\n")
            if number % 100 == 0:
                with Stopwatch("self", daemon.pids[0]) as watch:
                    other.ask(b"ping\n")
                longest = max(longest, watch.seconds - watch.delayed_seconds)
        decided = 0
        for guesser in guessers:
            with contextlib.suppress(ConnectionError):
                decided += b"wrong token" in guesser.socket.recv(200)
            guesser.close()
    return decided, longest


def _authentication_seconds(port, credentials):
    begin = time.monotonic()
    with Client(port) as client:
        reply = client.ask(b"auth %s\n" % credentials)
    return time.monotonic() - begin if reply.word == "OK" else float("inf")
