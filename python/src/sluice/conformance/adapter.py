"""The process of a client under test. It gets instructions on its standard input and prints outcomes."""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import subprocess
import threading
from urllib.parse import quote_from_bytes, unquote_to_bytes

from .results import Failed

#: What a client need not have. An adapter names what its client has on its first line: `ready concurrent cancel`.
ABILITIES = frozenset(["concurrent", "cancel", "count", "lease", "call", "select", "barrier", "reconnect"])

#: The first words of outcomes.
OUTCOMES = frozenset(
    [
        "ok",
        "message",
        "answer",
        "arm",
        "else",
        "end",
        "timeout",
        "closed",
        "poisoned",
        "rejected",
        "cancelled",
        "withdrawn",
        "draining",
        "stale",
        "doubt",
        "disconnected",
        "error",
        "broken",
    ]
)


def encoded(body: bytes) -> str:
    """Returns a body as one word: bytes other than letters, digits and `_.-~/` as `%` and two hexadecimal digits."""
    return quote_from_bytes(body)


class Adapter:
    """Runs the command of an adapter."""

    def __init__(self, command: str, address: str, patience: float) -> None:
        self._patience = patience
        self._changed = threading.Condition()
        self._outcomes: dict[int, list[str]] = {}
        self._ready: list[str] | None = None
        self._problem: str | None = None
        self._errors: list[str] = []
        self._instructions: queue.Queue[bytes | None] = queue.Queue()
        words = shlex.split(command)
        if not words:
            raise ValueError("the command is empty")
        try:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "SLUICE_ADDRESS": address},
            )
        except OSError as error:
            raise Failed(f"cannot run {words[0]}: {error.strerror}") from error
        work = (self._read, self._log, self._write)
        self._threads = [threading.Thread(target=one, daemon=True) for one in work]
        for thread in self._threads:
            thread.start()

    def _write(self) -> None:
        """Writes instructions as fast as the adapter reads them."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            while (instruction := self._instructions.get()) is not None:
                self._process.stdin.write(instruction)
                self._process.stdin.flush()
            self._process.stdin.close()

    def _log(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors = [*self._errors[-4:], line.decode("utf-8", "replace").rstrip()]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._take(line.decode("utf-8", "replace").rstrip("\r\n"))
        with self._changed:
            self._problem = self._problem or "the adapter has ended"
            self._changed.notify_all()

    def _take(self, line: str) -> None:
        with self._changed:
            number, _, outcome = line.partition(" ")
            if self._ready is None:
                words = line.split(" ")
                if words[0] == "ready" and ABILITIES.issuperset(words[1:]):
                    self._ready = words[1:]
                else:
                    self._problem = (
                        f"the adapter's first line must be 'ready' and some of {', '.join(sorted(ABILITIES))}, "
                        f"and is '{line[:80]}'"
                    )
            elif not number.isdigit() or int(number) not in self._outcomes or outcome.split(" ")[0] not in OUTCOMES:
                self._problem = f"the adapter has printed '{line[:80]}', which is no outcome of an operation"
            else:
                self._outcomes[int(number)].append(outcome)
            self._changed.notify_all()

    # For cases

    def abilities(self) -> list[str]:
        """Waits for the first line, and returns what the client can do."""
        self._wait(lambda: self._ready is not None, "the adapter has not printed 'ready'")
        return self._ready or []

    def write(self, number: int, instruction: str, *, has_outcome: bool = True) -> None:
        """Gives an instruction under a number."""
        with self._changed:
            if has_outcome:
                self._outcomes[number] = []
        self._instructions.put(f"{number} {instruction}\n".encode())

    def outcome(self, number: int, index: int, what: str) -> str:
        """Waits for an outcome of an operation, from 0."""
        self._wait(lambda: len(self._outcomes[number]) > index, f"there is no outcome of '{what}'")
        return self._outcomes[number][index]

    def has_outcome(self, number: int) -> bool:
        with self._changed:
            return bool(self._outcomes[number])

    def finish(self) -> dict[int, list[str]]:
        """Ends the instructions, waits for the end of the adapter, and returns all outcomes."""
        self._instructions.put(None)
        try:
            status = self._process.wait(self._patience)
        except subprocess.TimeoutExpired:
            raise Failed(
                f"the adapter has not ended {self._patience:g} s after the end of its instructions{self.last_words()}"
            ) from None
        for thread in self._threads:
            thread.join(self._patience)
        if self._problem not in (None, "the adapter has ended"):
            raise Failed(str(self._problem))
        if status:
            raise Failed(f"the adapter has ended with status {status}{self.last_words()}")
        return self._outcomes

    def kill(self) -> None:
        """Ends the process in any case."""
        self._instructions.put(None)
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join(1)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(OSError):
                assert stream is not None
                stream.close()

    def _wait(self, condition: object, what: str) -> None:
        assert callable(condition)
        with self._changed:
            happened = self._changed.wait_for(lambda: condition() or self._problem is not None, self._patience)
            if condition():
                return
            if happened:
                raise Failed(f"{what}: {self._problem}{self.last_words()}")
        raise Failed(f"{what} within {self._patience:g} s{self.last_words()}")

    def last_words(self) -> str:
        """Returns the last line that the adapter has written to its standard error, in brackets."""
        return f" ({self._errors[-1][:200]})" if self._errors else ""


def normalized(outcome: str) -> str:
    """Returns the outcome with one spelling for what an adapter may spell in two ways."""
    words = outcome.split(" ")
    if words[0] == "error" and words[1:2] in (["stale"], ["draining"]):
        return words[1]
    if words[0] == "error":
        return " ".join(words[:2])
    if words[0] in ("message", "answer"):
        body = unquote_to_bytes(words[1]) if len(words) > 1 else b""
        return f"{words[0]} {encoded(body)}".rstrip()
    if words[0] == "arm" and len(words) > 2 and words[2] == "message":
        body = unquote_to_bytes(words[3]) if len(words) > 3 else b""
        return f"arm {words[1]} message {encoded(body)}".rstrip()
    if words[0] == "arm":
        return " ".join(words[:3])
    return words[0]
