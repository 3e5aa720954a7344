"""Commstime with processes of csp.builtins: the wiring of python-csp's benchmark/commstime/commstime.py."""

from sluice.csp.python_csp import *
from sluice.csp.python_csp.builtins import Delta2, Prefix, Succ


@process
def Consumer(cin):
    for _ in range(100):
        last = cin.read()
    print("the last number:", last)
    cin.poison()


if __name__ == "__main__":
    for _ in range(2):
        a, b, c, d = Channel(), Channel(), Channel(), Channel()
        Par(Prefix(c, a, prefix_item=0), Delta2(a, b, d), Succ(b, c), Consumer(d)).start()
