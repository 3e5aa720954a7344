"""Many commands on a connection, tags, and cancelling."""

from __future__ import annotations

import random

from ..adapter import encoded
from ..results import Failed
from ..stage import Stage, case


@case("out-of-order", "Replies may come in any order", "concurrent")
def out_of_order(stage: Stage) -> None:
    stage.connect()
    asked = [stage.ask(f"recv jobs-{number}", "RECV", f"jobs-{number}") for number in range(3)]
    for number in (2, 0, 1):
        operation, request = asked[number]
        request.reply(f"MSG jobs-{number} {{N}}", b"job %d" % number)
        stage.expect(operation, f"message job%20{number}")


@case("shuffled", "Two hundred operations of every kind get their own replies in a random order", "concurrent")
def shuffled(stage: Stage) -> None:
    stage.connect()
    asked = []
    for number in range(200):
        channel = f"jobs-{number}"
        verb = ("recv", "send")[number % 2]
        instruction = f"{verb} {channel}" if verb == "recv" else f"send {channel} message-{number}"
        asked.append((number, *stage.ask(instruction, verb.upper(), channel)))
    random.Random(3).shuffle(asked)
    for number, operation, request in asked:
        if request.request.verb == "RECV":
            request.reply(f"MSG {request.request.name} {{N}}", b"body %d" % number)
            stage.expect(operation, f"message body%20{number}")
        else:
            line, outcome = [("OK", "ok"), ("TIMEOUT", "timeout"), ("MAYBE timeout", "doubt")][number % 3]
            request.reply(line)
            stage.expect(operation, outcome)


@case("tags", "A tag is not used again before its final reply", "concurrent")
def tags(stage: Stage) -> None:
    stage.connect()
    waiting, first = stage.ask("recv urgent", "RECV", "urgent")
    for number in range(50):
        operation, request = stage.ask(f"send jobs {number}", "SEND", "jobs")
        request.reply("OK")
        stage.expect(operation, "ok")
    first.reply("MSG urgent {N}", b"fire")
    stage.expect(waiting, "message fire")


@case("max-tags", "No more commands are pending than the greeting permits, or the rest end in its error", "concurrent")
def max_tags(stage: Stage) -> None:
    stage.hub.greeting = stage.hub.greeting.replace("max-tags=1024", "max-tags=8")
    stage.connect()
    operations = [stage.tell(f"recv jobs-{number}") for number in range(20)]
    ended = 0
    while ended < len(operations):
        request = stage.hub.take("RECV")
        if request is None:
            break
        if len(request.connection.pending) > 8:
            request.reply("ERR limit too many commands with tags are pending")
        else:
            request.reply(f"MSG {request.request.name} {{N}}", b"job")
        ended += 1
    for operation in operations:
        stage.expect(operation, "message job", "error limit")


@case("bystander", "A command that waits holds up no other one", "concurrent")
def bystander(stage: Stage) -> None:
    stage.connect()
    waiting, first = stage.ask("recv urgent", "RECV", "urgent")
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    request.reply("OK")
    stage.expect(operation, "ok")
    first.reply("CLOSED urgent")
    stage.expect(waiting, "closed")


@case("keeps-reading", "A client reads while it writes, because the server reads no more until then", "concurrent")
def keeps_reading(stage: Stage) -> None:
    stage.connect()
    large = b"x" * (1 << 20)
    receives = [stage.ask(f"recv jobs-{number}", "RECV", f"jobs-{number}") for number in range(16)]
    connection = receives[0][1].connection
    stage.hub.reads = False
    sends = [stage.tell(f"send results {encoded(large)}") for _ in range(16)]
    stage.hub.wait_for_input(connection)
    for _, request in receives:
        data = request.reply_bytes(f"MSG {request.request.name} {{N}}", large)
        request.end()
        if not request.connection.flood(data, 1, stage.hub.patience):
            raise Failed("the client does not read its replies while it writes, and the server does not read either")
    stage.hub.read_again()
    for operation, _ in receives:
        stage.expect(operation, f"message {encoded(large)}")
    for _ in sends:
        stage.request("SEND", "results", body=large).reply("OK")
    for operation in sends:
        stage.expect(operation, "ok")


@case("late-timeout", "Time is the server's: a reply that comes after the timeout still counts")
def late_timeout(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("send timeout=50ms jobs hello", "SEND", "jobs")
    if "timeout" not in request.options:
        raise Failed(f"the client has not passed the timeout on: {request.request}")
    # A receiver holds the message under a lease, and acknowledges it late.
    with stage.hub.changed:
        stage.hub.changed.wait_for(lambda: request.connection.is_closed, 0.4)
    request.reply("OK")
    stage.expect(operation, "ok")


@case("count", "A counted receive gets every message and its end", "count")
def count(stage: Stage) -> None:
    stage.connect()
    operation = stage.tell("recv count=3 jobs")
    serve_count(stage, operation, [b"one", b"two", b"three"])


def serve_count(stage: Stage, operation: int, bodies: list[bytes]) -> None:
    """Answers the receives of a counted receive, as which a client may ask for one message or for many, and for an
    end."""
    left = list(bodies)
    while left:
        request = stage.request("RECV", "jobs")
        count = request.options.get("count")
        share = 1 if count is None else len(left) if count == "*" else min(int(count), len(left))
        for _ in range(share):
            body = left.pop(0)
            if count is None:
                request.reply("MSG jobs {N}", body)
            else:
                request.part("MSG jobs {N}", body)
            stage.expect(operation, f"message {encoded(body)}")
        if count == str(share):
            request.reply("END")
    stage.expect(operation, "end")


@case("count-interrupted", "Other replies may come between the messages of a counted receive", "count", "concurrent")
def count_interrupted(stage: Stage) -> None:
    stage.connect()
    counted, many = stage.ask("recv count=2 jobs", "RECV", "jobs")
    single, one = stage.ask("recv urgent", "RECV", "urgent")
    if "count" in many.options:
        many.part("MSG jobs {N}", b"one")
        stage.expect(counted, "message one")
        one.reply("MSG urgent {N}", b"fire")
        stage.expect(single, "message fire")
        many.reply("CLOSED jobs")
    else:
        one.reply("MSG urgent {N}", b"fire")
        stage.expect(single, "message fire")
        many.reply("CLOSED jobs")
    stage.expect(counted, "closed", "end")


# Cancelling


@case("cancel", "A cancelled receive ends with the server's reply", "cancel")
def cancel(stage: Stage) -> None:
    stage.connect()
    operation, _ = stage.ask("recv jobs", "RECV", "jobs")
    stage.cancel(operation)
    stage.request("CANCEL")
    stage.expect(operation, "cancelled")


@case("cancel-in-doubt", "A cancelled send whose message a receiver has is in doubt", "cancel")
def cancel_in_doubt(stage: Stage) -> None:
    stage.hub.automatic.discard("CANCEL")
    stage.connect()
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    stage.cancel(operation)
    stage.request("CANCEL").reply("OK")
    request.reply("MAYBE cancelled")
    stage.expect(operation, "doubt")


@case("cancel-too-late", "A send that succeeds while it is cancelled has succeeded", "cancel")
def cancel_too_late(stage: Stage) -> None:
    stage.hub.automatic.discard("CANCEL")
    stage.connect()
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    stage.cancel(operation)
    cancellation = stage.request("CANCEL")
    request.reply("OK")
    cancellation.reply("OK")
    stage.expect(operation, "ok", "cancelled")


@case("late-reply", "A message that comes for a cancelled receive is not lost", "cancel")
def late_reply(stage: Stage) -> None:
    stage.hub.automatic.discard("CANCEL")
    stage.connect()
    operation, request = stage.ask("recv jobs", "RECV", "jobs")
    stage.cancel(operation)
    cancellation = stage.request("CANCEL")
    request.reply("MSG jobs {N}", b"sweep the yard")
    cancellation.reply("OK")
    if stage.expect(operation, "message sweep%20the%20yard", "cancelled") == "cancelled":
        # The client may keep the message for its next receive.
        operation = stage.tell("recv jobs")
        again = stage.outcome_or_request(operation, "RECV", "jobs")
        if again is not None:
            raise Failed("the client has lost the message that came when it had cancelled the receive")
        stage.expect(operation, "message sweep%20the%20yard")


@case(
    "late-reply-leased",
    "A message under a lease that comes for a cancelled receive is used or nacked",
    "cancel",
    "lease",
)
def late_reply_leased(stage: Stage) -> None:
    stage.hub.automatic.discard("CANCEL")
    stage.connect()
    operation, request = stage.ask("recv lease=1m jobs", "RECV", "jobs")
    stage.cancel(operation)
    cancellation = stage.request("CANCEL")
    request.reply("MSG jobs {N} did=4.2 attempt=1 fence=9", b"sweep")
    cancellation.reply("OK")
    if stage.expect(operation, "message sweep", "cancelled") == "message sweep":
        acknowledging, acknowledged = stage.ask(f"ack {operation}", "ACK", "4.2")
        acknowledged.reply("OK")
        stage.expect(acknowledging, "ok")
    elif stage.hub.take("NACK", "4.2") is None:
        raise Failed("the client has neither returned nor nacked the message of the receive that it had cancelled")


@case("cancel-keeps-tag", "The tag of a cancelled receive is not used again before its reply", "cancel", "concurrent")
def cancel_keeps_tag(stage: Stage) -> None:
    stage.hub.automatic.discard("CANCEL")
    stage.connect()
    cancelled, request = stage.ask("recv jobs", "RECV", "jobs")
    stage.cancel(cancelled)
    stage.request("CANCEL").reply("OK")
    for number in range(10):
        operation, other = stage.ask(f"recv other-{number}", "RECV", f"other-{number}")
        other.reply(f"MSG other-{number} {{N}}", b"%d" % number)
        stage.expect(operation, f"message {number}")
    request.reply("CANCELLED")
    stage.expect(cancelled, "cancelled")
