"""Connections that are lost at each point of a conversation."""

from __future__ import annotations

from collections.abc import Callable

from ..hub import PlayedRequest
from ..results import Failed
from ..stage import IN_DOUBT, LOST, Stage, case
from .order import serve_count

BODY = b"sweep\nthe yard"

#: What is written of the reply before the connection is lost, and how it is lost: a name, a text, what share of the
#: reply is written (by the function), and whether the connection is reset.
_Cut = Callable[[bytes], bytes]
_CUTS: dict[str, tuple[str, _Cut, bool]] = {
    "after": ("after the command was read", lambda data: b"", False),
    "reset": ("by a reset after the command was read", lambda data: b"", True),
    "in-line": ("within the line of the reply", lambda data: data[: data.index(b"\n") // 2 + 1], False),
    "before-lf": ("before the end of the reply's line", lambda data: data[: data.index(b"\n")], False),
}
_CUTS_OF_BODIES: dict[str, tuple[str, _Cut, bool]] = {
    "after-line": ("after the line of the reply", lambda data: data[: data.index(b"\n") + 1], False),
    "in-body": ("within the body of the reply", lambda data: data[: data.index(b"\n") + 1 + len(BODY) // 2], False),
}


def _lose(request: PlayedRequest, data: bytes, cut: _Cut, reset: bool) -> None:
    request.connection.write(cut(data))
    request.connection.close(reset=reset)


def _send_cases(name: str, when: str, cut: _Cut, reset: bool) -> None:
    @case(f"lost-send-{name}", f"A send whose connection is lost {when} is in doubt, and is not repeated")
    def send(stage: Stage) -> None:
        stage.connect()
        operation, request = stage.ask("send jobs hello", "SEND", "jobs")
        _lose(request, request.reply_bytes("OK receivers=1"), cut, reset)
        if stage.outcome_or_request(operation, "SEND", "jobs") is not None:
            raise Failed("the client has repeated a send without an id, which may arrive twice")
        stage.expect(operation, *IN_DOUBT)
        _expect_service(stage)

    @case(f"lost-send-id-{name}", f"A send with an id whose connection is lost {when} is repeated with it, or in doubt")
    def send_with_id(stage: Stage) -> None:
        stage.connect()
        operation, request = stage.ask("send id=order-17 jobs hello", "SEND", "jobs")
        if request.options.get("id") != "order-17":
            raise Failed(f"the client has not passed the id on: {request.request}")
        _lose(request, request.reply_bytes("OK receivers=1"), cut, reset)
        again = stage.outcome_or_request(operation, "SEND", "jobs")
        if again is None:
            stage.expect(operation, *IN_DOUBT)
            return
        _check_repeated(request, again)
        again.reply("OK dup=yes")
        stage.expect(operation, "ok")


def _take_cases(name: str, when: str, cut: _Cut, reset: bool) -> None:
    @case(f"lost-recv-{name}", f"A receive whose connection is lost {when} gets no message of it")
    def receive(stage: Stage) -> None:
        stage.connect()
        operation, request = stage.ask("recv jobs", "RECV", "jobs")
        _lose(request, request.reply_bytes("MSG jobs {N}", BODY), cut, reset)
        again = stage.outcome_or_request(operation, "RECV", "jobs")
        if again is None:
            stage.expect(operation, *LOST)
            return
        again.reply("MSG jobs {N}", b"the next one")
        stage.expect(operation, "message the%20next%20one")

    @case(f"lost-call-{name}", f"A call whose connection is lost {when} is in doubt, and is not repeated", "call")
    def call(stage: Stage) -> None:
        stage.connect()
        operation, request = stage.ask("call squares 7", "CALL", "squares")
        _lose(request, request.reply_bytes("DATA {N}", BODY), cut, reset)
        if stage.outcome_or_request(operation, "CALL", "squares") is not None:
            raise Failed("the client has repeated a call without an id, whose work may be done twice")
        stage.expect(operation, *IN_DOUBT)


for _name, (_when, _cut, _reset) in _CUTS.items():
    _send_cases(_name, _when, _cut, _reset)
for _name, (_when, _cut, _reset) in {**_CUTS, **_CUTS_OF_BODIES}.items():
    _take_cases(_name, _when, _cut, _reset)


def _check_repeated(request: PlayedRequest, again: PlayedRequest) -> None:
    if again.options.get("id") != request.options.get("id") or again.body != request.body:
        raise Failed(f"the client has repeated another message: {again.request}")
    if again.options.get("epoch") != "7":
        raise Failed(f"a repeated send needs the epoch of its first attempt, epoch=7: {again.request}")


def _expect_service(stage: Stage) -> None:
    """Checks that the client works after the loss, or says that it has no connection."""
    operation = stage.tell("send after bye")
    again = stage.outcome_or_request(operation, "SEND", "after")
    if again is None:
        stage.expect(operation, "disconnected", "doubt", "broken")
        return
    again.reply("OK")
    stage.expect(operation, "ok")


@case("lost-send-unread", "A send that the server has not read when the connection is lost is in doubt")
def send_unread(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("send jobs first", "SEND", "jobs")
    request.reply("OK")
    stage.expect(operation, "ok")
    stage.hub.reads = False
    operation = stage.tell("send jobs second")
    stage.hub.wait_for_input(request.connection)
    request.connection.close(reset=True)
    stage.hub.read_again()
    if stage.outcome_or_request(operation, "SEND", "jobs") is not None:
        raise Failed("the client has repeated a send without an id; it cannot know that the server has not read it")
    stage.expect(operation, *IN_DOUBT)


@case("lost-idle", "A connection that is lost while nothing waits is replaced, or its loss is told")
def idle(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("send jobs first", "SEND", "jobs")
    request.reply("OK")
    stage.expect(operation, "ok")
    request.connection.close()
    operation = stage.tell("send jobs second")
    again = stage.outcome_or_request(operation, "SEND", "jobs")
    if again is None:
        # The client may have written the command before it noticed.
        stage.expect(operation, "disconnected", "doubt", "broken")
        return
    again.reply("OK")
    stage.expect(operation, "ok")


@case("lost-many", "Every operation that waits when the connection is lost has an outcome", "concurrent")
def many(stage: Stage) -> None:
    stage.connect()
    sends = [stage.ask(f"send jobs-{number} x", "SEND", f"jobs-{number}") for number in range(10)]
    receives = [stage.ask(f"recv more-{number}", "RECV", f"more-{number}") for number in range(10)]
    for _, request in sends + receives:
        request.connection.close()
    for operation, _ in sends:
        stage.expect(operation, *IN_DOUBT)
    for number, (operation, _) in enumerate(receives):
        again = stage.outcome_or_request(operation, "RECV", f"more-{number}")
        if again is None:
            stage.expect(operation, *LOST)
        else:
            again.reply(f"MSG more-{number} {{N}}", b"x")
            stage.expect(operation, "message x")


@case(
    "lost-restarted", "A repeated send to a server that was restarted has the epoch of its first attempt", "reconnect"
)
def restarted(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("send id=order-17 jobs hello", "SEND", "jobs")
    stage.hub.greeting = stage.hub.greeting.replace("epoch=7", "epoch=8")
    request.connection.close()
    again = stage.outcome_or_request(operation, "SEND", "jobs")
    if again is not None:
        _check_repeated(request, again)
        again.reply("MAYBE epoch")
    stage.expect(operation, *IN_DOUBT)


@case("lost-barrier", "A barrier whose connection is lost is in doubt", "barrier")
def barrier(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("barrier parties=2 start", "BARRIER", "start")
    request.connection.close()
    if stage.outcome_or_request(operation, "BARRIER", "start") is not None:
        raise Failed("the client has repeated a barrier, which it may have passed")
    stage.expect(operation, *IN_DOUBT)


@case("lost-count", "A counted receive goes on with what is left, or its loss is told", "count")
def count(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("recv count=3 jobs", "RECV", "jobs")
    if "count" in request.options:
        request.part("MSG jobs {N}", b"one")
    else:
        request.reply("MSG jobs {N}", b"one")
        request = stage.request("RECV", "jobs")
    stage.expect(operation, "message one")
    request.connection.close()
    again = stage.outcome_or_request(operation, "RECV", "jobs")
    if again is None:
        stage.expect(operation, *LOST)
        return
    if int(again.options.get("count", "1").replace("*", "1")) > 2:
        raise Failed(f"two messages are left, but the client asks for {again.request}")
    stage.hub.put(again)
    serve_count(stage, operation, [b"two", b"three"])
