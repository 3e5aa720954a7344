"""The server's greeting, and what a client repeats on each new connection."""

from __future__ import annotations

from sluice._protocol.commands import Command, name
from sluice._protocol.replies import Reply, error_of
from sluice.errors import ProtocolError


class Greeting:
    """The server's answer to ``HELLO``. ``epoch`` changes with each restart of the server."""

    __slots__ = ("epoch", "features", "max_arms", "max_body", "max_line", "max_tags")

    def __init__(self, reply: Reply) -> None:
        if reply.kind != "OK":
            raise error_of(reply)
        attributes = reply.attributes

        def number(key: str, usual: int | None = None) -> int:
            value = attributes.get(key, "")
            if value.isdigit():
                return int(value)
            if usual is None:
                raise ProtocolError(f"the peer is not a Sluice server: its greeting has no {key}")
            return usual

        version = number("version")
        if version != 1:
            raise ProtocolError(f"the server speaks version {version} of the protocol, and this client version 1")
        self.epoch = number("epoch")
        self.max_line = number("max-line", 8192)
        self.max_body = number("max-body", 1 << 20)
        self.max_arms = number("max-arms", 64)
        self.max_tags = max(number("max-tags", 1024), 2)
        self.features: frozenset[str] = frozenset(attributes.get("features", "").split(","))

    def __repr__(self) -> str:
        return f"<Greeting epoch={self.epoch} max_body={self.max_body} max_tags={self.max_tags}>"


class ConnectionMemory:
    """The label, the declared channels and the joined ends of a connection."""

    def __init__(self, label: str | None) -> None:
        self._name = None if label is None else name(label)
        self._openings: dict[str, Command] = {}
        self._ends: dict[tuple[str, ...], Command] = {}

    def note(self, command: Command) -> None:
        """Records a command that the server has answered with ``OK``."""
        if command.memo is None:
            return
        what, key = command.memo
        if what == "name":
            self._name = command
        elif what == "open":
            self._openings[key[0]] = command
        elif what == "ended":
            self._openings.pop(key[0], None)
        elif what == "join":
            self._ends[key] = command
        elif what == "leave":
            self._ends.pop(key, None)

    def commands(self, is_new_server: bool) -> list[Command]:
        """Returns the commands for a new connection. A server that was restarted has forgotten its channels."""
        openings = [self._openings[key] for key in sorted(self._openings)] if is_new_server else []
        return ([] if self._name is None else [self._name]) + openings + list(self._ends.values())
