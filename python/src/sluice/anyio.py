"""The face for trio, and for asyncio under anyio. Install it with ``sluice-client[trio]``.

import sluice.anyio as sluice

async with sluice.connect("127.0.0.1:7333", label="worker-7") as hub:
    await hub.channel("jobs").send(b"sweep the yard", timeout=5)
"""

from __future__ import annotations

from sluice._async.anyio_runtime import AnyioRuntime
from sluice._async.channel import Channel
from sluice._async.connecting import Connect
from sluice._async.delivery import Delivery
from sluice._async.ends import ReceiveEnd, SendEnd
from sluice._async.hub import Hub
from sluice._async.selecting import select
from sluice._async.streams import Messages
from sluice._protocol import Backoff
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

connect = Connect(AnyioRuntime)
