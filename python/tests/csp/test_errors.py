"""What happens to the others when something fails: docs/csp.md."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from programs import BOUND_SECONDS, FOLDER, environment, run_text

import sluice
import sluice.testing
from sluice import csp
from sluice.csp import (
    AltSelect,
    Channel,
    ChannelConnectException,
    ChannelLostException,
    ChannelPoisonException,
    ChannelRetireException,
    FatalException,
    InfoException,
    InputGuard,
    OutputGuard,
    Parallel,
    PriSelect,
    Sequence,
    SkipGuard,
    Spawn,
    TimeoutGuard,
    _daemon,
    choice,
    multiprocess,
    poison,
    process,
    python_csp,
    retire,
    shutdown,
)


@pytest.fixture
def hub(sluiced):
    csp.use(sluiced.address)
    yield sluiced
    csp._network.close_all()
    csp.use()


@process
def reads(cin):
    while True:
        cin()


@process
def reads_one(cin):
    return cin()


@process
def writes(cout, *values):
    for value in values:
        cout(value)
    retire(cout)


@process
def fails(end):
    raise ValueError("cannot divide by zero")


@multiprocess
def fails_far_away(end):
    raise ValueError("cannot divide by zero")


@multiprocess
def dies(end):
    os._exit(7)


@pytest.mark.parametrize("failing", [fails, fails_far_away])
def test_a_failure_poisons_the_channels_of_the_process_and_ends_the_others(hub, failing):
    channel = Channel()
    with pytest.raises(ValueError, match="cannot divide by zero"):
        Parallel(failing(-channel), [reads(+channel), reads(+channel)])
    with pytest.raises(ChannelPoisonException, match=r"process fails\S* has failed: ValueError: cannot divide"):
        (+channel)()


def test_a_process_that_dies_poisons_its_channels(hub):
    channel = Channel()
    Spawn(dies(-channel))
    with pytest.raises(ChannelPoisonException, match="its sender has died"):
        (+channel)()
    shutdown()


def test_a_process_that_dies_fails_its_parallel(hub):
    channel = Channel()
    with pytest.raises(FatalException, match="its exit code is 7"):
        Parallel(dies(-channel), reads(+channel))
    # Parallel and the server notice the death independently, and the first one gives the reason.
    with pytest.raises(ChannelPoisonException, match=r"its exit code is 7|its sender has died"):
        (+channel)()


def test_the_first_failure_is_the_one_that_parallel_raises(hub):
    channel = Channel()

    @process
    def fails_then(cin):
        try:
            cin()
        except ChannelPoisonException:
            raise KeyError("a consequence") from None

    with pytest.raises(ValueError, match="cannot divide by zero"):
        Parallel(fails_then(+channel), fails(-channel))


def test_a_failure_inside_of_a_nested_network_ends_the_outer_one(hub):
    outside = Channel()

    @process
    def network(cout):
        inside = Channel()
        Parallel(fails(-inside), reads(+inside))

    with pytest.raises(ValueError, match="cannot divide by zero"):
        Parallel(network(-outside), reads(+outside))


def test_a_failure_of_a_spawned_process_fails_its_parent(hub):
    @process
    def parent(cout):
        Spawn(fails(cout))

    with pytest.raises(ValueError, match="cannot divide by zero"):
        Parallel(parent(-Channel()))


def test_results_come_in_the_order_of_the_processes(hub):
    channel = Channel()
    assert Parallel(writes(-channel, 7), reads_one(+channel)) == [None, 7]
    assert Sequence(*[process(lambda n=n: n)() for n in range(3)]) == [0, 1, 2]


def test_retiring_lets_readers_finish_and_poison_does_not(hub):
    channel = Channel(buffer=2)
    cin, cout = +channel, -channel
    cout(1)
    cout(2)
    retire(cout)
    assert (cin(), cin()) == (1, 2)
    with pytest.raises(ChannelRetireException):
        cin()
    with pytest.raises(ChannelRetireException):
        cout(3)
    other = Channel(buffer=2)
    cin, cout = +other, -other
    cout(1)
    poison(cout)
    with pytest.raises(ChannelPoisonException):
        cin()


def test_the_last_reader_ends_the_writers(hub):
    channel = Channel()
    readers = [+channel, +channel]
    cout = -channel
    retire(readers[0])
    retire(readers[0])
    Parallel(writes(cout, 1), reads_one(readers[1]))
    with pytest.raises(ChannelRetireException):
        cout(2)


def test_an_end_of_an_ended_channel_can_be_made_and_raises_when_it_is_used(hub):
    channel = Channel()
    poison(-channel)
    with pytest.raises(ChannelPoisonException):
        (+channel)()
    with pytest.raises(ChannelPoisonException):
        AltSelect(InputGuard(+channel), TimeoutGuard(seconds=60))


def test_a_name_begins_anew_after_its_end_but_not_where_another_program_makes_it(hub):
    first = Channel("jobs")
    poison(+first)
    with pytest.raises(ChannelPoisonException):
        (-Channel("jobs", connect=True))(1)
    again = Channel("jobs")
    Parallel(writes(-again, 1, 2), reads(+again))


def test_an_end_that_is_sent_moves(hub):
    channel, answers = Channel(), Channel()
    mine = -answers

    @process
    def client(cout, cin):
        cout((7, mine))
        assert cin() == 49
        with pytest.raises(FatalException, match="has moved to another process"):
            mine(1)

    @process
    def server(cin):
        number, reply = cin()
        reply(number**2)
        retire(reply)

    cin = +answers
    Parallel(client(-channel, cin), server(+channel))
    with pytest.raises(ChannelRetireException):  # the last end that could send has retired
        cin()


def test_an_end_of_a_guard_that_was_not_chosen_stays(hub):
    other, answers = Channel(), Channel()
    mine = -answers
    guard, _ = PriSelect(OutputGuard(-other, mine), SkipGuard())
    assert isinstance(guard, SkipGuard)
    assert Parallel(reads_one(+answers), process(lambda: mine(1))()) == [1, None]


def test_the_loss_of_the_hub_ends_everything(hub):
    channel = Channel()
    waiting = Channel()

    @process
    def breaks():
        hub.kill()

    with pytest.raises(ChannelLostException):
        Parallel(reads(+channel), reads(+waiting), breaks())


def test_a_hub_that_drains_ends_everything(hub):
    channel = Channel()

    @process
    def drains():
        hub.signal(signal.SIGTERM)

    with pytest.raises(ChannelLostException):
        Parallel(reads(+channel), drains())


def test_json_can_take_the_place_of_pickle(sluiced):
    csp.use(sluiced.address, codec=json)
    try:
        channel = Channel("jobs")
        assert Parallel(writes(-channel, {"a": [1]}), reads_one(+channel)) == [None, {"a": [1]}]
        with pytest.raises(TypeError):
            Parallel(writes(-Channel(), +channel))
    finally:
        csp._network.close_all()
        csp.use()


def test_wrong_use_raises_what_to_do(hub):
    channel = Channel()
    cin, cout = +channel, -channel
    for mistake, text in [
        (lambda: InputGuard(cout), "an end to read from"),
        (lambda: OutputGuard(cin, 1), "an end to write to"),
        (lambda: InputGuard(cin, action=choice(print)), "call the choice"),
        (lambda: poison(channel), "needs the ends of a channel"),
        (lambda: Parallel(reads), "call reads with its arguments"),
        (lambda: Parallel(print), "is no process"),
        (lambda: AltSelect(cin), "needs guards"),
        (lambda: AltSelect(), "at least one guard"),
        (lambda: Channel(connect=True), "needs the name"),
        (lambda: Parallel(process(shutdown)()), "not for its processes"),
    ]:
        with pytest.raises(InfoException, match=text):
            mistake()


def test_python_csp_raises_the_failure_and_poisons(hub):
    channel = python_csp.Channel()

    @python_csp.process
    def fails(cout):
        raise ValueError("cannot divide by zero")

    @python_csp.process
    def reads(cin):
        cin.read()

    with pytest.raises(ValueError, match="cannot divide by zero"):
        python_csp.Par(reads(channel), fails(channel), reads(channel)).start()
    with pytest.raises(python_csp.ChannelPoison, match="has failed: ValueError"):
        channel.read()


def test_a_program_that_fails_poisons_its_channels(hub, tmp_path):
    channel = Channel("jobs")
    cin = +channel
    text = "from sluice.csp import *\ncout = -Channel('jobs')\n{}\n"
    assert run_text(tmp_path, text.format("1 / 0"), SLUICE_ADDRESS=hub.address).returncode == 1
    with pytest.raises(ChannelPoisonException, match="its sender has died"):
        cin()
    channel = Channel("jobs")
    cin = +channel
    assert run_text(tmp_path, text.format("shutdown()"), SLUICE_ADDRESS=hub.address).returncode == 0
    with pytest.raises(ChannelRetireException):
        cin()


def test_without_a_hub_the_error_says_what_to_do(monkeypatch):
    def nothing():
        raise FileNotFoundError

    monkeypatch.setattr(_daemon, "find_daemon", nothing)
    with pytest.raises(ChannelConnectException, match=r"call sluice.csp.use\('host:port'\) or set SLUICE_ADDRESS"):
        _daemon.PrivateHub()
    csp.use("127.0.0.1:1")
    with pytest.raises(ChannelConnectException, match=r"cannot connect to 127.0.0.1:1"):
        Channel()
    csp.use()


def test_a_private_hub_ends_with_its_program_even_if_it_is_killed():
    program = """
