"""Bounds the tests of this folder."""

from __future__ import annotations

import faulthandler

import pytest

#: No test takes this long. Where a network hangs, nothing can be raised in the threads that wait.
BOUND_SECONDS = 90


@pytest.fixture(autouse=True)
def bounded():
    """Ends a run that hangs, and prints where each thread waits."""
    faulthandler.dump_traceback_later(BOUND_SECONDS, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()
