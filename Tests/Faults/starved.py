"""A machine without memory."""

import resource
import time

from battery import Figure, exactly, row
from checker import Books
from clients import Client
from processes import ChildFailed

#: More than an idle server maps, and much less than clients may have it keep.
ROOM_BYTES = 96 << 20
BODY_BYTES = 1 << 20


@row(
    "no-memory",
    "an address space that is too small for what the limits allow, and for limits that fit",
    wrong={"false-timeout": "false outcomes with these"},
)
def no_memory(conditions):
    survived, wrong, _ = _flood(conditions, {})
    yield Figure("runs on with the usual limits", survived)
    yield exactly("false outcomes", wrong, 0)
    survived, wrong, refused = _flood(conditions, {"parked_bytes": 8 << 20, "kept_bytes": 8 << 20})
    yield exactly("runs on with limits that fit", survived, 1)
    yield Figure("refused", refused, at_least=1)
    yield exactly("false outcomes with these", wrong, 0)


def _flood(conditions, limits):
    """Has clients send more than there is room for, and one that receives a little of it meanwhile."""
    books = Books()
    with conditions.daemon(may_crash=True, **limits) as daemon:
        daemon.limit(resource.RLIMIT_AS, _mapped_bytes(daemon.pids[0]) + ROOM_BYTES)
        clients = []
        try:
            for number in range(4):
                client = Client(daemon.port)
                clients.append(client)
                for message in range(40):
                    body = b"l%d-%d" % (number, message)
                    books.send(body, with_lease=False)
                    client.say(b"#%s send len=%d flood\n%s\n" % (body, BODY_BYTES, body.ljust(BODY_BYTES)))
            with Client(daemon.port) as receiver:
                while (reply := receiver.ask(b"recv timeout=0 flood\n")).word == "MSG":
                    books.receive(reply.body.rstrip())
        except (ChildFailed, ConnectionError):
            pass  # The server has died of it, which is what it may do.
        for client in clients:
            _note(client, books)
            client.close()
        time.sleep(0.2)
        survived = int(daemon.wait(0.1) is None)
    return survived, sum(books.verdict().values()), books.count("ERR")


def _note(client, books):
    client.socket.settimeout(0.5)
    try:
        while reply := client.reply():
            if reply.tag in books.sent:
                books.reply(reply.tag, reply.word)
    except OSError:
        pass


def _mapped_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()
