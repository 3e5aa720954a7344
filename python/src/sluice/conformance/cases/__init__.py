"""The scenarios for a client under test."""

from __future__ import annotations

from ..stage import CASES, ClientCase
from . import additions, beginning, bodies, leases, losses, malformed, order, outcomes, selecting

#: In the order in which an author meets them.
_MODULES = [beginning, bodies, order, outcomes, leases, selecting, losses, malformed, additions]


def all_cases() -> list[ClientCase]:
    """Returns every scenario."""
    names = [module.__name__ for module in _MODULES]
    return sorted(CASES, key=lambda case: names.index(case.script.__module__))
