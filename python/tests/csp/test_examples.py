"""The public examples of PyCSP and python-csp, with the line of the import changed."""

from __future__ import annotations

import re

import pytest
from programs import output


def without_times(text):
    return re.sub(r"\d+\.\d+(e-\d+)?", "#", text)


def commstime(runs, messages):
    one = f"Running commstime test\nDT = #.\nTime per ch : #/(4*{messages}) = # s = # us\n"
    one += "consumer done, posioning channel\n"
    return "".join(f"----------- run {number}/{runs} -------------\n{one}" for number in range(1, runs + 1))


def primes(limit):
    return "".join(f"{n}\n" for n in range(2, limit) if all(n % d for d in range(2, n)))


@pytest.mark.parametrize(
    ("program", "runs", "messages"),
    [("Commstime", 3, 200), ("Commstime_Io", 2, 100), ("Commstime_Multiprocesses", 2, 100)],
)
def test_commstime(program, runs, messages):
    assert without_times(output(f"pycsp/{program}.py")) == commstime(runs, messages)


def test_the_dining_philosophers_all_eat():
    # print writes the end of a line by itself, so lines of several threads may mix.
    eaten = re.findall(r"philosopher (\d) has eaten (\d+) times", output("pycsp/Dining-Phil.py"))
    assert sorted(number for number, _ in eaten) == ["0", "1", "2", "3", "4"]
    assert sum(int(times) for _, times in eaten) in range(94, 104)


def test_fibonacci():
    numbers = [0, 1]
    while len(numbers) < 20:
        numbers.append(numbers[-1] + numbers[-2])
    assert output("pycsp/Fibonacci.py") == "".join(f"{number}\n" for number in numbers)


def test_monte_carlo_pi():
    lines = output("pycsp/MCPi.py").splitlines()
    assert [int(line.split()[0]) for line in lines[:-1]] == list(range(1, 41))
    assert 2.8 < float(lines[-1].removeprefix("Result: ")) < 3.5


def test_monte_carlo_pi_of_threads_and_processes():
    assert without_times(output("pycsp/ParallelReturn_MCPi.py")) == (
        f"Processes return [{', '.join(['#'] * 20)}]\nResult: #\n"
    )


@pytest.mark.parametrize(
    ("program", "arguments", "result"),
    [
        ("TokenRing", [], 64),
        ("TokenRing", ["20"], 64 + 20 * 64),
        ("MultipleTokenRing", [], 64),
        ("MultipleTokenRing", ["5", "8"], 3100),
    ],
)
def test_token_rings(program, arguments, result):
    assert output(f"pycsp/{program}.py", *arguments) == f"start\nend\n{result}\n"


def test_the_sieve():
    assert output("pycsp/Sieve.py") == primes(300)


def test_retiring_loses_nothing():
    expected = sorted(f"Hello world ({number})" for number in range(10) for _ in range(5))
    assert sorted(output("pycsp/TerminationRaceRetire.py").splitlines()) == expected


def test_poison_may_lose_what_others_still_send():
    lines = output("pycsp/TerminationRacePoison.py").splitlines()
    assert set(lines) == {f"Hello world ({number})" for number in range(10)}
    assert 10 <= len(lines) <= 50


PYTHON_CSP = {
    "commstime": "the last number: 99\n" * 2,
    "fulladder": "".join(
        f"sum {(x + y + z) % 2} carry {(x + y + z) // 2}\n" for x in (0, 1) for y in (0, 1) for z in (0, 1)
    ),
    "tokenring": "the token: 321\n",
    "pi": "pi = 3.141593\n" * 4,
    "alternatives": "three skips: ['Skip', 'Skip', 'Skip']\n"
    "one channel: 100\n"
    "select: [100, 200, 300]\n"
    "pri_select: [100, 200, 300]\n"
    "fair_select: [100, 200, 300]\n"
    "Alt * 3: [100, 200, 300]\n"
    "3 * Alt: [100, 200, 300]\n"
    "each once: [100, 200, 300]\n"
    "a | b: [100, 200]\n"
    "a timer: None\n",
    "processes": "foo 1\nfoo 2\nfoo 3\nfoo 4\nfoo 5\nfoo 6\nfoo 6\nfoo 7\nfoo 7\nfoo 8\nfoo 9\n"
    "hello world\npoisoned\n1 2 3\n4\n5 6 7\n",
}


@pytest.mark.parametrize("csp", ["THREADS", "PROCESSES"])
@pytest.mark.parametrize("program", PYTHON_CSP)
def test_python_csp(program, csp):
    assert output(f"python_csp/{program}.py", CSP=csp) == PYTHON_CSP[program]
