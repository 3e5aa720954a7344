"""Starts the real daemon for the tests."""

from __future__ import annotations

import pytest

pytest_plugins = ["sluice.pytest_plugin"]


@pytest.fixture
def hub(sluiced):
    """A client of a daemon of its own."""
    import sluice

    with sluice.connect(sluiced.address) as client:
        yield client
