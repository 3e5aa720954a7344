"""Starts the real daemon for the tests."""

from __future__ import annotations

import pytest

import sluice
from sluice.pytest_plugin import sluiced

__all__ = ["hub", "sluiced"]


@pytest.fixture
def hub(sluiced):
    """A client of a daemon of its own."""
    with sluice.connect(sluiced.address) as client:
        yield client
