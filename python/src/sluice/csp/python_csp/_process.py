"""Processes, and running them in parallel and in sequence, with python-csp's API."""

from __future__ import annotations

import contextlib
import copy
import itertools
import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from sluice.csp import _context, _guards, _network
from sluice.csp._exceptions import FatalException, InfoException
from sluice.csp._process import ProcessFactory, reason
from sluice.csp.python_csp._channel import ChannelPoison, Guard, poison_all

#: Processes are threads, unless the environment variable CSP is PROCESSES, as in python-csp.
CSP_IMPLEMENTATION = "os_process" if os.environ.get("CSP", "").upper() == "PROCESSES" else "os_thread"
log = logging.getLogger("sluice")
_numbers = itertools.count(1)


def set_debug(status: bool) -> None:
    """Logs what the client does, on the standard error output."""
    logging.basicConfig(level=logging.DEBUG if status else logging.WARNING)


class Startable:
    """What can be started: a process, ``Par`` or ``Seq``."""

    def __init__(self) -> None:
        self.name = f"{type(self).__name__}-{next(_numbers)}"
        self.is_started = False
        self.failure: BaseException | None = None
        self.failed_at = 0.0
        #: The ``Par`` or ``Seq`` that it is part of.
        self.enclosing: Startable | None = None

    def _poison_network(self, reason: str) -> None:
        outermost: Startable = self
        while outermost.enclosing is not None:
            outermost = outermost.enclosing
        poison_all(channels_of([outermost]), reason)

    def spawn(self) -> None:
        """Starts it, unless it was started before."""
        raise NotImplementedError

    def wait(self) -> None:
        """Waits for its end."""
        raise NotImplementedError

    def join(self) -> None:
        """Waits for its end, if it was started. Raises what has ended it."""
        if self.is_started:
            self.wait()
            if self.failure is not None:
                raise self.failure

    def start(self) -> None:
        """Starts it, unless it was started before, and waits for its end. Raises what has ended it."""
        if not self.is_started:
            enclosing, par = self.enclosing, Par(self)
            par.enclosing = enclosing
            par._run()

    def __floordiv__(self, others: Any) -> Par:
        """Runs it in parallel with others: ``a // (b, c)``."""
        par = Par(self, *_listed(others))
        par.start()
        return par

    def __gt__(self, other: Any) -> Seq:
        """Runs it before another: ``a > b``."""
        seq = Seq(self, other)
        seq.start()
        return seq

    def __mul__(self, count: int) -> None:
        """Runs it several times: ``3 * a``."""
        Seq(self, *(copy.copy(self) for _ in range(count - 1))).start()

    __rmul__ = __mul__


def _listed(others: Any) -> list[Any]:
    return list(others) if isinstance(others, (list, tuple)) else [others]


