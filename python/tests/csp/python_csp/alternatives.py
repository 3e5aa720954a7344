"""Every way to choose: what the parts testAlt, testChoice and testRep of python-csp's test/testcsp.py do."""

from sluice.csp.python_csp import *
from sluice.csp.python_csp.guards import Timer


@process
def send(cout, number):
    cout.write(number)


@process
def skips():
    alt = Alt(Skip(), Skip(), Skip())
    print("three skips:", [alt.select() for _ in range(3)])


def numbers(choose):
    found = []
    while len(found) < 3:
        value = choose()
        if isinstance(value, int):
            found.append(value)
    return sorted(found)


@process
def one(cin):
    print("one channel:", Alt(cin).select())


@process
def any_of(*channels):
    print("select:", numbers(Alt(Skip(), *channels).select))


@process
def first_of(*channels):
    print("pri_select:", numbers(Alt(*channels, Skip()).pri_select))


@process
def fair_of(*channels):
    print("fair_select:", numbers(Alt(Skip(), *channels).fair_select))


@process
def either(one, other):
    print("a | b:", sorted([one | other, one | other]))


@process
def repeated(*channels):
    print("Alt * 3:", sorted(Alt(*channels) * 3))


@process
def repeated_from_the_left(*channels):
    print("3 * Alt:", sorted(3 * Alt(*channels)))


@process
def late(cin):
    timer = Timer()
    timer.set_alarm(0.01)
    print("a timer:", Alt(cin, timer).select())


@process
def removes(*channels):
    alt = Alt(*channels)
    values = []
    for _ in channels:
        values.append(alt.select())
        alt.poison()
    print("each once:", sorted(values))


if __name__ == "__main__":
    skips().start()
    channel = Channel()
    Par(one(channel), send(channel, 100)).start()
    for chooser in (any_of, first_of, fair_of, repeated, repeated_from_the_left, removes):
        channels = [Channel() for _ in range(3)]
        Par(chooser(*channels), *[send(each, 100 * n) for n, each in enumerate(channels, 1)]).start()
    a, b = Channel(), Channel()
    either(a, b) // (send(a, 100), send(b, 200))
    late(Channel()).start()
