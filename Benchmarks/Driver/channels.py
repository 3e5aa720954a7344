"""The workloads inside one process: channels, tasks, memory and the sieve."""

import sys
from dataclasses import dataclass
from pathlib import Path

from contestants import CONTESTANTS
from processes import ChildFailed, output_of
from report import Result, print_block


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    unit: str
    count: int
    quick_count: int
    most_rounds: int = sys.maxsize


# The memory of parked tasks hardly varies, and gevent takes a minute to fill it, so there is one round. The sieve takes
# the slow contestants 10 s.
WORKLOADS = [
    Workload("ping-pong", "rendezvous, ping-pong", "ns a transfer", 300_000, 50_000),
    Workload("one-way", "rendezvous, one way", "ns a transfer", 300_000, 50_000),
    Workload("select-2", "select of 2, and its transfer", "ns", 200_000, 50_000),
    Workload("select-8", "select of 8, and its transfer", "ns", 200_000, 50_000),
    Workload("semaphore", "semaphores, ping-pong", "ns a permit", 300_000, 50_000),
    Workload("mutex", "lock and unlock a free mutex", "ns", 1_000_000, 200_000),
    Workload("barrier", "barrier of 2", "ns a round", 300_000, 50_000),
    Workload("spawn-join", "spawn and join, one by one", "ns a task", 100_000, 30_000),
    Workload("spawn-batch", "spawn and join, 1 000 at once", "ns a task", 100_000, 30_000),
    Workload("spawn-park", "spawn and park, 10 000 at once", "ns a task", 200_000, 100_000),
    Workload("offload", "run a function on a thread", "ns", 30_000, 5_000),
    Workload("datagram", "UDP, ping-pong", "ns a datagram", 50_000, 10_000),
    Workload("subprocess", "run a program", "ns", 500, 100, most_rounds=3),
    Workload("parked", "parked on a receive", "bytes a task", 1_000_000, 100_000, most_rounds=1),
    Workload("sieve", "prime sieve", "s", 2_000, 500, most_rounds=3),
]


def run_workload(workload, toolbox, rounds, quick, failures):
    """Runs rounds of all contestants in turn. A contestant that fails, or lacks the workload, runs only once."""
    count = workload.quick_count if quick else workload.count
    rounds = min(rounds, workload.most_rounds)
    contestants = [contestant for contestant in CONTESTANTS if contestant.toolchain in toolbox.programs]
    results = {c: Result(workload.name, c.key, c.title, workload.unit) for c in contestants}
    for _ in range(rounds):
        for contestant, result in results.items():
            if not result.note:
                _run_round(contestant, workload.name, count, toolbox, result, failures)
    print_block(f"{workload.title} ({workload.unit})", list(results.values()))
    print(f"  {count:,} operations a round, {rounds} {'round' if rounds == 1 else 'rounds'}")
    return list(results.values())


def _run_round(contestant, workload, count, toolbox, result, failures):
    needed = count * contestant.parked_bytes if workload == "parked" else 0
    if needed > 0.9 * _available_bytes():
        result.note = f"skipped: needs about {needed / 1e9:.0f} GB of memory"
        return
    command = [*toolbox.programs[contestant.toolchain], *contestant.arguments, workload, count]
    try:
        lines = output_of(command, dict(contestant.environment)).splitlines()
        figures = {name: (value, unit) for name, value, unit in map(str.split, lines)}
        value, unit = figures[workload]
        value = float("nan") if unit == "unsupported" else float(value)
        if workload == "sieve" and int(figures["last-prime"][0]) != _prime(count):
            raise ChildFailed(f"{contestant.title}: prime {count} is not {figures['last-prime'][0]}")
    except (KeyError, ValueError) as fault:
        failures.append(f"{workload}: {contestant.title} printed an invalid result: {fault}")
        result.note = "failed: see the end"
        return
    except (ChildFailed, OSError) as failure:
        failures.append(f"{workload}: {failure}")
        result.note = "failed: see the end"
        return
    if unit == "unsupported":
        result.note = "not supported"
    else:
        result.values.append(value)


def _prime(count):
    """Returns the count-th prime by trial division, to check the sieve's result."""
    primes, number = [], 2
    while len(primes) < count:
        if all(number % prime for prime in primes if prime * prime <= number):
            primes.append(number)
        number += 1
    return primes[-1]


def _available_bytes():
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return sys.maxsize
