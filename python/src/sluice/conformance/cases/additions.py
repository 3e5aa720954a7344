"""What a later version of the protocol may add."""

from __future__ import annotations

from ..results import Failed
from ..stage import IN_DOUBT, Stage, case


@case("unknown-key", "Attributes that the client does not know are ignored")
def unknown_key(stage: Stage) -> None:
    stage.connect()
    for line, outcome in [
        ("OK colour=red", "ok"),
        ("OK dup=yes Shelf-2=a=b=%20", "ok"),
        ("OK empty=", "ok"),
        ("TIMEOUT colour=red", "timeout"),
        ("TIMEOUT receivers=3", "timeout"),
    ]:
        operation, request = stage.ask("send timeout=1s jobs hello", "SEND", "jobs")
        request.reply(line)
        stage.expect(operation, outcome)
    operation, request = stage.ask("recv jobs", "RECV", "jobs")
    request.reply("MSG jobs {N} colour=red size=999 arm=7", b"sweep")
    stage.expect(operation, "message sweep")


@case("unknown-key-lease", "A message under a lease may have attributes that the client does not know", "lease")
def unknown_key_lease(stage: Stage) -> None:
    stage.connect()
    received, request = stage.ask("recv lease=1m jobs", "RECV", "jobs")
    request.reply("MSG jobs {N} colour=red did=4.2 shape=round attempt=1 fence=9 last=%00", b"sweep")
    stage.expect(received, "message sweep")
    operation, acknowledged = stage.ask(f"ack {received}", "ACK", "4.2")
    acknowledged.reply("OK colour=red")
    stage.expect(operation, "ok")


@case("unknown-key-answer", "An answer may have attributes that the client does not know", "call")
def unknown_key_answer(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("call squares 7", "CALL", "squares")
    request.reply("DATA {N} colour=red dup=yes", b"49")
    stage.expect(operation, "answer 49")


@case("unknown-key-select", "An else may have attributes that the client does not know", "select")
def unknown_key_select(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("select recv urgent | else", "SELECT")
    request.reply("ELSE colour=red arm=1")
    stage.expect(operation, "else")


@case("unknown-error", "An error with an unknown code is a refusal, with that code")
def unknown_error(stage: Stage) -> None:
    stage.connect()
    for line, code in [("ERR flying-saucer it has landed", "flying-saucer"), ("ERR quota", "quota")]:
        operation, request = stage.ask("send jobs hello", "SEND", "jobs")
        request.reply(line)
        stage.expect(operation, f"error {code}")
    operation, request = stage.ask("recv jobs", "RECV", "jobs")
    request.reply("ERR flying-saucer MSG jobs 5")
    stage.expect(operation, "error flying-saucer")


@case("unknown-reason", "A reason that the client does not know changes nothing")
def unknown_reason(stage: Stage) -> None:
    stage.connect()
    for line, outcomes in [
        ("CANCELLED solar-flare", ("withdrawn", "cancelled")),
        ("CANCELLED solar flare, again", ("withdrawn", "cancelled")),
        ("MAYBE solar-flare", ("doubt",)),
        ("CLOSED jobs solar flare =?", ("closed",)),
        ("POISONED jobs \N{SUN} arm=1", ("poisoned",)),
        ("REJECTED jobs solar-flare", ("rejected",)),
    ]:
        operation, request = stage.ask("send jobs hello", "SEND", "jobs")
        request.reply(line)
        stage.expect(operation, *outcomes)


def _unknown_reply(name: str, title: str, line: str) -> None:
    @case(name, title)
    def unknown(stage: Stage) -> None:
        stage.connect()
        operation, request = stage.ask("send jobs hello", "SEND", "jobs")
        request.reply(line)
        again = stage.outcome_or_request(operation, "SEND", "jobs")
        if again is not None:
            raise Failed("the client has repeated a send without an id after a reply that it does not know")
        # A client that knows MOVED may say that the operation did not happen.
        stage.expect(operation, *IN_DOUBT, "error", *(["disconnected"] if "MOVED" in line else []))


_unknown_reply("moved", "MOVED, which a cluster may answer, is not taken for success", "MOVED 5 17 127.0.0.1:7334")
_unknown_reply("moved-error", "'ERR moved' is not taken for success", "ERR moved 5 17 127.0.0.1:7334")
_unknown_reply("unknown-reply", "A reply with an unknown first word is not taken for success", "OKAY")
_unknown_reply("unknown-reply-ok", "A reply that begins with OK but is another word is not success", "OK-LATER did=1.1")
