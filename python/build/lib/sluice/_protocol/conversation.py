"""The client's side of the protocol, without sockets and clocks.

A face submits operations, feeds bytes, and tells the time; it writes ``data_to_send`` and acts on ``events``. A
conversation outlives its connections. It is not thread-safe: one thread or one task owns it.
"""

from __future__ import annotations

import heapq
from collections import deque
from enum import IntEnum

from sluice import errors
from sluice._protocol import commands
from sluice._protocol.commands import Command, Lane, Recovery
from sluice._protocol.greeting import ConnectionMemory, Greeting
from sluice._protocol.kept import KeptMessages
from sluice._protocol.leases import LeaseTable
from sluice._protocol.operations import Arrived, Broken, Ended, Event, LeaseLost, Operation, Ready, Stage
from sluice._protocol.replies import Reply, ReplyParser, error_of
from sluice.errors import SluiceError

#: How long after the loss of a connection an id still makes a repeated send safe: less than the 120 seconds for which
#: the server remembers it.
ID_LIFETIME = 100.0
#: How often the conversation looks at a silent server in the time that it has for an answer.
CHECKS_FOR_ANSWER = 4


class Phase(IntEnum):
    """Where the connection is."""

    OFFLINE = 0
    GREETING = 1
    AUTHENTICATING = 2
    READY = 3
    CLOSING = 4  # QUIT was sent
    ENDED = 5


class _Question(IntEnum):
    """What an untagged reply answers, if it is not an operation."""

    GREETING = 0
    CREDENTIALS = 1
    ASIDE = 2
    FAREWELL = 3


class _Renewal:
    """A ``TOUCH`` that the conversation has sent by itself."""

    __slots__ = ("did",)

    def __init__(self, did: str) -> None:
        self.did = did