import sys
from sluice.csp import *

@multiprocess
def child(cin):
    try:
        cin()
    except ChannelLostException:
        print("the child has lost the hub", flush=True)

c = Channel()
Spawn(child(+c))
print(c.address, c.name, flush=True)
(+Channel())()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment(), cwd=FOLDER
    )
    assert parent.stdout is not None
    address, name = parent.stdout.readline().split()
    with sluice.connect(address, reconnect=False) as client:
        while not client.waiters(name):
            pass
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        with pytest.raises((sluice.ConnectionLost, sluice.Draining, sluice.Withdrawn)):
            client.channel("nothing-comes").recv(timeout=BOUND_SECONDS)
    assert parent.stdout.read() == "the child has lost the hub\n"
    parent.stdout.close()


@multiprocess
def waits_for_the_other(cin, cout):
    cout(cin())


def test_the_hub_proves_that_processes_wait_for_each_other(hub):
    one, two = Channel(), Channel()

    @process
    def watch():
        with sluice.connect(hub.address) as client:
            while not (cycles := client.stuck()):
                pass
        poison(+one)
        poison(+two)
        return cycles

    *_, cycles = Parallel(waits_for_the_other(+one, -two), waits_for_the_other(+two, -one), watch())
    (cycle,) = cycles
    assert sorted(step["channel"] for step in cycle["steps"]) == sorted([one.name, two.name])
    assert all(step["label"].startswith("waits_for_the_other-") for step in cycle["steps"])


