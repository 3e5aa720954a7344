"""HTTP clients that hold leases of a server, or as a principal, that may have no further connection."""

import hashlib

from battery import Figure, exactly, row
from clients import Client
from daemon import private_file
from http_clients import HTTPClient, get, post
from processes import ChildFailed

_TOKEN = b"s3cret"
_CREDENTIALS = b"Authorization: Bearer worker:" + _TOKEN
#: The connections that a principal may have.
_FEW = 3
_PRINCIPALS = f"""principals:
  worker:
    tokens: ["sha256:{hashlib.sha256(_TOKEN).hexdigest()}"]
    allow: {{"*": [""]}}
    limits: {{connections: {_FEW}}}
  ops:
    tokens: ["sha256:{hashlib.sha256(_TOKEN).hexdigest()}"]
    allow: {{"*": [""]}}
"""


@row(
    "http-leases",
    "a worker holds leases over HTTP, and then another address takes every connection; a principal holds as many "
    "leases as it may have connections",
    wrong={"kept-leases": "leases not ended in a full server"},
)
def leases_without_a_place(conditions):
    yield from _in_a_full_server(conditions, conditions.count(full=6400, quick=640))
    yield from _of_a_full_principal(conditions)


def _in_a_full_server(conditions, connections):
    # More than a 64th: the worker may not use the reserve.
    count = connections // 64 + 2
    with (
        conditions.daemon(web=True, connections=connections) as daemon,
        HTTPClient(daemon.web_port, "127.0.9.9") as worker,
        Client(daemon.port) as sender,
    ):
        _fill(sender, 2 * count)
        tokens = [_lease(worker) for _ in range(count)]
        hoard = [Client(daemon.port, "127.0.9.1") for _ in range(connections * 5 // 4)]
        with HTTPClient(daemon.web_port, "127.0.9.9") as another:
            refused = _status(another, post(b"/d/" + tokens[0]))
        ended = sum(_status(worker, post(b"/d/" + token)) == 200 for token in tokens)
        for client in hoard:
            client.close()
    yield exactly("leases not ended in a full server", count - ended, 0)
    yield Figure("leases", count)
    yield Figure("status over a new connection", refused)


def _of_a_full_principal(conditions):
    with (
        private_file(_PRINCIPALS) as principals,
        conditions.daemon(web=True, principals_file=principals) as daemon,
        HTTPClient(daemon.web_port) as worker,
        Client(daemon.port) as sender,
    ):
        sender.ask(b"auth ops " + _TOKEN + b"\n")
        _fill(sender, 10)
        tokens = [_lease(worker, _CREDENTIALS) for _ in range(_FEW)]
        ended = sum(_status(worker, post(b"/d/" + token, b"", _CREDENTIALS)) == 200 for token in tokens)
        further = _lease(worker, _CREDENTIALS)
    yield exactly("leases not ended by a full principal", _FEW - ended, 0)
    yield exactly("served afterwards", int(further is not None), 1)


def _fill(sender, count):
    """Leaves messages in the channel `jobs`."""
    sender.ask(b"open cap=%d jobs\n" % count)
    for _ in range(count):
        sender.ask(b"send jobs x\n")


def _lease(worker, *headers):
    """Receives under a lease. Returns its token; None if there is none."""
    return worker.request(get(b"/c/jobs?lease=1h&timeout=0", *headers)).header(b"sluice-delivery")


def _status(client, data):
    """Returns the status of the response; 0 if the connection ended instead."""
    try:
        return client.request(data).status
    except (ChildFailed, ConnectionError):
        return 0
