"""Waits that end at random points lose no message and double none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from background import PATIENCE_SECONDS

import sluice

PROGRAMS = Path(__file__).parent / "programs"


def run_program(name, *arguments):
    """Runs a program of the folder `programs` in an interpreter of its own, and returns what it prints."""
    path = os.pathsep.join(map(str, (Path(sluice.__file__).parents[1], PROGRAMS.parent)))
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", str(PROGRAMS / name), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=4 * PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout.strip()


@pytest.mark.parametrize("lease", ["plain", "leased"])
def test_keyboard_interrupts_lose_and_double_nothing(sluiced, lease):
    assert run_program("interrupted.py", sluiced.address, lease, 5000, "main") == "nothing is wrong"


@pytest.mark.parametrize("lease", ["plain", "leased"])
def test_killed_threads_lose_and_double_nothing(sluiced, lease):
    assert run_program("interrupted.py", sluiced.address, lease, 5000, "thread") == "nothing is wrong"


@pytest.mark.parametrize("where", ["main", "thread"])
def test_interrupted_sends_with_ids_lose_and_double_nothing(sluiced, where):
    assert run_program("interrupted.py", sluiced.address, "sender", 2000, where) == "nothing is wrong"


@pytest.mark.parametrize("lease", ["plain", "leased"])
def test_timeouts_of_gevent_lose_and_double_nothing(sluiced, lease):
    assert run_program("gevent_timeouts.py", sluiced.address, lease, 5000) == "nothing is wrong"


@pytest.mark.parametrize("lease", ["plain", "leased"])
def test_timeouts_of_threads_lose_and_double_nothing(sluiced, lease):
    assert run_program("thread_timeouts.py", sluiced.address, lease, 5000) == "nothing is wrong"


@pytest.mark.parametrize(
    "program", [("interrupted.py", "thread"), ("gevent_timeouts.py",)], ids=lambda program: program[0]
)
def test_calls_that_end_early_never_mix_answers(sluiced, program):
    name, *where = program
    assert run_program(name, sluiced.address, "call", 2000, *where) == "mixed 0"


@pytest.mark.parametrize("program", ["interrupted.py", "gevent_timeouts.py"])
def test_a_client_that_drops_late_messages_is_noticed(sluiced, program):
    assert run_program(program, sluiced.address, "wrong", 5000, "main") != "nothing is wrong"