class Conversation:
    """Operations and replies go in, bytes and events come out.

    ``now`` is the time in seconds of any clock that does not go back.
    """

    def __init__(
        self,
        *,
        label: str | None = None,
        principal: str | None = None,
        token: str | None = None,
        reconnects: bool = True,
        keep_alive: float | None = 10.0,
        answer_timeout: float = 3.0,
        connect_timeout: float = 10.0,
    ) -> None:
        if (principal is None) != (token is None):
            raise errors.BadRequest("pass principal= and token= together")
        self._credentials = None
        if principal is not None and token is not None:
            self._credentials = commands.authenticate(principal, token)
        self.reconnects = reconnects
        self.keep_alive = keep_alive
        self.answer_timeout = answer_timeout
        self.connect_timeout = connect_timeout
        self.phase = Phase.OFFLINE
        #: The number of the connection, from 1.
        self.connection = 0
        self.greeting: Greeting | None = None
        self.draining = False
        self.kept = KeptMessages()
        self.leases = LeaseTable()
        self._memory = ConnectionMemory(label)
        self._is_new_server = False
        self._end: SluiceError | None = None
        self._events: list[Event] = []
        self._output: list[bytes] = []
        self._parser = ReplyParser()
        self._questions: deque[Operation | _Question | _Renewal] = deque()
        self._table: dict[bytes, Operation] = {}
        self._taking_tags = 0
        self._last_tag = 0
        self._last_serial = 0
        self._lanes: tuple[deque[Operation], ...] = (deque(), deque(), deque())
        self._deadlines: list[tuple[float, int, Operation]] = []
        self._last_heard = 0.0
        self._next_check = 0.0
        self._silent_checks = 0
        self._connected_at = 0.0

    # What a face reads

    def events(self) -> list[Event]:
        """Returns what has happened since the last call."""
        happened, self._events = self._events, []
        return happened

    def data_to_send(self) -> bytes:
        """Returns the bytes to write to the current connection."""
        if not self._output:
            return b""
        data = self._output[0] if len(self._output) == 1 else b"".join(self._output)
        self._output = []
        return data

    @property
    def is_ready(self) -> bool:
        """Whether the server has accepted the client."""
        return self.phase is Phase.READY

    @property
    def pending(self) -> int:
        """How many operations wait, here or at the server."""
        return len(self._table) + sum(operation.stage is Stage.QUEUED for lane in self._lanes for operation in lane)

    # Submitting and withdrawing

    def submit(self, operation: Operation, now: float) -> None:
        """Accepts an operation: asks the server, or queues it, or fails it."""
        command = operation.command
        if operation.cancelled:
            return self._fail(operation, errors.Withdrawn("the operation was cancelled"))
        phase = self.phase
        if phase is not Phase.READY:
            if phase is Phase.ENDED or phase is Phase.CLOSING:
                return self._fail(operation, self._end or errors.ClientClosed("the client was closed"))
            if command.timeout == 0:
                return self._fail(operation, errors.ConnectionLost("there is no connection at the moment"))
            if command.recovery is Recovery.DISCONNECTED:
                self._forget_end(command)
                return self._fail(operation, errors.ConnectionLost("the connection was lost"))
        if operation.connection is not None and (operation.connection != self.connection or phase is not Phase.READY):
            return self._fail(operation, _gone())
        if command.did is not None and not self._is_too_big(command):
            self.leases.settle(command.did)
        if self.kept and not command.has_parts:
            reply = self.kept.take_for(command)
            if reply is not None:
                operation.reply = reply
                operation.connection = self.connection
                return self._end_operation(operation)
        self._last_serial += 1
        operation.serial = self._last_serial
        if command.timeout:
            operation.deadline = now + command.timeout
        if phase is Phase.READY and self._may_ask(operation):
            self._ask(operation, now)
        else:
            self._enqueue(operation)
        if self.kept and command.has_parts:
            self._feed(command.channel or "")
        return None

    def cancel(self, operation: Operation) -> None:
        """Withdraws an operation. One that the server has still gets its final reply, and that one counts."""
        if operation.cancelled:
            return
        operation.cancelled = True
        if operation.stage is Stage.QUEUED:
            if operation.in_doubt_since is None:
                self._fail(operation, errors.Withdrawn("the operation was cancelled"))
            else:
                self._fail(operation, _in_doubt())
        elif operation.stage is Stage.PENDING and not operation.feeding and operation.tag is not None:
            self._aside(commands.cancel(operation.tag))

    def abandon(self, operation: Operation) -> None:
        """Withdraws an operation that nobody waits for any more.

        A message that comes all the same is given back: see ``give_back``. Call it also for an operation that has
        ended, if its caller has not got the result.
        """
        operation.abandoned = True
        if operation.stage is Stage.ENDED:
            reply = operation.reply
            if reply is not None and reply.kind == "MSG":
                operation.reply = None
                self.give_back(reply, operation.connection or 0)
            return
        self.cancel(operation)

    def give_back(self, reply: Reply, connection: int) -> None:
        """Returns a message that its receiver has not got: a leased one to the channel, another to its next receive."""
        did = reply.attributes.get("did")
        if did is None:
            self._feed(self.kept.keep(reply))
        elif connection == self.connection and self.phase in (Phase.READY, Phase.CLOSING):
            self.leases.settle(did)
            self._aside(commands.nack(did))

    def close(self) -> None:
        """Withdraws everything and sends ``QUIT``. A ``Broken`` event follows when the server has answered."""
        if self.phase in (Phase.CLOSING, Phase.ENDED):
            return
        was_ready = self.phase is Phase.READY
        self._end = errors.ClientClosed("the client was closed")
        self.phase = Phase.CLOSING
        self._fail_waiting(self._end)
        if not was_ready:
            self._events.append(Broken(self._end, True))
            return
        for operation in list(self._table.values()):
            self.cancel(operation)
        self._questions.append(_Question.FAREWELL)
        self._output.append(commands.quit_().encode(None, None))

    # Connections

    def connected(self, now: float) -> None:
        """Begins a connection."""
        self.connection += 1
        self.draining = False
        self._parser = ReplyParser()
        self._connected_at = self._last_heard = now
        self._silent_checks = 0
        self.phase = Phase.GREETING
        self._questions.append(_Question.GREETING)
        self._output.append(commands.hello().encode(None, None))
        if self._credentials is None:
            # In the same write: a server with principals refuses it, and every other one is ready.
            self._questions.append(_Question.CREDENTIALS)
            self._output.append(commands.ping().encode(None, None))

    def receive_data(self, data: bytes, now: float) -> None:
        """Takes bytes of the server."""
        self._last_heard = now
        self._silent_checks = 0
        try:
            replies = self._parser.feed(data)
        except SluiceError as error:
            self._events.append(Broken(error, True))
            return
        for reply in replies:
            if reply.tag is None:
                self._hear_untagged(reply, now)
            else:
                self._hear_tagged(reply, now)
        if self.phase is Phase.READY and not self.draining:
            self._ask_waiting(now)

    def lost(self, cause: SluiceError, final: bool, now: float) -> None:
        """Ends a connection that is gone. ``final`` says that no other one follows."""
        final = final or self.phase is Phase.CLOSING
        interrupted = list(self._table.values())
        interrupted += [question for question in self._questions if isinstance(question, Operation)]
        self._table.clear()
        self._questions.clear()
        self._output = []
        self._taking_tags = 0
        self.draining = False
        for did in self.leases.clear():
            self._events.append(LeaseLost(did, self.connection))
        self.phase = Phase.ENDED if final else Phase.OFFLINE
        if final:
            self._end = self._end or cause
        again = [operation for operation in interrupted if self._recovers(operation, cause, final)]
        for operation in sorted(again, key=lambda operation: operation.serial, reverse=True):
            self._enqueue(operation, first=True)
        if final:
            self._fail_waiting(self._end or cause)

    # Time

    def next_time(self) -> float | None:
        """Returns when ``tick`` has to be called at the latest."""
        phase = self.phase
        if phase is Phase.READY or phase is Phase.CLOSING:
            earliest: float | None = self._next_check
        elif phase is Phase.GREETING or phase is Phase.AUTHENTICATING:
            earliest = self._connected_at + self.connect_timeout
        else:
            earliest = None
        deadlines = self._deadlines
        while deadlines and deadlines[0][2].stage is not Stage.QUEUED:
            heapq.heappop(deadlines)
        if deadlines and (earliest is None or deadlines[0][0] < earliest):
            earliest = deadlines[0][0]
        renewal = self.leases.next_time()
        if renewal is not None and (earliest is None or renewal < earliest):
            earliest = renewal
        return earliest

    def tick(self, now: float) -> None:
        """Does what is due: ends operations that have waited here past their time, renews leases, looks for life."""
        while self._deadlines and self._deadlines[0][0] <= now:
            operation = heapq.heappop(self._deadlines)[2]
            if operation.stage is Stage.QUEUED and operation.deadline is not None and operation.deadline <= now:
                self._fail(operation, _expiry(operation))
        if self.phase is Phase.READY:
            for did in self.leases.due(now):
                self._questions.append(_Renewal(did))
                self._output.append(commands.touch(did).encode(None, None))
        if self.phase in (Phase.READY, Phase.CLOSING):
            if now >= self._next_check:
                self._check_life(now)
        elif self.phase in (Phase.GREETING, Phase.AUTHENTICATING) and now >= self._connected_at + self.connect_timeout:
            self._events.append(Broken(errors.ConnectionLost("the server does not answer"), False))

    def _check_life(self, now: float) -> None:
        # Counts calls rather than the time: this process may itself have been stopped, and have replies to read.
        self._next_check = now + self.answer_timeout / CHECKS_FOR_ANSWER
        silent = self.keep_alive is not None and now - self._last_heard >= self.keep_alive
        if self.phase is Phase.READY and not self._questions and (silent or self._is_overdue(now)):
            self._aside(commands.ping())
        self._silent_checks = self._silent_checks + 1 if self._questions else 0
        if self._silent_checks > CHECKS_FOR_ANSWER:
            self._silent_checks = 0
            self._events.append(Broken(errors.ConnectionLost("the server does not answer any more"), False))

    def _is_overdue(self, now: float) -> bool:
        # A message that a receiver holds is a good reason: the server answers the PING then.
        return any(
            operation.command.timeout == 0 or (operation.deadline is not None and operation.deadline < now)
            for operation in self._table.values()
        )

    # Asking

    def _may_ask(self, operation: Operation) -> bool:
        lane = operation.command.lane
        if self.draining:
            return not self._waits_for_next_server(operation) and (lane is Lane.INSTANT or self._has_tag(lane))
        if self._lanes[lane]:
            return False
        return lane is Lane.INSTANT or self._has_tag(lane)

    def _has_tag(self, lane: Lane) -> bool:
        # Each lane leaves a quarter of the tags to the other.
        most = self.greeting.max_tags if self.greeting is not None else 2
        used = self._taking_tags if lane is Lane.TAKING else len(self._table) - self._taking_tags
        return len(self._table) < most and used < most - max(most // 4, 1)

    def _enqueue(self, operation: Operation, first: bool = False) -> None:
        operation.stage = Stage.QUEUED
        operation.delayed = True
        lane = self._lanes[operation.command.lane]
        if first:
            lane.appendleft(operation)
        else:
            lane.append(operation)
        if operation.deadline is not None:
            heapq.heappush(self._deadlines, (operation.deadline, operation.serial, operation))

    def _ask_waiting(self, now: float) -> None:
        for lane in (Lane.INSTANT, Lane.SENDING, Lane.TAKING):
            queue = self._lanes[lane]
            while queue and (lane is Lane.INSTANT or self._has_tag(lane)):
                operation = queue.popleft()
                if operation.stage is Stage.QUEUED:
                    self._ask(operation, now)

    def _is_too_big(self, command: Command) -> bool:
        return self.greeting is not None and command.body_bytes > self.greeting.max_body

    def _ask(self, operation: Operation, now: float) -> None:
        command = operation.command
        since = operation.in_doubt_since
        if since is not None and now - since > ID_LIFETIME:
            return self._fail(operation, _in_doubt())
        greeting = self.greeting
        if greeting is not None and command.body is not None:
            if len(command.body) > greeting.max_body:
                text = f"the message has {len(command.body)} bytes; the server takes at most {greeting.max_body}"
                return self._fail(operation, errors.LimitExceeded(text, code="too-big"))
            if command.has_id and command.epoch is None and command.verb != b"SELECT":
                # The server compares the epoch of a send's first attempt with its own.
                command.epoch = greeting.epoch
        timeout = command.timeout
        if operation.delayed and operation.deadline is not None:
            timeout = operation.deadline - now
            if timeout <= 0:
                return self._fail(operation, _expiry(operation))
        if command.lane is Lane.INSTANT:
            operation.stage = Stage.ASKED
            self._questions.append(operation)
            self._output.append(command.encode(None, None))
            return None
        self._last_tag += 1
        tag = b"%d" % self._last_tag
        operation.tag = tag
        operation.stage = Stage.PENDING
        self._table[tag] = operation
        if command.lane is Lane.TAKING:
            self._taking_tags += 1
        self._output.append(command.encode(tag, timeout))
        return None

    def _aside(self, command: Command) -> None:
        self._questions.append(_Question.ASIDE)
        self._output.append(command.encode(None, None))

    # Hearing

    def _hear_tagged(self, reply: Reply, now: float) -> None:
        tag = reply.tag or b""
        operation = self._table.get(tag)
        if operation is None:
            self._events.append(Broken(errors.ProtocolError(f"the server has answered an unknown tag {tag!r}"), False))
            return
        if operation.command.has_parts and reply.kind in ("MSG", "DATA"):
            operation.parts += 1
            self._hold(operation.command.lease, reply, now)
            if operation.abandoned:
                if reply.kind == "MSG":
                    self.give_back(reply, self.connection)
            else:
                self._events.append(Arrived(operation, reply, self.connection))
            return
        del self._table[tag]
        if operation.command.lane is Lane.TAKING:
            self._taking_tags -= 1
        self._finish(operation, reply, now)

    def _hear_untagged(self, reply: Reply, now: float) -> None:
        if not self._questions:
            error = error_of(reply)
            self._events.append(Broken(error, isinstance(error, errors.AuthRequired)))
            return
        question = self._questions.popleft()
        if isinstance(question, Operation):
            self._finish(question, reply, now)
        elif isinstance(question, _Renewal):
            if reply.kind != "OK" and self.leases.settle(question.did):
                self._events.append(LeaseLost(question.did, self.connection))
        elif question is _Question.GREETING:
            self._hear_greeting(reply)
        elif question is _Question.CREDENTIALS:
            self._hear_authentication(reply, now)
        elif question is _Question.FAREWELL:
            self._events.append(Broken(self._end or errors.ClientClosed("the client was closed"), True))

    def _hear_greeting(self, reply: Reply) -> None:
        try:
            greeting = Greeting(reply)
        except SluiceError as error:
            self._events.append(Broken(error, isinstance(error, errors.ProtocolError)))
            return
        self._is_new_server = self.greeting is not None and self.greeting.epoch != greeting.epoch
        self.greeting = greeting
        if self.phase is Phase.GREETING:
            self.phase = Phase.AUTHENTICATING
        if self._credentials is not None:
            self._questions.append(_Question.CREDENTIALS)
            self._output.append(self._credentials.encode(None, None))

    def _hear_authentication(self, reply: Reply, now: float) -> None:
        if reply.kind != "OK":
            error = error_of(reply)
            if self._credentials is None and isinstance(error, (errors.Denied, errors.AuthRequired)):
                error = errors.AuthRequired("the server requires credentials: pass principal= and token=")
            temporary = isinstance(error, (errors.LimitExceeded, errors.Draining))
            self._events.append(Broken(error, not temporary))
            return
        if self.phase is not Phase.AUTHENTICATING:
            return
        self.phase = Phase.READY
        self._next_check = now + self.answer_timeout / CHECKS_FOR_ANSWER
        # An earlier server refuses the option.
        known = self.greeting.features if self.greeting is not None else frozenset()
        understood = [feature for feature in ("receivers", "rejected") if feature in known]
        if understood:
            self._aside(commands.hello(understood))
        for command in self._memory.commands(self._is_new_server):
            self._aside(command)
        self._events.append(Ready())
        self._ask_waiting(now)

    def _hold(self, lease: float | None, reply: Reply, now: float) -> None:
        did = reply.attributes.get("did")
        if did is not None and lease is not None:
            self.leases.hold(did, lease, now)

    def _finish(self, operation: Operation, reply: Reply, now: float) -> None:
        command = operation.command
        if reply.kind in ("CANCELLED", "ERR") and self._keep_for_next_server(operation, reply):
            return
        if operation.feeding:
            operation.feeding = False
            if reply.kind in ("CANCELLED", "TIMEOUT") and not operation.cancelled:
                kept = self.kept.take_for(command)
                if kept is not None:
                    reply = kept
                elif reply.kind == "CANCELLED" and reply.reason is None:
                    return self._enqueue(operation, first=True)
        if reply.kind == "OK":
            if command.memo is not None:
                self._memory.note(command)
        elif reply.kind == "MSG":
            lease = command.lease
            if reply.arm is not None and reply.arm < len(command.arms):
                lease = command.arms[reply.arm].lease
            self._hold(lease, reply, now)
        elif reply.kind == "ERR" and reply.reason == "auth-required":
            self._events.append(Broken(error_of(reply), True))
        operation.reply = reply
        operation.connection = self.connection
        return self._end_operation(operation)

    def _end_operation(self, operation: Operation) -> None:
        operation.stage = Stage.ENDED
        if operation.abandoned:
            self.abandon(operation)
        else:
            self._events.append(Ended(operation))

    def _fail(self, operation: Operation, error: SluiceError) -> None:
        operation.stage = Stage.ENDED
        operation.error = error
        if not operation.abandoned:
            self._events.append(Ended(operation))

    def _fail_waiting(self, error: SluiceError) -> None:
        for lane in self._lanes:
            waiting = [operation for operation in lane if operation.stage is Stage.QUEUED]
            lane.clear()
            for operation in waiting:
                self._fail(operation, error if operation.in_doubt_since is None else _in_doubt(error))

    # Kept messages

    def _feed(self, channel: str) -> None:
        """Gives the kept messages of a channel to receives that wait already."""
        candidates = sorted(self._table.values(), key=lambda operation: operation.serial) + list(
            self._lanes[Lane.TAKING]
        )
        for operation in candidates:
            command = operation.command
            if not self.kept:
                return
            if operation.cancelled or operation.abandoned or operation.feeding or command.lane is not Lane.TAKING:
                continue
            if not _may_have(command, channel):
                continue
            if command.has_parts or operation.stage is Stage.QUEUED:
                reply = self.kept.take_for(command)
                while reply is not None and command.has_parts:
                    self._events.append(Arrived(operation, reply, self.connection))
                    reply = self.kept.take_for(command)
                if reply is not None:
                    operation.reply = reply
                    operation.connection = self.connection
                    self._end_operation(operation)
            elif operation.stage is Stage.PENDING and operation.tag is not None:
                operation.feeding = True
                self._aside(commands.cancel(operation.tag))
                return

    # Draining and lost connections

    def _keep_for_next_server(self, operation: Operation, reply: Reply) -> bool:
        if reply.reason != "draining":
            return False
        self.draining = True
        if self.phase is not Phase.READY or operation.cancelled or not self._waits_for_next_server(operation):
            return False
        operation.feeding = False
        if not operation.continue_counting():
            operation.reply = Reply(None, "END")
            self._end_operation(operation)
        else:
            self._enqueue(operation, first=True)
        return True

    def _waits_for_next_server(self, operation: Operation) -> bool:
        """Whether a server that is about to stop refuses the operation, and the next one is asked.

        What sends or meets does not wait while the client holds messages: the end of the server waits for these.
        """
        command = operation.command
        if not self.reconnects or command.timeout == 0:
            return False
        if command.verb in (b"RECV", b"TRACE", b"OPEN", b"JOIN"):
            return True
        if command.verb == b"SELECT" and command.recovery is Recovery.AGAIN:
            return True
        return command.verb in (b"SEND", b"CALL", b"SELECT", b"BARRIER", b"REDRIVE") and not self.leases

    def _recovers(self, operation: Operation, cause: SluiceError, final: bool) -> bool:
        """Returns whether an interrupted operation is asked again; otherwise ends it."""
        command = operation.command
        recovery = command.recovery
        operation.feeding = False
        if recovery is Recovery.AGAIN:
            if operation.cancelled:
                self._fail(operation, errors.Withdrawn("the operation was cancelled"))
            elif final or command.timeout == 0:
                self._fail(operation, cause if final else errors.ConnectionLost(str(cause)))
            elif not operation.continue_counting():
                operation.reply = Reply(None, "END")
                self._end_operation(operation)
            else:
                return True
        elif recovery is Recovery.WITH_ID:
            if operation.in_doubt_since is None:
                operation.in_doubt_since = self._last_heard
            if not operation.cancelled and not final and command.timeout != 0:
                return True
            self._fail(operation, _in_doubt(cause))
        elif recovery is Recovery.IN_DOUBT:
            self._fail(operation, _in_doubt(cause))
        elif recovery is Recovery.STALE:
            self._fail(operation, _gone())
        else:
            self._forget_end(command)
            self._fail(operation, errors.ConnectionLost(str(cause)))
        return False

    def _forget_end(self, command: Command) -> None:
        # The next connection must not join the end of a LEAVE again: the server has ended it with the connection.
        if command.verb == b"LEAVE":
            self._memory.note(command)


def _may_have(command: Command, channel: str) -> bool:
    if command.verb == b"RECV":
        return command.channel == channel and command.lease is None
    return any(arm.channel == channel and arm.lease is None for arm in command.arms)


def _gone() -> errors.Stale:
    return errors.Stale("the message went back when its connection was lost")


def _in_doubt(cause: SluiceError | None = None) -> errors.InDoubt:
    reason = "the connection was lost before the answer" if cause is None else str(cause)
    return errors.InDoubt(f"the operation may have happened: {reason}", reason=reason)


def _expiry(operation: Operation) -> SluiceError:
    if operation.in_doubt_since is not None:
        return _in_doubt()
    return errors.TimedOut("the time ran out before the server could be asked")
