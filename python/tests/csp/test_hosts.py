"""Two programs that meet at a hub: docs/csp.md, other hosts."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import pytest
from programs import BOUND_SECONDS, FOLDER, environment, output

import sluice

RESULT = f"{[10 * job for job in range(20)]}\n"


@contextmanager
def program(name, address):
    child = subprocess.Popen(
        [sys.executable, "-B", str(FOLDER / "farm" / name)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(SLUICE_ADDRESS=address),
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


@pytest.mark.parametrize(("first", "second"), [("farmer.py", "worker.py"), ("worker.py", "farmer.py")])
def test_either_program_may_be_there_first(sluiced, first, second):
    with program(first, sluiced.address) as child, sluice.connect(sluiced.address) as client:
        while not client.waiters("jobs"):
            assert child.poll() is None
        there = output(f"farm/{second}", SLUICE_ADDRESS=sluiced.address)
        assert child.stdout is not None
        here = child.stdout.read()
        assert child.wait(BOUND_SECONDS) == 0
        assert here + there == RESULT


def test_the_others_learn_that_a_worker_was_killed(sluiced):
    with program("worker.py", sluiced.address) as child, sluice.connect(sluiced.address) as client:
        while not client.waiters("jobs"):
            assert child.poll() is None
        child.kill()
        child.wait()
        # Waits, because the hub may not have noticed yet.
        with pytest.raises(sluice.Poisoned, match="its receiver has died"):
            client.channel("jobs").recv(timeout=BOUND_SECONDS)
