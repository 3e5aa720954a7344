"""The processes of PyCSP's ``pycsp.common.plugNplay``."""

from __future__ import annotations

from typing import Any

from sluice.csp import Alternation, Channel, Parallel, process

__all__ = ["Delta2", "Identity", "Mux2", "Pairs", "Plus", "Prefix", "SkipProcess", "Successor", "Tail"]


@process
def Identity(cin: Any, cout: Any) -> None:
    """Forwards everything."""
    while True:
        cout(cin())


@process
def Prefix(cin: Any, cout: Any, prefix: Any = None) -> None:
    """Sends the prefix, then forwards everything."""
    value = prefix
    while True:
        cout(value)
        value = cin()


@process
def Successor(cin: Any, cout: Any) -> None:
    """Adds 1."""
    while True:
        cout(cin() + 1)


@process
def Delta2(cin: Any, cout1: Any, cout2: Any) -> None:
    """Sends everything to both outputs, first to the one that is ready first."""
    while True:
        value = cin()
        first, _ = Alternation([{(cout1, value): None, (cout2, value): None}]).select()
        (cout2 if first is cout1 else cout1)(value)


@process
def Plus(cin1: Any, cin2: Any, cout: Any) -> None:
    """Adds what comes from both inputs."""
    while True:
        cout(cin1() + cin2())


@process
def Tail(cin: Any, cout: Any) -> None:
    """Forwards everything but the first."""
    cin()
    while True:
        cout(cin())


@process
def Pairs(cin: Any, cout: Any) -> None:
    """Adds each value to the one before."""
    first, second, rest = Channel(), Channel(), Channel()
    Parallel(Delta2(cin, -first, -second), Plus(+first, +rest, cout), Tail(+second, -rest))


@process
def SkipProcess() -> None:
    """Ends at once."""


@process
def Mux2(cin1: Any, cin2: Any, cout: Any) -> None:
    """Forwards what comes from either input."""
    alternation = Alternation([{cin1: None, cin2: None}])
    while True:
        _, value = alternation.select()
        cout(value)
