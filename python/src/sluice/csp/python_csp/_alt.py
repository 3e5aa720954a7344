"""Choosing between guards, with python-csp's API."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from sluice.csp import _guards
from sluice.csp._channel import Channel as _Core
from sluice.csp._channel import ChannelEndRead
from sluice.csp._exceptions import ChannelPoisonException, ChannelRetireException
from sluice.csp.python_csp._channel import Channel, ChannelPoison, Guard


class NoGuardInAlt(Exception):
    """An ``Alt`` needs at least one guard."""

    def __str__(self) -> str:
        return "an Alt needs at least one guard"


class _Reading(ChannelEndRead):
    """An end to read from that does not join. Channels of python-csp join once, as senders: see ``Channel._join``."""

    _op = "send"

    def __init__(self, core: _Core) -> None:
        self.channel = core
        self._network = core._network
        self._share = core._share
        self._retired = self._poisoned = self._moved = False


class Alt(Guard):
    """Chooses a guard that is ready. Returns a channel's value, ``"Skip"`` for ``Skip``, or None for a ``Timer``.

    ``a | b`` is the same as ``Alt(a, b).select()``, and ``Alt(a, b) * 3`` yields three values.
    """

    def __init__(self, *guards: Any) -> None:
        for guard in guards:
            if not isinstance(guard, Guard):
                raise TypeError(f"an Alt needs guards, such as channels, not {guard!r}")
        self.guards: list[Any] = list(guards)
        self.last_selected: Any = None

    def select(self) -> Any:
        """Chooses any guard that is ready, at random."""
        return self._choose(random.sample(self.guards, len(self.guards)))

    def fair_select(self) -> Any:
        """Chooses any guard that is ready, but the last one only if no other is."""
        guards = random.sample(self.guards, len(self.guards))
        guards.sort(key=lambda guard: guard is self.last_selected)
        return self._choose(guards)

    def pri_select(self) -> Any:
        """Chooses the first guard in the list that is ready."""
        return self._choose(list(self.guards))

    def poison(self) -> None:
        """Poisons the guard that was chosen last, and removes it."""
        if self.last_selected is not None:
            if isinstance(self.last_selected, Channel):
                self.last_selected.poison()
            self.guards.remove(self.last_selected)
            self.last_selected = None

    def _choose(self, guards: list[Any]) -> Any:
        if not guards:
            raise NoGuardInAlt
        pairs = [(guard, _translated(guard)) for guard in guards]
        try:
            chosen, value = _guards.choose([inner for _, inner in pairs])
        except (ChannelPoisonException, ChannelRetireException) as error:
            raise ChannelPoison(*error.args) from None
        self.last_selected = next(guard for guard, inner in pairs if inner is chosen)
        return value if isinstance(self.last_selected, Channel) else self.last_selected._chosen()

    def __mul__(self, count: int) -> Iterator[Any]:
        return (self.select() for _ in range(count))

    __rmul__ = __mul__


def _translated(guard: Any) -> _guards.Guard:
    if isinstance(guard, Channel):
        return _guards.InputGuard(_Reading(guard._core))
    inner: _guards.Guard = guard._as_guard()
    return inner
