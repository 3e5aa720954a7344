"""The protocol without input and output, which every face of the client shares.

    conversation = Conversation(label="worker")
    conversation.connected(now)              # a socket is connected
    operation = Operation(commands.receive("jobs", timeout=5))
    conversation.submit(operation, now)
    socket.sendall(conversation.data_to_send())
    conversation.receive_data(socket.recv(65536), now)
    for event in conversation.events(): ...  # Ended(operation): operation.result()

A face also calls ``tick`` at ``next_time``, and ``lost`` when a connection ends. To stop waiting, it calls ``cancel``
and waits for the final reply, or calls ``abandon`` and does not wait: a message that comes all the same is given back.
"""

from sluice._protocol import commands
from sluice._protocol.backoff import Backoff
from sluice._protocol.commands import Arm, Command, Lane, Recovery
from sluice._protocol.conversation import Conversation
from sluice._protocol.greeting import Greeting
from sluice._protocol.operations import Arrived, Broken, Ended, Event, LeaseLost, Operation, Ready, Stage
from sluice._protocol.phases import Phase
from sluice._protocol.replies import Reply, ReplyParser, error_of

__all__ = [
    "Arm",
    "Arrived",
    "Backoff",
    "Broken",
    "Command",
    "Conversation",
    "Ended",
    "Event",
    "Greeting",
    "Lane",
    "LeaseLost",
    "Operation",
    "Phase",
    "Ready",
    "Recovery",
    "Reply",
    "ReplyParser",
    "Stage",
    "commands",
    "error_of",
]
