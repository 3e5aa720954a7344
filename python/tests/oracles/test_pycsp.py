"""The tests of PyCSP's channels and guards, adapted by behaviour. README.md lists the differences.

From PyCSP 0.9.2, test/check.py, commtest.py, buffertest.py, poisontest.py, selecttest.py and guardtest.py (MIT license,
copyright 2009 John Markus Bjoerndalen, Brian Vinter, Rune M. Friborg).
"""

from __future__ import annotations

import faulthandler
import random

import pytest

from sluice import csp
from sluice.csp import (
    AltSelect,
    Channel,
    ChannelEndRead,
    ChannelPoisonException,
    ChannelRetireException,
    FairSelect,
    InputGuard,
    OutputGuard,
    Parallel,
    PriSelect,
    SkipGuard,
    Spawn,
    TimeoutGuard,
    choice,
    poison,
    process,
    retire,
    shutdown,
)
from sluice.testing import Daemon

COUNT = 10


@pytest.fixture(scope="module", autouse=True)
def hub():
    with Daemon() as daemon:
        csp.use(daemon.address)
        yield
        shutdown()
        csp.use()


@pytest.fixture(autouse=True)
def bounded():
    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


def no_pause():
    pass


def one_pause():
    csp._network.network().hub.ping()


def random_pause():
    for _ in range(random.randrange(3)):
        one_pause()


PAUSES = [no_pause, one_pause, random_pause]
paced = pytest.mark.parametrize(
    ("read_pause", "write_pause"),
    [(read, write) for read in PAUSES for write in PAUSES if not read is write is one_pause],
)
ending = pytest.mark.parametrize("end", [retire, poison])


@choice
def action(report, id, channel_input=None):
    report(id)


@process
def reader(cin, id, pause, report):
    while True:
        pause()
        cin()
        report(id)


@process
def writer(cout, id, count, pause, end):
    for i in range(count):
        pause()
        cout((id, i))
    end(cout)


@process
def par_reader(cins, pause, report):
    while True:
        pause()
        AltSelect([InputGuard(cin, action(report, id)) for id, cin in enumerate(cins)])


@process
def par_writer(couts, count, pause, end):
    for i in range(count * 4):
        pause()
        AltSelect([OutputGuard(cout, i) for cout in couts])
    end(*couts)


@process
def gather(cin):
    received = []
    try:
        while True:
            received.append(cin())
    except (ChannelPoisonException, ChannelRetireException):
        return received


def readers_of(channels):
    return [channel.reader() for channel in channels]


def writers_of(channels):
    return [channel.writer() for channel in channels]


def checked(received, count, vocabulary, end, minimum):
    assert set(received) <= set(vocabulary)
    assert len(received) == count if end is retire else minimum <= len(received) <= count


def buffered(buffers):
    return [Channel(buffer=buffer) for buffer in buffers]


KINDS = pytest.mark.parametrize("buffers", [(0, 0, 0, 0), (1, 5, 10, 20)], ids=["commtest", "buffertest"])


@KINDS
@paced
def test_one2one(read_pause, write_pause, buffers):
    x = Channel()
    network = [
        (reader(+c, id, read_pause, -x), writer(-c, id, COUNT, write_pause, retire))
        for id, c in enumerate(buffered(buffers))
    ]
    *_, received = Parallel(*network, gather(+x))
    checked(received, 4 * COUNT, range(4), retire, 0)


@KINDS
@paced
def test_any2one(read_pause, write_pause, buffers):
    x, c = Channel(), Channel(buffer=buffers[-1])
    *_, received = Parallel(
        reader(+c, 0, read_pause, -x),
        [writer(-c, id, COUNT, write_pause, retire) for id in range(4)],
        gather(+x),
    )
    checked(received, 4 * COUNT, [0], retire, 0)


@KINDS
@paced
def test_one2any(read_pause, write_pause, buffers):
    x, c = Channel(), Channel(buffer=buffers[-1])
    *_, received = Parallel(
        writer(-c, 0, 4 * COUNT, write_pause, retire),
        [reader(+c, id, read_pause, -x) for id in range(4)],
        gather(+x),
    )
    checked(received, 4 * COUNT, range(4), retire, 0)


@KINDS
@paced
def test_one_alting2any(read_pause, write_pause, buffers):
    x, channels = Channel(), buffered(buffers)
    *_, received = Parallel(
        par_writer(writers_of(channels), COUNT, write_pause, retire),
        [reader(+c, id, read_pause, -x) for id, c in enumerate(channels)],
        gather(+x),
    )
    checked(received, 4 * COUNT, range(4), retire, 0)


@KINDS
@ending
@paced
def test_any2any(read_pause, write_pause, end, buffers):
    x, c = Channel(), Channel(buffer=buffers[-1])
    *_, received = Parallel(
        [reader(+c, id, read_pause, -x) for id in range(4)],
        [writer(-c, id, COUNT, write_pause, end) for id in range(4)],
        gather(+x),
    )
    checked(received, 4 * COUNT, range(4), end, 0 if buffers[-1] else COUNT - 4)


@KINDS
@ending
@paced
def test_any_alting2any_alting(read_pause, write_pause, end, buffers):
    x, channels = Channel(), buffered(buffers)
    *_, received = Parallel(
        [par_writer(writers_of(channels), COUNT, write_pause, end) for _ in range(4)],
        [par_reader(readers_of(channels), read_pause, -x) for _ in range(4)],
        gather(+x),
    )
    # A reader stops at the first channel that ends, when others may still have messages.
    assert set(received) <= set(range(4))
    assert (4 * COUNT if end is retire else 4 * COUNT - 4 if not any(buffers) else 0) <= len(received) <= 16 * COUNT


