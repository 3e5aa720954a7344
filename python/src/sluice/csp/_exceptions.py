"""The exceptions of PyCSP, and what the errors of the client become."""

from __future__ import annotations

from typing import Any, NoReturn

from sluice import errors
from sluice.errors import SluiceError


class ChannelPoisonException(Exception):
    """The channel was poisoned. ``args`` has the reason, if one was given.

    A process that does not catch it poisons the channel ends among its arguments, and ends.
    """


class ChannelRetireException(Exception):
    """All writers or all readers of the channel have retired.

    A process that does not catch it retires the channel ends among its arguments, and ends.
    """


class ChannelSocketException(Exception):
    """The base of exceptions about the connection to the hub at ``addr``."""

    def __init__(self, addr: Any, msg: str) -> None:
        super().__init__(addr, msg)
        self.addr = addr
        self.msg = msg

    def __str__(self) -> str:
        return self.msg if self.addr is None else f"{self.msg} ({self.addr})"


class ChannelConnectException(ChannelSocketException):
    """No hub answers at the address."""


class ChannelBindException(ChannelSocketException):
    """PyCSP raises it when a channel cannot get a port. Channels of a hub need none, so it is never raised."""


class ChannelLostException(ChannelSocketException):
    """The hub was lost, or is about to stop. A value that was being written may have been read."""


class FatalException(Exception):
    """A channel end was used after it had moved to another process, or a process has died."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)
        self.msg = msg


class InfoException(Exception):
    """This module was used wrongly. The text says what to do."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)
        self.msg = msg


def raise_as_csp(error: SluiceError, address: str) -> NoReturn:
    """Raises PyCSP's exception for an error of the client, or the error itself if PyCSP has none."""
    if isinstance(error, errors.Poisoned):
        raise ChannelPoisonException(*([error.reason] if error.reason else [])) from None
    if isinstance(error, errors.Closed):
        raise ChannelRetireException(*([error.reason] if error.reason else [])) from None
    if isinstance(error, (errors.ConnectionLost, errors.InDoubt, errors.Draining, errors.Withdrawn)):
        raise ChannelLostException(address, str(error)) from error
    raise error
