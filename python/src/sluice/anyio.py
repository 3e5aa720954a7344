"""The face for trio, and for asyncio under anyio. Install it with ``sluice-client[trio]``.

import sluice.anyio as sluice

async with sluice.connect("127.0.0.1:7333", label="worker-7") as hub:
    await hub.channel("jobs").send(b"sweep the yard", timeout=5)
"""

from __future__ import annotations

from sluice import _async
from sluice._async import *  # noqa: F403
from sluice._async.connecting import Connect

try:
    from sluice._async.anyio_runtime import AnyioRuntime
except ModuleNotFoundError as error:
    if error.name != "anyio":
        raise
    raise ModuleNotFoundError("sluice.anyio needs anyio: install anyio, or sluice-client[trio]", name="anyio") from None

__all__ = ["connect"]
__all__ += _async.__all__

connect = Connect(AnyioRuntime)
