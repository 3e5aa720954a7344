"""The exceptions of the client. Each says whether the operation may have happened."""

from __future__ import annotations


class SluiceError(Exception):
    """The base of all exceptions of this package.

    ``code`` is the protocol's word for the error, ``channel`` the channel, ``reason`` what a client or the server gave
    as the reason, and ``arm`` the index of a select's arm; each but ``code`` may be None. Unless a subclass says
    otherwise, the operation did not happen.
    """

    code = "error"
    #: Whether the operation may have happened.
    in_doubt = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        channel: str | None = None,
        reason: str | None = None,
        arm: int | None = None,
    ) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        self.channel = channel
        self.reason = reason
        self.arm = arm


class TimedOut(SluiceError, TimeoutError):
    """The time ran out, and the operation did not happen.

    ``no_receivers`` is true if the server knows that nobody receives from the channel of a send or a call.
    """

    code = "timeout"
    no_receivers = False


class Closed(SluiceError):
    """The channel is closed: nobody can send on it any more. Receives raise this when nothing is left."""

    code = "closed"


class Poisoned(SluiceError):
    """The channel was poisoned: it ended at once, for all clients. ``reason`` says why, if a reason was given."""

    code = "poisoned"


class Rejected(SluiceError):
    """A receiver, or the channel's failure policy, has rejected the message: nobody has acknowledged it."""

    code = "rejected"


class InDoubt(SluiceError):
    """The operation may have happened: a receiver had the message, or the connection was lost before the reply.

    If the message had an ``id=``, send it again with the same one: the server delivers it once, within two minutes.
    Without an id, a second send may deliver it twice.
    """

    code = "in-doubt"
    in_doubt = True


class Draining(SluiceError):
    """The server is about to stop and accepts no new work. The operation did not happen."""

    code = "draining"


class Denied(SluiceError):
    """The client has no permission for the operation, or its principal or token is wrong."""

    code = "denied"


class AuthRequired(SluiceError):
    """The server has principals: pass ``principal=`` and ``token=`` to ``connect``."""

    code = "auth-required"


class Stale(SluiceError):
    """The lease has ended: another receiver has the message or will get it."""

    code = "stale"


class LimitExceeded(SluiceError):
    """The operation would exceed a limit of the server. ``code`` is ``limit``, ``too-big`` or ``too-long``."""

    code = "limit"


class ConnectionLost(SluiceError, ConnectionError):
    """There is no connection to the server, and the operation did not happen."""

    code = "disconnected"


class ClientClosed(ConnectionLost):
    """The hub was closed, or belongs to the parent process of a fork. The operation did not happen."""

    code = "client-closed"


class Conflict(SluiceError):
    """Other clients use the channel, the barrier or the id in another way."""

    code = "conflict"


class NotFound(SluiceError):
    """There is no such channel or connection, or this connection has not joined that end."""

    code = "not-found"


class NoAnswer(SluiceError):
    """The receiver of a call has acknowledged the message without an answer. The operation did happen."""

    code = "no-answer"


class Withdrawn(SluiceError):
    """The operation was withdrawn and did not happen: this client or the server cancelled it. See ``reason``."""

    code = "cancelled"


class Dropped(SluiceError):
    """The channel was full and dropped the message, as its ``overflow`` says."""

    code = "dropped"


class BadRequest(SluiceError, ValueError):
    """An argument breaks a rule of the protocol: a name, an id, a number, or a combination of options."""

    code = "bad-request"


class ProtocolError(SluiceError):
    """The peer does not speak the protocol of Sluice, or another version of it."""

    code = "protocol"
