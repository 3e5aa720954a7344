"""Tests the conformance kit itself: it finds wrong clients and wrong servers, and passes right ones."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import little_client_faults as faults
import pytest

from sluice.conformance import transcripts
from sluice.conformance.requests import GrammarError, RequestReader
from sluice.conformance.server import with_names_of_its_own
from sluice.testing import find_daemon

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]
LITTLE_CLIENT = f"{shlex.quote(sys.executable)} {shlex.quote(str(HERE / 'little_client.py'))}"


def run(*arguments: str) -> tuple[int, dict[str, object], str]:
    """Runs the kit. Returns its exit status, its report and its errors."""
    done = subprocess.run(
        [sys.executable, "-m", "sluice.conformance", *arguments, "--json"], capture_output=True, text=True, check=False
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def failures(report: dict[str, object]) -> dict[str, str]:
    cases = report["cases"]
    assert isinstance(cases, list)
    return {case["name"]: case["reason"] for case in cases if case["status"] == "FAIL"}


# Clients


def expect_all_pass(command: str, *arguments: str) -> None:
    # Only a failure takes that long, however busy the machine is.
    status, report, _ = run("client", command, "--patience", "60", *arguments)
    assert failures(report) == {}
    assert status == 0


def test_a_right_client_passes() -> None:
    # Of each fault, the case that finds it.
    expect_all_pass(LITTLE_CLIENT, *[argument for case in faults.FAULTS.values() for argument in ("--only", case)])


@pytest.mark.skipif(shutil.which("perl") is None, reason="needs perl")
def test_the_example_in_perl_passes() -> None:
    expect_all_pass(f"perl {shlex.quote(str(REPOSITORY / 'docs/examples/clients/client.pl'))}")


#: What depends on how a face reads, writes, waits and is cancelled. The rest is the same code in all faces.
CASES_OF_A_FACE = [
    "split-*",
    "one-segment",
    "shuffled",
    "keeps-reading",
    "cancel*",
    "late-*",
    "lost-*",
    "close*",
    "count*",
]


@pytest.mark.parametrize(
    ("face", "cases"),
    [
        ("threads", []),
        ("threads gevent", CASES_OF_A_FACE),
        ("tasks asyncio", CASES_OF_A_FACE),
        ("tasks trio", CASES_OF_A_FACE),
    ],
)
def test_every_face_of_the_python_client_passes(face: str, cases: list[str]) -> None:
    name, _, mode = face.partition(" ")
    pytest.importorskip(mode if mode in ("gevent", "trio") else "sluice")
    adapter = f"{shlex.quote(sys.executable)} {shlex.quote(str(HERE / name))}_adapter.py {mode}".rstrip()
    expect_all_pass(adapter, *[argument for case in cases for argument in ("--only", case)])


@pytest.mark.parametrize(("fault", "case"), faults.FAULTS.items())
def test_a_wrong_client_is_found(fault: str, case: str) -> None:
    status, report, _ = run("client", f"{LITTLE_CLIENT} {fault}", "--only", case, "--patience", "1")
    assert list(failures(report)) == [case]
    assert status == 1


def test_a_command_that_does_not_exist_fails_with_its_name() -> None:
    status, report, _ = run("client", "/no/such/adapter", "--only", "hello")
    assert failures(report) == {"hello": "cannot run /no/such/adapter: No such file or directory"}
    assert status == 1


# Servers


@pytest.mark.parametrize("way", ["running", "started"])
def test_the_real_daemon_passes(way: str, sluiced) -> None:  # type: ignore[no-untyped-def]
    command = f"{shlex.quote(find_daemon())} --listen 127.0.0.1:0 --log-level error"
    arguments = [sluiced.address] if way == "running" else ["--start", command]
    status, report, errors = run("server", *arguments, "--patience", "60")
    assert failures(report) == {}, errors
    assert status == 0
    assert (report["skipped"] == 0) == (way == "started")


class WrongServer:
    """Answers every line of every client with the same bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(ConnectionError):
            for _ in client.makefile("rb"):
                client.sendall(self._answer)

    def close(self) -> None:
        self._listener.close()


@pytest.mark.parametrize("answer", [b"OK\n", b"", b"\xff\n", b"TIMEOUT\n", b"DATA 15\n" + b'{"waiters": []}\n'])
def test_a_wrong_server_is_found(answer: bytes) -> None:
    server = WrongServer(answer)
    try:
        status, report, _ = run("server", server.address, "--patience", "0.3")
        # A transcript may consist of what the server always says.
        assert len(failures(report)) > 45
        assert status == 1
    finally:
        server.close()


