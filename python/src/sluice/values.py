"""Values that all faces of the client share."""

from __future__ import annotations

import uuid
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, Union

from sluice._protocol.replies import Reply, decoded

T = TypeVar("T")

#: What can be sent without a codec. A ``str`` is encoded as UTF-8.
Body = Union[bytes, bytearray, memoryview, str]


class Codec(Protocol):
    """Encodes and decodes messages, as the modules ``json``, ``pickle`` and ``msgpack`` do."""

    def dumps(self, value: Any, /) -> Any:
        """Encodes a value as ``bytes`` or ``str``."""

    def loads(self, data: Any, /) -> Any:
        """Decodes ``bytes``."""


def encoded(value: Any, codec: Codec | None) -> bytes:
    """Returns the bytes to send for a value."""
    if codec is not None:
        value = codec.dumps(value)
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise TypeError(
        f"a message is bytes or str, not {type(value).__name__}; pass a codec, as in channel('jobs', codec=json)"
    )


def decoded_body(body: bytes, codec: Codec | None) -> Any:
    """Returns the value of a received body."""
    return body if codec is None else codec.loads(body)


def unique_id() -> str:
    """Returns a new id, which no other message has.

    >>> len(unique_id())
    32
    """
    return uuid.uuid4().hex


class Sent(NamedTuple):
    """How a send succeeded."""

    #: An earlier send with the same id had delivered the message.
    duplicate: bool = False
    #: The channel was full and dropped this message, as ``overflow="drop-newest"`` says.
    dropped: bool = False
    #: On a broadcast: how many receivers got the message.
    receivers: int | None = None
    #: The channel's buffer keeps the message, and no receiver has acknowledged it yet. False if the server does not
    #: know the feature ``kept``.
    kept: bool = False


def sent(reply: Reply) -> Sent:
    """Returns what the reply to a send says."""
    attributes = reply.attributes
    if not attributes:
        return _SENT
    receivers = attributes.get("receivers", "")
    return Sent(
        attributes.get("dup") == "yes",
        attributes.get("dropped") == "yes",
        int(receivers) if receivers.isdigit() else None,
        attributes.get("kept") == "yes",
    )


_SENT = Sent()


class Selected(NamedTuple):
    """The result of a select: the index of the chosen arm, None for ``otherwise``, and what the arm received."""

    which: int | None
    value: Any = None


class Origin(NamedTuple):
    """The channel that rejected a message, the number of attempts, the reason, and the id that its sender gave."""

    channel: str
    attempts: int
    reason: str
    id: str | None


class Message(Generic[T]):
    """A message with what the server says about it. ``body`` is decoded by the codec of the channel, ``raw`` is not."""

    __slots__ = ("_attributes", "_codec", "channel", "raw")

    def __init__(self, reply: Reply, codec: Codec | None = None) -> None:
        self.channel = reply.channel or ""
        self.raw = reply.body
        self._attributes = reply.attributes
        self._codec = codec

    @property
    def body(self) -> T:
        """The message, decoded by the codec of its channel."""
        value: T = decoded_body(self.raw, self._codec)
        return value

    @property
    def text(self) -> str:
        """The message, decoded as UTF-8. Raises ``UnicodeDecodeError``."""
        return self.raw.decode("utf-8")

    @property
    def trace(self) -> str | None:
        """The word that the sender has given the message, such as a W3C ``traceparent``."""
        return self._attributes.get("trace")

    @property
    def origin(self) -> Origin | None:
        """Where the message was rejected, if it comes from a dead channel."""
        attributes = self._attributes
        if "from" not in attributes:
            return None
        id = attributes.get("id")
        return Origin(
            decoded(attributes["from"]),
            _number(attributes.get("attempts")),
            decoded(attributes.get("reason", "")),
            None if id is None else decoded(id),
        )

    def __repr__(self) -> str:
        shown = self.raw if len(self.raw) <= 40 else self.raw[:40] + b"..."
        return f"<{type(self).__name__} {self.channel} {shown!r}>"


class Leased(Message[T]):
    """A message that its receiver holds under a lease: the base of ``Delivery``."""

    __slots__ = ("connection", "did", "lease")

    def __init__(self, reply: Reply, lease: float, connection: int, codec: Codec | None = None) -> None:
        super().__init__(reply, codec)
        #: How many seconds the lease lasts without renewal.
        self.lease = lease
        #: The number of the connection over which it came.
        self.connection = connection
        #: The server's name for this delivery, which is valid on that connection.
        self.did = self._attributes["did"]

    @property
    def attempt(self) -> int:
        """How often the message has been handed out: 1 at first."""
        return _number(self._attributes.get("attempt"))

    @property
    def fence(self) -> int:
        """A number that is greater than the fence of every earlier lease of the channel.

        A resource that refuses a smaller fence than it has seen is safe from a receiver whose lease has ended.
        """
        return _number(self._attributes.get("fence"))

    @property
    def wants_answer(self) -> bool:
        """Whether the sender waits for an answer."""
        return self._attributes.get("call") == "yes"


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdigit() else 0
