"""The examples of the documentation, against the real daemon."""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from background import PATIENCE_SECONDS

import sluice
from sluice import errors

PROJECT = Path(__file__).resolve().parent.parent
OPTIONS = doctest.ELLIPSIS


@pytest.mark.parametrize(
    "path", [PROJECT / "README.md", PROJECT.parent / "docs" / "python.md"], ids=lambda path: path.name
)
def test_the_examples_of_a_page_work(sluiced, monkeypatch, path):
    monkeypatch.setenv("SLUICE_ADDRESS", sluiced.address)
    outcome = doctest.testfile(str(path), module_relative=False, optionflags=OPTIONS, encoding="utf-8")
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_the_worker_pool_of_the_guide_works(sluiced, tmp_path):
    page = (PROJECT.parent / "docs" / "python.md").read_text()
    section = page.partition("## A worker pool in five minutes")[2].partition("\n## ")[0]
    shop, order = re.findall(r"```python\n(.*?)```", section, re.S)
    (printed,) = re.findall(r"```text\n(.*?)```", section, re.S)
    (command,) = re.findall(r"^    python (-m sluice\.worker .*)$", section, re.M)
    (tmp_path / "shop.py").write_text(shop)
    environment = {**os.environ, "SLUICE_ADDRESS": sluiced.address, "PYTHONPATH": str(PROJECT / "src")}
    with subprocess.Popen([sys.executable, *command.split()], cwd=tmp_path, env=environment) as worker:
        try:
            done = subprocess.run(
                [sys.executable, "-c", order],
                capture_output=True,
                text=True,
                env=environment,
                timeout=PATIENCE_SECONDS,
                check=True,
            )
        finally:
            worker.terminate()
    assert done.stdout == printed


@pytest.mark.parametrize("module", ["sluice.address", "sluice.values"])
def test_the_examples_of_a_module_work(module):
    outcome = doctest.testmod(importlib.import_module(module))
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_every_exception_is_on_the_page():
    page = (PROJECT.parent / "docs" / "python.md").read_text()
    listed = set(re.findall(r"`(\w+)`", page.partition("## Errors")[2].partition("## Cancellation")[0]))
    exceptions = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.SluiceError) and value is not errors.SluiceError
    }
    assert exceptions <= listed
    assert exceptions <= set(sluice.__all__)


def test_everything_public_is_documented():
    for name in sluice.__all__:
        value = getattr(sluice, name)
        assert inspect.getdoc(value), name
        if inspect.isclass(value) and value.__module__.startswith("sluice"):
            for member, function in vars(value).items():
                if inspect.isfunction(function) and not member.startswith("_"):
                    assert inspect.getdoc(function), f"{name}.{member}"