def test_a_program_leaves_a_channel_that_it_has_dropped(hub):
    with sluice.connect(hub.address) as client:
        for _ in range(3):
            channel = Channel()
            Parallel(process(lambda cout: cout(1))(-channel), reads_one(+channel))
            Parallel(process(lambda cout: cout(1))(-channel), reads_one(+channel))
        names = {row["name"] for row in client.channels("csp/") if row["state"] == "open"}
        assert names == {channel.name}


def test_an_idle_end_raises_when_the_hub_has_forgotten_its_channel(hub, monkeypatch):
    monkeypatch.setattr(csp._network, "IDLE_SECONDS", 0)
    channel = Channel()
    cin, cout = +channel, -channel
    Parallel(process(lambda: cout(1))(), process(cin)())
    # As if the hub had forgotten the channel.
    cin._share.name = cin.channel.name = "another"
    with pytest.raises(ChannelRetireException):
        cin()
    with pytest.raises(ChannelRetireException):
        PriSelect(InputGuard(cin), SkipGuard())


def test_an_interrupt_ends_the_network_and_says_who_has_waited(hub, caplog):
    channel = Channel()
    cin = +channel

    @process
    def interrupts():
        with sluice.connect(hub.address) as client:
            while not client.waiters(channel.name):
                pass
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        Parallel(reads(+channel), interrupts())
    with pytest.raises(ChannelPoisonException, match="ended by KeyboardInterrupt"):
        cin()
    assert f"waits to read {channel.name}" in caplog.text
    assert channel.name.startswith("csp/test_errors.py:")


