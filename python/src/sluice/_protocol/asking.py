"""What a conversation asks the server, and what it does with messages that nobody waits for any more."""

from __future__ import annotations

import heapq
from collections import deque

from sluice import errors
from sluice._protocol import commands
from sluice._protocol.command import Recovery
from sluice._protocol.commands import Command, Lane
from sluice._protocol.greeting import ConnectionMemory, Greeting
from sluice._protocol.kept import KeptMessages
from sluice._protocol.leases import LeaseTable
from sluice._protocol.operations import Arrived, Ended, Event, Operation, Stage
from sluice._protocol.outcomes import expiry, in_doubt
from sluice._protocol.phases import Phase, Question, Renewal
from sluice._protocol.replies import Reply, ReplyParser
from sluice.errors import SluiceError

#: How long after the loss of a connection an id still makes a repeated send safe: less than the 120 seconds for which
#: the server remembers it.
ID_LIFETIME = 100.0


class Asking:
    """The state of a conversation, and how its operations reach the server and end."""

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
        # The channels of kept messages for which no waiting receive was looked for yet.
        self._unfed: set[str] = set()
        self.leases = LeaseTable()
        self._memory = ConnectionMemory(label)
        self._is_new_server = False
        self._end: SluiceError | None = None
        self._events: list[Event] = []
        self._output: list[bytes] = []
        self._parser = ReplyParser()
        self._questions: deque[Operation | Question | Renewal] = deque()
        self._table: dict[bytes, Operation] = {}
        self._taking_tags = 0
        self._last_tag = 0
        self._last_serial = 0
        self._lanes: tuple[deque[Operation], ...] = (deque(), deque(), deque())
        self._deadlines: list[tuple[float, int, Operation]] = []
        # A queue keeps operations that have ended until it is longer than this.
        self._most_queued = [1024, 1024, 1024]
        self._most_deadlines = 1024
        self._last_heard = 0.0
        self._next_check = 0.0
        self._silent_checks = 0
        # The bytes given to the face since the connection began.
        self._written = 0
        # Of these, the bytes that the server's host had not acknowledged, and had acknowledged, at the last check.
        self._unsent = 0
        self._delivered = 0
        self._connected_at = 0.0

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
        self._written += len(data)
        return data

    @property
    def is_ready(self) -> bool:
        """Whether the server has accepted the client."""
        return self.phase is Phase.READY

    @property
    def pending(self) -> int:
        """How many operations wait, here or at the server."""
        return len(self._table) + sum(operation.stage is Stage.QUEUED for lane in self._lanes for operation in lane)

    def cancel(self, operation: Operation) -> None:
        """Withdraws an operation. If the server has it, its end is still the server's reply, which may be a success."""
        if operation.cancelled:
            return
        operation.cancelled = True
        if operation.stage is Stage.QUEUED:
            if operation.in_doubt_since is None:
                self._fail(operation, errors.Withdrawn("the operation was cancelled"))
            else:
                self._fail(operation, in_doubt())
        elif operation.stage is Stage.PENDING and not operation.feeding and operation.tag is not None:
            self._aside(commands.cancel(operation.tag))

    def decline(self, operation: Operation) -> None:
        """Withdraws an operation whose caller waits for its end, but takes no message.

        A message that comes all the same is given back at once: see ``give_back``. Call it also for an operation that
        has ended, if its caller has not got the result.
        """
        operation.declined = True
        if operation.stage is Stage.ENDED:
            self._return_message(operation)
            self._feed_waiting()
        else:
            self.cancel(operation)

    def abandon(self, operation: Operation) -> None:
        """Declines an operation whose caller does not wait for its end."""
        operation.abandoned = True
        self.decline(operation)

    def _return_message(self, operation: Operation) -> None:
        reply = operation.reply
        if reply is not None and reply.kind == "MSG":
            operation.reply = None
            self._give_back(reply, operation.connection or 0)

    def give_back(self, reply: Reply, connection: int) -> None:
        """Returns a message that no caller got: a leased one to its channel, any other to the next receive here."""
        self._give_back(reply, connection)
        self._feed_waiting()

    def _give_back(self, reply: Reply, connection: int) -> None:
        did = reply.attributes.get("did")
        if did is None:
            self._unfed.add(self.kept.keep(reply))
        elif connection == self.connection and self.phase in (Phase.READY, Phase.CLOSING):
            self.leases.settle(did)
            self._aside(commands.nack(did))

    def _may_ask(self, operation: Operation) -> bool:
        lane = operation.command.lane
        if self.draining:
            return not self._waits_for_next_server(operation) and (lane is Lane.INSTANT or self._has_tag(lane))
        if self._lanes[lane]:
            return False
        return lane is Lane.INSTANT or self._has_tag(lane)

    def _waits_for_next_server(self, operation: Operation) -> bool:
        """Whether the operation waits in the client while the server drains, until there is another server.

        Sends and meetings do not wait while the client holds leased messages, because the server waits for these.
        """
        command = operation.command
        if not self.reconnects or command.timeout == 0:
            return False
        if command.verb in (b"RECV", b"TRACE", b"OPEN", b"JOIN"):
            return True
        if command.verb == b"SELECT" and command.recovery is Recovery.AGAIN:
            return True
        return command.verb in (b"SEND", b"CALL", b"SELECT", b"BARRIER", b"REDRIVE") and not self.leases

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
        if len(lane) > self._most_queued[operation.command.lane]:
            waiting = [each for each in lane if each.stage is Stage.QUEUED]
            lane.clear()
            lane.extend(waiting)
            self._most_queued[operation.command.lane] = max(1024, 2 * len(waiting))
        if operation.deadline is not None:
            heapq.heappush(self._deadlines, (operation.deadline, operation.serial, operation))
            if len(self._deadlines) > self._most_deadlines:
                self._deadlines = [entry for entry in self._deadlines if entry[2].stage is Stage.QUEUED]
                heapq.heapify(self._deadlines)
                self._most_deadlines = max(1024, 2 * len(self._deadlines))

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
            return self._fail(operation, in_doubt())
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
                return self._fail(operation, expiry(operation))
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
        self._questions.append(Question.ASIDE)
        self._output.append(command.encode(None, None))

    def _end_operation(self, operation: Operation) -> None:
        operation.stage = Stage.ENDED
        if operation.declined:
            self._return_message(operation)
        if not operation.abandoned:
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
                self._fail(operation, error if operation.in_doubt_since is None else in_doubt(error))

    def _feed_waiting(self) -> None:
        """Gives kept messages to receives that wait already.

        This looks at every operation, so it is done once for all replies that come together.
        """
        if self._unfed:
            unfed, self._unfed = self._unfed, set()
            for channel in sorted(unfed):
                self._feed(channel)

    def _feed(self, channel: str) -> None:
        """Gives the kept messages of a channel to receives that wait already, to the oldest first.

        The server is asked to cancel a receive that it has, and the receive takes a kept message when it ends. If it
        gets another message first, the next receive is fed in its place.
        """
        kept = self.kept
        # How many receives have to be fed.
        missing = kept.count(channel)
        if not missing:
            return
        # The table is in the order in which the server was asked.
        for operation in (*self._table.values(), *self._lanes[Lane.TAKING], *self._lanes[Lane.SENDING]):
            if operation.cancelled or operation.stage is Stage.ENDED or not _may_have(operation, channel):
                continue
            if operation.command.has_parts:
                while (reply := kept.take(channel)) is not None:
                    self._events.append(Arrived(operation, reply, self.connection))
                return
            if operation.stage is Stage.QUEUED:
                self._take_kept(operation)
            elif operation.stage is Stage.PENDING and operation.tag is not None and not operation.feeding:
                operation.feeding = True
                self._aside(commands.cancel(operation.tag))
            missing -= 1
            if not missing:
                return

    def _take_kept(self, operation: Operation) -> bool:
        """Ends a receive or a select with a kept message, if there is one for it."""
        reply = self.kept.take_for(operation.command)
        if reply is None:
            return False
        operation.reply = reply
        operation.connection = self.connection
        self._end_operation(operation)
        return True


def _may_have(operation: Operation, channel: str) -> bool:
    """Whether a receive or a select can take a message of the channel that has no lease."""
    command = operation.command
    if command.verb == b"RECV":
        is_complete = isinstance(command.count, int) and operation.parts >= command.count
        return command.channel == channel and command.lease is None and not is_complete
    return any(arm.channel == channel and arm.lease is None and not (arm.sends or arm.meets) for arm in command.arms)
