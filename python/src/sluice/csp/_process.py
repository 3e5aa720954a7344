"""Processes that are threads, and running them in parallel and in sequence, with PyCSP's API."""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from sluice.csp import _context, _network
from sluice.csp._channel import ChannelEnd, ends_among, with_new_ends
from sluice.csp._context import Context
from sluice.csp._exceptions import (
    ChannelLostException,
    ChannelPoisonException,
    ChannelRetireException,
    InfoException,
)
from sluice.errors import SluiceError

log = logging.getLogger("sluice")
_numbers = itertools.count(1)


class Startable(Protocol):
    """What ``Parallel`` and ``Sequence`` run: a ``Process`` or a ``MultiProcess``."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    #: The exception that ended it, and when, by ``time.monotonic``, if it has failed.
    failure: BaseException | None
    failed_at: float
    #: Called with the reason as soon as it has failed.
    on_failure: Callable[[str], None] | None

    def start(self) -> None:
        """Starts it."""

    def wait(self) -> None:
        """Waits for its end."""

    def join_report(self) -> Any:
        """Waits for its end. Returns what its function has returned, or raises what has ended it."""

    def has_ended_well(self) -> bool:
        """Whether it has ended and not failed."""

    def report_wait(self) -> None:
        """Logs what it waits for."""

    def update(self, **kwargs: Any) -> Any:
        """Takes PyCSP's parameters."""


