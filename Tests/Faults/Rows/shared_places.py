"""Clients that take every connection, and commands whose effects two reactors carry."""

import json
import resource

from battery import Figure, exactly, row
from clients import Client, crowd
from processes import ChildFailed

#: The connections that anybody may have, in the row below.
CONNECTIONS = 10_000


@row(
    "places",
    "one address holds every connection, and clients that have gone look as if they waited",
    wrong={"one-address": "other addresses served"},
)
def every_connection_is_taken(conditions):
    for count in conditions.count(full=(CONNECTIONS, 10 * CONNECTIONS), quick=(1000,)):
        yield from _taken(conditions, min(count, _most_connections()))


def _most_connections():
    """Returns how many connections the server has descriptors for, besides its reserve of an eighth."""
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200) * 8 // 9


def _taken(conditions, count):
    with conditions.daemon(connections=count) as daemon:
        hoard = crowd(daemon.port, count, source="127.0.2.1")
        refused = sum(_is_refused(daemon.port, "127.0.2.1") for _ in range(20))
        # From the server's view, these have finished sending and wait for a message.
        for client in hoard[: count // 2]:
            client.send(b"recv eof=wait jobs\n")
            client.close()
        others = [Client(daemon.port, source=f"127.0.3.{number}") for number in range(1, 101)]
        served = sum(_is_served(client) for client in others)
        for client in hoard[count // 2 :] + others:
            client.close()
    yield Figure("connections of one address", count)
    yield exactly("further ones of it refused", refused, 20)
    yield exactly("other addresses served", served, 100)


def _is_served(client):
    try:
        return client.ask(b"ping\n").word == "OK"
    except (ChildFailed, ConnectionError):
        return False


def _is_refused(port, source):
    with Client(port, source) as client:
        reply = client.reply()
        return reply is not None and reply.code == "limit"


@row(
    "reactors",
    "with 2 reactors, CANCEL and WAITERS race with the match of a waiting receive, and many addresses come and go",
    wrong={"cancelled-first": "OK to CANCEL before the message"},
)
def commands_race_with_matches(conditions):
    races = conditions.count(full=24_000, quick=400)
    # The second client is served by the other reactor.
    with conditions.daemon(reactors=2) as daemon, Client(daemon.port) as receiver, Client(daemon.port) as sender:
        cancels = [_race(receiver, sender, b"#q cancel #r\n") for _ in range(races)]
        reports = [_race(receiver, sender, b"#q waiters format=json c\n") for _ in range(races)]
        for number in range(conditions.count(full=20_000, quick=2000)):
            client = Client(daemon.port, source=f"127.0.2.{1 + number % 50}")
            client.reset() if number % 2 else client.close()
        survived = daemon.wait(0.1) is None
    early = sum(replies[0].tag == b"q" and replies[1].word == "MSG" for replies in cancels)
    shown = sum(replies[0].tag == b"q" and not _waiters(replies[0]) for replies in reports)
    yield exactly("OK to CANCEL before the message", early, 0, f"of {races}")
    yield exactly("WAITERS without the receive before its message", shown, 0, f"of {races}")
    yield exactly("survives connections of 50 addresses", int(survived), 1)
    yield Figure("matched before CANCEL", sum(replies[0].word == "MSG" for replies in cancels), at_least=1)
    yield Figure("matched before WAITERS", sum(replies[0].word == "MSG" for replies in reports), at_least=1)


def _race(receiver, sender, line):
    """Sends a message to a receive and a command about the receive at the same time. Returns both replies in order."""
    receiver.send(b"#r recv c\n")
    receiver.ask(b"ping\n")
    sender.send(b"send timeout=0 c x\n")
    receiver.send(line)
    replies = [receiver.awaited_reply(), receiver.awaited_reply()]
    sender.awaited_reply()
    return replies


def _waiters(reply):
    return json.loads(reply.body)["waiters"]
