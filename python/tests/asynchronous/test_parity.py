"""The faces have the same names, with the same arguments."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import sluice
import sluice.aio
import sluice.anyio

CLASSES = ["Channel", "Delivery", "Hub", "Messages", "ReceiveEnd", "SendEnd"]
#: What only one kind of face can have.
ELSEWHERE = {"SelectArm"}


def public(owner: Any) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(owner) if not name.startswith("_")}


def parameters(function: Any) -> list[tuple[str, Any, Any]]:
    function = function if inspect.isroutine(function) else function.__call__
    found = inspect.signature(function).parameters.values()
    return [(item.name, item.kind, item.default) for item in found if item.name != "self"]


@pytest.mark.parametrize("face", [sluice.aio, sluice.anyio], ids=["aio", "anyio"])
def test_the_modules_have_the_same_names(face: Any) -> None:
    assert set(sluice.__all__) - ELSEWHERE == set(face.__all__)
    for name in face.__all__:
        assert hasattr(face, name)
    assert parameters(sluice.connect) == parameters(face.connect)
    assert parameters(sluice.select) == parameters(face.select)


@pytest.mark.parametrize("name", CLASSES)
def test_the_classes_have_the_same_methods(name: str) -> None:
    theirs = public(getattr(sluice, name))
    ours = public(getattr(sluice.aio, name))
    assert getattr(sluice.aio, name) is getattr(sluice.anyio, name)
    assert set(theirs) - set(ours) == set()
    for method, function in theirs.items():
        if inspect.isroutine(function):
            assert parameters(function) == parameters(ours[method]), method
