"""Messages under a lease."""

from __future__ import annotations

from ..results import Failed
from ..stage import IN_DOUBT, Stage, case

#: The greatest numbers that a message under a lease can have.
_DID = f"{2**32 - 1}.{2**32 - 1}"
_GREATEST = f"MSG jobs {{N}} did={_DID} attempt={2**31 - 1} fence={2**63 - 1}"


def _held(stage: Stage, line: str = "MSG jobs {N} did=4.2 attempt=1 fence=9") -> int:
    """Makes the client receive a message under a lease, and returns the operation."""
    operation, request = stage.ask("recv lease=1m jobs", "RECV", "jobs")
    if request.options.get("lease") not in ("1m", "60s", "60000ms"):
        raise Failed(f"the client has not passed the lease on: {request.request}")
    request.reply(line, b"sweep")
    stage.expect(operation, "message sweep")
    return operation


@case("ack", "An acknowledgement has the did of the message", "lease")
def ack(stage: Stage) -> None:
    stage.connect()
    received = _held(stage, _GREATEST)
    operation, request = stage.ask(f"ack {received}", "ACK", _DID)
    if request.body or "len" in request.options:
        raise Failed(f"an acknowledgement without an answer has one: {request.request}")
    request.reply("OK")
    stage.expect(operation, "ok")


@case("nack", "A message that is nacked goes back", "lease")
def nack(stage: Stage) -> None:
    stage.hub.automatic.discard("NACK")
    stage.connect()
    operation, request = stage.ask(f"nack {_held(stage)}", "NACK", "4.2")
    request.reply("OK rejected=yes")
    stage.expect(operation, "ok", "rejected")


@case("reject", "A message is rejected with a reason", "lease")
def reject(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask(f"reject {_held(stage)} cannot%20divide", "REJECT", "4.2")
    if request.body != b"cannot divide":
        raise Failed(f"the reason is not 'cannot divide': {request.request}")
    request.reply("OK")
    stage.expect(operation, "ok")


@case("touch", "A lease is renewed", "lease")
def touch(stage: Stage) -> None:
    stage.hub.automatic.discard("TOUCH")
    stage.connect()
    operation, request = stage.ask(f"touch {_held(stage)}", "TOUCH", "4.2")
    request.reply("OK")
    stage.expect(operation, "ok")


def _stale(verb: str) -> None:
    @case(f"{verb}-stale", f"'ERR stale' to {verb.upper()} says that the lease has ended", "lease")
    def stale(stage: Stage) -> None:
        stage.hub.automatic -= {"NACK", "TOUCH"}
        stage.connect()
        operation, request = stage.ask(f"{verb} {_held(stage)}", verb.upper(), "4.2")
        request.reply("ERR stale the lease has ended or belongs to another connection")
        stage.expect(operation, "stale")


for _verb in ("ack", "nack", "reject", "touch"):
    _stale(_verb)


@case("answer-unwanted", "An answer that nobody wanted is an acknowledgement all the same", "lease")
def answer_unwanted(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask(f"answer {_held(stage)} done", "ACK", "4.2")
    request.reply("OK answer=unwanted")
    stage.expect(operation, "ok")


@case("ack-lost", "An acknowledgement whose reply is lost is in doubt", "lease")
def ack_lost(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask(f"ack {_held(stage)}", "ACK", "4.2")
    request.connection.close()
    stage.expect(operation, *IN_DOUBT)


@case(
    "ack-after-loss", "A message that was held when its connection was lost is not acknowledged with success", "lease"
)
def ack_after_loss(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("recv lease=1m jobs", "RECV", "jobs")
    request.reply("MSG jobs {N} did=4.2 attempt=1 fence=9", b"sweep")
    stage.expect(operation, "message sweep")
    request.connection.close()
    acknowledging = stage.tell(f"ack {operation}")
    again = stage.outcome_or_request(acknowledging, "ACK", "4.2")
    if again is not None:
        again.reply("ERR stale the lease has ended or belongs to another connection")
    stage.expect(acknowledging, "stale", "disconnected", "doubt")


@case("from-dead", "A message of a dead channel has attributes that any text may be in", "lease")
def from_dead(stage: Stage) -> None:
    stage.connect()
    received = _held(
        stage,
        "MSG jobs {N} did=4.2 attempt=1 fence=9 from=work attempts=5 reason=no%20room%3D%25%0A%FF id=job-1",
    )
    operation, request = stage.ask(f"ack {received}", "ACK", "4.2")
    request.reply("OK")
    stage.expect(operation, "ok")