class Described:
    """A function with its arguments, which become a process."""

    def __init__(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        if not callable(fn):
            raise InfoException(f"a process needs a function, not {fn!r}")
        self.fn = fn
        self.args = args
        self.kwargs = kwargs
        self.name = f"{getattr(fn, '__name__', 'process')}-{next(_numbers)}"
        self.failure: BaseException | None = None
        self.failed_at = 0.0
        self.on_failure: Callable[[str], None] | None = None

    def _fail(self, failure: BaseException, when: float) -> None:
        self.failed_at = when
        self.failure = failure
        if self.on_failure is not None:
            self.on_failure(reason(self.name, failure))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def update(self, **kwargs: Any) -> Any:
        """Ignores PyCSP's parameters, none of which has an effect here."""
        return self

    def __mul__(self, count: float) -> list[Any]:
        """Returns a list with copies of the process, each with channel ends of its own: ``10 * worker(+jobs)``."""
        copies = [
            type(self)(self.fn, *with_new_ends(self.args), **with_new_ends(self.kwargs)) for _ in range(int(count) - 1)
        ]
        return [self, *copies]

    __rmul__ = __mul__


class Process(Described):
    """A process that runs a function on a thread. The decorator ``process`` makes it."""

    def __init__(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(fn, *args, **kwargs)
        self.return_value: Any = None
        self._is_reported = False
        self.context = Context(self.name, is_process=True)
        self._ended = threading.Event()
        # A program that ends by an exception does not wait for its processes.
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Starts the thread. ``Parallel``, ``Sequence`` and ``Spawn`` do so."""
        _network.more_threads()
        self._thread.start()

    def wait(self) -> None:
        """Waits for its end."""
        # An interrupted Thread.join takes the thread for ended, before Python 3.13.
        self._ended.wait()

    def join_report(self) -> Any:
        """Waits for its end. Returns what its function has returned, or raises what has ended it."""
        self.wait()
        if self.failure is not None:
            raise self.failure
        return self.return_value

    def has_ended_well(self) -> bool:
        """Whether it has ended and not failed."""
        return self._ended.is_set() and self.failure is None

    def report_wait(self) -> None:
        """Logs what it waits for."""
        if self.context.waits:
            log.warning("interrupted: process %s waits %s", self.name, self.context.waits)

    def report_failure(self) -> None:
        """Makes a failure print its traceback as soon as it happens."""
        self._is_reported = True

    def _run(self) -> None:
        try:
            self.return_value = run(self.fn, self.args, self.kwargs, self.context)
        except BaseException as error:
            self._fail(error, self.context.failed_at)
            if self._is_reported and not (_network.is_exiting() and isinstance(error, ChannelLostException)):
                sys.excepthook(type(error), error, error.__traceback__)
        finally:
            self._ended.set()


def run(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], context: Context) -> Any:
    """Runs the function of a process, then retires or poisons its channel ends as its end requires."""
    _context.enter(context)
    try:
        value = None
        try:
            value = fn(*args, **kwargs)
        except ChannelPoisonException as error:
            for end in ends_among([args, kwargs]):
                _quietly(end.poison, *error.args[:1])
        except ChannelRetireException:
            for end in ends_among([args, kwargs]):
                _quietly(end.retire)
        for each in context.spawned:
            each.join_report()
        return value
    except SystemExit as error:
        if error.code not in (None, 0):
            _fail(context, args, kwargs, error)
            raise
        return None
    except BaseException as error:
        _fail(context, args, kwargs, error)
        raise


def _fail(context: Context, args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException) -> None:
    context.failed_at = time.monotonic()
    poison_all([*ends_among([args, kwargs]), *context.ends], reason(context.id, error))


def reason(name: str, error: BaseException) -> str:
    """Returns the reason that the poison of a failed process has."""
    text = f"process {name} has failed: {type(error).__name__}: {error}"
    return " ".join(text.split())[:200]


def poison_all(ends: list[ChannelEnd], reason: str) -> None:
    """Poisons the channels of the ends, even of moved ends, if the hub can be reached."""
    for share, network in {end._share: end._network for end in ends}.items():
        if not share.ended:
            _quietly(network.poison, share, reason)


def _quietly(act: Callable[..., None], *arguments: Any) -> None:
    with contextlib.suppress(Exception):
        act(*arguments)


class ProcessFactory:
    """Makes processes from a function. The decorators return it."""

    def __init__(self, kind: Callable[..., Any], fn: Callable[..., Any]) -> None:
        functools.update_wrapper(self, fn)
        self._kind = kind
        self._fn = fn

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._kind(self._fn, *args, **kwargs)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)


def process(fn: Callable[..., Any]) -> ProcessFactory:
    """Makes a function run as a process on a thread, which ``Parallel``, ``Sequence`` or ``Spawn`` starts.

    @process
    def worker(cin, cout):
        while True:
            cout(work(cin()))
    """
    return ProcessFactory(Process, fn)


def Parallel(*processes: Any, **kwargs: Any) -> list[Any]:
    """Runs processes, and lists of them, until all have ended. Returns what their functions have returned.

    If a process fails, the channels of all are poisoned, which ends the others. When all have ended, Parallel
    raises the exception of the process that has failed first.
    """
    started = list(_flattened(processes, kwargs))
    ends = [end for each in started for end in ends_among([each.args, each.kwargs])]
    running: list[Startable] = []
    try:
        for each in started:
            each.on_failure = functools.partial(poison_all, ends)
            each.start()
            running.append(each)
        for each in running:
            each.wait()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            for each in started:
                each.report_wait()
        poison_all(ends, f"Parallel has ended by {type(error).__name__}")
        raise
    failed = [each for each in started if each.failure is not None]
    if failed:
        min(failed, key=lambda each: each.failed_at).join_report()
    return [each.join_report() for each in started]


def Sequence(*processes: Any, **kwargs: Any) -> list[Any]:
    """Runs processes, and lists of them, one after the other. Returns what their functions have returned."""
    return [result for each in list(_flattened(processes, kwargs)) for result in Parallel(each)]


def Spawn(*processes: Any, **kwargs: Any) -> None:
    """Starts processes, and lists of them, without waiting for them.

    The process that has spawned them ends when they have ended; outside of a process, ``shutdown`` waits for them.
    """
    context = _context.current()
    for each in list(_flattened(processes, kwargs)):
        if isinstance(each, Process) and not context.is_process:
            each.report_failure()
        each.start()
        context.add_spawned(each)


def _flattened(processes: Any, kwargs: dict[str, Any]) -> Iterator[Startable]:
    for each in processes:
        if isinstance(each, (list, tuple)):
            yield from _flattened(each, kwargs)
        elif isinstance(each, Described):
            if kwargs:
                each.update(**kwargs)
            yield each  # type: ignore[misc]  # Process and MultiProcess are startable
        elif isinstance(each, ProcessFactory):
            raise InfoException(f"call {each.__name__} with its arguments to make a process")  # type: ignore[attr-defined]
        else:
            raise InfoException(f"{each!r} is no process: put @process before the function, and call it")


def shutdown() -> None:
    """Waits for the processes that this thread has spawned, then leaves all channels. The last line of a program."""
    context = _context.current()
    if context.is_process:
        raise InfoException("shutdown is for the program, not for its processes")
    spawned, context.spawned = context.spawned, []
    for each in spawned:
        with contextlib.suppress(Exception):
            each.join_report()
    with contextlib.suppress(SluiceError):
        _network.close_all()
