"""Runs the programs of this folder as their users do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
SOURCES = FOLDER.parents[1] / "src"
#: No program takes this long, however busy the machine is. It bounds a hang.
BOUND_SECONDS = 200


def environment(**variables: str) -> dict[str, str]:
    """Returns the environment without a hub, so that the program starts its own."""
    kept = {key: value for key, value in os.environ.items() if key != "SLUICE_ADDRESS"}
    paths = [str(SOURCES), kept.get("PYTHONPATH", "")]
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **variables}


def run(program: str | Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a program of this folder to its end."""
    return subprocess.run(
        [sys.executable, "-B", str(FOLDER / program), *arguments],
        capture_output=True,
        text=True,
        timeout=BOUND_SECONDS,
        env=environment(**variables),
    )


def run_text(folder: Path, text: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the text of a program."""
    path = folder / "program.py"
    path.write_text(text)
    return run(path, **variables)


def output(program: str, *arguments: str, **variables: str) -> str:
    """Returns what a program prints, which must not fail."""
    done = run(program, *arguments, **variables)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout
