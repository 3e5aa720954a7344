"""What holds for threads holds for greenlets under gevent's monkey patching."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sluice

TESTS = Path(__file__).parent


@pytest.mark.parametrize("name", ["test_faults.py", "test_threads.py"])
def test_the_tests_of_threads_pass_with_greenlets(name):
    environment = {**os.environ, "PYTHONPATH": str(Path(sluice.__file__).parents[1])}
    patched = [sys.executable, "-m", "gevent.monkey", "--module", "pytest"]
    done = subprocess.run(
        [*patched, "-p", "no:xdist", str(TESTS / name)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:]
