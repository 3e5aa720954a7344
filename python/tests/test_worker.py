"""The worker and the executor, as programs."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import signal
import subprocess
import sys
from concurrent.futures import CancelledError
from pathlib import Path

import pytest
from background import PATIENCE_SECONDS, in_thread

import sluice
from sluice.executor import ChannelExecutor
from sluice.worker import main

PROGRAMS = Path(__file__).parent / "programs"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(sluice.__file__).parents[1])}


@contextlib.contextmanager
def worker(sluiced, *arguments):
    """Runs a worker until the end of the block, and expects that SIGTERM ends it with status 0."""
    environment = {**ENVIRONMENT, "SLUICE_ADDRESS": sluiced.address}
    process = subprocess.Popen(
        [sys.executable, "-m", "sluice.worker", *arguments], env=environment, cwd=PROGRAMS, stderr=subprocess.PIPE
    )
    try:
        yield process
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
    finally:
        process.kill()
        process.communicate()


def test_a_worker_answers_calls(sluiced, hub):
    with worker(sluiced, "squares", "handlers:square", "-c", "4"):
        assert [hub.channel("squares").call(str(number), timeout=PATIENCE_SECONDS) for number in range(5)] == [
            b"0",
            b"1",
            b"4",
            b"9",
            b"16",
        ]


def test_a_handler_may_be_a_coroutine(sluiced, hub):
    with worker(sluiced, "doubles", "handlers:double"):
        assert hub.channel("doubles").call(b"4", timeout=PATIENCE_SECONDS) == b"8"


def test_a_job_that_fails_is_tried_again_and_then_rejected(sluiced, hub):
    options = ("--attempts", "3", "--delay", "0.01")
    with worker(sluiced, "jobs", "handlers:fail", *options), pytest.raises(sluice.Rejected, match="ValueError: no job"):
        hub.channel("jobs").send(b"job", timeout=PATIENCE_SECONDS)


def test_a_handler_may_reject(sluiced, hub):
    with worker(sluiced, "jobs", "handlers:refuse"), pytest.raises(sluice.Rejected, match="not mine"):
        hub.channel("jobs").send(b"job", timeout=PATIENCE_SECONDS)


def test_after_a_signal_the_worker_finishes_its_jobs(sluiced, hub):
    with worker(sluiced, "jobs", "handlers:signal_and_hold") as process:
        first = in_thread(hub.channel("jobs").send, b"1")
        assert hub.channel("begun").recv() == b"1"
        second = in_thread(hub.channel("jobs").send, b"2")
        process.send_signal(signal.SIGTERM)
        assert any(b"stopping" in line for line in process.stderr)
        hub.channel("finish").send(b"")
        first()
    assert hub.channel("jobs").recv() == b"2"
    second()


@pytest.mark.skipif(sys.platform != "linux", reason="needs tgkill")
def test_a_signal_ends_a_worker_whose_main_thread_does_not_notice_it(sluiced, hub):
    with worker(sluiced, "jobs", "handlers:square") as process:
        hub.channel("jobs").send(b"1", timeout=PATIENCE_SECONDS)
        # The main thread waits for a job; the kernel interrupts another one.
        (*_, other) = (int(thread.name) for thread in Path(f"/proc/{process.pid}/task").iterdir())
        assert other != process.pid
        assert ctypes.CDLL(None).tgkill(process.pid, other, signal.SIGTERM) == 0
        assert process.wait(PATIENCE_SECONDS) == 0


def test_a_storm_of_signals_ends_a_worker(sluiced, hub):
    with worker(sluiced, "jobs", "handlers:signal_and_hold") as process:
        sending = in_thread(hub.channel("jobs").send, b"1")
        assert hub.channel("begun").recv() == b"1"
        for _ in range(200):
            process.terminate()
        hub.channel("finish").send(b"")
        sending()
        assert process.wait(PATIENCE_SECONDS) == 0


def test_a_worker_ends_with_its_channel(sluiced, hub):
    with worker(sluiced, "jobs", "handlers:square") as process:
        hub.channel("jobs").send(b"1", timeout=PATIENCE_SECONDS)
        hub.channel("jobs").close()
        assert process.wait(PATIENCE_SECONDS) == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nothing"], "name the handler as module:function"),
        (["handlers:nothing"], "handlers has no function 'nothing'"),
        (["nowhere.at_all:work"], "there is no module 'nowhere.at_all'"),
        (["handlers:square", "--codec", "nowhere"], "there is no module 'nowhere'"),
        (["handlers:square", "--codec", "math"], "the codec math has no dumps and loads"),
    ],
)
def test_a_module_that_cannot_be_used_is_named(arguments, expected):
    done = subprocess.run(
        [sys.executable, "-m", "sluice.worker", "jobs", *arguments],
        env=ENVIRONMENT,
        cwd=PROGRAMS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "option", [("-c", "0"), ("--attempts", "0"), ("--lease", "0"), ("--lease", "nan"), ("--delay", "-1")], ids=" ".join
)
def test_a_number_that_makes_no_sense_is_refused(option, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["jobs", "handlers:square", *option])
    assert caught.value.code == 2
    assert f"{'--concurrency' if option[0] == '-c' else option[0]} " in capsys.readouterr().err


def test_an_executor_runs_functions_elsewhere(sluiced, hub):
    with worker(sluiced, "tasks", "sluice.executor:perform", "-c", "4"), ChannelExecutor(hub, "tasks") as executor:
        assert list(executor.map(math.factorial, range(6))) == [1, 1, 2, 6, 24, 120]
        assert executor.submit(pow, 2, 10).result() == 1024
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result()


def test_a_task_that_waits_can_be_cancelled(hub):
    executor = ChannelExecutor(hub, "tasks")
    future = executor.submit(pow, 2, 10)
    assert future.cancel()
    with pytest.raises(CancelledError):
        future.result()
    executor.shutdown()
    with pytest.raises(RuntimeError):
        executor.submit(pow, 2, 10)
