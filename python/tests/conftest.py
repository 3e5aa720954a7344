"""Starts the real daemon for the tests."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

import sluice
from sluice.pytest_plugin import sluiced

__all__ = ["hub", "sluiced"]

# An example takes as long as a busy machine needs.
settings.register_profile("any-time", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-time")


@pytest.fixture
def hub(sluiced):
    """A client of a daemon of its own."""
    with sluice.connect(sluiced.address) as client:
        yield client
