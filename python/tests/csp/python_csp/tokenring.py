"""A ring of processes: python-csp's benchmark/tokenring/tokenring.py, with csp.patterns."""

from sluice.csp.python_csp import *
from sluice.csp.python_csp.patterns import TokenRing

TRIALS = 20


@process
def ringproc(index=0, numnodes=64, tokens=1, inchan=None, outchan=None):
    if tokens == 1 and index == 0:
        outchan.write(1)
    for _ in range(TRIALS):
        token = inchan.read() + 1
        outchan.write(token)
    if index == 1:
        print("the token:", inchan.read())


if __name__ == "__main__":
    TokenRing(ringproc, 16).start()
