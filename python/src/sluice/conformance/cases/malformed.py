"""Replies that break the protocol end in an error, and never in success, in silence or in endless memory."""

from __future__ import annotations

from ..hub import PlayedRequest
from ..results import Failed
from ..stage import IN_DOUBT, LOST, Stage, case

#: For a receive: what comes instead of a reply.
_MALFORMED: dict[str, tuple[str, bytes]] = {
    "no-word": ("a line that is a space", b" \n"),
    "lower-case": ("a reply in lower case", b"ok\n"),
    "no-length": ("a message without a length", b"MSG jobs\n"),
    "negative-length": ("a negative length", b"MSG jobs -1\n"),
    "no-number": ("a length that is no number", b"MSG jobs five\nhello\n"),
    "signed-length": ("a length with a sign", b"MSG jobs +5\nhello\n"),
    "endless-length": ("a length beyond every integer", b"MSG jobs 99999999999999999999999\nhello\n"),
    "long-body": ("a body that is longer than its length", b"MSG jobs 3\nhello\n"),
    "no-channel": ("a message without a channel", b"MSG 5\nhello\n"),
    "bad-error": ("an error without a code", b"ERR\n"),
    "nul": ("a line with NULs", b"\x00\x00\x00\n"),
    "telnet": ("commands of telnet", b"\xff\xfd\x18\xff\xfd\x20\n"),
}


def _with_tag(request: PlayedRequest, data: bytes) -> bytes:
    tag = request.request.tag
    return data if tag is None else b"#" + tag.encode() + b" " + data


def _expect_failure(stage: Stage, operation: int, verb: str, allowed: tuple[str, ...]) -> None:
    """Checks that the operation fails, or is asked again over another connection if it may be."""
    again = stage.outcome_or_request(operation, verb, "jobs")
    if again is None:
        stage.expect(operation, *allowed)
    elif verb == "SEND":
        raise Failed("the client has repeated a send without an id, which may arrive twice")
    else:
        again.reply("MSG jobs {N}", b"sweep")
        stage.expect(operation, "message sweep")


def _case(name: str, what: str, data: bytes) -> None:
    @case(f"malformed-{name}", f"A receive whose reply is {what} ends in an error or over another connection")
    def receive(stage: Stage) -> None:
        stage.connect()
        operation, request = stage.ask("recv jobs", "RECV", "jobs")
        request.connection.write(_with_tag(request, data))
        _expect_failure(stage, operation, "RECV", (*LOST, "error"))


for _name, (_what, _data) in _MALFORMED.items():
    _case(_name, _what, _data)


@case("malformed-send", "A send whose reply is nonsense is in doubt, and is not repeated")
def malformed_send(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    request.connection.write(_with_tag(request, b"what?\n"))
    _expect_failure(stage, operation, "SEND", IN_DOUBT)


@case("wrong-kind", "A reply that no send can get is not success")
def wrong_kind(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    request.reply("MSG jobs {N}", b"hello")
    _expect_failure(stage, operation, "SEND", (*IN_DOUBT, "error"))


@case("wrong-kind-recv", "A receive that gets OK has not received a message")
def wrong_kind_recv(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("recv jobs", "RECV", "jobs")
    request.reply("OK")
    _expect_failure(stage, operation, "RECV", (*LOST, "error"))


@case("endless-line", "A line without an end is not kept for ever")
def endless_line(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("recv jobs", "RECV", "jobs")
    if request.connection.flood(b"x" * 65536, 512, stage.hub.patience):
        raise Failed("the client has read a line of 32 MiB and still waits for its end")
    _expect_failure(stage, operation, "RECV", (*LOST, "error"))


@case("huge-body", "A body far above max-body= is not waited for")
def huge_body(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("recv jobs", "RECV", "jobs")
    request.connection.write(_with_tag(request, b"MSG jobs 1099511627776\n"))
    if request.connection.flood(b"x" * 65536, 512, stage.hub.patience):
        raise Failed("the client has read 32 MiB of a message, which has at most 1 MiB")
    _expect_failure(stage, operation, "RECV", (*LOST, "error"))


@case("unknown-tag", "A reply with a tag that is not pending is nobody's")
def unknown_tag(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("recv jobs", "RECV", "jobs")
    request.connection.write(b"#no.such.tag MSG jobs 5\nwrong\n")
    request.reply("MSG jobs {N}", b"right")
    again = stage.outcome_or_request(operation, "RECV", "jobs")
    if again is not None:
        again.reply("MSG jobs {N}", b"right")
    stage.expect(operation, "message right", *LOST, "error")


@case("unknown-tag-send", "A success with a tag that is not pending is not the success of a send")
def unknown_tag_send(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    request.connection.write(b"#no.such.tag OK\n")
    request.reply("TIMEOUT")
    stage.expect(operation, "timeout", *IN_DOUBT)


@case("reply-twice", "A second reply to the same command is not that of the next one")
def reply_twice(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("recv jobs", "RECV", "jobs")
    if request.request.tag is None:
        request.reply("MSG jobs {N}", b"first")
        stage.expect(operation, "message first")
        return
    data = request.reply_bytes("MSG jobs {N}", b"first")
    request.end()
    request.connection.write(data + data)
    stage.expect(operation, "message first")
    operation = stage.tell("send other hello")
    request_again = stage.outcome_or_request(operation, "SEND", "other")
    if request_again is not None:
        request_again.reply("TIMEOUT")
    stage.expect(operation, "timeout", "disconnected", *IN_DOUBT)
