"""What schemathesis does besides what docs/openapi.yaml describes.

SLUICE_PORT is the daemon's port of the line protocol.
"""

import itertools
import os
import re
import socket
import threading

import schemathesis

CHANNEL = re.compile(r"[A-Za-z0-9._:/][A-Za-z0-9._:/-]{0,199}")
DURATION = re.compile(r"[1-9][0-9]{0,5}(ms|s|m|h)")
#: The longest wait of a request.
SHORT = "5ms"


class Line:
    """A connection of the line protocol, which begins with the first command."""

    def __init__(self):
        self._socket = self._replies = None

    def ask(self, *commands):
        """Sends commands, and reads a reply to each, whatever it says. The replies have no bodies."""
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", int(os.environ["SLUICE_PORT"])), 30)
            self._replies = self._socket.makefile("rb")
        self._socket.sendall("".join(f"{command}\n" for command in commands).encode())
        for _ in commands:
            self._replies.readline()

    def hand_over(self, channel):
        """Hands a message over, which a trace shows."""
        self.ask(f"#1 recv {channel}", f"send {channel} x")
        self._replies.readline()  # The message is a third line.


class Handoffs:
    """Handoffs that a trace shows, again and again until the server has answered its request."""

    def __init__(self):
        self._line = Line()
        self._number = itertools.count()
        self._thread = None

    def begin(self):
        self.end()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)
        self._thread.start()

    def _go_on(self):
        while not self._is_over.wait(0.05):
            self._line.hand_over(f"trace/{next(self._number)}")

    def end(self):
        if self._thread:
            self._is_over.set()
            self._thread.join()
            self._thread = None


line = Line()
handoffs = Handoffs()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Gives requests something to do, and keeps them short."""
    query = case.query if isinstance(case.query, dict) else {}
    if case.meta and case.meta.generation.mode.is_positive:
        agree(case, query)
    if case.operation.path == "/c/{name}" and case.method in ("GET", "POST"):
        prepare_channel(case, query)
    if case.operation.path == "/v1/trace" and CHANNEL.fullmatch(query.get("prefix", "x") or "x"):
        query["prefix"] = "trace/"
        handoffs.begin()
    if query:
        case.query = query


@schemathesis.hook
def after_call(context, case, response):
    handoffs.end()


def agree(case, query):
    """Removes valid parameters that the description cannot say to exclude each other."""
    parameters = {
        ("POST", "/c/{name}"): ["until", "need", "delay"] if query.get("call") == "1" else [],
        ("GET", "/c/{name}"): ["timeout", "lease"] if query.get("stream") == "1" else [],
        ("DELETE", "/d/{token}"): ["delay"] if "reject" in query else [],
        ("DELETE", "/v1/clients"): ["principal"] if "address" in query else [],
    }
    for name in parameters.get((case.method, case.operation.path), []):
        query.pop(name, None)
    if (case.method, case.operation.path) == ("DELETE", "/v1/clients") and "principal" not in query:
        query.setdefault("address", "127.0.0.1:1")


def prepare_channel(case, query):
    """Gives the channel a buffer, and a message if the request receives. Shortens the wait of the request."""
    name = str(case.path_parameters.get("name"))
    if CHANNEL.fullmatch(name):
        line.ask(f"open cap=4 {name}", *[f"send timeout=0 {name} hello"] * (case.method == "GET"))
    is_stream = case.method == "GET" and str(query.get("stream")) == "1"
    if case.method == "GET" and not is_stream and case.meta.generation.mode.is_positive:
        # With its token, the links of the description lead on.
        query.setdefault("lease", "1m")
    if not is_stream and DURATION.fullmatch(str(query.get("timeout", "1s"))):
        query["timeout"] = SHORT


@schemathesis.check
def refused_method(context, response, case):
    """Requires 405 with `Allow` for a method that the path does not have; 501 if the server does not know the method.

    Schemathesis' own check `unsupported_method` accepts only 405.
    """
    if case.method.lower() in {method.lower() for method in case.operation.schema[case.operation.path]}:
        return
    if case.method in ("HEAD", "OPTIONS"):
        return
    known = case.method in ("GET", "PUT", "POST", "PATCH", "DELETE", "TRACE", "CONNECT")
    assert response.status_code == (405 if known else 501)
    assert known is False or response.headers.get("allow")
