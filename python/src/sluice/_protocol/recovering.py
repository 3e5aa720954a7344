"""What happens to operations when a server drains, and when a connection is lost."""

from __future__ import annotations

from sluice import errors
from sluice._protocol.asking import Asking
from sluice._protocol.commands import Command, Recovery
from sluice._protocol.operations import Operation
from sluice._protocol.outcomes import gone, in_doubt
from sluice._protocol.phases import Phase
from sluice._protocol.replies import Reply
from sluice.errors import SluiceError


class Recovering(Asking):
    """Decides which operations are asked again over the next connection."""

    def _keep_for_next_server(self, operation: Operation, reply: Reply) -> bool:
        if reply.reason != "draining":
            return False
        self.draining = True
        if self.phase is not Phase.READY or operation.cancelled or not self._waits_for_next_server(operation):
            return False
        if not operation.continue_counting():
            operation.reply = Reply(None, "END")
            self._end_operation(operation)
        else:
            self._enqueue(operation, first=True)
        return True

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
            self._fail(operation, in_doubt(cause))
        elif recovery is Recovery.IN_DOUBT:
            self._fail(operation, in_doubt(cause))
        elif recovery is Recovery.STALE:
            self._fail(operation, gone())
        else:
            self._forget_end(command)
            self._fail(operation, errors.ConnectionLost(str(cause)))
        return False

    def _forget_end(self, command: Command) -> None:
        # The next connection must not join the end of a LEAVE again: the server has ended it with the connection.
        if command.verb == b"LEAVE":
            self._memory.note(command)
