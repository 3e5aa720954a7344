"""What the cases of a client play on: the hub on one side, the adapter on the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from .adapter import ABILITIES, Adapter, normalized
from .hub import Connection, PlayedHub, PlayedRequest
from .results import Failed, Skipped

#: The outcomes that do not say that an operation has happened or has not.
IN_DOUBT = ("doubt", "broken")
#: The outcomes of a receive or of another operation that can be repeated without harm, when its connection is lost.
LOST = ("doubt", "broken", "disconnected")


@dataclass(frozen=True)
class ClientCase:
    """A scenario for a client under test."""

    name: str
    title: str
    needs: frozenset[str]
    script: Callable[[Stage], None]

    def play(self, command: str, patience: float) -> None:
        """Plays the scenario with a new process of the adapter. Raises Failed or Skipped."""
        hub = PlayedHub(patience)
        try:
            adapter = Adapter(command, hub.address, patience)
            try:
                missing = sorted(self.needs.difference(adapter.abilities()))
                if missing:
                    raise Skipped(f"the client cannot: {', '.join(missing)}")
                stage = Stage(hub, adapter)
                self.script(stage)
                stage.finish()
            except Failed as failure:
                raise Failed(stage_report(str(failure), hub)) from None
            finally:
                adapter.kill()
        finally:
            hub.stop()


def stage_report(failure: str, hub: PlayedHub) -> str:
    """Returns the failure with what the client did wrong before, which may explain it."""
    return "\n".join([*dict.fromkeys(hub.violations), failure])


CASES: list[ClientCase] = []


def case(name: str, title: str, *needs: str) -> Callable[[Callable[[Stage], None]], Callable[[Stage], None]]:
    """Registers a scenario. `needs` are the abilities that the client must have."""
    assert ABILITIES.issuperset(needs), needs

    def register(script: Callable[[Stage], None]) -> Callable[[Stage], None]:
        CASES.append(ClientCase(name, title, frozenset(needs), script))
        return script

    return register


class Stage:
    """One scenario: gives instructions, answers requests, and checks outcomes."""

    def __init__(self, hub: PlayedHub, adapter: Adapter) -> None:
        self.hub = hub
        self.adapter = adapter
        self._instructions: dict[int, str] = {}
        self._last = 0
        #: How many outcomes of an operation were checked.
        self._checked: dict[int, int] = {}

    # Instructions

    def tell(self, instruction: str) -> int:
        """Begins an operation of the client, and returns its number."""
        self._last += 1
        self._instructions[self._last] = instruction
        self.adapter.write(self._last, instruction)
        return self._last

    def cancel(self, operation: int) -> None:
        """Makes the client cancel an operation."""
        self._last += 1
        self.adapter.write(self._last, f"cancel {operation}", has_outcome=False)

    def connect(self) -> None:
        """Makes the client connect, and checks that it can."""
        self.expect(self.tell("connect"), "ok")

    # Requests

    def request(self, verb: str, name: str | None = None, *, body: bytes | None = None) -> PlayedRequest:
        """Waits for a request of the client. Raises Failed if it does not come, or has another body."""
        played = self.hub.take(verb, name)
        if played is None:
            came = "; ".join(str(other.request) for other in self.hub.requests[:3])
            raise Failed(
                f"the client has not sent {verb}{f' {name}' if name else ''} within {self.hub.patience:g} s"
                + (f", but {came}" if came else "")
                + self.adapter.last_words()
            )
        if body is not None and played.body != body:
            raise Failed(f"the client has sent the body {shown(played.body)} instead of {shown(body)}")
        return played

    def ask(self, instruction: str, verb: str, name: str | None = None) -> tuple[int, PlayedRequest]:
        """Begins an operation, and waits for its request."""
        operation = self.tell(instruction)
        return operation, self.request(verb, name)

    # Outcomes

    def outcome(self, operation: int) -> str:
        """Waits for the next outcome of an operation."""
        index = self._checked.get(operation, 0)
        self._checked[operation] = index + 1
        return normalized(self.adapter.outcome(operation, index, self._shown(operation)))

    def expect(self, operation: int, *expected: str) -> str:
        """Checks the next outcome of an operation. `error` stands for an error with any code."""
        outcome = self.outcome(operation)
        if outcome not in expected and not ("error" in expected and outcome.startswith("error ")):
            raise Failed(
                f"the outcome of '{self._shown(operation)}' is '{outcome[:100]}' instead of "
                + " or ".join(f"'{one[:100]}'" for one in expected)
            )
        return outcome

    def outcome_or_request(
        self, operation: int, verb: str | None = None, name: str | None = None
    ) -> PlayedRequest | None:
        """Waits until an operation has an outcome, which returns None, or the client asks for it (again)."""
        index = self._checked.get(operation, 0)
        happened = threading.Event()

        def watch() -> None:
            try:
                self.adapter.outcome(operation, index, "")
            except Failed:
                return
            with self.hub.changed:
                happened.set()
                self.hub.changed.notify_all()

        threading.Thread(target=watch, daemon=True).start()

        def asked() -> PlayedRequest | None:
            for one in self.hub.requests:
                if one.matches(verb, name):
                    return one
            return None

        with self.hub.changed:
            self.hub.changed.wait_for(lambda: happened.is_set() or asked() is not None, self.hub.patience)
            if played := asked():
                self.hub.requests.remove(played)
                return played
        if not happened.is_set():
            raise Failed(
                f"'{self._shown(operation)}' has no outcome within {self.hub.patience:g} s, and the client has "
                "not asked again"
            )
        return None

    def _shown(self, operation: int) -> str:
        instruction = self._instructions[operation]
        return instruction if len(instruction) <= 80 else f"{instruction[:80]}..."

    # The end

    def wait_for_end(self, connection: Connection) -> None:
        """Waits until a connection has ended."""
        self.hub.wait(lambda: connection.is_closed, "the client has not closed its connection")

    def finish(self) -> None:
        """Ends the adapter, and checks that every operation has had its outcomes and no more."""
        outcomes = self.adapter.finish()
        if self.hub.violations:
            raise Failed("the client breaks the protocol")
        for number, came in outcomes.items():
            checked = self._checked.get(number, 0)
            if len(came) > checked:
                raise Failed(f"'{self._shown(number)}' has a further outcome: '{came[checked][:100]}'")


def shown(body: bytes) -> str:
    text = repr(body[:40])[1:]
    return text if len(body) <= 40 else f"{text}... ({len(body)} bytes)"
