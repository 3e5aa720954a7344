"""Choosing between channels: guards, selects and alternations, with PyCSP's API."""

from __future__ import annotations

import inspect
import sys
import time
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any, Union

import sluice
from sluice import errors
from sluice.csp import _context
from sluice.csp._channel import ChannelEnd, ChannelEndRead, ChannelEndWrite
from sluice.csp._codec import Move, decode, encode
from sluice.csp._exceptions import InfoException


class Choice:
    """An action with its arguments. The decorator ``choice`` makes it."""

    def __init__(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.fn = fn
        self.args = args
        self.kwargs = kwargs

    def __call__(self, **kwargs: Any) -> None:
        self.fn(*self.args, **{**self.kwargs, **kwargs})


class _ChoiceFactory:
    def __init__(self, fn: Callable[..., Any]) -> None:
        self.__wrapped__ = fn
        self.__name__ = getattr(fn, "__name__", "choice")

    def __call__(self, *args: Any, **kwargs: Any) -> Choice:
        return Choice(self.__wrapped__, *args, **kwargs)


def choice(fn: Callable[..., Any]) -> _ChoiceFactory:
    """Makes a function an action of guards: ``InputGuard(cin, action=file(cabinet))``.

    The function gets what was read as ``channel_input``.
    """
    return _ChoiceFactory(fn)


Action = Union[Callable[..., Any], str, None]


class Guard:
    """A guard of a select: something that it may choose."""

    def __init__(self, action: Action = None) -> None:
        if isinstance(action, _ChoiceFactory):
            raise InfoException(f"call the choice to make an action of it: {action.__name__}(), not {action.__name__}")
        self.action = action

    #: What a select returns if it chooses this guard.
    @property
    def chosen(self) -> Any:
        return self


class InputGuard(Guard):
    """Reads from a channel end."""

    def __init__(self, ch_end_read: ChannelEndRead, action: Action = None) -> None:
        super().__init__(action)
        if not isinstance(ch_end_read, ChannelEndRead):
            raise InfoException(f"an InputGuard needs an end to read from, such as +channel, not {ch_end_read!r}")
        self.end = ch_end_read

    @property
    def chosen(self) -> Any:
        return self.end


class OutputGuard(Guard):
    """Writes a message to a channel end."""

    def __init__(self, ch_end_write: ChannelEndWrite, msg: Any, action: Action = None) -> None:
        super().__init__(action)
        if not isinstance(ch_end_write, ChannelEndWrite):
            raise InfoException(f"an OutputGuard needs an end to write to, such as -channel, not {ch_end_write!r}")
        self.end = ch_end_write
        self.msg = msg

    @property
    def chosen(self) -> Any:
        return self.end


class SkipGuard(Guard):
    """Is always ready: a select with this guard does not wait."""


class TimeoutGuard(Guard):
    """Is ready when the select has waited for ``seconds``."""

    def __init__(self, seconds: float, action: Action = None) -> None:
        super().__init__(action)
        self.seconds = seconds


Skip = SkipGuard
Timeout = TimeoutGuard


def choose(guards: list[Guard], order: str = "first") -> tuple[Guard, Any]:
    """Waits for the first of the guards, and returns it with what it has read.

    With the order ``first``, guards behind a ``SkipGuard`` are never chosen; with ``random``, a ``SkipGuard`` is chosen
    if no other guard is ready.
    """
    skip = next((guard for guard in guards if isinstance(guard, SkipGuard)), None)
    if skip is not None and order == "first":
        guards = guards[: guards.index(skip)]
    late = min((g for g in guards if isinstance(g, TimeoutGuard)), key=lambda g: g.seconds, default=None)
    guards = [guard for guard in guards if isinstance(guard, (InputGuard, OutputGuard))]
    if not guards:
        return _without_channels(skip, late)
    ends = [guard.chosen for guard in guards]
    for end in ends:
        end._check()
    network = ends[0]._network
    if any(end._network is not network for end in ends):
        raise InfoException("the channels of a select must belong to the same hub")
    arms: list[sluice.SelectArm] = []
    moves: list[list[Move]] = []
    for guard, end in zip(guards, ends):
        channel = network.hub.channel(end.channel.name)
        if isinstance(guard, OutputGuard):
            data, moving = encode(network, guard.msg)
            arms.append(channel.sending(data))
            moves.append(moving)
        else:
            arms.append(channel.receiving())
            moves.append([])
    timeout = None if late is None or skip is not None else max(0.0, late.seconds)
    with network.translated(*(end._share for end in ends)):
        for end in ends:
            network.check(end._share, end._op)
        try:
            with _context.waiting(f"to choose between {', '.join(end.channel.name for end in ends)}"):
                which, data = network.hub.select(*arms, timeout=timeout, order=order, otherwise=skip is not None)
        except errors.TimedOut:
            which = None
    if which is None:
        chosen = skip if skip is not None else late
        if chosen is None:
            raise InfoException("the hub has ended a select without a guard")
        return chosen, None
    for move in moves[which]:
        move.happen()
    guard = guards[which]
    return guard, decode(network, data) if isinstance(guard, InputGuard) else None


def _without_channels(skip: SkipGuard | None, late: TimeoutGuard | None) -> tuple[Guard, Any]:
    if skip is not None:
        return skip, None
    if late is None:
        raise InfoException("a select needs at least one guard")
    time.sleep(max(0.0, late.seconds))
    return late, None


def perform(guard: Guard, value: Any, frame: FrameType | None) -> None:
    """Performs the action of a chosen guard. A string runs as code where the select was called."""
    action = guard.action
    if action is None:
        return
    inputs = {} if isinstance(guard, OutputGuard) else {"channel_input": value}
    if isinstance(action, str):
        if frame is None:
            raise InfoException("this Python cannot run an action that is a string: pass a function")
        names = frame.f_locals if frame.f_locals is frame.f_globals else dict(frame.f_locals)
        names.update(inputs)
        code = compile(action, f"{frame.f_code.co_filename} line {frame.f_lineno} in an action", "exec")
        exec(code, frame.f_globals, names)
    elif callable(action):
        if inputs and not isinstance(guard, InputGuard) and not _accepts_input(action):
            inputs = {}
        action(**inputs)
    else:
        raise InfoException(f"an action is a function, a choice or a string, not {action!r}")


def _accepts_input(action: Callable[..., Any]) -> bool:
    parameters = inspect.signature(action.fn if isinstance(action, Choice) else action).parameters
    return "channel_input" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _select(guards: tuple[Any, ...], order: str) -> tuple[Any, Any]:
    guard, value = choose(_flattened(guards), order)
    perform(guard, value, sys._getframe(2))
    return guard.chosen, value


def _flattened(guards: tuple[Any, ...]) -> list[Guard]:
    flat: list[Guard] = []
    for guard in guards:
        if isinstance(guard, (list, tuple)):
            flat += _flattened(tuple(guard))
        elif isinstance(guard, Guard):
            flat.append(guard)
        else:
            raise InfoException(f"a select needs guards, such as InputGuard(cin), not {guard!r}")
    return flat


def PriSelect(*guards: Any) -> tuple[Any, Any]:
    """Chooses the first guard in the list that is ready, and waits if none is.

    Returns the channel end, and what was read or None; for a ``SkipGuard`` or a ``TimeoutGuard``, the guard and None.
    Raises the exception of a channel that has ended.
    """
    return _select(guards, "first")


def AltSelect(*guards: Any) -> tuple[Any, Any]:
    """Chooses any guard that is ready, at random, and waits if none is. Returns as ``PriSelect`` does.

    A ``SkipGuard`` is chosen if no other guard is ready.
    """
    return _select(guards, "random")


def FairSelect(*guards: Any) -> tuple[Any, Any]:
    """Chooses, of the guards that are ready, the one whose channel this line of code has chosen least often.

    Waits if none is ready. Returns as ``PriSelect`` does.
    """
    frame = sys._getframe(1)
    counts = _context.current().choices.setdefault(
        (frame.f_code.co_filename, frame.f_lineno), weakref.WeakKeyDictionary()
    )
    channels = [guard for guard in _flattened(guards) if isinstance(guard, (InputGuard, OutputGuard))]
    others = [guard for guard in _flattened(guards) if not isinstance(guard, (InputGuard, OutputGuard))]
    channels.sort(key=lambda guard: counts.get(guard.end._share, 0))
    guard, value = choose([*channels, *others])
    if isinstance(guard, (InputGuard, OutputGuard)):
        share = guard.end._share
        counts[share] = counts.get(share, 0) + 1
    perform(guard, value, frame)
    return guard.chosen, value


class Alternation:
    """A list of guards in PyCSP's older notation: ``Alternation([{cin: action, (cout, msg): None}, {Skip(): None}])``.

    The guards of a dictionary have the same priority. With ``ensurePriority``, the order of the list is the priority.
    """

    def __init__(self, guards: list[Any], ensurePriority: bool = False) -> None:
        self._order = "first" if ensurePriority else "random"
        self._guards: list[Guard] = []
        for entry in guards:
            if isinstance(entry, dict):
                for key, action in entry.items():
                    self._guards.append(_guard(*(key if isinstance(key, tuple) else (key,)), action))
            else:
                self._guards.append(_guard(*entry))

    def execute(self) -> tuple[Any, Any]:
        """Chooses a guard and performs its action. Returns the channel end and what was read."""
        guard, value = choose(self._guards, self._order)
        perform(guard, value, sys._getframe(1))
        return guard.chosen, value

    def select(self) -> tuple[Any, Any]:
        """Chooses a guard, without its action. Returns the channel end and what was read."""
        guard, value = choose(self._guards, self._order)
        return guard.chosen, value


def _guard(*parts: Any) -> Guard:
    first, action = parts[0], parts[-1]
    if isinstance(first, ChannelEndWrite) and len(parts) == 3:
        return OutputGuard(first, parts[1], action)
    if isinstance(first, ChannelEndRead) and len(parts) == 2:
        return InputGuard(first, action)
    if isinstance(first, (SkipGuard, TimeoutGuard)):
        if action is not None:
            first.action = action
        return first
    what = "an end to write to needs a message" if isinstance(first, ChannelEnd) else "not a guard"
    raise InfoException(f"{what}: {parts!r}")
