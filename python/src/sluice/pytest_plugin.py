"""A pytest plug-in: the fixture ``sluiced`` starts a daemon for a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sluice.testing import Daemon


@pytest.fixture
def sluiced() -> Iterator[Daemon]:
    """Starts a ``sluiced`` for the test: connect to ``sluiced.address``."""
    with Daemon() as daemon:
        yield daemon
