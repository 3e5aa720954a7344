"""The protocol without input and output: framing at every split point, and the decisions of a conversation."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluice import errors
from sluice._protocol import (
    Arrived,
    Backoff,
    Broken,
    Conversation,
    Ended,
    LeaseLost,
    Operation,
    Phase,
    Ready,
    ReplyParser,
    Stage,
    commands,
    error_of,
)
from sluice._protocol.names import duration

GREETING = b"OK version=1 epoch=7 max-line=8192 max-body=100 max-arms=64 max-tags=8 features=receivers,rejected\nOK\n"

# Framing

bodies = st.binary(max_size=40)
words = st.text("abcXYZ019._:/-", min_size=1, max_size=8).filter(lambda word: not word.startswith("-"))


@st.composite
def replies(draw):
    """A reply as it is on the wire, and what the parser should make of it."""
    tag = draw(st.none() | st.integers(1, 99).map(lambda number: b"%d" % number))
    prefix = b"" if tag is None else b"#%b " % tag
    kind = draw(st.sampled_from(["OK", "MSG", "DATA", "CLOSED", "ERR", "TIMEOUT", "MAYBE", "END"]))
    channel, body = draw(words), draw(bodies)
    if kind == "MSG":
        line = b"MSG %b %d did=1.2 attempt=1\n%b\n" % (channel.encode(), len(body), body)
    elif kind == "DATA":
        line = b"DATA %d\n%b\n" % (len(body), body)
    elif kind == "CLOSED":
        line = b"CLOSED %b arm=3 it is over\n" % channel.encode()
    elif kind == "ERR":
        line = b"ERR bad-name a name must be a name\n"
    elif kind == "MAYBE":
        line = b"MAYBE timeout\n"
    else:
        line = kind.encode() + b"\n"
    expected = (tag, kind, body if kind in ("MSG", "DATA") else b"", channel if kind in ("MSG", "CLOSED") else None)
    return prefix + line, expected


def shown(reply):
    """What `replies` says about a reply."""
    return reply.tag, reply.kind, reply.body, reply.channel


@given(st.lists(replies(), max_size=6), st.data())
def test_replies_are_the_same_however_the_bytes_are_split(drawn, data):
    wire = b"".join(line for line, _ in drawn)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=10)))
    parser = ReplyParser()
    parsed = []
    for start, end in zip([0, *cuts], [*cuts, len(wire)]):
        parsed += parser.feed(wire[start:end])
    assert [shown(reply) for reply in parsed] == [expected for _, expected in drawn]


@given(st.lists(replies(), min_size=1, max_size=3))
def test_replies_can_come_byte_by_byte(drawn):
    parser = ReplyParser()
    parsed = []
    for line, _ in drawn:
        for byte in line:
            parsed += parser.feed(bytes([byte]))
    assert [shown(reply) for reply in parsed] == [expected for _, expected in drawn]


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(data):
    with contextlib.suppress(errors.ProtocolError):
        ReplyParser().feed(data)


@pytest.mark.parametrize(
    ("line", "kind", "channel", "arm", "reason"),
    [
        (b"CLOSED jobs\n", "CLOSED", "jobs", None, None),
        (b"CLOSED jobs its last sender has gone\n", "CLOSED", "jobs", None, "its last sender has gone"),
        (b"POISONED jobs arm=2\n", "POISONED", "jobs", 2, None),
        (b"POISONED jobs arm=2 arm=3\n", "POISONED", "jobs", 2, "arm=3"),
        (b"POISONED jobs  arm=3\n", "POISONED", "jobs", None, "arm=3"),
        (b"CANCELLED\r\n", "CANCELLED", None, None, None),
        (b"ELSE arm=1\n", "ELSE", None, 1, None),
    ],
)
def test_endings(line, kind, channel, arm, reason):
    (reply,) = ReplyParser().feed(line)
    assert (reply.kind, reply.channel, reply.arm, reply.reason) == (kind, channel, arm, reason)


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 400 Bad Request\n", b"MSG jobs\n", b"MSG jobs x\n", b"DATA -1\n", b"x" * 70000]
)
def test_another_protocol_is_refused(line):
    with pytest.raises(errors.ProtocolError):
        ReplyParser().feed(line)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"TIMEOUT\n", errors.TimedOut),
        (b"CLOSED jobs\n", errors.Closed),
        (b"POISONED jobs\n", errors.Poisoned),
        (b"REJECTED jobs attempts\n", errors.Rejected),
        (b"MAYBE timeout\n", errors.InDoubt),
        (b"CANCELLED\n", errors.Withdrawn),
        (b"CANCELLED draining\n", errors.Draining),
        (b"CANCELLED dropped\n", errors.Dropped),
        (b"ERR denied no\n", errors.Denied),
        (b"ERR auth-required no\n", errors.AuthRequired),
        (b"ERR stale no\n", errors.Stale),
        (b"ERR limit no\n", errors.LimitExceeded),
        (b"ERR conflict no\n", errors.Conflict),
        (b"ERR not-found no\n", errors.NotFound),
        (b"ERR bad-name no\n", errors.BadRequest),
        (b"ERR a-new-code no\n", errors.SluiceError),
    ],
)
def test_each_reply_has_its_exception(line, kind):
    (reply,) = ReplyParser().feed(line)
    error = error_of(reply)
    assert type(error) is kind
    assert error.in_doubt == (kind is errors.InDoubt)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, b"0"), (0.0001, b"1ms"), (0.25, b"250ms"), (1, b"1s"), (1.5, b"1500ms"), (3600, b"3600s")]
)
def test_durations_are_rounded_up(seconds, text):
    assert duration(seconds) == text


@given(st.binary(max_size=50), words)
def test_a_body_follows_its_line(body, channel):
    wire = commands.send(channel, body, timeout=1).encode(b"9", 1)
    assert wire == b"#9 SEND timeout=1s len=%d %b\n%b\n" % (len(body), channel.encode(), body)


@pytest.mark.parametrize(
    "mistake",
    [
        lambda: commands.receive("a b"),
        lambda: commands.receive("x" * 201),
        lambda: commands.receive("jobs\nPOISON jobs"),
        lambda: commands.send("jobs", b"", id="x\n"),
        lambda: commands.send("jobs", b"", timeout=float("nan")),
        lambda: commands.send("jobs", b"", timeout="5"),
        lambda: commands.receive("jobs", lease=0),
        lambda: commands.receive("jobs", lease="30s"),
        lambda: commands.barrier("b", 0),
        lambda: commands.open_channel("jobs", overflow="drop"),
        lambda: commands.select([]),
        lambda: commands.authenticate("me", "to ken"),
        lambda: commands.name("-x"),
    ],
)
def test_mistakes_never_reach_the_wire(mistake):
    with pytest.raises(errors.BadRequest):
        mistake()


def test_a_reason_stays_on_its_line():
    assert commands.poison("jobs", "a\r\nQUIT").encode(None, None) == b"POISON jobs a  QUIT\n"


# The conversation


class Talk:
    """A conversation whose clock and server are the test."""

    def __init__(self, **options):
        self.now = 0.0
        self.conversation = Conversation(**options)
        self.connect()

    def connect(self):
        self.conversation.connected(self.now)
        assert self.sent().startswith(b"HELLO\n")
        self.hear(GREETING)
        assert any(isinstance(event, Ready) for event in self.conversation.events())
        return self.sent()

    def sent(self):
        return self.conversation.data_to_send()

    def hear(self, data):
        self.conversation.receive_data(data, self.now)

    def ask(self, command, connection=None):
        operation = Operation(command, connection=connection)
        self.conversation.submit(operation, self.now)
        return operation

    def events(self, kind):
        return [event for event in self.conversation.events() if isinstance(event, kind)]

    def lose(self, final=False):
        self.conversation.lost(errors.ConnectionLost("the cable was cut"), final, self.now)


def outcome(operation):
    try:
        return operation.result()
    except errors.SluiceError as error:
        return type(error)


def test_tags_are_never_used_again():
    talk = Talk()
    seen = set()
    for number in range(1, 20):
        operation = talk.ask(commands.receive("jobs"))
        assert operation.tag not in seen
        seen.add(operation.tag)
        talk.hear(b"#%d TIMEOUT\n" % number)


def test_replies_find_their_operations_in_any_order():
    talk = Talk()
    first, second = talk.ask(commands.receive("a")), talk.ask(commands.receive("b"))
    talk.hear(b"#2 MSG b 1\nB\n#1 MSG a 1\nA\n")
    assert [first.result().body, second.result().body] == [b"A", b"B"]


def test_an_operation_without_a_free_tag_waits_and_each_lane_has_a_share():
    talk = Talk()
    receives = [talk.ask(commands.receive("jobs")) for _ in range(10)]
    assert sum(operation.stage is Stage.PENDING for operation in receives) == 6  # of 8 tags
    assert talk.ask(commands.send("jobs", b"x")).stage is Stage.PENDING
    talk.hear(b"#1 MSG jobs 1\nx\n")
    assert receives[6].stage is Stage.PENDING


def test_an_operation_that_waits_for_a_tag_times_out_in_the_client():
    talk = Talk()
    for _ in range(6):
        talk.ask(commands.receive("jobs"))
    late = talk.ask(commands.receive("jobs", timeout=5))
    assert talk.conversation.next_time() <= 5
    talk.now = 5
    talk.conversation.tick(5)
    assert outcome(late) is errors.TimedOut


def test_operations_that_have_ended_leave_nothing_behind():
    talk = Talk()
    for _ in range(6):
        talk.ask(commands.receive("jobs"))
    for _ in range(10_000):
        talk.conversation.cancel(talk.ask(commands.receive("jobs", timeout=3600)))
    assert len(talk.conversation._deadlines) <= 1024
    assert max(len(lane) for lane in talk.conversation._lanes) <= 1024
    assert talk.conversation.pending == 6


def test_a_cancelled_operation_gets_its_final_reply():
    talk = Talk()
    operation = talk.ask(commands.receive("jobs"))
    talk.sent()
    talk.conversation.cancel(operation)
    assert talk.sent() == b"CANCEL #1\n"
    talk.hear(b"OK\n#1 CANCELLED\n")
    assert outcome(operation) is errors.Withdrawn


def test_a_message_for_a_cancelled_receive_is_for_the_next_one():
    talk = Talk()
    operation = talk.ask(commands.receive("jobs"))
    talk.conversation.abandon(operation)
    talk.hear(b"#1 MSG jobs 1\nx\nOK\n")
    assert talk.events(Ended) == []
    assert talk.ask(commands.receive("jobs")).result().body == b"x"


def test_an_abandoned_result_is_for_the_next_receive():
    talk = Talk()
    operation = talk.ask(commands.receive("jobs"))
    talk.hear(b"#1 MSG jobs 1\nx\n")
    talk.conversation.abandon(operation)
    which = talk.ask(commands.select([commands.receive_arm("other"), commands.receive_arm("jobs")])).result()
    assert (which.arm, which.body) == (1, b"x")


def test_an_abandoned_message_goes_to_a_receive_that_waits_already():
    talk = Talk()
    first, second = talk.ask(commands.receive("jobs")), talk.ask(commands.receive("jobs"))
    talk.conversation.abandon(first)
    talk.sent()
    talk.hear(b"#1 MSG jobs 1\nx\nOK\n")
    assert talk.sent() == b"CANCEL #2\n"
    talk.hear(b"OK\n#2 CANCELLED\n")
    assert second.result().body == b"x"


def test_a_receive_that_is_to_get_a_kept_message_may_get_another():
    talk = Talk()
    first, second = talk.ask(commands.receive("jobs")), talk.ask(commands.receive("jobs"))
    talk.conversation.abandon(first)
    talk.hear(b"#1 MSG jobs 1\nx\n#2 MSG jobs 1\ny\nOK\nOK\n")
    assert second.result().body == b"y"
    assert talk.ask(commands.receive("jobs")).result().body == b"x"


def test_a_kept_message_goes_to_the_next_receive_if_the_first_one_gets_another():
    talk = Talk()
    first, second, third = (talk.ask(commands.receive("jobs")) for _ in range(3))
    talk.conversation.abandon(first)
    talk.sent()
    talk.hear(b"#1 MSG jobs 1\nx\nOK\n")
    assert talk.sent() == b"CANCEL #2\n"
    talk.hear(b"#2 MSG jobs 1\ny\nOK\n")
    assert second.result().body == b"y"
    assert talk.sent() == b"CANCEL #3\n"
    talk.hear(b"OK\n#3 CANCELLED\n")
    assert third.result().body == b"x"


def test_a_kept_message_goes_to_the_next_receive_if_the_first_one_is_cancelled():
    talk = Talk()
    first, second, third = (talk.ask(commands.receive("jobs")) for _ in range(3))
    talk.conversation.abandon(first)
    talk.hear(b"#1 MSG jobs 1\nx\nOK\n")
    talk.conversation.cancel(second)
    talk.hear(b"OK\n#2 CANCELLED\nOK\n#3 CANCELLED\n")
    assert outcome(second) is errors.Withdrawn
    assert third.result().body == b"x"


def test_a_receive_gets_a_kept_message_although_the_connection_is_lost():
    talk = Talk()
    first, second = talk.ask(commands.receive("jobs")), talk.ask(commands.receive("jobs"))
    talk.conversation.abandon(first)
    talk.hear(b"#1 MSG jobs 1\nx\nOK\n")
    talk.lose()
    assert second.result().body == b"x"


def test_a_receive_without_a_connection_gets_a_kept_message():
    talk = Talk()
    talk.conversation.abandon(talk.ask(commands.receive("jobs")))
    talk.hear(b"#1 MSG jobs 1\nx\nOK\n")
    talk.lose()
    assert talk.ask(commands.receive("jobs", timeout=0)).result().body == b"x"
    assert outcome(talk.ask(commands.receive("jobs", timeout=0))) is errors.ConnectionLost


@pytest.mark.parametrize("end", [b"TIMEOUT", b"CLOSED jobs", b"POISONED jobs burnt"])
def test_a_receive_gets_a_kept_message_before_its_end(end):
    talk = Talk()
    first, second = talk.ask(commands.receive("jobs")), talk.ask(commands.receive("jobs", timeout=5))
    talk.conversation.abandon(first)
    talk.hear(b"#1 MSG jobs 1\nx\nOK\n#2 %b\nOK\n" % end)
    assert second.result().body == b"x"


def test_a_select_gets_a_kept_message_unless_one_of_its_sends_has_happened():
    talk = Talk()
    arms = [commands.send_arm("out", b"o"), commands.receive_arm("jobs")]
    for end in (b"TIMEOUT", b"OK arm=0"):
        first, choosing = talk.ask(commands.receive("jobs")), talk.ask(commands.select(arms, timeout=5))
        talk.conversation.abandon(first)
        talk.hear(b"#%b MSG jobs 1\nx\nOK\n#%b %b\nOK\n" % (first.tag, choosing.tag, end))
        chosen = choosing.result()
        assert (chosen.arm, chosen.body) == ((1, b"x") if end == b"TIMEOUT" else (0, b""))


def test_a_message_for_a_declined_receive_is_for_the_next_one_at_once():
    talk = Talk()
    first = talk.ask(commands.receive("jobs"))
    talk.conversation.decline(first)
    second = talk.ask(commands.receive("jobs", timeout=0))
    talk.hear(b"#1 MSG jobs 1\nx\nOK\n#2 TIMEOUT\nOK\n")
    assert second.result().body == b"x"
    assert [event.operation for event in talk.events(Ended)] == [first, second]
    assert first.reply is None


def test_a_counted_receive_that_is_complete_gets_no_kept_message():
    talk = Talk()
    counted, first = talk.ask(commands.receive_many("jobs", 1)), talk.ask(commands.receive("jobs"))
    talk.conversation.abandon(first)
    talk.hear(b"#1 MSG jobs 1\na\n#2 MSG jobs 1\nx\nOK\n")
    assert [event.reply.body for event in talk.events(Arrived)] == [b"a"]
    talk.hear(b"#1 END\n")
    assert counted.result().kind == "END"
    assert talk.ask(commands.receive("jobs")).result().body == b"x"


def test_an_abandoned_message_under_a_lease_is_given_back():
    talk = Talk()
    operation = talk.ask(commands.receive("jobs", lease=10))
    talk.conversation.abandon(operation)
    talk.sent()
    talk.hear(b"#1 MSG jobs 1 did=3.4 attempt=1 fence=1\nx\nOK\n")
    assert talk.sent() == b"NACK 3.4\n"


def test_a_counted_receive_brings_parts_and_its_rest_goes_back():
    talk = Talk()
    operation = talk.ask(commands.receive_many("jobs", None))
    talk.hear(b"#1 MSG jobs 1\na\n")
    assert [event.reply.body for event in talk.events(Arrived)] == [b"a"]
    talk.conversation.abandon(operation)
    talk.hear(b"#1 MSG jobs 1\nb\nOK\n#1 CANCELLED\n")
    assert talk.ask(commands.receive("jobs")).result().body == b"b"


def test_leases_are_renewed_after_half_their_time_until_they_are_settled():
    talk = Talk()
    talk.ask(commands.receive("jobs", lease=10))
    talk.hear(b"#1 MSG jobs 1 did=3.4 attempt=1 fence=1\nx\n")
    talk.sent()
    for now in (5.0, 10.0, 15.0):
        talk.now = now
        talk.conversation.tick(now)
        assert b"TOUCH 3.4\n" in talk.sent()
        talk.hear(b"OK\nOK\n")
    talk.ask(commands.acknowledge("3.4"), connection=1)
    talk.sent()
    talk.conversation.tick(20.0)
    assert b"TOUCH" not in talk.sent()


def test_a_lease_that_cannot_be_renewed_is_reported():
    talk = Talk(keep_alive=None)
    talk.ask(commands.receive("jobs", lease=10))
    talk.hear(b"#1 MSG jobs 1 did=3.4 attempt=1 fence=1\nx\n")
    talk.conversation.tick(5.0)
    talk.hear(b"OK\nERR stale gone\n")  # the second HELLO, TOUCH
    assert [event.did for event in talk.events(LeaseLost)] == ["3.4"]


def test_receives_go_on_after_a_lost_connection():
    talk = Talk()
    operation = talk.ask(commands.receive("jobs", timeout=10))
    talk.sent()
    talk.lose()
    talk.now = 4
    assert b"RECV timeout=6s jobs\n" in talk.connect()
    talk.hear(b"#2 MSG jobs 1\nx\n")
    assert operation.result().body == b"x"


def test_a_send_without_an_id_is_in_doubt_after_a_lost_connection():
    talk = Talk()
    operation = talk.ask(commands.send("jobs", b"x"))
    talk.lose()
    assert outcome(operation) is errors.InDoubt


def test_a_send_with_an_id_is_repeated_in_its_epoch():
    talk = Talk()
    operation = talk.ask(commands.send("jobs", b"x", id="one"))
    assert b"id=one epoch=7" in talk.sent()
    talk.lose()
    assert b"id=one epoch=7" in talk.connect()
    talk.hear(b"#2 OK dup=yes\n")
    assert operation.result().attributes == {"dup": "yes"}


def test_a_send_with_an_id_is_not_repeated_when_the_server_may_have_forgotten_it():
    talk = Talk()
    operation = talk.ask(commands.send("jobs", b"x", id="one"))
    talk.lose()
    talk.now = 101
    talk.connect()
    assert outcome(operation) is errors.InDoubt


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (commands.acknowledge("1.2"), errors.InDoubt),
        (commands.nack("1.2"), errors.Stale),
        (commands.touch("1.2"), errors.Stale),
        (commands.leave("jobs", "send"), errors.ConnectionLost),
        (commands.barrier("b", 2), errors.InDoubt),
        (commands.receive("jobs", timeout=0), errors.ConnectionLost),
        (commands.select([commands.send_arm("jobs", b"x")]), errors.InDoubt),
    ],
)
def test_each_command_has_its_outcome_after_a_lost_connection(command, expected):
    talk = Talk()
    operation = talk.ask(command)
    talk.lose()
    assert outcome(operation) is expected


def test_an_acknowledgement_belongs_to_its_connection():
    talk = Talk()
    talk.lose()
    talk.connect()
    assert outcome(talk.ask(commands.acknowledge("1.2"), connection=1)) is errors.Stale


def test_labels_and_ends_are_renewed_and_channels_only_on_a_new_server():
    talk = Talk(label="me")
    for command in (commands.open_channel("jobs", capacity=1), commands.join("jobs", "send")):
        talk.ask(command)
    talk.hear(b"OK\nOK\nOK\nOK\n")
    talk.lose()
    same = talk.connect()
    assert b"NAME me\n" in same
    assert b"JOIN end=send jobs\n" in same
    assert b"OPEN" not in same
    talk.lose()
    talk.conversation.connected(talk.now)
    talk.sent()
    talk.hear(GREETING.replace(b"epoch=7", b"epoch=8"))
    assert b"OPEN cap=1 jobs\n" in talk.sent()


def test_a_draining_server_leaves_receives_and_sends_for_the_next_one():
    talk = Talk()
    receive, send = talk.ask(commands.receive("jobs")), talk.ask(commands.send("x", b"x"))
    talk.hear(b"#1 CANCELLED draining\n#2 ERR draining the server is about to stop\n")
    assert talk.events(Ended) == []
    talk.sent()
    later = talk.ask(commands.receive("later"))
    assert talk.sent() == b""
    talk.lose()
    asked = talk.connect()
    assert asked.count(b"RECV") == 2
    assert asked.count(b"SEND") == 1
    assert {operation.stage for operation in (receive, send, later)} == {Stage.PENDING}


def test_a_send_does_not_wait_for_the_next_server_while_the_client_holds_a_message():
    talk = Talk()
    talk.ask(commands.receive("jobs", lease=60))
    talk.hear(b"#1 MSG jobs 1 did=3.4 attempt=1 fence=1\nx\n")
    send = talk.ask(commands.send("results", b"x"))
    talk.hear(b"#2 ERR draining the server is about to stop\n")
    assert outcome(send) is errors.Draining


def test_a_silent_server_is_pinged_and_then_counts_as_lost():
    talk = Talk(keep_alive=10, answer_timeout=4)
    talk.hear(b"OK\n")
    for second in range(1, 16):
        talk.conversation.tick(float(second))
        talk.now = second
        if talk.events(Broken):
            break
    assert b"PING\n" in talk.sent()
    assert 14 <= talk.now <= 15


def test_a_server_that_answers_is_alive():
    talk = Talk(keep_alive=10, answer_timeout=4)
    talk.hear(b"OK\n")
    for second in range(1, 60):
        talk.now = second
        talk.conversation.tick(float(second))
        if b"PING\n" in talk.sent():
            talk.hear(b"OK\n")
    assert talk.events(Broken) == []


def test_a_server_is_not_lost_while_commands_are_on_their_way_over_a_slow_network():
    talk = Talk(keep_alive=10, answer_timeout=4)
    talk.hear(b"OK\n")
    for _ in range(100):
        talk.ask(commands.ping())
    unsent = len(talk.sent())
    for second in range(1, 60):
        talk.conversation.tick(float(second), unsent - 5 * second)
    assert talk.events(Broken) == []


@pytest.mark.parametrize("takes_new_commands", [True, False])
def test_a_server_that_leaves_commands_unread_is_lost(takes_new_commands):
    talk = Talk(keep_alive=10, answer_timeout=4)
    talk.hear(b"OK\n")
    unsent = 0 if takes_new_commands else 500  # the buffers of the kernel have room, or are full
    for second in range(1, 8):
        talk.ask(commands.ping())
        unsent += 0 if takes_new_commands else len(talk.sent())
        talk.conversation.tick(float(second), unsent)
    assert len(talk.events(Broken)) == 1


def test_a_body_that_is_too_big_is_not_sent_and_its_lease_goes_on():
    talk = Talk()
    talk.ask(commands.receive("jobs", lease=10))
    talk.hear(b"#1 MSG jobs 1 did=3.4 attempt=1 fence=1\nx\n")
    talk.sent()
    assert outcome(talk.ask(commands.acknowledge("3.4", b"x" * 101))) is errors.LimitExceeded
    talk.conversation.tick(5.0)
    assert b"TOUCH 3.4" in talk.sent()


def test_close_withdraws_everything_and_sends_quit():
    talk = Talk()
    operation = talk.ask(commands.receive("jobs"))
    talk.sent()
    talk.conversation.close()
    assert talk.sent() == b"CANCEL #1\nQUIT\n"
    talk.hear(b"OK\nOK\n#1 CANCELLED\nOK\n")
    (broken,) = talk.events(Broken)
    assert broken.final
    assert outcome(operation) is errors.Withdrawn
    talk.conversation.lost(broken.error, True, talk.now)
    assert talk.conversation.phase is Phase.ENDED
    assert outcome(talk.ask(commands.receive("jobs"))) is errors.ClientClosed


@pytest.mark.parametrize(
    ("greeting", "kind", "final"),
    [
        (b"ERR not-sluice no\n", errors.ProtocolError, True),
        (b"OK version=2 epoch=1\n", errors.ProtocolError, True),
        (b"OK\n", errors.ProtocolError, True),
        (b"ERR limit too many connections\n", errors.LimitExceeded, False),
        (GREETING.replace(b"\nOK\n", b"\nERR auth-required no\n"), errors.AuthRequired, True),
    ],
)
def test_a_server_that_does_not_accept_the_client(greeting, kind, final):
    conversation = Conversation()
    conversation.connected(0)
    conversation.receive_data(greeting, 0)
    (broken,) = [event for event in conversation.events() if isinstance(event, Broken)]
    assert (type(broken.error), broken.final) == (kind, final)


def test_the_backoff_doubles_up_to_its_bound():
    backoff = Backoff(0.1, 1, chance=lambda: 1.0)
    assert [backoff.delay(failures) for failures in range(6)] == [0.1, 0.2, 0.4, 0.8, 1, 1]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["recv", "cancel", "decline", "abandon", "message", "cancelled", "lose"]), max_size=60))
def test_no_message_is_lost_or_doubled_and_no_receive_waits_for_a_kept_one(steps):
    """Plays a server that answers each receive once, while receivers give up at any time."""
    talk = Talk()
    waiting, pending, sent, got = [], {}, 0, []

    def collect():
        for event in talk.events(Ended):
            if event.operation in waiting:
                waiting.remove(event.operation)
            reply = event.operation.reply
            if reply is not None and reply.kind == "MSG":
                got.append(reply.body)
        for line in talk.sent().split(b"\n"):
            if line.startswith(b"#") and b" RECV " in line:
                pending[line[1:].partition(b" ")[0]] = False
            elif line.startswith(b"CANCEL #") and line[8:] in pending:
                pending[line[8:]] = True

    def answer_cancel():
        tag = next(tag for tag, is_cancelled in pending.items() if is_cancelled)
        del pending[tag]
        talk.hear(b"OK\n#%b CANCELLED\n" % tag)

    for step in steps:
        if step == "recv":
            waiting.append(talk.ask(commands.receive("jobs")))
        elif step in ("cancel", "decline", "abandon") and waiting:
            getattr(talk.conversation, step)(waiting[0])
            if step == "abandon":
                waiting.pop(0)
        elif step == "message" and pending:
            tag = next(iter(pending))
            if pending.pop(tag):
                talk.hear(b"OK\n")
            talk.hear(b"#%b MSG jobs 3\n%03d\n" % (tag, sent))
            sent += 1
        elif step == "cancelled" and any(pending.values()):
            answer_cancel()
        elif step == "lose":
            talk.lose()
            pending.clear()
            reconnect(talk)
        collect()
    while any(pending.values()):
        answer_cancel()
        collect()
    assert not talk.conversation.kept or all(operation.cancelled for operation in waiting)
    while True:
        last = talk.ask(commands.receive("jobs"))
        collect()
        if last.stage is not Stage.ENDED:
            break
    assert sorted(got) == [b"%03d" % number for number in range(sent)]


def reconnect(talk):
    """Connects again; what the client asks for is still to be read."""
    talk.conversation.connected(talk.now)
    talk.sent()
    talk.hear(GREETING)
