"""Waiting for the first of several operations, for tasks."""

from __future__ import annotations

from typing import Any

from sluice._async.ports import PortOperation
from sluice._protocol import Operation, commands
from sluice.errors import BadRequest
from sluice.values import Selected


async def select(
    *arms: PortOperation[Any], timeout: float | None = None, order: str | None = None, otherwise: bool = False
) -> Selected:
    """Waits for the first of several operations, and does exactly that one.

    The arms are what ``recv``, ``send``, ``receiving``, ``sending`` and ``meeting`` return, before it is awaited.
    Returns the index of the arm, and what it received. Of the arms that are ready, ``order="first"`` takes the first,
    ``"random"`` any, and ``"fair"``, the default, lets them take turns. With ``otherwise=True`` the select does not
    wait: ``which`` is None if no arm is ready. Raises ``TimedOut`` after ``timeout`` seconds, and ``Closed`` or
    ``Poisoned``, whose ``arm`` is the index, when the channel of an arm has ended. If an arm sends or waits at a
    barrier, raises ``InDoubt`` if the connection is lost.
    """
    lines = [arm.as_arm() for arm in arms]
    if not arms:
        raise BadRequest("a select needs at least one arm", code="syntax")
    link = arms[0].port.link
    if any(arm.port.link is not link for arm in arms):
        raise BadRequest("the arms of a select must belong to the same hub")
    command = commands.select(lines, timeout=timeout, order=order, otherwise=otherwise)
    operation = Operation(command)
    ends = {arm.port for arm in arms}
    for port in ends:
        port.enter(operation)
    try:
        await link.run(operation)
    finally:
        for port in ends:
            port.leave_operation(operation)
    reply = operation.result()
    if reply.kind == "ELSE" or reply.arm is None:
        return Selected(None)
    return Selected(reply.arm, arms[reply.arm].taken(reply, operation.connection or 0))
