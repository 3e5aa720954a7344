"""Seq, Par, their operators, objects and poison: what the other parts of python-csp's test/testcsp.py, test/testrep.py
and test/test_contexts.py do.
"""

from sluice.csp.python_csp import *


@process
def foo(n):
    print("foo", n)


def show(*numbers):
    print(*numbers)


class Duo:
    def __init__(self):
        self.chan = Channel()

    @process
    def send(self, msg):
        self.chan.write(msg)

    @process
    def recv(self):
        print(self.chan.read())


@process
def send100(cout):
    for i in range(100):
        cout.write(i)
    print("this is not printed")


@process
def recv100(cin, killer):
    for _ in range(10):
        cin.read()
    killer.write("now")
    cin.read()
    cin.read()


@process
def kill(chan, signal):
    signal.read()
    chan.poison()
    print("poisoned")


if __name__ == "__main__":
    foo(1) > foo(2) > foo(3)  # noqa: B015
    Seq(foo(4), foo(5)).start()
    foo(6) * 2
    2 * foo(7)
    Skip() // (foo(8),)
    skip = Skip()
    skip //= [foo(9)]
    duo = Duo()
    Par(duo.send("hello world"), duo.recv()).start()
    doomed, signal = Channel(), Channel()
    Par(send100(doomed), recv100(doomed, signal), kill(doomed, signal)).start()
    csp = CSP()
    with csp.seq():
        csp.process(show, 1, 2, 3)
        with csp.par():
            csp.process(show, 4)
        csp.process(show, 5, 6, 7)
    csp.start()
