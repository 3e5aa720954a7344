"""The patterns of python-csp's ``csp.patterns``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sluice.csp.python_csp import Channel, Par

__all__ = ["TokenRing"]


class TokenRing(Par):
    """Processes in a ring: each gets its ``index``, the numbers of ``tokens`` and nodes, ``inchan`` and ``outchan``."""

    def __init__(self, func: Callable[..., Any], size: int, numtoks: int = 1) -> None:
        self.chans = [Channel() for _ in range(size)]
        super().__init__(
            *(
                func(index=i, tokens=numtoks, numnodes=size, inchan=self.chans[i - 1], outchan=self.chans[i])
                for i in range(size)
            )
        )
