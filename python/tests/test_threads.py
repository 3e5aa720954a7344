"""The face for threads, against the real daemon."""

from __future__ import annotations

import json

import pytest
from background import in_thread, wait_for_waiters

import sluice


def test_a_message_goes_from_a_thread_to_another(hub):
    jobs = hub.channel("jobs")
    received = in_thread(jobs.recv)
    assert jobs.send("sweep the yard", timeout=5) == sluice.Sent()
    assert received() == b"sweep the yard"


def test_a_body_may_contain_any_bytes(hub):
    jobs = hub.channel("jobs").open(capacity=1)
    body = bytes(range(256)) * 1000
    jobs.send(body)
    assert jobs.recv() == body


def test_a_codec_encodes_and_decodes(hub):
    jobs = hub.channel("jobs", codec=json).open(capacity=1)
    jobs.send({"room": 7})
    assert jobs.recv() == {"room": 7}


def test_a_timeout_of_zero_does_not_wait(hub):
    with pytest.raises(sluice.TimedOut) as caught:
        hub.channel("jobs").send(b"x", timeout=0)
    assert caught.value.no_receivers
    with pytest.raises(TimeoutError):
        hub.channel("jobs").recv(timeout=0)


def test_closed_and_poisoned_channels_raise(hub):
    jobs = hub.channel("jobs").open(capacity=3)
    jobs.send(b"1")
    jobs.close()
    assert list(jobs) == [b"1"]
    with pytest.raises(sluice.Closed):
        jobs.send(b"2")
    other = hub.channel("other")
    waiting = in_thread(other.recv)
    other.poison("the disk is full")
    with pytest.raises(sluice.Poisoned, match="the disk is full"):
        waiting()


def test_a_call_is_answered_by_the_holder_of_the_lease(hub):
    squares = hub.channel("squares")

    def serve():
        with squares.recv_leased(30) as question:
            assert question.wants_answer
            question.answer(str(int(question.body) ** 2))

    serving = in_thread(serve)
    assert squares.call(b"7", timeout=30) == b"49"
    serving()


def test_a_call_without_an_answer_says_so(hub):
    squares = hub.channel("squares")
    taken = in_thread(squares.recv)
    with pytest.raises(sluice.NoAnswer):
        squares.call(b"7", timeout=30)
    taken()


def test_a_block_acknowledges_and_an_exception_gives_back(hub):
    jobs = hub.channel("jobs")
    sending = in_thread(jobs.send, b"a")
    with pytest.raises(ZeroDivisionError), jobs.recv_leased(30) as job:
        raise ZeroDivisionError
    with jobs.recv_leased(30) as job:
        assert (job.body, job.attempt) == (b"a", 2)
        assert job.fence > 0
    sending()
    with pytest.raises(sluice.Stale):
        job.ack()


def test_rejected_rejects(hub):
    jobs = hub.channel("jobs")
    sending = in_thread(jobs.send, b"a")
    with pytest.raises(sluice.Rejected), jobs.recv_leased(30):
        raise sluice.Rejected("cannot divide by zero")
    with pytest.raises(sluice.Rejected, match="cannot divide by zero"):
        sending()


def test_a_forgotten_delivery_goes_back(hub):
    jobs = hub.channel("jobs").open(capacity=1)
    jobs.send(b"a")
    jobs.recv_leased(3600)
    assert jobs.recv_leased(30, timeout=30).attempt == 2


def test_a_dead_message_names_its_origin(hub):
    dead = hub.channel("dead").open(capacity=5)
    jobs = hub.channel("jobs").open(capacity=5, max_attempts=1, dead="dead")
    jobs.send(b"a", id="job 1".replace(" ", "-"))
    assert jobs.recv_leased(30).nack() is True
    message = dead.recv_message()
    assert message.origin == sluice.Origin("jobs", 1, "attempts", "job-1")
    assert message.text == "a"


