"""Messages: pickled values, with which channel ends move."""

from __future__ import annotations

import io
import pickle
import uuid
from typing import Any

from sluice.csp import _channel
from sluice.csp._network import Network, network
from sluice.values import decoded_body, encoded


class Move:
    """An end that is about to move with a message."""

    __slots__ = ("_end", "handover")

    def __init__(self, end: _channel.ChannelEnd) -> None:
        self._end = end
        self.handover = f"csp/move/{uuid.uuid4().hex}"

    def happen(self) -> None:
        """Leaves the channel with this end, once the receiver of the message has joined it."""
        self._end._move(self.handover)


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, network: Network) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._network = network
        self.moves: dict[int, Move] = {}

    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, _channel.ChannelEnd):
            value._check()
            move = self.moves.setdefault(id(value), Move(value))
            return (value._op, self._address(value._network), value.channel.name, move.handover)
        if isinstance(value, _channel.Channel):
            return ("", self._address(value._network), value.name, "")
        return None

    def _address(self, network: Network) -> str:
        # The receiver may know this hub by another address.
        return "" if network is self._network else network.address


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, network: Network) -> None:
        super().__init__(file)
        self._network = network
        self._ends: dict[str, _channel.ChannelEnd] = {}

    def persistent_load(self, id: Any) -> Any:
        op, address, name, handover = id
        here = network(address) if address else self._network
        channel = _channel.Channel._existing(here, name)
        if not op:
            return channel
        if handover not in self._ends:
            self._ends[handover] = channel.reader() if op == "recv" else channel.writer()
            here.take_over(handover)
        return self._ends[handover]


def encode(network: Network, value: Any, codec: bool = True) -> tuple[bytes, list[Move]]:
    """Returns the message for a value, and the moves to perform when it was sent."""
    if codec and network.codec is not None:
        return encoded(value, network.codec), []
    file = io.BytesIO()
    pickler = _Pickler(file, network)
    pickler.dump(value)
    return file.getvalue(), list(pickler.moves.values())


def decode(network: Network, data: bytes, codec: bool = True) -> Any:
    """Returns the value of a message."""
    if codec and network.codec is not None:
        return decoded_body(data, network.codec)
    return _Unpickler(io.BytesIO(data), network).load()
