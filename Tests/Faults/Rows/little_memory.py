"""A machine that runs out of memory."""

import resource

from battery import Figure, exactly, row
from books import Books
from clients import Client
from processes import ChildFailed

#: More than an idle server needs, and much less than the default limits allow clients to use.
SPARE_BYTES = 96 << 20
BODY_BYTES = 1 << 20
CLIENTS = 4


@row(
    "no-memory",
    "an address space that is too small for the default limits, and one that is large enough",
    wrong={"false-timeout": "false outcomes with limits that fit"},
)
def no_memory(conditions):
    survived, wrong, _ = _flood(conditions, {})
    yield Figure("survives with default limits", survived)
    yield exactly("false outcomes with default limits", wrong, 0)
    survived, wrong, rejected = _flood(conditions, {"parked_bytes": 8 << 20, "kept_bytes": 8 << 20})
    yield exactly("survives with limits that fit", survived, 1)
    yield Figure("rejected", rejected, at_least=1)
    yield exactly("false outcomes with limits that fit", wrong, 0)


def _flood(conditions, limits):
    """Sends more than fits into memory, and receives some. Returns survival, false outcomes and rejected sends."""
    books = Books()
    with conditions.daemon(may_crash=True, **limits) as daemon:
        daemon.limit(resource.RLIMIT_AS, _mapped_bytes(daemon.pids[0]) + SPARE_BYTES)
        clients = []
        try:
            for number in range(CLIENTS):
                client = Client(daemon.port)
                clients.append(client)
                for message in range(40):
                    body = b"l%d-%d" % (number, message)
                    books.send(body, with_lease=False)
                    client.send(b"#%s send len=%d flood\n%s\n" % (body, BODY_BYTES, body.ljust(BODY_BYTES)))
            with Client(daemon.port) as receiver:
                while (reply := receiver.ask(b"recv timeout=0 flood\n")).word == "MSG":
                    books.receive(reply.body.rstrip())
        except (ChildFailed, ConnectionError):
            pass  # The server may run out of memory and end.
        # When a client has its last reply, the server has dealt with everything that the client sent.
        answered = sum(_record(client, books) for client in clients)
        for client in clients:
            client.close()
        survived = int(answered == CLIENTS and daemon.wait(0.1) is None)
    return survived, sum(books.verdict().values()), books.count("ERR")


def _record(client, books):
    """Enters the replies to all sends that have ended. Returns whether the server still answers."""
    try:
        for reply in client.replies_before_pong():
            if reply.tag in books.sent:
                books.reply(reply.tag, reply.word)
    except (ChildFailed, ConnectionError):
        return False
    return True


def _mapped_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()
