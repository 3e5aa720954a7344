"""The processes of python-csp's ``csp.builtins``. Each runs until one of its channels is poisoned."""

from __future__ import annotations

import math
import operator
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from sluice.csp.python_csp import forever


@forever
def GenerateFloats(outchan: Any, increment: float = 0.1) -> Iterator[None]:
    """Sends 0.0, 0.1, 0.2 and so on."""
    counter = 0
    while True:
        outchan.write(counter * increment)
        counter += 1
        yield


@forever
def Zeroes(cout: Any) -> Iterator[None]:
    """Sends zeroes."""
    while True:
        cout.write(0)
        yield


@forever
def Id(cin: Any, cout: Any) -> Iterator[None]:
    """Forwards everything."""
    while True:
        cout.write(cin.read())
        yield


@forever
def Succ(cin: Any, cout: Any) -> Iterator[None]:
    """Adds 1."""
    while True:
        cout.write(cin.read() + 1)
        yield


@forever
def Pred(cin: Any, cout: Any) -> Iterator[None]:
    """Subtracts 1."""
    while True:
        cout.write(cin.read() - 1)
        yield


@forever
def Prefix(cin: Any, cout: Any, prefix_item: Any = None) -> Iterator[None]:
    """Sends the item, then forwards everything."""
    item = prefix_item
    while True:
        cout.write(item)
        item = cin.read()
        yield


@forever
def Splitter(cin: Any, cout1: Any, cout2: Any) -> Iterator[None]:
    """Sends everything to both outputs."""
    while True:
        value = cin.read()
        cout1.write(value)
        cout2.write(value)
        yield


Delta2 = Splitter


@forever
def Mux2(cin1: Any, cin2: Any, cout: Any) -> Iterator[None]:
    """Forwards what comes from both inputs in turn."""
    while True:
        cout.write(cin1.read())
        cout.write(cin2.read())
        yield


@forever
def Clock(cout: Any, resolution: float = 1) -> Iterator[None]:
    """Sends None every ``resolution`` seconds."""
    while True:
        time.sleep(resolution)
        cout.write(None)
        yield


@forever
def Printer(cin: Any, out: Any = None) -> Iterator[None]:
    """Prints everything."""
    while True:
        (out or sys.stdout).write(f"{cin.read()}\n")
        yield


@forever
def Mult(cin: Any, cout: Any, scale: Any) -> Iterator[None]:
    """Multiplies by a number."""
    while True:
        cout.write(cin.read() * scale)
        yield


@forever
def Generate(cout: Any) -> Iterator[None]:
    """Sends 0, 1, 2 and so on."""
    counter = 0
    while True:
        cout.write(counter)
        counter += 1
        yield


@forever
def FixedDelay(cin: Any, cout: Any, delay: float) -> Iterator[None]:
    """Forwards everything, each value after ``delay`` seconds."""
    while True:
        value = cin.read()
        time.sleep(delay)
        cout.write(value)
        yield


@forever
def Fibonacci(cout: Any) -> Iterator[None]:
    """Sends the Fibonacci numbers 1, 1, 2, 3 and so on."""
    a = b = 1
    while True:
        cout.write(a)
        a, b = b, a + b
        yield


@forever
def Blackhole(cin: Any) -> Iterator[None]:
    """Drops everything."""
    while True:
        cin.read()
        yield


@forever
def Sign(cin: Any, cout: Any, prefix: str) -> Iterator[None]:
    """Puts the prefix before every value, as a string."""
    while True:
        cout.write(prefix + str(cin.read()))
        yield


def _of_one(name: str, function: Callable[[Any], Any]) -> Any:
    def run(cin: Any, cout: Any) -> Iterator[None]:
        while True:
            cout.write(function(cin.read()))
            yield

    run.__name__ = run.__qualname__ = name
    return forever(run)


def _of_two(name: str, function: Callable[[Any, Any], Any]) -> Any:
    def run(cin1: Any, cin2: Any, cout: Any) -> Iterator[None]:
        while True:
            first = cin1.read()
            cout.write(function(first, cin2.read()))
            yield

    run.__name__ = run.__qualname__ = name
    return forever(run)


Plus = Pairs = _of_two("Plus", operator.add)
Sub = _of_two("Sub", operator.sub)
Mul = Multiply = _of_two("Mul", operator.mul)
Div = _of_two("Div", operator.truediv)
FloorDiv = _of_two("FloorDiv", operator.floordiv)
Mod = _of_two("Mod", operator.mod)
Pow = _of_two("Pow", operator.pow)
Neg = _of_one("Neg", operator.neg)
Sin = _of_one("Sin", math.sin)
Cos = _of_one("Cos", math.cos)

Not = _of_one("Not", operator.invert)
And = _of_two("And", operator.and_)
Or = _of_two("Or", operator.or_)
Nand = _of_two("Nand", lambda x, y: ~(x & y))
Nor = _of_two("Nor", lambda x, y: ~(x | y))
Xor = _of_two("Xor", operator.xor)
LShift = _of_two("LShift", operator.lshift)
RShift = _of_two("RShift", operator.rshift)

Land = _of_two("Land", lambda x, y: x and y)
Lor = _of_two("Lor", lambda x, y: x or y)
Lnot = _of_one("Lnot", operator.not_)
Lnand = _of_two("Lnand", lambda x, y: not (x and y))
Lnor = _of_two("Lnor", lambda x, y: not (x or y))
Lxor = _of_two("Lxor", lambda x, y: bool(x) != bool(y))

Eq = _of_two("Eq", operator.eq)
Ne = _of_two("Ne", operator.ne)
Geq = _of_two("Geq", operator.ge)
Leq = _of_two("Leq", operator.le)
Gt = _of_two("Gt", operator.gt)
Lt = _of_two("Lt", operator.lt)
Is = _of_two("Is", operator.is_)
Is_Not = _of_two("Is_Not", operator.is_not)
