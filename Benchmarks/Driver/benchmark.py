"""Compares Sluice with its peers in one run: channels and tasks inside a process, then messages over TCP and HTTP.

Benchmarks/README.md describes the workloads and explains the figures.
"""

import argparse
import sys

from channels import WORKLOADS, run_workload
from contestants import Toolbox
from processes import exit_on_signals
from report import print_head, print_targets, write_json
from web import run_web
from wire import run_comparison, run_instructions

NAMES = [workload.name for workload in WORKLOADS] + ["instructions", "wire", "web"]


def parsed_arguments():
    parser = argparse.ArgumentParser(prog="Benchmarks/run", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small counts and 3 rounds, for a first impression")
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="rounds of each contestant (default: 5, or 3 with --quick)"
    )
    parser.add_argument("--only", metavar="A,B", help="measure only these workloads: " + ", ".join(NAMES))
    parser.add_argument("--json", metavar="FILE", help="also write every value to FILE as JSON")
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",") if arguments.only else NAMES
    unknown = set(arguments.only) - set(NAMES)
    if unknown:
        parser.error(f"unknown workload: {', '.join(sorted(unknown))}")
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 5)
    return arguments


def main():
    arguments = parsed_arguments()
    exit_on_signals()
    workloads = [workload for workload in WORKLOADS if workload.name in arguments.only]
    toolbox = Toolbox()
    if workloads:
        toolbox.add_channel_contestants()
    if {"instructions", "wire", "web"} & set(arguments.only):
        toolbox.add_daemon()
    if "wire" in arguments.only:
        toolbox.add_load_tester()
    print_head(toolbox)
    results, failures = [], []
    for workload in workloads:
        results += run_workload(workload, toolbox, arguments.rounds, arguments.quick, failures)
    if "instructions" in arguments.only:
        results += run_instructions(toolbox, failures)
    if workloads:
        print_targets(results)
    if "wire" in arguments.only:
        failures += run_comparison(toolbox, arguments.rounds, arguments.quick)
    if "web" in arguments.only:
        results += run_web(toolbox, arguments.rounds, arguments.quick, failures)
    if arguments.json:
        write_json(arguments.json, arguments.quick, toolbox, results, failures)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    ours_missing = {"swift", "load", "sluiced"} & set(toolbox.missing)
    return 1 if failures or ours_missing else 0


sys.exit(main())
