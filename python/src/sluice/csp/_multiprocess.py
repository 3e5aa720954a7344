"""Operating-system processes, with PyCSP's API."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import pickle
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from sluice.csp import _context, _network
from sluice.csp._codec import decode, encode
from sluice.csp._exceptions import FatalException
from sluice.csp._process import Described, ProcessFactory, run


class _RemoteTraceback(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return self.text


class _Function:
    """A function that is pickled by name. The name leads to its decorated form, from which the function is taken."""

    def __init__(self, fn: Callable[..., Any]) -> None:
        self.fn = fn

    def __reduce__(self) -> Any:
        return _find_function, (self.fn.__module__, self.fn.__qualname__)


def _find_function(module: str, name: str) -> _Function:
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return _Function(found._fn if isinstance(found, ProcessFactory) else found)


class MultiProcess(Described):
    """A process that runs a function in an operating-system process. The decorator ``multiprocess`` makes it.

    Its arguments and its result must be picklable. The channel ends among its arguments move to it.
    """

    def __init__(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(fn, *args, **kwargs)
        self._process: Any = None
        self._ended = threading.Event()
        self._value: Any = None

    def start(self) -> None:
        """Starts the process. ``Parallel``, ``Sequence`` and ``Spawn`` do so."""
        here = _network.network()
        data, moves = encode(here, (self.args, self.kwargs), codec=False)
        reports, connection = multiprocessing.Pipe(duplex=False)
        self._process = multiprocessing.Process(
            target=_run_child,
            args=(_Function(self.fn), data, self.name, _network.settings(), connection),
            name=self.name,
        )
        self._process.start()
        connection.close()
        for move in moves:
            move.happen()

        threading.Thread(target=self._watch, args=(reports,), name=self.name, daemon=True).start()

    def wait(self) -> None:
        """Waits until it has ended."""
        self._ended.wait()

    def _watch(self, connection: Connection) -> None:
        try:
            self._take_report(connection)
        except BaseException as error:
            self._fail(error, time.monotonic())
        finally:
            self._ended.set()

    def _take_report(self, connection: Connection) -> None:
        try:
            kind, data, text, when = pickle.loads(connection.recv_bytes())
        except EOFError:
            self._process.join()
            died = f"process {self.name} has died: its exit code is {self._process.exitcode}"
            self._fail(FatalException(died), time.monotonic())
            return
        finally:
            connection.close()
        self._process.join()
        if kind == "value":
            self._value = decode(_network.network(), data, codec=False)
            return
        try:
            failure = pickle.loads(data)
        except Exception:
            failure = FatalException(text.strip().rpartition("\n")[2])
        failure.__cause__ = _RemoteTraceback(f"\n{text}")
        self._fail(failure, when)

    def join_report(self) -> Any:
        """Waits until it has ended. Returns what its function returned, or raises the exception that ended it."""
        self.wait()
        if self.failure is not None:
            raise self.failure
        return self._value

    def has_ended_well(self) -> bool:
        """Whether it has ended and not failed."""
        return self._ended.is_set() and self.failure is None

    def report_wait(self) -> None:
        """Does nothing: the process gets the interrupt too."""

    def terminate(self) -> None:
        """Kills the process. The channels whose ends it has are poisoned."""
        self._process.kill()


def _run_child(function: _Function, data: bytes, name: str, settings: dict[str, Any], connection: Connection) -> None:
    _network.use(**settings)
    report: tuple[str, bytes, str, float]
    try:
        here = _network.network()
        here.name(name, waits_all=True)
        args, kwargs = decode(here, data, codec=False)
        value = run(function.fn, args, kwargs, _context.Context(name, is_process=True))
        encoded, moves = encode(here, value, codec=False)
        report = ("value", encoded, "", 0.0)
        for move in moves:
            move.happen()
    except BaseException as error:
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        try:
            pickled = pickle.dumps(error)
            pickle.loads(pickled)
        except Exception:
            pickled = b""
        report = ("failure", pickled, text, _context.current().failed_at or time.monotonic())
    connection.send_bytes(pickle.dumps(report))
    connection.close()
    _network.close_all()
    os._exit(0) if multiprocessing.get_start_method() == "fork" else None


def multiprocess(fn: Callable[..., Any] | None = None, pycsp_host: str = "", pycsp_port: int | None = None) -> Any:
    """Makes a function run in an operating-system process, which ``Parallel``, ``Sequence`` or ``Spawn`` starts.

    ``pycsp_host`` and ``pycsp_port`` have no effect: the processes meet at the hub.
    """
    if fn is None:
        return multiprocess
    return ProcessFactory(MultiProcess, fn)
