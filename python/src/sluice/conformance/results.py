"""The results of cases, as lines for people or as JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Protocol

#: Most of a case is waiting for processes to start and end.
_AT_A_TIME = 4

OK = "ok"
SKIPPED = "skip"
FAILED = "FAIL"


class Failed(Exception):
    """A case has failed. The text says what was expected and what came instead."""


class Skipped(Exception):
    """A case cannot run here. The text says why."""


class Case(Protocol):
    """Something that a run can check."""

    @property
    def name(self) -> str:
        """A short name for `--only`."""

    @property
    def title(self) -> str:
        """What must hold, as a sentence."""


@dataclass(frozen=True)
class Result:
    """The result of one case."""

    name: str
    title: str
    status: str
    reason: str
    seconds: float


def selected(cases: Sequence[Case], patterns: Sequence[str]) -> list[Case]:
    """Returns the cases whose names match one of the patterns, in which `*` stands for anything.

    Raises ValueError if a pattern matches no case.
    """
    for pattern in patterns:
        if not any(fnmatchcase(case.name, pattern) for case in cases):
            raise ValueError(f"no case matches '{pattern}'; --list shows the names")
    return [case for case in cases if not patterns or any(fnmatchcase(case.name, pattern) for pattern in patterns)]


def run(cases: Iterable[Case], play: Callable[[Case], None], *, as_json: bool) -> int:
    """Plays the cases, some at a time, and prints their results in order.

    Returns the exit status: 0 if no case failed and at least one was played, otherwise 1.
    """
    results = []
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        for result in pool.map(lambda case: _result(case, play), cases):
            results.append(result)
            if not as_json:
                print(_line(result), flush=True)
    count = {status: sum(result.status == status for result in results) for status in (OK, SKIPPED, FAILED)}
    if as_json:
        summary = {"passed": count[OK], "skipped": count[SKIPPED], "failed": count[FAILED]}
        json.dump({"cases": [asdict(result) for result in results], **summary}, sys.stdout, indent=1)
        print()
    else:
        print(f"conformance: {count[OK]} passed, {count[FAILED]} failed, {count[SKIPPED]} skipped")
    return 0 if count[OK] and not count[FAILED] else 1


def _result(case: Case, play: Callable[[Case], None]) -> Result:
    start = time.monotonic()
    status, reason = OK, ""
    try:
        play(case)
    except Skipped as skipped:
        status, reason = SKIPPED, str(skipped)
    except Failed as failure:
        status, reason = FAILED, str(failure)
    except OSError as error:
        status, reason = FAILED, f"the connection failed: {error}"
    return Result(case.name, case.title, status, reason, round(time.monotonic() - start, 3))


def _line(result: Result) -> str:
    line = f"{result.status:4}  {result.name:28} {result.title}"
    if not result.reason:
        return line
    return line + "".join(f"\n      {part}" for part in result.reason.splitlines())
