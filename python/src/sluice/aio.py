"""The face for asyncio.

import sluice.aio as sluice

async with sluice.connect("127.0.0.1:7333", label="worker-7") as hub:
    await hub.channel("jobs").send(b"sweep the yard", timeout=5)
"""

from __future__ import annotations

from sluice import _async
from sluice._async import *  # noqa: F403
from sluice._async.asyncio_runtime import AsyncioRuntime
from sluice._async.connecting import Connect

__all__ = ["connect"]
__all__ += _async.__all__

connect = Connect(AsyncioRuntime)
