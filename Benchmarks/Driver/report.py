"""Prints the results of a run as tables and targets, and writes them as JSON."""

import json
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Result:
    """The rounds of one contestant in one workload."""

    workload: str
    contestant: str
    title: str
    unit: str
    higher_is_better: bool = False
    values: list = field(default_factory=list)
    note: str = ""
    #: The most that the least value may be; None without a target.
    bound: float | None = None

    @property
    def median(self):
        return statistics.median(self.values) if self.values else None

    def ratio_to(self, sluice):
        """Returns more than 1 when `sluice` is better; None when either has no value."""
        if not self.values or not sluice or not sluice.values:
            return None
        return sluice.median / self.median if self.higher_is_better else self.median / sluice.median


def _sluice_by_workload(results):
    return {result.workload: result for result in results if result.contestant == "sluice"}


def print_head(toolbox):
    print(f"{platform.platform()}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    for name, version in toolbox.versions.items():
        print(f"  {name}: {version}")
    for name, reason in toolbox.missing.items():
        print(f"  {name} is skipped: {reason}")
    print("\nThe contestants take turns, round by round. A ratio above 1 means that Sluice is better by that factor.")


def print_block(heading, results):
    """Prints the results of a workload."""
    sluice = _sluice_by_workload(results)
    print(f"\n{heading:<44}{'median':>10}   {'min .. max':<24}{'ratio':>7}")
    for result in results:
        if not result.values:
            print(f"  {result.title:<42}{'-':>10}   {result.note}")
            continue
        spread = f"{show(min(result.values))} .. {show(max(result.values))}"
        ratio = result.ratio_to(sluice.get(result.workload))
        shown = "-" if ratio is None else f"{ratio:.2f}"
        note = result.note
        if result.bound is not None:
            note = f"{_verdict(min(result.values), '<=', result.bound)}   {note}"
        print(f"  {result.title:<42}{show(result.median):>10}   {spread:<24}{shown:>7}   {note}".rstrip())
    sys.stdout.flush()


def _verdict(value, relation, bound):
    is_reached = value <= bound if relation == "<=" else value >= bound
    return f"{relation} {show(bound):<10} {'reached' if is_reached else 'MISSED'}"


def show(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def print_targets(results):
    """Prints the project's targets for tasks and channels, and whether this run reached them."""
    medians = {(result.workload, result.contestant): result.median for result in results if result.values}

    def best(workload, contestants, choose):
        return choose((medians[workload, c] for c in contestants if (workload, c) in medians), default=None)

    targets = [
        ("ping-pong, ns a transfer", "ping-pong", "<=", 250),
        ("one way, ns a transfer", "one-way", "<=", 250),
        ("bytes a parked task", "parked", "<=", 1_500),
        ("spawn and join, ns; Go's spawn and park, 1 thread", "spawn-join", "<=", best("spawn-park", ("go-1",), min)),
        ("the same, 1 000 at once; Go on all its cores", "spawn-batch", "<=", best("spawn-park", ("go",), min)),
    ]
    print("\nTargets")
    for title, workload, relation, bound in targets:
        value = medians.get((workload, "sluice"))
        if value is None or bound is None:
            print(f"  {title:<50}not measured")
            continue
        print(f"  {title:<50}{show(value):>10} {_verdict(value, relation, bound)}")


def write_json(path, quick, toolbox, results, failures):
    sluice = _sluice_by_workload(results)
    rows = [
        {
            "workload": result.workload,
            "contestant": result.contestant,
            "unit": result.unit,
            "values": result.values,
            "median": result.median,
            "ratio": result.ratio_to(sluice.get(result.workload)),
            "bound": result.bound,
            "note": result.note,
        }
        for result in results
    ]
    document = {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": {"system": platform.platform(), "cores": os.cpu_count()},
        "quick": quick,
        "versions": toolbox.versions,
        "skipped": toolbox.missing,
        "failures": failures,
        "results": rows,
    }
    Path(path).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