class CSPProcess(Startable):
    """A process that runs a function. The decorator ``process`` makes it."""

    def __init__(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        super().__init__()
        if not callable(func):
            raise InfoException(f"a process needs a function, not {func!r}")
        self.func = func
        self.args = args
        self.kwargs = kwargs
        self.name = f"{getattr(func, '__name__', 'process')}-{next(_numbers)}"
        self._context = _context.Context(self.name, is_process=True)
        self._runner: Any = None
        self._connection: Any = None

    def getPid(self) -> int | None:
        """Returns the identifier of its thread or process."""
        ident: int | None = self._runner and self._runner.ident
        return ident

    def spawn(self) -> None:
        if self.is_started:
            return
        self.is_started = True
        if CSP_IMPLEMENTATION == "os_process":
            _network.network()  # so that the child finds it
            self._connection, connection = multiprocessing.Pipe(duplex=False)
            context = multiprocessing.get_context("fork")
            self._runner = context.Process(target=self._run_in_child, args=(connection,), name=self.name)
            self._runner.start()
            connection.close()
        else:
            self._runner = threading.Thread(target=self._run_in_thread, name=self.name, daemon=True)
            self._runner.start()

    def wait(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                self.failure, self.failed_at = connection.recv()
            except EOFError:
                self.failed_at = time.monotonic()
                self.failure = FatalException(f"process {self.name} has died")
            connection.close()
        self._runner.join()

    def body(self) -> None:
        """Runs the function."""
        self.func(*self.args, **self.kwargs)

    def _run_in_thread(self) -> None:
        _context.enter(self._context)
        try:
            self.body()
        except ChannelPoison as error:
            poison_all([self.args, self.kwargs], *error.args[:1])
        except SystemExit as error:
            if error.code not in (None, 0):
                self._fail(error)
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self.failed_at = time.monotonic()
        self.failure = error
        self._poison_network(reason(self.name, error))

    def _run_in_child(self, connection: Any) -> None:
        with contextlib.suppress(Exception):
            self._run_in_thread()
        failure = self.failure
        try:
            connection.send((failure, self.failed_at))
        except Exception:
            connection.send((FatalException(f"process {self.name} has failed: {failure!r}"), self.failed_at))
        sys.stdout.flush()
        _network.close_all()

    def __copy__(self) -> CSPProcess:
        return type(self)(self.func, *self.args, **self.kwargs)


class CSPServer(CSPProcess):
    """A process that runs a generator for ever. The decorator ``forever`` makes it."""

    def body(self) -> None:
        for _ in self.func(*self.args, **self.kwargs):
            pass


class Par(Startable):
    """Runs processes in parallel: ``Par(a, b).start()``, or ``a // (b,)``.

    If one fails, the channels of all are poisoned, which ends the others. When all have ended, ``start``
    raises the exception of the process that has failed first.
    """

    def __init__(self, *procs: Any) -> None:
        super().__init__()
        self.procs: list[Startable] = []
        for each in procs:
            if not isinstance(each, Startable):
                raise InfoException(f"{each!r} is no process: put @process before the function, and call it")
            self.procs += each.procs if isinstance(each, Par) else [each]
        for proc in self.procs:
            proc.enclosing = self

    def spawn(self) -> None:
        self.is_started = True
        for each in self.procs:
            each.spawn()

    def wait(self) -> None:
        for each in self.procs:
            each.wait()
        failed = [each for each in self.procs if each.failure is not None]
        if failed:
            first = min(failed, key=lambda each: each.failed_at)
            self.failure, self.failed_at = first.failure, first.failed_at

    def start(self) -> None:
        self._run()

    def _run(self) -> None:
        try:
            self.spawn()
            self.wait()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                for each in self.procs:
                    if isinstance(each, CSPProcess) and each._context.waits:
                        log.warning("interrupted: process %s waits %s", each.name, each._context.waits)
            poison_all(channels_of(self.procs), f"Par has ended by {type(error).__name__}")
            raise
        if self.failure is not None:
            raise self.failure

    def __ifloordiv__(self, others: Any) -> Par:
        par = Par(*_listed(others))
        par.start()
        return par

    def __len__(self) -> int:
        return len(self.procs)

    def __getitem__(self, index: int) -> Startable:
        return self.procs[index]

    def __setitem__(self, index: int, value: Startable) -> None:
        self.procs[index] = value

    def __contains__(self, proc: object) -> bool:
        return proc in self.procs


def channels_of(procs: list[Startable]) -> list[Any]:
    """Returns the arguments of the processes, which may contain channels."""
    found: list[Any] = []
    for each in procs:
        if isinstance(each, CSPProcess):
            found += [each.args, each.kwargs]
        elif isinstance(each, (Par, Seq)):
            found += channels_of(each.procs)
    return found


class Seq(Startable):
    """Runs processes one after the other: ``Seq(a, b).start()``, or ``a > b``."""

    def __init__(self, *procs: Any) -> None:
        super().__init__()
        self.procs: list[Startable] = []
        for each in procs:
            self.procs += each.procs if isinstance(each, Seq) else [each]
        for proc in self.procs:
            proc.enclosing = self
        self._thread: threading.Thread | None = None

    def spawn(self) -> None:
        if not self.is_started:
            self.is_started = True
            self._thread = threading.Thread(target=self._run_all, name=self.name, daemon=True)
            self._thread.start()

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def start(self) -> None:
        self.is_started = True
        for each in self.procs:
            each.start()

    def _run_all(self) -> None:
        try:
            for each in self.procs:
                each.start()
        except BaseException as error:
            self.failure, self.failed_at = error, time.monotonic()


class Skip(CSPProcess, Guard):
    """A process that does nothing, and a guard that is always ready."""

    def __init__(self) -> None:
        super().__init__(_nothing)
        self.name = "Skip"

    def _as_guard(self) -> _guards.Guard:
        return _guards.SkipGuard()

    def _chosen(self) -> str:
        return "Skip"

    def __copy__(self) -> Skip:
        return Skip()


def _nothing() -> None:
    pass


def process(func: Callable[..., Any]) -> ProcessFactory:
    """Makes a function a process: calling it returns a ``CSPProcess``."""
    return ProcessFactory(CSPProcess, func)


def forever(func: Callable[..., Any]) -> ProcessFactory:
    """Makes a generator function a server, which runs for ever: calling it returns a ``CSPServer``."""
    return ProcessFactory(CSPServer, func)


class CSP:
    """Collects processes in ``with`` blocks: ``with csp.par(): csp.process(f, 1)``; ``csp.start()`` runs them."""

    def __init__(self) -> None:
        self.processes: list[Any] = []

    @contextlib.contextmanager
    def _block(self, kind: Callable[..., Startable]) -> Iterator[None]:
        self.processes.append([])
        yield
        block = kind(*self.processes.pop())
        (self.processes[-1] if self.processes and isinstance(self.processes[-1], list) else self.processes).append(
            block
        )

    def par(self) -> contextlib.AbstractContextManager[None]:
        """A block whose processes run in parallel."""
        return self._block(Par)

    def seq(self) -> contextlib.AbstractContextManager[None]:
        """A block whose processes run one after the other."""
        return self._block(Seq)

    def process(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Adds a process to the innermost block."""
        self.processes[-1].append(CSPProcess(func, *args, **kwargs))

    def start(self) -> None:
        """Runs everything, and returns when all have ended."""
        Par(*self.processes).start()
