"""The command line: `python -m sluice.conformance server|client`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import transcripts
from .cases import all_cases
from .results import Case, run, selected
from .server import RunningServer, StartedServers
from .stage import ClientCase
from .transcripts import Transcript


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the kit. Returns the exit status: 0 passed, 1 failed, 2 wrong arguments."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return _server(options) if options.side == "server" else _client(options)
    except ValueError as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sluice.conformance",
        description="Checks whether a server or a client follows the line protocol of Sluice.",
    )
    sides = parser.add_subparsers(dest="side", required=True)
    server = sides.add_parser("server", help="replay the transcripts of protocol.md against a server")
    server.add_argument("address", nargs="?", metavar="HOST:PORT", help="the address of a server that runs")
    server.add_argument(
        "--start",
        metavar="COMMAND",
        help="start a server for each transcript instead, such as 'sluiced --listen 127.0.0.1:0'; the command prints "
        "HOST:PORT on its first line, and SIGTERM makes it drain and end",
    )
    server.add_argument("--transcripts", metavar="FILE", type=Path, help="the document to read instead of protocol.md")
    client = sides.add_parser("client", help="play a server to a client under test")
    client.add_argument(
        "command",
        nargs="?",
        default="",
        metavar="COMMAND",
        help="the adapter of the client; see docs/writing-a-client.md",
    )
    for side in (server, client):
        side.add_argument(
            "--only", metavar="NAME", action="append", default=[], help="a case to run; * matches anything"
        )
        side.add_argument("--list", action="store_true", help="print the names of the cases and what they check")
        side.add_argument("--json", action="store_true", help="print the results as JSON")
        side.add_argument(
            "--patience", metavar="SECONDS", type=float, default=10, help="how long to wait for each step (10)"
        )
    return parser


def _show(cases: Sequence[Case]) -> int:
    for case in cases:
        print(f"{case.name:28} {case.title}")
    return 0


def _server(options: argparse.Namespace) -> int:
    cases = selected(transcripts.load(options.transcripts), options.only)
    if options.list:
        return _show(cases)
    if (options.address is None) == (options.start is None):
        raise ValueError("pass either HOST:PORT or --start COMMAND")
    target: RunningServer | StartedServers
    if options.start is not None:
        target = StartedServers(options.start, options.patience)
    else:
        target = RunningServer(options.address, options.patience)

    def play(case: Case) -> None:
        assert isinstance(case, Transcript)
        target.play(case)

    return run(cases, play, as_json=options.json)


def _client(options: argparse.Namespace) -> int:
    cases = selected(all_cases(), options.only)
    if options.list:
        return _show(cases)

    def play(case: Case) -> None:
        assert isinstance(case, ClientCase)
        case.play(options.command, options.patience)

    return run(cases, play, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
