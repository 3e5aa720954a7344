"""The wait before a lost connection is tried again."""

from __future__ import annotations

import random
from typing import Callable


class Backoff:
    """Waits a random time, up to a bound that doubles with each failure.

    A thousand clients of a restarted server then do not come back all at once. This is the "full jitter" of Marc
    Brooker, "Exponential Backoff and Jitter" (2015).
    """

    def __init__(
        self, initial: float = 0.05, longest: float = 5.0, chance: Callable[[], float] = random.random
    ) -> None:
        self.initial = initial
        self.longest = longest
        self._chance = chance

    def delay(self, failures: int) -> float:
        """Returns the seconds to wait after this many failures in a row, from 0."""
        return float(min(self.initial * 2.0 ** min(failures, 20), self.longest)) * self._chance()
