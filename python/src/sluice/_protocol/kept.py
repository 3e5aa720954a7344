"""Messages that came after their caller had stopped waiting. The next receives of their channels get them."""

from __future__ import annotations

from collections import deque

from sluice._protocol.commands import Command
from sluice._protocol.replies import Reply


class KeptMessages:
    """Keeps such messages in a queue for each channel."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Reply]] = {}

    def __bool__(self) -> bool:
        return bool(self._queues)

    def channels(self) -> list[str]:
        """Returns the channels whose messages are kept."""
        return list(self._queues)

    def count(self, channel: str) -> int:
        """Returns how many messages of the channel are kept."""
        queue = self._queues.get(channel)
        return 0 if queue is None else len(queue)

    def keep(self, reply: Reply) -> str:
        """Keeps a message. Returns its channel."""
        channel = reply.channel or ""
        reply.arm = None
        reply.attributes.pop("arm", None)
        self._queues.setdefault(channel, deque()).append(reply)
        return channel

    def take(self, channel: str) -> Reply | None:
        """Takes the oldest message of the channel."""
        queue = self._queues.get(channel)
        if queue is None:
            return None
        reply = queue.popleft()
        if not queue:
            del self._queues[channel]
        return reply

    def take_for(self, command: Command) -> Reply | None:
        """Takes a message that a receive or a select without a lease can have. A counted receive takes several."""
        if not self._queues:
            return None
        if command.verb == b"RECV":
            return self.take(command.channel or "") if command.lease is None else None
        for index, arm in enumerate(command.arms):
            if not (arm.sends or arm.meets) and arm.lease is None:
                reply = self.take(arm.channel)
                if reply is not None:
                    reply.arm = index
                    return reply
        return None

    def take_all(self) -> list[Reply]:
        """Takes everything."""
        replies = [reply for queue in self._queues.values() for reply in queue]
        self._queues.clear()
        return replies
