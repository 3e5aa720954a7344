"""Exceptions of operations that end without a reply."""

from __future__ import annotations

from sluice import errors
from sluice._protocol.operations import Operation
from sluice.errors import SluiceError


def gone() -> errors.Stale:
    return errors.Stale("the message went back when its connection was lost")


def in_doubt(cause: SluiceError | None = None) -> errors.InDoubt:
    reason = "the connection was lost before the answer" if cause is None else str(cause)
    return errors.InDoubt(f"the operation may have happened: {reason}", reason=reason)


def expiry(operation: Operation) -> SluiceError:
    if operation.in_doubt_since is not None:
        return in_doubt()
    return errors.TimedOut("the time ran out before the server could be asked")
