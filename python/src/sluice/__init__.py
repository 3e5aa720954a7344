"""Channels between processes: the face for threads and, after gevent's monkey patching, for greenlets.

    import sluice

    with sluice.connect("127.0.0.1:7333", label="worker-7") as hub:
        hub.channel("jobs").send(b"sweep the yard", timeout=5)

``sluice.aio`` is the face for asyncio, and ``sluice.anyio`` the one for trio.
"""

from sluice._protocol import Backoff
from sluice._threads.arms import SelectArm, select
from sluice._threads.channel import Channel
from sluice._threads.delivery import Delivery
from sluice._threads.ends import ReceiveEnd, SendEnd
from sluice._threads.hub import Hub, connect
from sluice._threads.stream import Messages
from sluice.errors import (
    AuthRequired,
    BadRequest,
    ClientClosed,
    Closed,
    Conflict,
    ConnectionLost,
    Denied,
    Draining,
    Dropped,
    InDoubt,
    LimitExceeded,
    NoAnswer,
    NotFound,
    Poisoned,
    ProtocolError,
    Rejected,
    SluiceError,
    Stale,
    TimedOut,
    Withdrawn,
)
from sluice.values import Message, Origin, Selected, Sent, unique_id

__all__ = [
    "AuthRequired",
    "Backoff",
    "BadRequest",
    "Channel",
    "ClientClosed",
    "Closed",
    "Conflict",
    "ConnectionLost",
    "Delivery",
    "Denied",
    "Draining",
    "Dropped",
    "Hub",
    "InDoubt",
    "LimitExceeded",
    "Message",
    "Messages",
    "NoAnswer",
    "NotFound",
    "Origin",
    "Poisoned",
    "ProtocolError",
    "ReceiveEnd",
    "Rejected",
    "SelectArm",
    "Selected",
    "SendEnd",
    "Sent",
    "SluiceError",
    "Stale",
    "TimedOut",
    "Withdrawn",
    "connect",
    "select",
    "unique_id",
]
