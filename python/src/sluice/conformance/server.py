"""Replays transcripts against a server."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import random
import re
import shlex
import signal
import string
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .lines import LineConnection, split_address
from .results import Failed, Skipped
from .transcripts import Step, Transcript

#: How clients end their lines and split them into writes: the line end, and the bytes of a piece.
MANNERS: dict[str, tuple[str, int | None]] = {
    "lines that end in LF": ("\n", None),
    "lines that end in CR LF": ("\r\n", None),
    "lines that come byte by byte": ("\n", 1),
}


def _digest(token: str) -> str:
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


#: The files that the transcripts with AUTH need, by the heading of their section: the variable that names the file for
#: the command of --start, and its content.
FILES = {
    "AUTH": ("SLUICED_USERS_FILE", "alice s3cret\n"),
    "Permissions": (
        "SLUICED_PRINCIPALS_FILE",
        f"""principals:
  worker:
    tokens: ["{_digest("w0rker")}"]
    allow: {{recv: ["jobs/"], send: ["results/"], inspect: own}}
  ops:
    tokens: ["{_digest("0ps")}"]
    allow: {{"*": [""], inspect: all, trace: [""], kill: all}}
  # The kit asks without authentication what waits.
  anonymous: {{allow: {{inspect: all}}}}
""",
    ),
}


class RunningServer:
    """A server that runs already. It may have other clients, so each replay uses names of its own."""

    def __init__(self, address: str, patience: float) -> None:
        self._address = split_address(address)
        self._patience = patience

    def play(self, transcript: Transcript) -> None:
        """Replays a transcript. Raises Skipped if that needs a server of its own, and Failed if the server differs."""
        if transcript.drains:
            raise Skipped("stops the server: needs --start COMMAND")
        if transcript.principals:
            raise Skipped("needs a server with the users of protocol.md: needs --start COMMAND")
        if transcript.reports_on_everything:
            raise Skipped("shows all that the server does: needs --start COMMAND")
        for manner in MANNERS:
            renamed = with_names_of_its_own(transcript)
            Player(self._address, self._patience, manner).play(renamed)


class StartedServers:
    """Starts a server for each transcript with a command, which prints the server's address on its first line."""

    def __init__(self, command: str, patience: float) -> None:
        self._command = shlex.split(command)
        self._patience = patience
        if not self._command:
            raise ValueError("the command of --start is empty")

    def play(self, transcript: Transcript) -> None:
        """Replays a transcript. Raises Failed if the server differs."""
        for manner in MANNERS:
            with self._server(transcript) as (address, process):
                Player(address, self._patience, manner, process).play(transcript)

    @contextmanager
    def _server(self, transcript: Transcript) -> Iterator[tuple[tuple[str, int], subprocess.Popen[str]]]:
        with tempfile.TemporaryDirectory() as folder:
            environment = dict(os.environ)
            if transcript.principals:
                variable, content = FILES[transcript.heading]
                path = Path(folder) / "principals.yaml"
                path.write_text(content)
                path.chmod(0o600)
                environment[variable] = str(path)
            try:
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=environment,
                    text=True,
                )
            except OSError as error:
                raise Failed(f"cannot run {self._command[0]}: {error.strerror}") from error
            with process:
                try:
                    yield self._address(process), process
                    self._expect_end(process)
                finally:
                    if process.poll() is None:
                        process.kill()

    def _address(self, process: subprocess.Popen[str]) -> tuple[str, int]:
        """Returns the last word of the server's first line that is an address, or ends in one after a `=`."""
        lines: queue.Queue[str] = queue.Queue()
        output, errors = process.stdout, process.stderr
        assert output is not None and errors is not None
        log: list[str] = []

        def read() -> None:
            for line in output:
                lines.put(line)

        threading.Thread(target=read, daemon=True).start()
        threading.Thread(target=lambda: log.extend(errors), daemon=True).start()
        try:
            line = lines.get(timeout=self._patience)
        except queue.Empty:
            text = "".join(log[-3:]).strip()
            raise Failed(f"the command of --start has not printed an address. {text}".strip()) from None
        for word in reversed(line.split()):
            try:
                return split_address(word.rpartition("=")[2])
            except ValueError:
                continue
        raise Failed(f"the command of --start must print HOST:PORT, and has printed '{line.strip()}'")

    def _expect_end(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(self._patience)
        except subprocess.TimeoutExpired:
            raise Failed(f"the server does not end within {self._patience:g} s of SIGTERM") from None


def with_names_of_its_own(transcript: Transcript) -> Transcript:
    """Returns the transcript with other names for its channels and barriers, so that nothing has used them before.

    The new names are as long as the old ones, so all lengths and columns stay right.
    """
    replacements = {name: _random_name(len(name)) for name in sorted(_names(transcript))}
    # Not in an option's key (dead=), and not in other words or names.
    words = [re.escape(name) for name in replacements]
    pattern = re.compile(rf"(?<![\w.:-])({'|'.join(words)})(?![\w=.:-])") if words else None

    def renamed(step: Step) -> Step:
        if pattern is None or step.action not in ("sends", "receives"):
            return step
        # The texts of errors are the server's own, and may contain the same words.
        if re.match(r"(#\S+ )?ERR ", step.text) and "denied" not in step.text:
            return step
        text = pattern.sub(lambda found: replacements[found[1]], step.text)
        return Step(step.action, step.client, text, step.line)

    steps = tuple(renamed(step) for step in transcript.steps)
    return Transcript(transcript.name, transcript.heading, transcript.line, steps)


def _random_name(length: int) -> str:
    # A letter first, so that the order of names with a common first part stays as it is.
    rest = "".join(random.choices(string.ascii_letters + string.digits, k=length - 1))
    return random.choice(string.ascii_letters) + rest


def _names(transcript: Transcript) -> set[str]:
    """The first parts of the names of all channels and barriers (`jobs` of `jobs/paint`)."""
    names = set()
    for line in transcript.sent_lines:
        verb, _, rest = line.partition(" ")
        if verb not in _NAMING:
            continue
        arms = rest.split(" | ") if verb == "select" else [f"{verb} {rest}"]
        for arm in arms:
            operands = [word for word in arm.split(" ")[1:] if "=" not in word]
            if arm.startswith(("timeout=", "order=", "eof=")):
                operands = operands[1:]
            if operands and re.fullmatch(r"[A-Za-z0-9_./-]+", operands[0]):
                names.add(operands[0].split("/")[0])
    return {name for name in names if name}


_NAMING = frozenset(
    ["send", "recv", "call", "select", "open", "close", "poison", "join", "leave", "barrier", "redrive", "trace"]
)


class Player:
    """Sends the lines of a transcript's clients, and waits for each line that they receive."""

    def __init__(
        self,
        address: tuple[str, int],
        patience: float,
        manner: str,
        process: subprocess.Popen[str] | None = None,
    ) -> None:
        self._address = address
        self._patience = patience
        self._manner = manner
        self._line_end, self._piece = MANNERS[manner]
        self._process = process
        self._clients: dict[str, LineConnection] = {}
        self._finished: set[str] = set()
        #: The values of the words in angle brackets.
        self._meanings: dict[str, str] = {}
        #: The lengths of the bodies that a client has announced and not sent yet, and the lines of the one it sends.
        self._bodies: dict[str, list[int]] = {}
        self._body: dict[str, list[str]] = {}
        self._observer: LineConnection | None = None

    def play(self, transcript: Transcript) -> None:
        """Raises Failed at the first line that is not as the transcript shows."""
        try:
            for step in transcript.steps:
                try:
                    self._play(step)
                except Failed as failure:
                    raise Failed(f"protocol.md:{step.line}, with {self._manner}: {failure}") from None
                except OSError as error:
                    raise Failed(f"protocol.md:{step.line}, with {self._manner}: {error}") from None
            self._expect_nothing_more()
        finally:
            for client in [*self._clients.values(), *([self._observer] if self._observer else [])]:
                client.close()

    def _play(self, step: Step) -> None:
        if step.action == "drains":
            assert self._process is not None
            self._process.send_signal(signal.SIGTERM)
            return
        client = self._client(step.client)
        if step.action == "sends":
            self._send(step.client, step.text)
        elif step.action == "half-closes":
            client.half_close()
        elif step.action == "closes":
            client.close()
            self._finished.add(step.client)
        elif step.action == "waits":
            self._wait_until_parked(client.address, int(step.text))
        elif step.action == "sees-the-end":
            line = client.line()
            if line is not None:
                raise Failed(f"{step.client} received '{line}', not the end")
            self._finished.add(step.client)
        else:
            line = client.line()
            if line is None or not self._matches(line, step.text):
                came = "the end" if line is None else f"'{line}'"
                raise Failed(f"{step.client} received {came}, not '{step.text}'")

    def _client(self, name: str) -> LineConnection:
        if name not in self._clients:
            self._clients[name] = LineConnection(self._address, self._patience)
            self._meanings[name] = self._clients[name].address
        return self._clients[name]

    # Sending

    def _send(self, name: str, line: str) -> None:
        if self._bodies.get(name):
            self._send_body(name, line)
            return
        line = re.sub(r"<(\w+)>", lambda found: self._meanings[found[1]], line)
        self._bodies[name] = [int(length) for length in re.findall(r" len=(\d+)(?= |$)", line)]
        self._write(name, line)

    def _send_body(self, name: str, line: str) -> None:
        """Sends a line of a body. Lines within a body end in LF, however the client ends its command lines."""
        lines = self._body.setdefault(name, [])
        lines.append(line)
        body = "\n".join(lines)
        if len(body.encode()) < self._bodies[name][0]:
            return
        del self._body[name]
        del self._bodies[name][0]
        self._write(name, body)

    def _write(self, name: str, text: str) -> None:
        self._client(name).send((text + self._line_end).encode(), piece=self._piece)

    # Receiving

    def _matches(self, line: str, expected: str) -> bool:
        pattern, position, new = "", 0, []
        for found in re.finditer(r"<(\w+)>|\.\.\.|  +", expected):
            pattern += re.escape(expected[position : found.start()])
            position = found.end()
            if found[0] == "...":
                pattern += ".*"
            elif not found[1]:
                pattern += " +"
            elif found[1] in self._meanings:
                pattern += re.escape(self._meanings[found[1]])
            else:
                pattern += r"(\S+)"
                new.append(found[1])
        match = re.fullmatch(pattern + re.escape(expected[position:]), line)
        if match:
            self._meanings.update({word: match[index] for index, word in enumerate(new, 1)})
        return match is not None

    def _expect_nothing_more(self) -> None:
        for name, client in self._clients.items():
            if name in self._finished:
                continue
            client.send(b"#end ping\n")
            line = client.line()
            if line != "#end OK":
                raise Failed(f"{name} received '{line}' after the end of the transcript, with {self._manner}")

    # Looking

    def _wait_until_parked(self, address: str, times: int) -> None:
        end = time.monotonic() + self._patience
        while (count := self._parked(address)) != times:
            if time.monotonic() > end:
                raise Failed(f"{count} commands of {address} wait after {self._patience:g} s, not {times}")

    def _parked(self, address: str) -> int:
        """Returns how many commands of a client wait, according to the server."""
        if self._observer is None:
            self._observer = LineConnection(self._address, self._patience)
        count, after = 0, ""
        while True:
            self._observer.send(f"waiters format=json{after}\n".encode())
            header, report = self._observer.line() or "", self._observer.line() or ""
            if not header.startswith("DATA "):
                raise Failed(f"WAITERS is answered by '{header}'")
            count += sum(1 for row in json.loads(report)["waiters"] if row.get("client") == address)
            more = re.search(r" more=(\S+)", header)
            if not more:
                return count
            after = f" after={more[1]}"
