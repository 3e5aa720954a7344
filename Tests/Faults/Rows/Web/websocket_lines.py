"""Text that a page adds to a command, and that must not become further commands."""

import contextlib
import itertools

from battery import Figure, exactly, row
from clients import Client
from http_clients import CLOSE, CONTINUATION, TEXT, UPGRADE, HTTPClient, frame

#: Bytes and characters that end a line in some program.
BREAKS = ["\n", "\r\n", "\r", "\n\n", "\n\r", "\v", "\f", "\0", "\x1c", "\x1e", "\x85", "\u2028", "\u2029"]
#: What a page sends, with the text of another person in it. Each names a channel of its own.
COMMANDS = ["send timeout=0 {0} {1}", "ping {1}", "name {1}", "#t recv timeout=0 {1}", "ping len=3{1}", "{1}"]
#: The text, with the break before its command and perhaps after it.
TEXTS = ["x{0}poison {1}", "x{0}poison {1}{0}", "{0}poison {1}", "xyz{0}#p poison {1}{0}ping"]


@row(
    "websocket-lines",
    "texts with line ends and the like, in messages of WebSockets that carry commands, in one frame and in two",
    wrong={"split-messages": "commands smuggled"},
)
def lines_within_messages(conditions):
    cases = list(itertools.product(COMMANDS, TEXTS, BREAKS, (False, True)))
    if conditions.fault:
        cases = cases[:50]
    replies, closed = 0, 0
    with conditions.daemon(web=True) as daemon, Client(daemon.port) as witness:
        for number, (command, text, line_end, is_split) in enumerate(cases):
            data = command.format(f"c/{number}", text.format(line_end, f"c/{number}")).encode()
            kinds = _answers(daemon.web_port, data, is_split)
            replies += kinds.count(TEXT) > 1
            closed += CLOSE in kinds
        smuggled = witness.info()["endedChannels"]
    yield Figure("messages", len(cases))
    yield exactly("commands smuggled", smuggled, 0)
    yield exactly("messages with several replies", replies, 0)
    yield Figure("messages that end the connection", closed)


def _answers(port, data, is_split):
    """Sends a message, and ends the conversation. Returns the kinds of the frames that answer it."""
    with HTTPClient(port) as client:
        client.request(UPGRADE)
        half = len(data) // 2 if is_split else 0
        if half:
            client.send(frame(data[:half], TEXT, is_last=False))
        client.send(frame(data[half:], CONTINUATION if half else TEXT))
        with contextlib.suppress(ConnectionError):
            client.end_input()
        return [kind for kind, _ in client.frames()]
