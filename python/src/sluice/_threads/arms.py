"""The arms of a select, for threads."""

from __future__ import annotations

from typing import Any

from sluice._protocol import Arm, Operation, Reply, commands
from sluice._threads.delivery import Delivery
from sluice._threads.engine import Engine
from sluice.errors import BadRequest, SluiceError
from sluice.values import Codec, Selected, decoded_body


class SelectArm:
    """What a select may do: receive, send, or wait at a barrier. See ``Channel.receiving`` and ``Hub.meeting``."""

    __slots__ = ("arm", "codec", "engine")

    def __init__(self, engine: Engine, arm: Arm, codec: Codec | None = None) -> None:
        self.engine = engine
        self.arm = arm
        self.codec = codec

    def __repr__(self) -> str:
        return f"<SelectArm {self.arm.line.decode()}>"


def received(engine: Engine, reply: Reply, connection: int, lease: float | None, codec: Codec | None) -> Any:
    """Returns the value of a message, or its delivery, which stays marked as settled until the caller has it."""
    if lease is not None:
        return Delivery[Any](engine, reply, lease, connection, codec)
    return reply.body if codec is None else decoded_body(reply.body, codec)


def select(
    *arms: SelectArm, timeout: float | None = None, order: str | None = None, otherwise: bool = False
) -> Selected:
    """Waits for the first of several arms, and does exactly that one.

    Returns the index of the arm, and what it received. Of the arms that are ready, ``order="first"`` takes the first,
    ``"random"`` any, and ``"fair"``, the default, lets them take turns. With ``otherwise=True`` the select does not
    wait: ``which`` is None if no arm is ready. Raises ``TimedOut`` after ``timeout`` seconds, and ``Closed`` or
    ``Poisoned``, whose ``arm`` is the index, when the channel of an arm has ended. If an arm sends or waits at a
    barrier, raises ``InDoubt`` if the connection is lost.
    """
    if not arms:
        raise BadRequest("a select needs at least one arm", code="syntax")
    engine = arms[0].engine
    if any(arm.engine is not engine for arm in arms):
        raise BadRequest("the arms of a select must belong to the same hub")
    operation = Operation(commands.select([arm.arm for arm in arms], timeout=timeout, order=order, otherwise=otherwise))
    try:
        reply = engine.perform(operation)
        index = None if reply.kind == "ELSE" else reply.arm
        value = None
        if reply.kind == "MSG" and index is not None:
            chosen = arms[index]
            value = received(engine, reply, operation.connection or 0, chosen.arm.lease, chosen.codec)
        result = Selected(index, value)
    except SluiceError:
        raise
    except BaseException:
        engine.abandon(operation)
        raise
    if isinstance(value, Delivery):
        value._settled = False
    return result
