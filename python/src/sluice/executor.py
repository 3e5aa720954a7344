"""An executor of ``concurrent.futures`` whose workers are processes anywhere.

    python -m sluice.worker tasks sluice.executor:perform -c 8      # on each machine

    with sluice.connect() as hub, ChannelExecutor(hub, "tasks") as executor:
        print(list(executor.map(math.factorial, range(10))))

Functions, arguments and results are pickled: any client that may send on the channel can run code in the workers. If a
worker dies, another one does its task again.
"""

from __future__ import annotations

import pickle
import threading
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, Callable, TypeVar

from sluice._protocol import Operation, commands
from sluice._threads.delivery import Delivery
from sluice._threads.hub import Hub
from sluice.errors import NoAnswer
from sluice.values import unique_id

R = TypeVar("R")


def perform(job: Delivery[bytes]) -> bytes:
    """Runs a task: the handler for ``sluice.worker``. An exception that the task raises is its result."""
    function, positional, named = pickle.loads(job.raw)
    try:
        return pickle.dumps((True, function(*positional, **named)))
    except Exception as error:
        try:
            return pickle.dumps((False, error))
        except Exception:
            return pickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))


class ChannelExecutor(Executor):
    """Sends each task as a call with an id, so it has one result even if the connection is lost.

    ``timeout`` is in seconds: then a call ends with ``TimedOut``, or with ``InDoubt`` if a worker has its task.
    """

    def __init__(self, hub: Hub, channel: str, *, timeout: float | None = None) -> None:
        self._engine = hub._engine
        self._channel = hub.channel(channel).name
        self._timeout = timeout
        self._lock = threading.Lock()
        self._pending: set[Future[Any]] = set()
        self._idle = threading.Condition(self._lock)
        self._is_shut = False

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Sends a task. The future has its result, its exception, or the ``SluiceError`` of the call."""
        body = pickle.dumps((fn, args, kwargs))
        future: Future[R] = Future()
        operation = Operation(commands.call(self._channel, body, timeout=self._timeout, id=unique_id()))
        operation.waiter = partial(self._ended, operation, future)
        with self._lock:
            if self._is_shut:
                raise RuntimeError("cannot submit a task after shutdown")
            self._pending.add(future)
        future.add_done_callback(partial(self._forget, operation))
        self._engine.submit(operation)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Accepts no more tasks. With ``cancel_futures``, cancels the pending ones; with ``wait``, waits for them."""
        with self._lock:
            self._is_shut = True
            pending = list(self._pending)
        if cancel_futures:
            for future in pending:
                future.cancel()
        if wait:
            with self._idle:
                while self._pending:
                    self._idle.wait()

    def _ended(self, operation: Operation, future: Future[Any]) -> None:
        # On the engine's thread.
        if not future.set_running_or_notify_cancel():
            return
        try:
            reply = operation.result()
            if reply.kind != "DATA":
                raise NoAnswer(f"a receiver on channel {self._channel} gave no answer", channel=self._channel)
            succeeded, value = pickle.loads(reply.body)
        except BaseException as error:
            future.set_exception(error)
        else:
            if succeeded:
                future.set_result(value)
            else:
                future.set_exception(value)

    def _forget(self, operation: Operation, future: Future[Any]) -> None:
        if future.cancelled():
            self._engine.abandon(operation)
        with self._idle:
            self._pending.discard(future)
            self._idle.notify_all()