def test_processes_of_a_fresh_interpreter(hub, tmp_path):
    text = """
import multiprocessing
from sluice.csp import *

@multiprocess
def square(cin, cout):
    cout(cin() ** 2)
    return "done"

@process
def ask(cout, cin):
    cout(7)
    return cin()

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    a, b = Channel(), Channel()
    print(Parallel(square(+a, -b), ask(-a, +b)))
    shutdown()
"""
    done = run_text(tmp_path, text, SLUICE_ADDRESS=hub.address)
    assert (done.stdout, done.stderr) == ("['done', 49]\n", "")


def test_a_program_that_ends_after_it_has_sent_an_end_waits_for_its_receiver(hub, tmp_path):
    text = """
from sluice.csp import *
jobs, answers = Channel("jobs", connect=True), Channel("answers")
(-jobs)((7, +answers))
shutdown()
"""
    jobs = Channel("jobs")
    cin = +jobs

    @process
    def program():
        assert run_text(tmp_path, text, SLUICE_ADDRESS=hub.address).returncode == 0

    @process
    def receive():
        number, answers = cin()
        return number, answers

    _, (number, answers) = Parallel(program(), receive())
    assert number == 7
    Parallel(reads_one(answers), process(lambda: (-answers.channel)("still open"))())


def test_a_channel_of_another_hub(hub):
    with sluice.testing.Daemon() as other:
        host, port = other.address.split(":")
        here, there = Channel("jobs"), Channel("jobs", connect=(host, int(port)))
        assert Parallel(writes(-there, 1), reads_one(+there), writes(-here, 2), reads_one(+here)) == [None, 1, None, 2]
        with pytest.raises(InfoException, match="same hub"):
            AltSelect(InputGuard(+Channel()), InputGuard(+Channel("x", connect=other.address)))


def test_a_program_that_fails_prints_its_own_failure_only(tmp_path):
    text = """
from sluice.csp import *

@process
def element(cin, cout):
    while True:
        cout(cin() + 1)

a, b, c = Channel(), Channel(), Channel()
Spawn(element(+a, -b), element(+b, -c))
1 / 0
"""
    stderr = run_text(tmp_path, text).stderr
    assert stderr.count("Traceback") == 1
    assert stderr.endswith("ZeroDivisionError: division by zero\n")


def test_a_failure_of_a_process_that_the_program_has_spawned_is_printed(tmp_path):
    text = """
from sluice.csp import *

@process
def element(cin):
    raise ValueError("no such element")

Spawn(element(+Channel()))
shutdown()
"""
    done = run_text(tmp_path, text)
    assert done.returncode == 0
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.endswith("ValueError: no such element\n")


@multiprocess
def reads_far_away(cin):
    while True:
        cin()


@pytest.mark.parametrize("failing", [fails, fails_far_away, dies])
def test_a_failure_ends_processes_that_do_not_share_a_channel_with_it(hub, failing):
    one, another, third = Channel(), Channel(), Channel()
    with pytest.raises((ValueError, FatalException)):
        Parallel(reads(+another), reads_far_away(+third), failing(-one))


def test_a_failure_ends_the_whole_network_of_python_csp(hub):
    one, another, third = python_csp.Channel(), python_csp.Channel(), python_csp.Channel()

    @python_csp.process
    def fails(cout):
        raise ValueError("cannot divide by zero")

    @python_csp.process
    def reads(cin):
        cin.read()

    with pytest.raises(ValueError, match="cannot divide by zero"):
        python_csp.Par(reads(another), python_csp.Seq(reads(third), reads(third)), python_csp.Par(fails(one))).start()