def test_a_server_that_is_not_there_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    status, report, _ = run("server", address, "--only", "ping-1")
    assert status == 1
    assert "Connection refused" in failures(report)["ping-1"]


# The command line


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["server"], "pass either HOST:PORT or --start COMMAND"),
        (["server", "127.0.0.1:1", "--start", "sluiced"], "pass either HOST:PORT or --start COMMAND"),
        (["server", "nowhere"], "an address is HOST:PORT, not 'nowhere'"),
        (["client", "true", "--only", "helo"], "no case matches 'helo'; --list shows the names"),
        (["client", ""], "the command is empty"),
    ],
)
def test_wrong_arguments_get_a_clear_error(arguments: list[str], error: str) -> None:
    status, _, errors = run(*arguments)
    assert status == 2
    assert error in errors


def test_the_cases_can_be_listed() -> None:
    for side, name in (("server", "framing-1"), ("client", "late-reply")):
        listed = subprocess.run(
            [sys.executable, "-m", "sluice.conformance", side, "--list"], capture_output=True, text=True, check=True
        )
        names = [line.split()[0] for line in listed.stdout.splitlines()]
        assert name in names
        assert len(set(names)) == len(names)


# The transcripts


def test_every_transcript_of_the_document_is_read() -> None:
    document = (REPOSITORY / "docs" / "protocol.md").read_text(encoding="utf-8")
    assert transcripts.document() == REPOSITORY / "docs" / "protocol.md"
    loaded = transcripts.load()
    assert len(loaded) == len(re.findall(r"^```transcript$", document, re.MULTILINE))
    assert sum(len(one.steps) for one in loaded) == sum(
        block.count("\n") for block in re.findall(r"```transcript\n(.*?)```", document, re.DOTALL)
    )


def test_a_line_that_is_no_step_is_refused() -> None:
    with pytest.raises(ValueError, match="line 2 is not a step of a transcript: A: hello"):
        transcripts.parse("```transcript\nA: hello\n```\n")


def test_names_are_replaced_by_others_of_the_same_length() -> None:
    (transcript,) = transcripts.parse(
        "```transcript\nA> open dead=dead jobs\nA> send jobs/x dead=dead\nA< ERR syntax as in RECV jobs\n"
        "A< MSG jobs 4 from=jobs\nA< jobs\n```\n"
    )
    renamed = with_names_of_its_own(transcript)
    lines = [step.text for step in renamed.steps]
    new = lines[0].split(" ")[2]
    assert new != "jobs"
    assert len(new) == 4
    assert lines == [
        f"open dead=dead {new}",
        f"send {new}/x dead=dead",
        "ERR syntax as in RECV jobs",
        f"MSG {new} 4 from={new}",
        new,
    ]


# What clients send


def test_requests_are_read_however_they_are_split() -> None:
    data = (
        b"#1 SEND timeout=5s len=3 jobs\na\nb\r\n\r\nselect send len=0 a | recv b | send c x\r\n\n"
        b"ACK 1.2\nack 1.2 \nCALL id=a epoch=7 len=1 x\n\n\nPING\n"
    )
    expected = read(data, len(data))
    assert expected[0][0] == "#1 SEND timeout=5s len=3 jobs"
    assert expected[0][1] == b"a\nb"
    assert expected[1][2] == [b"", b"", b"x"]
    for piece in range(1, len(data)):
        assert read(data, piece) == expected


def read(data: bytes, piece: int) -> list[tuple[str, bytes, list[bytes]]]:
    reader, requests = RequestReader(), []
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece])
        while request := reader.next():
            requests.append((request.line, request.body, [arm.body for arm in request.arms]))
    return requests


@pytest.mark.parametrize(
    "line",
    [
        b"FETCH jobs",
        b"SEND",
        b"SEND jobs! x",
        b"SEND len=05 jobs",
        b"SEND len=1 jobs x",
        b"SEND  jobs x",
        b"RECV jobs timeout=1s",
        b"RECV timeout=1 jobs",
        b"RECV timeout=1s timeout=1s jobs",
        b"RECV count=3 jobs",
        b"RECV colour=red jobs",
        b"# PING",
        b"#a b",
        b"#" + b"x" * 33 + b" PING",
        b"SEND epoch=7 jobs x",
        b"ACK one",
        b"SELECT recv a | take b",
        b"CANCEL 1",
        b"PING " + b"x" * 9000,
        b"SEND len=1 jobs\nab",
    ],
)
def test_what_breaks_the_grammar_is_noticed(line: bytes) -> None:
    reader = RequestReader()
    reader.feed(line + b"\n")
    with pytest.raises(GrammarError):
        reader.next()
