"""The thread that speaks to the server for all threads of a hub.

Only this thread touches the conversation and the socket, so an exception in a calling thread, such as
``KeyboardInterrupt`` or a ``Timeout`` of gevent, finds nothing half done. A caller appends its operation to a queue and
waits for a lock that the thread releases; both are atomic. If an exception ends the wait, the caller abandons the
operation, and the conversation keeps the message that may come all the same.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import ssl
import threading
import time
import weakref
from collections import deque
from functools import partial
from typing import Callable, Protocol, Union

from sluice import errors
from sluice._protocol import (
    Arrived,
    Backoff,
    Broken,
    Command,
    Conversation,
    Ended,
    LeaseLost,
    Operation,
    Ready,
    Reply,
)
from sluice._threads.transport import Transport, connect
from sluice._threads.waker import Waker
from sluice.address import Address
from sluice.errors import SluiceError

log = logging.getLogger("sluice")

#: How long the server may take to answer ``QUIT``.
QUIT_SECONDS = 2.0
_MANY_READS = 16


class Listener(Protocol):
    """Gets the replies of an operation with several, on the engine's thread."""

    def arrived(self, event: Arrived) -> None:
        """A reply before the final one has come."""

    def ended(self, operation: Operation) -> None:
        """The final reply has come."""


Item = Union[Operation, Callable[[], object]]


