"""The rows of the battery: what each measures, within which bounds, and how its outcome is judged."""

import os
import time
import traceback
from dataclasses import dataclass, field

from daemon import Daemon
from processes import ChildFailed
from replies import BadReply

#: How often a row that measures time is tried until its figures are within their bounds. All tries are printed.
MAX_TRIES = 3


@dataclass(frozen=True)
class Figure:
    """A measured value. A value without a bound is only printed."""

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_kept(self):
        if self.at_most is not None and not self.value <= self.at_most:
            return False
        return self.at_least is None or self.value >= self.at_least

    @property
    def bound(self):
        if self.at_most is not None and self.at_most == self.at_least:
            return f"= {show(self.at_most)}"
        if self.at_most is not None:
            return f"<= {show(self.at_most)}"
        return "" if self.at_least is None else f">= {show(self.at_least)}"


def exactly(name, value, wanted, unit=""):
    # A process that does not end has no exit status.
    value = float("inf") if value is None else value
    return Figure(name, value, unit, at_most=wanted, at_least=wanted)


def show(value):
    if value == float("inf"):
        return "never"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", " ")
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


class Skipped(Exception):
    """Raised by a row that cannot be measured on this machine, with the reason."""


@dataclass(frozen=True)
class Row:
    """One promise under one fault. `wrong` names wrong servers, each with the figure that must be out of its bounds."""

    key: str
    title: str
    measure: callable
    wrong: dict
    is_timed: bool


ROWS = []


def row(key, title, wrong, timed=False):
    """Adds the decorated function, which takes `Conditions` and yields figures, to the rows of the battery."""

    def register(measure):
        ROWS.append(Row(key, title, measure, wrong, timed))
        return measure

    return register


@dataclass(frozen=True)
class Conditions:
    """The program that a row is measured with, and how. With a `fault`, clients reach it through a wrong server."""

    program: str
    is_quick: bool = False
    fault: str | None = None

    def daemon(
        self,
        may_crash=False,
        host="127.0.0.1",
        errors=None,
        users_file=None,
        principals_file=None,
        reactors=1,
        certificate=None,
        web=False,
        path=None,
        **limits,
    ):
        settings = {f"limits.{name.replace('_', '-')}": value for name, value in limits.items()}
        if reactors > 1:
            settings["reactors"] = reactors
        if users_file:
            settings["users-file"] = users_file
        if principals_file:
            settings["principals-file"] = principals_file
        return Daemon(self.program, settings, self.fault, may_crash, host, errors, certificate, web, path)

    def count(self, full, quick):
        return quick if self.is_quick or self.fault else full


@dataclass
class Outcome:
    """The result of a row. `tries` are the figures of each try; the last one counts."""

    row: Row
    fault: str | None = None
    tries: list = field(default_factory=list)
    error: str = ""
    skipped: str = ""
    seconds: float = 0

    @property
    def is_kept(self):
        return not self.error and bool(self.tries) and all(figure.is_kept for figure in self.tries[-1])

    @property
    def is_wrong_server_detected(self):
        """Whether the figure that must detect the wrong server is out of its bounds."""
        if not self.tries:
            return False
        return any(figure.name == self.row.wrong[self.fault] and not figure.is_kept for figure in self.tries[-1])

    def describe(self):
        if self.skipped:
            return f"skipped: {self.skipped}"
        parts = []
        for index, figure in enumerate(self.tries[-1] if self.tries else []):
            values = ", ".join(show(figures[index].value) for figures in self.tries)
            bound = f" ({figure.bound})" if figure.bound else ""
            parts.append(f"{figure.name} {values}{figure.unit and ' ' + figure.unit}{bound}")
        return "; ".join(parts + ([self.error] if self.error else []))


def measured(row, conditions):
    """Measures a row. A row that measures time is tried again while a figure is out of its bounds."""
    outcome = Outcome(row, conditions.fault)
    begin = time.monotonic()
    for _ in range(MAX_TRIES if row.is_timed and not conditions.fault else 1):
        try:
            outcome.error = ""
            outcome.tries.append(list(row.measure(conditions)))
        except Skipped as reason:
            outcome.skipped = str(reason)
        except (ChildFailed, BadReply, OSError) as failure:
            outcome.error = f"{type(failure).__name__}: {failure}"
        except Exception as fault:
            # A fault of the row itself. The other rows are measured all the same.
            traceback.print_exc()
            outcome.error = f"{type(fault).__name__}: {fault}"
        if outcome.is_kept or outcome.skipped:
            break
    outcome.seconds = time.monotonic() - begin
    return outcome


def machine():
    return f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.1f}"
