"""A worker: does the jobs of a channel, retries those that fail, and answers those whose sender waits for a result.

    python -m sluice.worker jobs mymodule:handler -c 8

``handler`` is a function that takes the job, a ``sluice.Delivery``. When it returns, the job is acknowledged; what it
returns is the answer to a ``call``. If it raises an exception, the job is handed out again later; after ``--attempts``
attempts, or at once for ``sluice.Rejected``, it is rejected. After SIGTERM or SIGINT, the worker finishes the jobs that
it has begun, and ends.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import inspect
import logging
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import sluice
from sluice.errors import Rejected, SluiceError, Stale
from sluice.values import Codec

log = logging.getLogger("sluice.worker")

Handler = Callable[[sluice.Delivery[Any]], Any]


def work(job: sluice.Delivery[Any], handler: Handler, *, attempts: int | None = None, delay: float = 1.0) -> None:
    """Does one job: acknowledges or answers it, gives it back for another attempt, or rejects it.

    ``delay`` is the number of seconds before the second attempt; it doubles with each further one, up to an hour.
    """
    try:
        try:
            result = handler(job)
            if inspect.iscoroutine(result):
                result = asyncio.run(result)
        except Rejected as error:
            log.warning("%r is rejected: %s", job, error)
            job.reject(error.reason or str(error))
        except Exception as error:
            if attempts is not None and job.attempt >= attempts:
                log.exception("%r is rejected after attempt %d", job, job.attempt)
                job.reject(f"{type(error).__name__}: {error}")
            else:
                log.exception("%r has failed in attempt %d", job, job.attempt)
                job.nack(min(delay * 2.0 ** min(job.attempt - 1, 30), 3600.0))
        else:
            if job.is_settled:
                return
            if job.wants_answer and result is not None:
                job.answer(result)
            else:
                job.ack()
    except Stale as error:
        # The lease has ended: another worker has the job.
        log.warning("%r: %s", job, error)


def run(
    hub: sluice.Hub,
    channel: str,
    handler: Handler,
    *,
    concurrency: int = 1,
    lease: float = 30,
    attempts: int | None = None,
    delay: float = 1.0,
    codec: Codec | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Does the jobs of a channel in ``concurrency`` threads, until the channel is closed or ``stop`` is set.

    Finishes the jobs that have begun. ``lease`` and ``delay`` are in seconds.
    """
    jobs = hub.channel(channel, codec).leased(lease, window=concurrency)
    if stop is not None:
        threading.Thread(target=_close_when_set, args=(stop, jobs), daemon=True).start()
    with ThreadPoolExecutor(concurrency, "sluice-worker") as pool:
        try:
            for job in jobs:
                pool.submit(work, job, handler, attempts=attempts, delay=delay)
                del job  # only the pool refers to it: when the pool drops it, the message goes back
            if stop is not None and stop.is_set():
                log.info("stopping when the jobs that have begun are done")
        finally:
            jobs.close()
            if stop is not None:
                stop.set()


_STOPPING = (signal.SIGTERM, signal.SIGINT)


def _stop_at_signal(signals: int, stop: threading.Event) -> None:
    with os.fdopen(signals, "rb", buffering=0) as stream:
        while (number := stream.read(1)) and number[0] not in _STOPPING:
            pass
    stop.set()


def _close_when_set(stop: threading.Event, jobs: sluice.Messages[Any]) -> None:
    stop.wait()
    jobs.close()


def load(name: str) -> Handler:
    """Returns the function that ``module:function`` names."""
    module, colon, attribute = name.partition(":")
    if not colon:
        raise SystemExit(f"sluice.worker: name the handler as module:function, not {name!r}")
    target: Any = _imported(module)
    for part in attribute.split("."):
        target = getattr(target, part, None)
    if not callable(target):
        raise SystemExit(f"sluice.worker: {module} has no function {attribute!r}")
    handler: Handler = target
    return handler


def _imported(name: str) -> Any:
    """Imports a module, also from the current directory."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # If an import within the module fails, its traceback says where.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise SystemExit(f"sluice.worker: there is no module {name!r} here or on Python's path") from None


def main(arguments: list[str] | None = None) -> int:
    """The program. Returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m sluice.worker", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("channel")
    parser.add_argument("handler", help="module:function; the function takes a job")
    parser.add_argument("-c", "--concurrency", type=int, default=1, help="how many jobs at a time (1)")
    parser.add_argument("-H", "--hub", help="the server's address (SLUICE_ADDRESS, else 127.0.0.1:7333)")
    parser.add_argument("--lease", type=float, default=30, help="seconds that a frozen worker keeps its jobs (30)")
    parser.add_argument("--attempts", type=int, help="reject a job after this many attempts (never)")
    parser.add_argument("--delay", type=float, default=1, help="seconds before the second attempt, then doubled (1)")
    parser.add_argument("--codec", help="a module with dumps and loads, such as json")
    parser.add_argument("--label", default=f"worker-{os.getpid()}", help="the name in the server's reports")
    options = parser.parse_args(arguments)
    if options.concurrency < 1 or (options.attempts is not None and options.attempts < 1):
        parser.error("--concurrency and --attempts must be at least 1")
    if not options.lease > 0 or not options.delay >= 0:
        parser.error("--lease must be more than 0, and --delay at least 0")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler = load(options.handler)
    codec = _imported(options.codec) if options.codec else None
    if codec is not None and not (hasattr(codec, "dumps") and hasattr(codec, "loads")):
        raise SystemExit(f"sluice.worker: the codec {options.codec} has no dumps and loads")
    stop = threading.Event()
    # Python runs handlers on the main thread. If a signal comes just before that thread waits for a job, its handler
    # runs only after the next job. But Python writes the signal's number to this pipe at once.
    signals, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    for number in _STOPPING:
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_stop_at_signal, args=(signals, stop), daemon=True).start()
    try:
        with sluice.connect(options.hub, label=options.label) as hub:
            log.info("doing the jobs of %s", options.channel)
            run(
                hub,
                options.channel,
                handler,
                concurrency=options.concurrency,
                lease=options.lease,
                attempts=options.attempts,
                delay=options.delay,
                codec=codec,
                stop=stop,
            )
    except SluiceError as error:
        log.error("%s", error)
        return 1
    finally:
        # The interpreter takes its handlers away when it ends. A signal then would change the status.
        for number in _STOPPING:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        os.close(wakeup)
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
