"""Clients that guess tokens: slowly, and at nobody else's expense."""

import contextlib
import os
import tempfile
import threading
import time

from battery import Figure, row
from clients import Client

#: The connections that guess at a time.
GUESSERS = 64


@row(
    "guesses",
    "64 connections guess the token of a user, each again and again",
    wrong={},
)
def guessed_tokens(conditions):
    seconds = conditions.count(full=10, quick=3)
    with tempfile.NamedTemporaryFile("w", suffix=".users") as users:
        users.write("alice s3cret\nbob hunter2\n")
        users.flush()
        os.chmod(users.name, 0o600)
        with conditions.daemon(users_file=users.name) as daemon:
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
    yield Figure("guesses decided", sum(decided for decided, _ in counts) / seconds, "a second", at_most=30)
    yield Figure("guesses refused", sum(refused for _, refused in counts) / seconds, "a second")
    yield Figure("another user waits", other * 1000, "ms", at_most=100)
    yield Figure("the same user waits afterwards", same, "s", at_most=1.5)


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


def _authentication_seconds(port, credentials):
    begin = time.monotonic()
    with Client(port) as client:
        reply = client.ask(b"auth %s\n" % credentials)
    return time.monotonic() - begin if reply.word == "OK" else float("inf")