@paced
def test_poison_one2one(read_pause, write_pause):
    x, c = Channel(), Channel()
    *_, received = Parallel(reader(+c, 0, read_pause, -x), writer(-c, 1, COUNT, write_pause, poison), gather(+x))
    # Everything was read before the poison; the last report is before the next read.
    assert received == [0] * COUNT


@paced
def test_poison_any2one_alting(read_pause, write_pause):
    x, channels = Channel(), [Channel() for _ in range(4)]
    *_, received = Parallel(
        par_reader(readers_of(channels), read_pause, -x),
        [writer(-c, id, COUNT, write_pause, poison) for id, c in enumerate(channels)],
        gather(+x),
    )
    checked(received, 4 * COUNT, range(4), poison, COUNT)


@process
def silent_writer(cout, id, count, pause):
    for i in range(count):
        pause()
        cout((id, i))


@process
def select_reader(select, cins, pause):
    chosen = []
    for _ in range(COUNT * 4):
        pause()
        end, msg = select([InputGuard(cin) for cin in cins])
        assert isinstance(end, ChannelEndRead)
        assert cins.index(end) == msg[0]
        chosen.append(msg)
    return chosen


@pytest.mark.parametrize("select", [AltSelect, PriSelect, FairSelect])
@paced
def test_select_any2one_alting(select, read_pause, write_pause):
    channels = [Channel() for _ in range(4)]
    chosen, *_ = Parallel(
        select_reader(select, readers_of(channels), read_pause),
        [silent_writer(-c, id, COUNT, write_pause) for id, c in enumerate(channels)],
    )
    for id in range(4):
        assert [msg for msg in chosen if msg[0] == id] == [(id, i) for i in range(COUNT)]


@process
def guarded_reader(guards, cins, pause):
    seen = []
    for _ in range(COUNT * 4):
        pause()
        end, msg = PriSelect(guards(cins, seen))
        seen.append((end, msg))
    retire(*cins)
    return seen


def skip_in_the_middle(cins, seen):
    inputs = [InputGuard(cin) for cin in cins]
    return [*inputs[:2], SkipGuard(), *inputs[2:]]


def timeout_at_the_end(cins, seen):
    return [*(InputGuard(cin) for cin in cins), TimeoutGuard(seconds=0.001)]


@pytest.mark.parametrize("guards", [skip_in_the_middle, timeout_at_the_end])
@pytest.mark.parametrize("writers", [1, 4], ids=["Any2One", "Any2Any"])
@paced
def test_guards_selected(guards, writers, read_pause, write_pause):
    channels = [Channel() for _ in range(4)]
    cins = readers_of(channels)
    seen, *_ = Parallel(
        guarded_reader(guards, cins, read_pause),
        [silent_writer(-c, id, COUNT, write_pause) for id, c in enumerate(channels) for _ in range(writers)],
    )
    assert len(seen) == COUNT * 4
    for end, msg in seen:
        if isinstance(end, ChannelEndRead):
            assert cins.index(end) == msg[0]
            # What stands behind a SkipGuard has no chance.
            assert guards is timeout_at_the_end or msg[0] < 2
        else:
            assert isinstance(end, (SkipGuard, TimeoutGuard))
            assert msg is None


@process
def executing_reader(cin1, cin2, seconds, seen):
    late = SkipGuard(action="seen.append('skip')")
    if seconds is not None:
        late = TimeoutGuard(seconds=seconds, action="seen.append('timeout')")
    for _ in range(COUNT):
        PriSelect(
            InputGuard(cin1, action="seen.append(channel_input)"),
            InputGuard(cin2, action=lambda channel_input: seen.append(channel_input)),
            late,
        )
    retire(cin1, cin2)


@pytest.mark.parametrize(("seconds", "name"), [(None, "skip"), (0.001, "timeout")])
def test_guards_executed(seconds, name):
    a, b = Channel(), Channel()
    seen = []
    Parallel(
        executing_reader(+a, +b, seconds, seen),
        silent_writer(-a, 0, COUNT, no_pause),
        silent_writer(-b, 1, COUNT, no_pause),
    )
    assert len(seen) == COUNT
    assert {entry for entry in seen if isinstance(entry, str)} <= {name}
    for id in (0, 1):
        mine = [entry for entry in seen if entry[0] == id]
        assert mine == [(id, i) for i in range(len(mine))]


def test_fair_select_takes_turns_where_pri_select_does_not():
    channels = [Channel(buffer=4) for _ in range(2)]
    for id, channel in enumerate(channels):
        cout = -channel
        for _ in range(4):
            cout(id)
    cins = readers_of(channels)
    assert [FairSelect([InputGuard(cin) for cin in cins])[1] for _ in range(4)] in ([0, 1, 0, 1], [1, 0, 1, 0])
    assert [PriSelect([InputGuard(cin) for cin in cins])[1] for _ in range(4)] == [0, 0, 1, 1]


def test_spawned_processes_end_before_their_parent_does():
    x = Channel(buffer=1)

    @process
    def child(cout):
        cout("done")

    @process
    def parent(cout):
        Spawn(child(cout))

    Parallel(parent(-x))
    assert PriSelect(InputGuard(+x), SkipGuard())[1] == "done"
