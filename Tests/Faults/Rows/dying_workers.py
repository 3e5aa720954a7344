"""Workers that die between their work and their answer to a call."""

import random
import subprocess
import sys
import time
from pathlib import Path

from battery import exactly, row
from clients import Client
from processes import ChildFailed, start

_WORKER = Path(__file__).with_name("answering_worker.py")
#: The number of calls that a worker holds when it is killed, at most.
BATCH = 50
#: The longest time until a worker is killed. It would need a little longer to answer all calls.
MOST_SECONDS = 0.02


@row(
    "killed-worker",
    "workers are killed between their work and their answer, and other workers take their calls",
    wrong={"mixed-answers": "wrong answers", "no-ids": "other answers to repeated calls"},
)
def workers_killed_before_they_answer(conditions):
    wanted = conditions.count(full=1000, quick=60)
    chance = random.Random(1)
    interrupted = calls = 0
    wrong = failed = other = 0
    with conditions.daemon() as daemon, Client(daemon.port) as caller, Client(daemon.port) as successor:
        while interrupted < wanted:
            numbers = range(calls, calls + BATCH)
            calls += BATCH
            _kill_a_worker(daemon.port, caller, numbers, chance.uniform(0, MOST_SECONDS))
            # When this is answered, the server has read all calls. When no lease is left, it knows of the worker's end.
            answers = _answers(caller)
            successor.await_info(lambda info: info["leases"] == 0)
            taken = _take_over(successor)
            interrupted += len(taken)
            answers |= _answers(caller)
            for number in numbers:
                answer = answers.get(number)
                by = b"the next" if number in taken else b"the first"
                if answer is None:
                    failed += 1
                elif answer != b"%d by %s" % (number**2, by):
                    wrong += 1
            other += _other_answers(caller, successor, answers)
            if conditions.fault and (wrong or other):
                break
    yield exactly("wrong answers", wrong, 0, f"of {calls:,}".replace(",", " "))
    yield exactly("calls without an answer", failed, 0)
    yield exactly("other answers to repeated calls", other, 0)
    yield exactly("interrupted before the answer", min(interrupted, wanted), min(interrupted, wanted))


def _kill_a_worker(port, caller, numbers, seconds):
    """Calls a worker for each number, and kills it after some of its answers. Calls with an even number have an id."""
    worker = start([sys.executable, _WORKER, port, BATCH, "the first"], stdout=subprocess.PIPE)
    try:
        if not worker.stdout.readline():
            raise ChildFailed("the worker ended, because the server does not serve it")
        with Client(port) as witness:
            witness.await_info(lambda info: info["parked"] == BATCH)
        caller.send(b"".join(_call(number) for number in numbers))
        time.sleep(seconds)
        worker.kill()
    finally:
        worker.kill()
        worker.wait()
        worker.stdout.close()


def _call(number, tag=b""):
    identity = b"id=square-%d " % number if number % 2 == 0 else b""
    return b"#%s%d call %ssquares %d\n" % (tag, number, identity, number)


def _take_over(successor):
    """Answers all calls that wait. Returns their numbers."""
    taken = set()
    while (message := successor.ask(b"recv lease=1h timeout=0 squares\n")).word == "MSG":
        answer = b"%d by the next" % int(message.body) ** 2
        if successor.ask(b"ack %s %s\n" % (message.delivery, answer)).word == "OK":
            taken.add(int(message.body))
    return taken


def _answers(caller):
    """Returns the answers to calls that were answered, by their numbers."""
    return {int(reply.tag): reply.body for reply in caller.replies_before_pong() if reply.word == "DATA"}


def _other_answers(caller, successor, answers):
    """Repeats the calls that have an id. Returns how many were not answered as before."""
    repeated = [number for number in answers if number % 2 == 0]
    caller.send(b"".join(_call(number) for number in repeated))
    again = _answers(caller)
    _take_over(successor)
    again |= _answers(caller)
    for number in repeated:
        # A call that was not answered as a repetition must not wait for ever.
        if number not in again:
            caller.ask(b"cancel #%d\n" % number)
    return sum(1 for number in repeated if again.get(number) != answers[number])