def test_a_message_brings_the_trace_of_its_sender(hub):
    jobs = hub.channel("jobs").open(capacity=5)
    jobs.send(b"a", trace="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    jobs.send(b"b")
    assert hub.select(jobs.sending(b"c", trace="arm")).which == 0
    assert jobs.recv_message().trace == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert jobs.recv_message().trace is None
    assert jobs.recv_leased(30).trace == "arm"
    calling = in_thread(lambda: hub.channel("calls").call(b"d", trace="call"))
    with hub.channel("calls").recv_leased(30) as job:
        assert job.trace == "call"
        job.answer(b"e")
    assert calling() == b"e"
    for bad in ("", "a b", "x" * 129, "caf\u00e9"):
        with pytest.raises(sluice.BadRequest, match="visible ASCII"):
            jobs.send(b"f", trace=bad)


def test_messages_come_ahead_in_order_and_end_with_the_channel(hub):
    jobs = hub.channel("jobs").open(capacity=100)
    for number in range(100):
        jobs.send(str(number))
    jobs.close()
    assert list(jobs.messages(window=8)) == [str(number).encode() for number in range(100)]


def test_messages_that_were_not_taken_are_for_the_next_receive(hub):
    jobs = hub.channel("jobs").open(capacity=100)
    for number in range(10):
        jobs.send(str(number))
    with jobs.messages(window=6) as messages:
        assert next(messages) == b"0"
    assert [jobs.recv(timeout=30) for _ in range(9)] == [str(number).encode() for number in range(1, 10)]


def test_messages_of_a_loop_that_still_asks_for_more_are_for_the_next_receives(sluiced):
    with sluice.connect(sluiced.address) as hub, sluice.connect(sluiced.address) as other:
        jobs = hub.channel("jobs")
        with jobs.messages(window=8) as messages:
            first = in_thread(next, messages)
            for number in range(4):
                other.channel("jobs").send(str(number))
            assert first() == b"0"
        assert jobs.recv(timeout=0) == b"1"
        # One that was kept counts.
        assert list(jobs.messages(count=1)) == [b"2"]
        assert list(jobs.messages(count=1)) == [b"3"]
        wait_for_waiters(hub, 0)


def test_a_count_is_exact(hub):
    jobs = hub.channel("jobs").open(capacity=100)
    for number in range(10):
        jobs.send(str(number))
    assert list(jobs.messages(window=4, count=7)) == [str(number).encode() for number in range(7)]
    assert jobs.recv() == b"7"


def test_leased_messages_have_a_window(hub):
    jobs = hub.channel("jobs").open(capacity=100)
    for number in range(5):
        jobs.send(str(number))
    jobs.close()
    bodies = []
    for job in jobs.leased(30, window=3):
        with job:
            bodies.append(job.body)
    assert bodies == [b"0", b"1", b"2", b"3", b"4"]


def test_leases_of_a_stream_that_ends_go_back(hub):
    jobs = hub.channel("jobs").open(capacity=100)
    for number in range(3):
        jobs.send(str(number))
    for job in jobs.leased(3600, window=3):
        job.ack()
        break
    assert [jobs.recv(timeout=30), jobs.recv(timeout=30)] == [b"1", b"2"]


def test_a_stream_raises_its_timeout_and_goes_on(hub):
    jobs = hub.channel("jobs").open(capacity=1)
    messages = jobs.messages(timeout=0.01)
    with pytest.raises(sluice.TimedOut):
        next(messages)
    jobs.send(b"a")
    assert next(messages) == b"a"


def test_select_takes_one_arm(hub):
    urgent, jobs = hub.channel("urgent"), hub.channel("jobs").open(capacity=1)
    jobs.send(b"x")
    assert sluice.select(urgent.receiving(), jobs.receiving(), timeout=5) == (1, b"x")
    assert hub.select(urgent.receiving(), jobs.sending(b"y")) == (1, None)
    assert sluice.select(urgent.receiving(), otherwise=True) == (None, None)
    which, job = sluice.select(urgent.receiving(), jobs.receiving(lease=5))
    assert (which, job.body) == (1, b"y")
    job.ack()
    urgent.close()
    with pytest.raises(sluice.Closed) as caught:
        sluice.select(jobs.receiving(), urgent.receiving())
    assert caught.value.arm == 1


def test_a_barrier_opens_for_all(hub):
    others = [in_thread(lambda: hub.barrier("start", 3)) for _ in range(2)]
    assert sluice.select(hub.channel("x").receiving(), hub.meeting("start")) == (1, None)
    for other in others:
        other()


def test_a_channel_closes_when_the_last_clone_has_left(hub):
    with hub.sender("letters") as first:
        second = first.clone()
        receiving = in_thread(hub.channel("letters").recv)
    second.send(b"a")
    assert receiving() == b"a"
    second.leave()
    with pytest.raises(sluice.Closed, match="last sender"):
        hub.channel("letters").recv()


def test_reports(hub):
    hub.channel("jobs/paint").open(capacity=1)
    hub.label("painter")
    assert hub.info()["connections"] == 1
    assert hub.channels("jobs/")[0]["name"] == "jobs/paint"
    assert hub.clients()[0]["label"] == "painter"
    assert hub.waiters() == []
    assert hub.stuck() == []
    with pytest.raises(sluice.Denied):
        hub.kill(client="127.0.0.1:1")


def test_a_trace_shows_handoffs(hub):
    jobs = hub.channel("jobs").open(capacity=1)
    with hub.trace("jobs") as trace:
        hub.ping()
        jobs.send(b"abc")
        jobs.recv()
        handoff = next(trace)
    assert (handoff["channel"], handoff["bodyBytes"]) == ("jobs", 3)


def test_wrong_arguments_raise_at_once(hub):
    for mistake in (
        lambda: hub.channel("no spaces"),
        lambda: hub.channel("jobs").send(b"", timeout=-1),
        lambda: hub.channel("jobs").send(b"", id="no spaces"),
        lambda: hub.channel("jobs").open(capacity=-1),
        lambda: hub.channel("jobs").recv_leased(0),
        lambda: sluice.select(),
        lambda: sluice.connect("nowhere"),
    ):
        with pytest.raises(sluice.BadRequest):
            mistake()
    with pytest.raises(TypeError, match="codec"):
        hub.channel("jobs").send(7)


def test_a_closed_hub_refuses(hub):
    waiting = in_thread(hub.channel("jobs").recv)
    hub.close()
    with pytest.raises(sluice.SluiceError):
        waiting()
    with pytest.raises(sluice.ClientClosed):
        hub.channel("jobs").recv()
    hub.close()


def test_the_death_of_a_sender_poisons_its_channel(sluiced, hub):
    other = sluice.connect(sluiced.address)
    other.sender("letters", on_death="poison")
    receiving = in_thread(hub.channel("letters").recv)
    other.abort()
    with pytest.raises(sluice.Poisoned, match="its sender has died"):
        receiving()
    with pytest.raises(sluice.ClientClosed):
        other.ping()
