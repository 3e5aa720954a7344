"""The examples of the documentation, against the real daemon."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from pathlib import Path

import pytest

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
