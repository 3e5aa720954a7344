"""The client's side of the protocol, without sockets and clocks.

A face submits operations, and passes received bytes and the time; it writes ``data_to_send`` and acts on ``events``. A
conversation outlives its connections. It is not thread-safe: one thread or one task owns it.
"""

from __future__ import annotations

import heapq

from sluice import errors
from sluice._protocol import commands
from sluice._protocol.command import Command
from sluice._protocol.commands import Lane, Recovery
from sluice._protocol.greeting import Greeting
from sluice._protocol.operations import Arrived, Broken, LeaseLost, Operation, Ready, Stage
from sluice._protocol.outcomes import expiry, gone
from sluice._protocol.phases import Phase, Question, Renewal
from sluice._protocol.recovering import Recovering
from sluice._protocol.replies import Reply, ReplyParser, error_of
from sluice.errors import SluiceError

#: How often the conversation looks at a silent server in the time that it has for an answer.
CHECKS_FOR_ANSWER = 4
#: The replies that say that a command has happened, and those of them that each verb can get.
_SUCCESSES = frozenset(["OK", "MSG", "DATA", "ELSE", "END"])
_SUCCESSES_OF: dict[bytes, frozenset[str]] = {
    b"SEND": frozenset(["OK"]),
    b"CALL": frozenset(["OK", "DATA"]),
    b"RECV": frozenset(["MSG"]),
    b"SELECT": frozenset(["OK", "MSG", "ELSE"]),
    b"BARRIER": frozenset(["OK"]),
    b"REDRIVE": frozenset(["OK"]),
}


class Conversation(Recovering):
    """Operations and replies go in, bytes and events come out.

    ``now`` is the time in seconds of any clock that does not go back.
    """

    def submit(self, operation: Operation, now: float) -> None:
        """Accepts an operation: asks the server, or queues it, or fails it."""
        command = operation.command
        if operation.cancelled:
            return self._fail(operation, errors.Withdrawn("the operation was cancelled"))
        phase = self.phase
        if phase is Phase.ENDED or phase is Phase.CLOSING:
            return self._fail(operation, self._end or errors.ClientClosed("the client was closed"))
        # A message that is here already needs no connection.
        if self.kept and not command.has_parts and self._take_kept(operation):
            return None
        if phase is not Phase.READY:
            if command.timeout == 0:
                return self._fail(operation, errors.ConnectionLost("there is no connection at the moment"))
            if command.recovery is Recovery.DISCONNECTED:
                self._forget_end(command)
                return self._fail(operation, errors.ConnectionLost("the connection was lost"))
        if operation.connection is not None and (operation.connection != self.connection or phase is not Phase.READY):
            return self._fail(operation, gone())
        if command.did is not None and not self._is_too_big(command):
            self.leases.settle(command.did)
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
        self._questions.append(Question.QUIT)
        self._output.append(commands.quit_().encode(None, None))

    def connected(self, now: float) -> None:
        """Begins a connection."""
        self.connection += 1
        self.draining = False
        self._parser = ReplyParser()
        self._connected_at = self._last_heard = now
        self._silent_checks = 0
        self._written = self._unsent = self._delivered = 0
        self.phase = Phase.GREETING
        self._questions.append(Question.GREETING)
        self._output.append(commands.hello().encode(None, None))
        if self._credentials is None:
            # In the same write: a server with principals refuses it, and every other one is ready.
            self._questions.append(Question.CREDENTIALS)
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
        self._feed_waiting()
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
        else:
            self._unfed.update(self.kept.channels())
            self._feed_waiting()

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

    def tick(self, now: float, unsent: int = 0) -> None:
        """Does what is due: ends operations that have timed out here, renews leases, pings a silent server.

        ``unsent`` is how many of the bytes to send the server's host has not acknowledged.
        """
        while self._deadlines and self._deadlines[0][0] <= now:
            operation = heapq.heappop(self._deadlines)[2]
            if operation.stage is Stage.QUEUED and operation.deadline is not None and operation.deadline <= now:
                self._fail(operation, expiry(operation))
        if self.phase is Phase.READY:
            for did in self.leases.due(now):
                self._questions.append(Renewal(did))
                self._output.append(commands.touch(did).encode(None, None))
        if self.phase in (Phase.READY, Phase.CLOSING):
            if now >= self._next_check:
                self._check_life(now, unsent)
        elif self.phase in (Phase.GREETING, Phase.AUTHENTICATING) and now >= self._connected_at + self.connect_timeout:
            self._events.append(Broken(errors.ConnectionLost("the server does not answer"), False))

    def _check_life(self, now: float, unsent: int) -> None:
        # A server cannot answer what has not reached it. While its host acknowledges more bytes, the connection counts
        # as alive. The host of a frozen server also acknowledges bytes, but only until its buffer is full.
        delivered = self._written - unsent
        is_under_way = bool(unsent and self._unsent) and delivered > self._delivered
        self._unsent, self._delivered = unsent, delivered
        if is_under_way:
            self._last_heard = now
            self._silent_checks = 0
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
                    self._give_back(reply, self.connection)
            else:
                self._events.append(Arrived(operation, reply, self.connection))
            return
        if reply.kind in _SUCCESSES and not self._can_get(operation.command, reply):
            # It says nothing about the operation, which ends with the connection.
            text = f"the server has answered {operation.command.verb.decode()} by {reply.kind}"
            self._events.append(Broken(errors.ProtocolError(text), False))
            return
        del self._table[tag]
        if operation.command.lane is Lane.TAKING:
            self._taking_tags -= 1
        self._finish(operation, reply, now)

    @staticmethod
    def _can_get(command: Command, reply: Reply) -> bool:
        if command.has_parts:
            return reply.kind == "END"
        return reply.kind in _SUCCESSES_OF.get(command.verb, _SUCCESSES)

    def _hear_untagged(self, reply: Reply, now: float) -> None:
        if not self._questions:
            error = error_of(reply)
            self._events.append(Broken(error, isinstance(error, errors.AuthRequired)))
            return
        question = self._questions.popleft()
        if isinstance(question, Operation):
            self._finish(question, reply, now)
        elif isinstance(question, Renewal):
            if reply.kind != "OK" and self.leases.settle(question.did):
                self._events.append(LeaseLost(question.did, self.connection))
        elif question is Question.GREETING:
            self._hear_greeting(reply)
        elif question is Question.CREDENTIALS:
            self._hear_authentication(reply, now)
        elif question is Question.QUIT:
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
            self._questions.append(Question.CREDENTIALS)
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
        understood = [feature for feature in ("receivers", "rejected", "kept") if feature in known]
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
        was_feeding, operation.feeding = operation.feeding, False
        if was_feeding:
            # A kept message that this operation does not take is for another one.
            self._unfed.update(self.kept.channels())
        if reply.kind in ("CANCELLED", "ERR") and self._keep_for_next_server(operation, reply):
            return
        if not operation.cancelled and self.kept and _is_miss(reply) and self._take_kept(operation):
            return
        if was_feeding and not operation.cancelled and reply.kind == "CANCELLED" and reply.reason is None:
            # Another receive has taken the message.
            return self._enqueue(operation, first=True)
        command = operation.command
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


def _is_miss(reply: Reply) -> bool:
    """Whether a reply says that a receive or a select has not happened."""
    if reply.kind == "CANCELLED":
        # A send of a select has happened if the channel has dropped its message.
        return reply.reason != "dropped"
    return reply.kind in ("TIMEOUT", "CLOSED", "POISONED", "ELSE")
