"""What users complain about in clients: long waits, many waiters, leases while they compute, broken servers."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

import pytest
from background import in_thread, wait_for_waiters
from wire import Wire

import sluice
from sluice import connect
from sluice.testing import Daemon

#: Whether the threads of these tests are greenlets: see test_gevent.py.
IS_GREEN = "gevent.threading" in sys.modules
QUICK = sluice.Backoff(0.01, 0.1)
IMPATIENT = {"keep_alive": 0.1, "answer_timeout": 1}


def test_a_wait_is_longer_than_every_timeout_of_the_client(sluiced):
    wire = Wire(sluiced.port)
    with connect(wire.address, reconnect=False) as hub, connect(sluiced.address) as other:
        waiting = in_thread(hub.channel("jobs").recv)
        wait_for_waiters(other, 1)
        hours = [0]
        hub._engine._clock = lambda: time.monotonic() + 3600 * hours[0]
        for _ in range(10):
            questions = wire.seen.count(b"PING")
            hours[0] += 1
            hub._engine.submit(lambda: None)  # the engine looks at its clock
            while wire.seen.count(b"PING") == questions:
                time.sleep(0)
            hub.info()  # when this is answered, so is the question
        other.channel("jobs").send(b"at last")
        assert waiting() == b"at last"
    wire.close()


def test_a_thousand_threads_wait_on_one_connection(hub):
    jobs = hub.channel("jobs")
    waiting = [in_thread(jobs.recv) for _ in range(1000)]
    numbers = [b"%d" % number for number in range(1000)]
    for number in numbers:
        jobs.send(number)
    assert sorted(wait() for wait in waiting) == sorted(numbers)
    assert len(hub.clients()) == 1


def test_replies_are_not_mixed_by_waits_that_end_early(hub):
    answers = hub.channel("answers").open(capacity=1)
    for number in range(200):
        with pytest.raises(sluice.TimedOut):
            hub.channel("nothing").recv(timeout=0.001 if number % 2 else 0)
        answers.send(str(number))
        assert answers.recv() == str(number).encode()


@pytest.mark.skipif(IS_GREEN, reason="no greenlet runs while another one computes")
def test_a_lease_is_renewed_while_its_holder_computes(sluiced):
    wire = Wire(sluiced.port)
    with connect(wire.address) as hub, connect(sluiced.address) as other:
        hours = [0]
        hub._engine._clock = lambda: time.monotonic() + 3600 * hours[0]
        sending = in_thread(other.channel("jobs").send, b"a")
        with hub.channel("jobs").recv_leased(7200) as job:
            # The computation never lets go of the interpreter by itself, and each of its rounds takes an hour.
            for renewals in range(1, 11):
                hours[0] += 1
                hub._engine.submit(lambda: None)  # the engine looks at its clock
                while wire.seen.count(f"TOUCH {job.did}".encode()) < renewals:
                    sum(range(10_000))
                hub.info()  # when this is answered, so is the renewal: a server that stays silent for hours is given up
            assert not job.is_lost
        sending()
        assert job.attempt == 1
    wire.close()


def test_a_lease_that_was_lost_is_noticed(sluiced):
    with connect(sluiced.address) as hub, connect(sluiced.address) as other:
        jobs = hub.channel("jobs")
        sending = in_thread(other.channel("jobs").send, b"a")
        job = jobs.recv_leased(30)
        cut(hub)
        with other.channel("jobs").recv_leased(30) as again:
            assert again.attempt == 2
        with pytest.raises(sluice.Stale):
            job.ack()
        assert job.is_lost
        sending()


def test_a_frozen_server_is_noticed(sluiced):
    with connect(sluiced.address, reconnect=False, **IMPATIENT) as hub:
        waiting = in_thread(hub.channel("jobs").recv)
        sending = in_thread(hub.channel("x").send, b"x")
        wait_for_waiters(hub, 2)
        sluiced.signal(signal.SIGSTOP)
        with pytest.raises(sluice.ConnectionLost, match="does not answer any more"):
            waiting()
        with pytest.raises(sluice.InDoubt):
            sending()
        with pytest.raises(sluice.ConnectionLost):
            hub.channel("jobs").recv()


def test_what_a_slow_network_has_not_delivered_is_known(sluiced):
    # More than the buffers of the kernel take.
    wire = Wire(sluiced.port)
    with connect(wire.address) as hub:
        hub.ping()
        transport = hub._engine._transport
        assert transport.unsent() == 0
        wire.is_open.clear()
        bodies = [b"x" * hub._engine.conversation.greeting.max_body] * 20
        sending = [in_thread(hub.channel("jobs").send, body) for body in bodies]
        while transport.unsent() < len(bodies[0]):
            time.sleep(0)
        wire.is_open.set()
        assert [hub.channel("jobs").recv() for _ in bodies] == bodies
        for sent in sending:
            sent()
        hub.ping()
        assert transport.unsent() == 0
    wire.close()


def test_a_server_that_vanishes_is_noticed(sluiced):
    wire = Wire(sluiced.port)
    with connect(wire.address, reconnect=False, **IMPATIENT) as hub:
        job = in_thread(hub.channel("jobs").recv_leased, 3600)
        with connect(sluiced.address) as other:
            sending = in_thread(other.channel("jobs").send, b"a")
            held = job()
            wire.is_cut.set()
            with pytest.raises(sluice.ConnectionLost):
                hub.channel("jobs").recv()
            assert held.is_lost
            wire.close()
            with other.channel("jobs").recv_leased(30) as again:
                assert again.attempt == 2
            sending()


def test_a_server_that_accepts_and_says_nothing_is_noticed():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(sluice.ConnectionLost):
        connect(f"127.0.0.1:{silent.getsockname()[1]}", connect_timeout=0.2)


def test_a_server_that_is_not_there_is_noticed(sluiced):
    sluiced.kill()
    with pytest.raises(sluice.ConnectionLost, match="cannot connect"):
        connect(sluiced.address)


def test_another_server_is_noticed():
    def serve(listener):
        connection, _ = listener.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = in_thread(serve, listener)
        with pytest.raises(sluice.ProtocolError, match="not a Sluice server"):
            connect(f"127.0.0.1:{listener.getsockname()[1]}")
        serving()


def restart(daemon, stop):
    """Ends the daemon and starts another one on its port."""
    port = daemon.port
    stop(daemon)
    return Daemon(port=port)


@pytest.mark.parametrize("stop", [Daemon.kill, Daemon.stop], ids=["killed", "drained"])
def test_operations_go_on_when_the_server_comes_back(sluiced, stop):
    with connect(sluiced.address, label="me", reconnect=QUICK) as hub:
        buffered = hub.channel("buffered").open(capacity=1)
        end = hub.sender("ends")
        receiving = in_thread(hub.channel("jobs").recv)
        streaming = in_thread(next, hub.channel("stream").leased(30))
        choosing = in_thread(lambda: sluice.select(hub.channel("a").receiving(), hub.channel("b").receiving()))
        wait_for_waiters(hub, 3)
        with restart(sluiced, stop) as again, connect(again.address) as other:
            other.channel("jobs").send(b"1")
            streamed = in_thread(other.channel("stream").send, b"2")
            other.channel("b").send(b"3")
            assert receiving() == b"1"
            assert choosing() == (1, b"3")
            with streaming() as job:
                assert job.body == b"2"
            streamed()
            assert buffered.send(b"x", timeout=30) == sluice.Sent(kept=True)
            assert "me" in [client.get("label") for client in hub.clients()]
            ended = in_thread(other.channel("ends").recv)
            end.leave()
            with pytest.raises(sluice.Closed, match="last sender"):
                ended()


def test_a_send_is_in_doubt_when_the_server_dies(sluiced):
    with connect(sluiced.address, reconnect=QUICK) as hub:
        without_id = in_thread(hub.channel("jobs").send, b"a")
        with_id = in_thread(lambda: hub.channel("jobs").send(b"b", id="b"))
        wait_for_waiters(hub, 2)
        with restart(sluiced, Daemon.kill):
            with pytest.raises(sluice.InDoubt):
                without_id()
            # The new server cannot know whether the old one has delivered it.
            with pytest.raises(sluice.InDoubt) as caught:
                with_id()
            assert caught.value.reason == "epoch"


def test_a_send_with_an_id_is_delivered_once_over_a_lost_connection(sluiced):
    with connect(sluiced.address, reconnect=QUICK) as hub, connect(sluiced.address) as other:
        sending = in_thread(lambda: hub.channel("jobs").send(b"a", id="a"))
        wait_for_waiters(other, 1)
        cut(hub)
        wait_for_waiters(other, 1)
        assert other.channel("jobs").recv() == b"a"
        sending()
        with pytest.raises(sluice.TimedOut):
            other.channel("jobs").recv(timeout=0)


def cut(hub):
    """Cuts the connection of a hub."""
    hub._engine.submit(lambda: hub._engine._transport._socket.shutdown(socket.SHUT_RDWR))


def test_a_server_drains_while_a_message_is_held(sluiced):
    with connect(sluiced.address, reconnect=QUICK) as hub:
        jobs = hub.channel("jobs")
        with connect(sluiced.address, reconnect=False) as other:
            sending = in_thread(other.channel("jobs").send, b"a")
            with jobs.recv_leased(30):
                waiting = in_thread(jobs.recv)
                wait_for_waiters(hub, 2)
                sluiced.signal(signal.SIGTERM)
                # The receive waits for the next server; a send would hold up the end of this one.
                while not hub.info()["isDraining"]:
                    pass
                with pytest.raises(sluice.Draining):
                    hub.channel("results").send(b"x")
            sending()
        assert sluiced.wait() == 0
        with Daemon(port=sluiced.port) as again, connect(again.address) as other:
            other.channel("jobs").send(b"b")
            assert waiting() == b"b"


def test_a_client_does_not_survive_a_fork(hub):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            hub.channel("jobs").recv()
        except sluice.ClientClosed:
            os.write(writer, b"refused")
        finally:
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 100) == b"refused"
    os.close(reader)
    os.waitpid(child, 0)
    hub.ping()
