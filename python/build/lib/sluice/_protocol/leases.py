"""The messages that a connection holds under leases, and when each lease has to be renewed."""

from __future__ import annotations

import heapq


class LeaseTable:
    """Renews each lease after half its time, until its message is settled."""

    def __init__(self) -> None:
        self._held: dict[str, float] = {}
        self._due: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, did: str, seconds: float, now: float) -> None:
        """Records a lease that begins now."""
        self._held[did] = seconds
        heapq.heappush(self._due, (now + seconds / 2, did))

    def settle(self, did: str) -> bool:
        """Forgets a lease. Returns whether there was one."""
        found = self._held.pop(did, None) is not None
        if len(self._due) > 64 and len(self._due) > 2 * len(self._held):
            self._due = [entry for entry in self._due if entry[1] in self._held]
            heapq.heapify(self._due)
        return found

    def clear(self) -> list[str]:
        """Forgets all leases and returns their deliveries."""
        dids = list(self._held)
        self._held.clear()
        self._due.clear()
        return dids

    def due(self, now: float) -> list[str]:
        """Returns the deliveries whose leases have to be renewed now, and plans their next renewals."""
        renewals: list[str] = []
        while self._due and self._due[0][0] <= now:
            did = heapq.heappop(self._due)[1]
            seconds = self._held.get(did)
            if seconds is None:
                continue
            renewals.append(did)
            heapq.heappush(self._due, (now + seconds / 2, did))
        return renewals

    def next_time(self) -> float | None:
        """Returns when the next lease has to be renewed."""
        while self._due and self._due[0][1] not in self._held:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None
