"""What the faces for asyncio and for trio have in common: everything but ``connect``."""

from sluice._async.channel import Channel
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
    "select",
    "unique_id",
]
