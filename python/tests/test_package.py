"""The package: it builds, installs alone, and keeps to the syntax of Python 3.9."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
DOCUMENT = PROJECT.parent / "docs" / "protocol.md"


def run(*command, **options):
    # The tests find the sources by PYTHONPATH, which the installed package must not need.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with a wheel and an sdist, built from a copy of the project."""
    folder = tmp_path_factory.mktemp("dist")
    project = folder / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("tests", "*.egg-info", "build", "__pycache__"))
    (folder / "docs").mkdir()
    shutil.copy(DOCUMENT, folder / "docs")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(project))
    return folder


def test_the_wheel_works_alone_in_a_fresh_environment(built, sluiced, tmp_path):
    (wheel,) = built.glob("*.whl")
    venv.create(tmp_path / "venv")
    python = str(tmp_path / "venv" / "bin" / "python")
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", str(wheel))
    program = (
        "import sluice, sys\n"
        "with sluice.connect(sys.argv[1]) as hub:\n"
        "    hub.channel('jobs').open(capacity=1).send('works')\n"
        "    print(hub.channel('jobs').recv().decode())\n"
    )
    assert run(python, "-c", program, sluiced.address, cwd=tmp_path).strip() == "works"
    # The conformance kit has the transcripts of the repository's document.
    kit = (python, "-m", "sluice.conformance", "server", sluiced.address, "--only", "framing-1")
    assert run(*kit, cwd=tmp_path).endswith("conformance: 1 passed, 0 failed, 0 skipped\n")
    path = run(python, "-c", "from sluice.conformance import transcripts; print(transcripts.document())", cwd=tmp_path)
    assert path.strip().endswith("site-packages/sluice/conformance/protocol.md")
    assert Path(path.strip()).read_bytes() == DOCUMENT.read_bytes()


def test_the_version_is_that_of_the_project(built):
    swift = (PROJECT.parent / "Sources" / "SluiceWire" / "SluiceVersion.swift").read_text()
    (version,) = re.findall(r'number = "([^"]+)"', swift)
    assert list(built.glob(f"*-{version}.tar.gz"))


def test_the_sdist_holds_the_sources(built):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert {"LICENSE", "README.md", "src/sluice/py.typed", "src/sluice/_protocol/conversation.py"} <= names
    assert "src/sluice/conformance/protocol.md" in names


@pytest.mark.parametrize("path", sorted((PROJECT / "src").rglob("*.py")), ids=lambda path: path.stem)
def test_sources_have_the_syntax_of_python_3_9(path):
    ast.parse(path.read_text(), feature_version=(3, 9))
