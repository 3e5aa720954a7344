"""The commands of the client."""

from __future__ import annotations

from collections.abc import Sequence

from sluice._protocol import names
from sluice._protocol.command import Command, Lane, Recovery
from sluice.errors import BadRequest

__all__ = [
    "Arm",
    "Command",
    "Lane",
    "Recovery",
    "acknowledge",
    "authenticate",
    "barrier",
    "barrier_arm",
    "call",
    "cancel",
    "close",
    "hello",
    "join",
    "kill",
    "leave",
    "nack",
    "name",
    "open_channel",
    "ping",
    "poison",
    "quit_",
    "receive",
    "receive_arm",
    "receive_many",
    "redrive",
    "reject",
    "report",
    "select",
    "send",
    "send_arm",
    "touch",
    "trace",
]


def _identified(command: Command, id: str | None) -> Command:
    if id is not None:
        command.has_id = True
        command.recovery = Recovery.WITH_ID
        command.options += b" id=" + names.message_id(id)
    return command


def send(
    channel: str,
    body: bytes,
    *,
    timeout: float | None = None,
    id: str | None = None,
    until_taken: bool = False,
    need: int | None = None,
    delay: float | None = None,
    trace: str | None = None,
) -> Command:
    """Offers a message on the channel."""
    options = b" len=%d" % len(body)
    if until_taken:
        options += b" until=taken"
    if need is not None:
        options += b" need=" + names.count(need, "need", 0)
    if delay is not None:
        options += b" delay=" + names.duration(delay, "delay")
    if trace is not None:
        options += b" trace=" + names.trace(trace)
    command = Command(
        b"SEND",
        names.name(channel),
        options,
        body,
        lane=Lane.SENDING,
        recovery=Recovery.IN_DOUBT,
        timeout=names.checked_timeout(timeout),
        channel=channel,
    )
    return command if id is None else _identified(command, id)


def call(
    channel: str, body: bytes, *, timeout: float | None = None, id: str | None = None, trace: str | None = None
) -> Command:
    """Offers a message and waits for its answer."""
    command = send(channel, body, timeout=timeout, id=id, trace=trace)
    command.verb = b"CALL"
    return command


def receive(channel: str, *, timeout: float | None = None, lease: float | None = None) -> Command:
    """Receives one message."""
    command = Command(
        b"RECV",
        names.name(channel),
        b"" if lease is None else b" lease=" + names.lease(lease),
        lane=Lane.TAKING,
        timeout=names.checked_timeout(timeout),
        channel=channel,
    )
    command.lease = lease
    return command


def receive_many(
    channel: str,
    count: int | None,
    *,
    timeout: float | None = None,
    lease: float | None = None,
    window: int | None = None,
) -> Command:
    """Receives ``count`` messages, or messages without end."""
    command = receive(channel, timeout=timeout, lease=lease)
    if count is not None:
        names.count(count, "count")
    if window is not None:
        names.count(window, "window")
    command.count = "*" if count is None else count
    command.window = window if lease is not None else None
    command.has_parts = True
    return command


def acknowledge(did: str, answer: bytes | None = None) -> Command:
    """Acknowledges a delivery, with an answer unless that is None."""
    options = b"" if answer is None else b" len=%d" % len(answer)
    return _ending(Command(b"ACK", did.encode(), options, answer, recovery=Recovery.IN_DOUBT), did)


def _ending(command: Command, did: str) -> Command:
    command.did = did
    return command


def nack(did: str, delay: float | None = None) -> Command:
    """Gives a message back."""
    options = b" delay=" + names.duration(delay, "delay") if delay else b""
    return _ending(Command(b"NACK", did.encode(), options, recovery=Recovery.STALE), did)


def reject(did: str, reason: names.Text | None = None) -> Command:
    """Rejects a message: no receiver gets it again."""
    operand = did.encode()
    if reason is not None and names.text(reason):
        operand += b" " + names.text(reason)
    return _ending(Command(b"REJECT", operand, recovery=Recovery.STALE), did)


def touch(did: str) -> Command:
    """Renews a lease."""
    return Command(b"TOUCH", did.encode(), recovery=Recovery.STALE)


class Arm:
    """An arm of a select: its part of the line, its body, and what it does."""

    __slots__ = ("body", "channel", "lease", "line", "meets", "sends")

    def __init__(self, line: bytes, channel: str) -> None:
        self.line = line
        self.channel = channel
        self.body: bytes | None = None
        self.lease: float | None = None
        self.sends = False
        self.meets = False


def receive_arm(channel: str, lease: float | None = None) -> Arm:
    """An arm that receives."""
    option = b"" if lease is None else b" lease=" + names.lease(lease)
    arm = Arm(b"recv%b %b" % (option, names.name(channel)), channel)
    arm.lease = lease
    return arm


def send_arm(channel: str, body: bytes, id: str | None = None, trace: str | None = None) -> Arm:
    """An arm that sends."""
    options = b"" if id is None else b" id=" + names.message_id(id)
    if trace is not None:
        options += b" trace=" + names.trace(trace)
    arm = Arm(b"send%b len=%d %b" % (options, len(body), names.name(channel)), channel)
    arm.body = body
    arm.sends = True
    return arm


def barrier_arm(barrier: str, parties: int | None = None) -> Arm:
    """An arm that waits at a barrier."""
    option = b"" if parties is None else b" parties=" + names.count(parties, "parties")
    arm = Arm(b"barrier%b %b" % (option, names.name(barrier, "barrier")), barrier)
    arm.meets = True
    return arm


def select(
    arms: Sequence[Arm], *, timeout: float | None = None, order: str | None = None, otherwise: bool = False
) -> Command:
    """Waits for the first of several arms."""
    if not arms:
        raise BadRequest("a select needs at least one arm", code="syntax")
    if order not in (None, "fair", "first", "random"):
        raise BadRequest(f"order must be fair, first or random, not {order!r}", code="bad-option")
    if otherwise and timeout is not None:
        raise BadRequest("a select with otherwise= does not wait: leave timeout= out", code="bad-option")
    lines = [arm.line for arm in arms]
    if otherwise:
        lines.append(b"else")
    bodies: list[bytes] = [arm.body for arm in arms if arm.body is not None]
    acts = any(arm.sends or arm.meets for arm in arms)
    command = Command(
        b"SELECT",
        b" | ".join(lines),
        b" order=" + order.encode() if order else b"",
        b"\n".join(bodies) if bodies else None,
        lane=Lane.SENDING if acts else Lane.TAKING,
        recovery=Recovery.IN_DOUBT if acts else Recovery.AGAIN,
        timeout=names.checked_timeout(timeout),
    )
    command.arms = tuple(arms)
    return command


def barrier(barrier: str, parties: int, *, timeout: float | None = None) -> Command:
    """Waits until ``parties`` clients have come."""
    return Command(
        b"BARRIER",
        names.name(barrier, "barrier"),
        b" parties=" + names.count(parties, "parties"),
        lane=Lane.TAKING,
        recovery=Recovery.IN_DOUBT,
        timeout=names.checked_timeout(timeout),
    )


def open_channel(
    channel: str,
    *,
    capacity: int | None = None,
    overflow: str | None = None,
    kind: str | None = None,
    max_attempts: int | None = None,
    dead: str | None = None,
    retry: float | None = None,
) -> Command:
    """Declares a channel."""
    if overflow not in (None, "block", "drop-newest", "drop-oldest"):
        raise BadRequest(f"overflow must be block, drop-newest or drop-oldest, not {overflow!r}", code="bad-option")
    if kind not in (None, "queue", "broadcast", "once"):
        raise BadRequest(f"kind must be queue, broadcast or once, not {kind!r}", code="bad-option")
    options = b"" if capacity is None else b" cap=" + names.count(capacity, "capacity", 0)
    options += b"" if overflow is None else b" overflow=" + overflow.encode()
    options += b"" if kind is None else b" kind=" + kind.encode()
    options += b"" if max_attempts is None else b" max-attempts=" + names.count(max_attempts, "max_attempts")
    options += b"" if dead is None else b" dead=" + names.name(dead, "dead channel")
    options += b"" if retry is None else b" retry=" + names.duration(retry, "retry")
    command = Command(b"OPEN", names.name(channel), options)
    command.memo = ("open", (channel,))
    return command


def close(channel: str) -> Command:
    """Closes a channel."""
    command = Command(b"CLOSE", names.name(channel))
    command.memo = ("ended", (channel,))
    return command


def poison(channel: str, reason: names.Text | None = None) -> Command:
    """Ends a channel at once, on both sides."""
    operand = names.name(channel)
    if reason is not None and names.text(reason):
        operand += b" " + names.text(reason)
    command = Command(b"POISON", operand)
    command.memo = ("ended", (channel,))
    return command


def redrive(channel: str, count: int | None = None) -> Command:
    """Sends rejected messages back to the channels that they come from."""
    options = b"" if count is None else b" count=" + names.count(count, "count")
    return Command(b"REDRIVE", names.name(channel), options, lane=Lane.TAKING, recovery=Recovery.IN_DOUBT)


def _end(end: str) -> bytes:
    if end not in ("send", "recv"):
        raise BadRequest(f"end must be send or recv, not {end!r}", code="bad-option")
    return b" end=" + end.encode()


def join(channel: str, end: str, on_death: str | None = None) -> Command:
    """Counts this connection as an end of the channel."""
    options = _end(end)
    if on_death not in (None, "retire", "poison"):
        raise BadRequest(f"on_death must be retire or poison, not {on_death!r}", code="bad-option")
    if on_death:
        options += b" on-death=" + on_death.encode()
    command = Command(b"JOIN", names.name(channel), options)
    command.memo = ("join", (channel, end))
    return command


def leave(channel: str, end: str) -> Command:
    """Stops counting this connection as an end of the channel."""
    command = Command(b"LEAVE", names.name(channel), _end(end), recovery=Recovery.DISCONNECTED)
    command.memo = ("leave", (channel, end))
    return command


def name(label: str, waits_all: bool = False) -> Command:
    """Gives the connection a label."""
    operand = (b"waits=all " if waits_all else b"") + names.name(label, "label")
    command = Command(b"NAME", operand)
    command.memo = ("name", ())
    return command


def ping(body: bytes | None = None) -> Command:
    """Asks the server to answer."""
    return Command(b"PING", b"", b"" if body is None else b" len=%d" % len(body), body)


def hello(features: Sequence[str] | None = None) -> Command:
    """Asks for the server's greeting."""
    return Command(b"HELLO", b"features=" + ",".join(features).encode() if features else b"")


def authenticate(principal: str, token: str) -> Command:
    """Authenticates the client."""
    operand = names.name(principal, "principal") + b" " + names.token(token)
    return Command(b"AUTH", operand, recovery=Recovery.DISCONNECTED)


def cancel(tag: bytes) -> Command:
    """Withdraws the command with that tag."""
    return Command(b"CANCEL", b"#" + tag, recovery=Recovery.DISCONNECTED)


def quit_() -> Command:
    """Ends the connection after every earlier command has had its reply."""
    return Command(b"QUIT", recovery=Recovery.DISCONNECTED)


def kill(*, client: str | None = None, principal: str | None = None, reason: names.Text | None = None) -> Command:
    """Closes the connections from an address, or of a principal."""
    if (client is None) == (principal is None):
        raise BadRequest("pass either client= or principal=", code="bad-option")
    if principal is not None:
        operand = b"principal=" + names.name(principal, "principal")
    else:
        operand = b"client=" + names.token(client or "")
    if reason is not None and names.text(reason):
        operand += b" " + names.text(reason)
    return Command(b"KILL", operand, recovery=Recovery.DISCONNECTED)


def report(verb: str, operand: str | None = None, *, after: str | None = None, limit: int | None = None) -> Command:
    """Asks for a page of a report in JSON: info, channels, waiters, clients or stuck."""
    options = b" format=json"
    options += b"" if after is None else b" after=" + after.encode()
    options += b"" if limit is None else b" limit=" + names.count(limit, "limit")
    return Command(verb.upper().encode(), b"" if operand is None else names.name(operand, "prefix"), options)


def trace(prefix: str | None = None) -> Command:
    """Shows messages as they are handed over, in JSON."""
    operand = b"" if prefix is None else names.name(prefix, "prefix")
    command = Command(b"TRACE", operand, b" format=json", lane=Lane.TAKING)
    command.has_parts = True
    return command