class Engine:
    """Owns the conversation, the socket, and the thread."""

    def __init__(
        self,
        address: Address,
        conversation: Conversation,
        context: ssl.SSLContext | None,
        backoff: Backoff | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.address = address
        self.conversation = conversation
        self._context = context
        self._backoff = backoff
        self._clock = clock
        self._inbox: deque[Item] = deque()
        self._asleep = False
        self._selector = selectors.DefaultSelector()
        self._waker = Waker()
        self._selector.register(self._waker, selectors.EVENT_READ, None)
        self._transport: Transport | None = None
        self._interest = selectors.EVENT_READ
        self._attempt = 0
        self._failures = 0
        self._retry_at: float | None = None
        self._quit_until: float | None = None
        self._wake_at: float | None = None
        self._finished = False
        self._opened = threading.Event()
        self._opening_error: SluiceError | None = None
        #: The deliveries of the current connection whose leases have ended too early.
        self.lost_leases: set[str] = set()
        self._thread = threading.Thread(target=self._run, name=f"sluice {address}", daemon=True)
        self._process = os.getpid()
        _engines.add(self)

    # For any thread

    def open(self) -> None:
        """Connects, and returns when the server has accepted the client."""
        try:
            self._thread.start()
            self._opened.wait()
        except BaseException:
            self.shut()
            raise
        if self._opening_error is not None:
            self._thread.join()
            raise self._opening_error

    def perform(self, operation: Operation) -> Reply:
        """Waits for the final reply. Raises its exception if it is not a success.

        The caller has to call ``abandon`` when this raises anything but a ``SluiceError``.
        """
        if threading.get_ident() == self._thread.ident:
            raise RuntimeError("this thread serves the connection, so it cannot wait for a reply: use another one")
        lock = threading.Lock()
        lock.acquire()
        operation.waiter = lock.release
        self.submit(operation)
        lock.acquire()
        return operation.result()

    def begin(self, operation: Operation) -> Callable[[], Reply]:
        """Submits an operation. Returns a function that waits for its final reply."""
        lock = threading.Lock()
        lock.acquire()
        operation.waiter = lock.release
        self.submit(operation)

        def wait() -> Reply:
            lock.acquire()
            return operation.result()

        return wait

    def request(self, command: Command, connection: int | None = None) -> Reply:
        """Waits for the final reply of a command that brings no message."""
        operation = Operation(command, connection=connection)
        try:
            return self.perform(operation)
        except SluiceError:
            raise
        except BaseException:
            self.abandon(operation)
            raise

    def submit(self, item: Item) -> None:
        """Submits an operation, or calls a function, on the engine's thread."""
        self._inbox.append(item)
        if self._asleep:
            self._waker.wake()
        if self._finished:
            self._refuse_inbox()

    def submit_here(self, operation: Operation) -> None:
        """Submits an operation on the engine's thread."""
        self.conversation.submit(operation, self._clock())

    def abandon(self, operation: Operation) -> None:
        """Withdraws an operation that nobody waits for any more. A message that comes all the same is given back."""
        self.submit(partial(self.conversation.abandon, operation))

    def shut(self) -> None:
        """Withdraws everything, sends ``QUIT``, and ends the thread."""
        if not self._thread.is_alive():
            self._finished = True
        self.submit(self._begin_to_end)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    def abort(self) -> None:
        """Drops the connection, and ends the thread."""
        self.submit(partial(self._lost, errors.ClientClosed("the client was closed"), final=True))
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join()

    @property
    def is_finished(self) -> bool:
        """Whether there will be no other connection."""
        return self._finished

    # The thread

    def _run(self) -> None:
        try:
            self._begin_to_connect()
            while not self._finished:
                self._turn()
        except BaseException as error:
            log.exception("the thread of the client has failed")
            self._lost(errors.SluiceError(f"the client has failed: {error!r}"), final=True)
        finally:
            self._finished = True
            self._act()
            self._refuse_inbox()
            self._attempt += 1
            if self._transport is not None:
                self._transport.close()
            self._selector.close()
            kept = self.conversation.kept.take_all()
            if kept:
                log.warning("%d messages for receivers that had stopped waiting were lost", len(kept))
            self._opened.set()

    def _turn(self) -> None:
        self._asleep = True
        if self._inbox:
            self._asleep = False
            self._take_inbox()
        else:
            ready = self._selector.select(self._time_to_wait())
            self._asleep = False
            for key, mask in ready:
                if key.data is None:
                    self._waker.clear()
                elif key.data is self._transport:
                    if mask & selectors.EVENT_READ:
                        self._read()
                    if mask & selectors.EVENT_WRITE:
                        self._flush()
            if self._inbox:
                self._take_inbox()
        self._keep_time()
        self._act()
        self._flush()

    def _time_to_wait(self) -> float | None:
        wake_at = self.conversation.next_time()
        for moment in (self._retry_at, self._quit_until):
            if moment is not None and (wake_at is None or moment < wake_at):
                wake_at = moment
        self._wake_at = wake_at
        return None if wake_at is None else max(0.0, wake_at - self._clock())

    def _keep_time(self) -> None:
        # An operation that was submitted in this turn and is due earlier times out in the next one.
        if self._wake_at is None:
            return
        now = self._clock()
        if now < self._wake_at:
            return
        self.conversation.tick(now, 0 if self._transport is None else self._transport.unsent())
        if self._quit_until is not None and self._quit_until <= now:
            self._quit_until = None
            self._lost(errors.ClientClosed("the client was closed"), final=True)
        if self._retry_at is not None and self._retry_at <= now:
            self._retry_at = None
            self._begin_to_connect()

    def _take_inbox(self) -> None:
        now = self._clock()
        inbox = self._inbox
        for _ in range(len(inbox)):
            item = inbox.popleft()
            if isinstance(item, Operation):
                self.conversation.submit(item, now)
            else:
                item()

    def _refuse_inbox(self) -> None:
        # Runs on the threads of callers too, when the engine has ended.
        while self._inbox:
            try:
                item = self._inbox.popleft()
            except IndexError:
                return
            # What the callables give back has gone with the connection.
            if isinstance(item, Operation) and item.reply is None and item.error is None:
                item.error = self._opening_error or errors.ClientClosed("the client was closed")
                self._tell(item)

    def _act(self) -> None:
        while True:
            events = self.conversation.events()
            if not events:
                return
            for event in events:
                if type(event) is Ended:
                    self._tell(event.operation)
                elif type(event) is Arrived:
                    event.operation.waiter.arrived(event)
                elif type(event) is LeaseLost:
                    self.lost_leases.add(event.did)
                elif type(event) is Ready:
                    self._become_ready()
                elif type(event) is Broken:
                    self._lost(event.error, event.final)

    def _tell(self, operation: Operation) -> None:
        waiter = operation.waiter
        if waiter is None:
            return
        operation.waiter = None
        if operation.command.has_parts:
            waiter.ended(operation)
        else:
            waiter()

    def _become_ready(self) -> None:
        self._failures = 0
        self.lost_leases = set()
        if self._opened.is_set():
            log.info("connected to %s again", self.address)
        self._opened.set()

    # The connection

    def _begin_to_connect(self) -> None:
        self._attempt += 1
        worker = threading.Thread(
            target=self._connect, args=(self._attempt,), name=f"sluice connects to {self.address}", daemon=True
        )
        worker.start()

    def _connect(self, attempt: int) -> None:
        # On a thread of its own: looking up a name cannot be interrupted, and callers may give up meanwhile.
        try:
            transport = connect(self.address, self._context, self.conversation.connect_timeout)
        except Exception as error:
            self.submit(partial(self._failed_to_connect, attempt, error))
        else:
            self.submit(partial(self._connected, attempt, transport))
            if self._finished:
                transport.close()

    def _failed_to_connect(self, attempt: int, error: Exception) -> None:
        if attempt == self._attempt:
            final = isinstance(error, ssl.SSLCertVerificationError)
            self._lost(errors.ConnectionLost(f"cannot connect to {self.address}: {error}"), final)

    def _connected(self, attempt: int, transport: Transport) -> None:
        if attempt != self._attempt or self._finished:
            transport.close()
            return
        self._transport = transport
        self._interest = selectors.EVENT_READ
        self._selector.register(transport, self._interest, transport)
        self.conversation.connected(self._clock())

    def _read(self) -> None:
        for _ in range(_MANY_READS):
            transport = self._transport
            if transport is None:
                return
            try:
                data = transport.receive()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self._lost(errors.ConnectionLost(f"lost the connection to {self.address}: {error}"), final=False)
                return
            if not data:
                self._lost(errors.ConnectionLost(f"{self.address} has closed the connection"), final=False)
                return
            self.conversation.receive_data(data, self._clock())
            if len(data) < 65536:
                return

    def _flush(self) -> None:
        transport = self._transport
        if transport is None:
            return
        data = self.conversation.data_to_send()
        if not data and not transport.wants_write:
            return
        try:
            transport.send(data)
        except OSError as error:
            self._lost(errors.ConnectionLost(f"lost the connection to {self.address}: {error}"), final=False)
            return
        interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if transport.wants_write else 0)
        if interest != self._interest:
            self._interest = interest
            self._selector.modify(transport, interest, transport)

    def _lost(self, error: SluiceError, final: bool) -> None:
        if self._transport is not None:
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(self._transport)
            self._transport.close()
            self._transport = None
        self._attempt += 1
        first = not self._opened.is_set()
        final = final or first or self._backoff is None or self._quit_until is not None or self._finished
        self.conversation.lost(error, final, self._clock())
        if final:
            if first:
                self._opening_error = error
            elif not isinstance(error, errors.ClientClosed):
                log.warning("%s: %s; not connecting again", self.address, error)
            self._finished = True
        elif self._backoff is not None:
            level = logging.DEBUG if self._failures else logging.WARNING
            log.log(level, "%s: %s; connecting again", self.address, error)
            self._retry_at = self._clock() + self._backoff.delay(self._failures)
            self._failures += 1

    def _begin_to_end(self) -> None:
        if self._quit_until is None and not self._finished:
            self._quit_until = self._clock() + QUIT_SECONDS
            self.conversation.close()

    def _abandon_in_child(self) -> None:
        # After a fork, the child shares the socket with its parent, and has no thread.
        # Closing leaves the parent's registration with the kernel alone; unregistering would not.
        self._finished = True
        self._opening_error = errors.ClientClosed("the client belongs to another process; connect again after a fork")
        self._inbox.clear()
        if self._transport is not None:
            self._transport.close()


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _after_fork() -> None:
    for engine in list(_engines):
        engine._abandon_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
