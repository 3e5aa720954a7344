"""Every reply has the outcome that protocol.md gives it."""

from __future__ import annotations

from ..stage import Stage, case

_SEND = {
    "ok": ("OK", ("ok",)),
    "dup": ("OK dup=yes", ("ok",)),
    "kept": ("OK kept=yes", ("ok",)),
    "dropped": ("OK dropped=yes", ("ok", "withdrawn")),
    "timeout": ("TIMEOUT", ("timeout",)),
    "timeout-receivers": ("TIMEOUT receivers=0", ("timeout",)),
    "closed": ("CLOSED jobs", ("closed",)),
    "closed-reason": ("CLOSED jobs its last receiver has gone", ("closed",)),
    "closed-arm-reason": ("CLOSED jobs  arm=5 is a reason", ("closed",)),
    "poisoned": ("POISONED jobs the disk is full", ("poisoned",)),
    "rejected": ("REJECTED jobs attempts", ("rejected",)),
    "rejected-plain": ("REJECTED jobs", ("rejected",)),
    "cancelled-eof": ("CANCELLED eof", ("withdrawn", "cancelled")),
    "cancelled-dropped": ("CANCELLED dropped", ("withdrawn", "cancelled")),
    "maybe-timeout": ("MAYBE timeout", ("doubt",)),
    "maybe-draining": ("MAYBE draining", ("doubt",)),
    "maybe-epoch": ("MAYBE epoch", ("doubt",)),
    "err-limit": ("ERR limit the channels keep too many messages", ("error limit",)),
    "err-denied": ("ERR denied this client has no permission for SEND jobs", ("error denied",)),
    "err-conflict": ("ERR conflict the id belongs to a CALL; repeat it with CALL", ("error conflict",)),
    "err-plain": ("ERR too-big", ("error too-big",)),
}
_RECEIVE = {
    "timeout": ("TIMEOUT", ("timeout",)),
    "closed": ("CLOSED jobs its last sender has gone", ("closed",)),
    "poisoned": ("POISONED jobs the disk is full", ("poisoned",)),
    "cancelled-eof": ("CANCELLED eof", ("withdrawn", "cancelled")),
    "err-limit": ("ERR limit this connection has too many leases", ("error limit",)),
    "err-denied": ("ERR denied this client has no permission for RECV jobs", ("error denied",)),
}
_CALL = {
    "taken": ("OK", ("ok",)),
    "timeout": ("TIMEOUT receivers=0", ("timeout",)),
    "rejected": ("REJECTED jobs cannot divide by zero", ("rejected",)),
    "maybe-answer": ("MAYBE answer", ("doubt",)),
    "closed": ("CLOSED jobs", ("closed",)),
}


def _reply(command: str, name: str, line: str, outcomes: tuple[str, ...], *needs: str) -> None:
    operands = {"send": "send timeout=1m jobs hello", "recv": "recv timeout=1m jobs", "call": "call timeout=1m jobs 7"}

    @case(f"{command}-{name}", f"'{line}' to a {command.upper()} is {' or '.join(outcomes)}", *needs)
    def reply(stage: Stage) -> None:
        stage.connect()
        operation, request = stage.ask(operands[command], command.upper(), "jobs")
        request.reply(line)
        stage.expect(operation, *outcomes)


for _name, (_line, _outcomes) in _SEND.items():
    _reply("send", _name, _line, _outcomes)
for _name, (_line, _outcomes) in _RECEIVE.items():
    _reply("recv", _name, _line, _outcomes)
for _name, (_line, _outcomes) in _CALL.items():
    _reply("call", _name, _line, _outcomes, "call")


@case("call-dup", "The answer to a repeated call is an answer", "call")
def call_dup(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("call id=c-1 jobs 8", "CALL", "jobs")
    request.reply("DATA {N} dup=yes", b"64")
    stage.expect(operation, "answer 64")


@case("barrier", "All parties of a barrier go on", "barrier")
def barrier(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("barrier parties=2 start", "BARRIER", "start")
    request.reply("OK")
    stage.expect(operation, "ok")


def _draining(name: str, line: str) -> None:
    @case(f"send-{name}", f"A send that gets '{line.partition(' ')[0]} draining' did not happen")
    def send(stage: Stage) -> None:
        stage.connect()
        operation, request = stage.ask("send jobs hello", "SEND", "jobs")
        request.reply(line)
        # A client that connects again may send the message to the next server: it was not sent.
        request.connection.close()
        again = stage.outcome_or_request(operation, "SEND", "jobs")
        if again is not None:
            again.reply("OK")
            stage.expect(operation, "ok")
        else:
            stage.expect(operation, "draining")

    @case(
        f"recv-{name}", f"A receive that gets '{line.partition(' ')[0]} draining' ends, or goes on at the next server"
    )
    def receive(stage: Stage) -> None:
        stage.connect()
        operation, request = stage.ask("recv jobs", "RECV", "jobs")
        request.reply(line)
        request.connection.close()
        again = stage.outcome_or_request(operation, "RECV", "jobs")
        if again is not None:
            again.reply("MSG jobs {N}", b"sweep")
            stage.expect(operation, "message sweep")
        else:
            stage.expect(operation, "draining")


_draining("draining", "CANCELLED draining")
_draining("err-draining", "ERR draining the server is about to stop and accepts no new work")


@case("ack-draining", "A message is still acknowledged to a server that drains", "lease")
def ack_draining(stage: Stage) -> None:
    stage.connect()
    received, request = stage.ask("recv lease=1m jobs", "RECV", "jobs")
    request.reply("MSG jobs {N} did=4.2 attempt=1 fence=9", b"sweep")
    stage.expect(received, "message sweep")
    operation, refused = stage.ask("send other hello", "SEND", "other")
    refused.reply("ERR draining the server is about to stop and accepts no new work")
    acknowledging, acknowledged = stage.ask(f"ack {received}", "ACK", "4.2")
    acknowledged.reply("OK")
    stage.expect(acknowledging, "ok")
    request.connection.close()
    again = stage.outcome_or_request(operation, "SEND", "other")
    if again is not None:
        again.reply("OK")
        stage.expect(operation, "ok")
    else:
        stage.expect(operation, "draining")
