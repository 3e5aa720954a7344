"""A full adder of gates: the wiring of python-csp's examples/circuits/fulladder.py, with an end."""

from sluice.csp.python_csp import *
from sluice.csp.python_csp.builtins import *


@process
def Bits(cout, bits):
    for bit in bits:
        cout.write(bit)
    cout.poison()  # the gates pass it on


@process
def Table(total, carry, rows):
    for _ in range(rows):
        print("sum", total.read(), "carry", carry.read())


def fulladder(a, b, c, total, carry):
    aa, ab, ba, bb, ca, cb, i1, i1a, i1b, i2, i3 = [Channel() for _ in range(11)]
    return Par(
        Delta2(a, aa, ab),
        Delta2(b, ba, bb),
        Delta2(c, ca, cb),
        Delta2(i1, i1a, i1b),
        Xor(aa, ba, i1),
        Xor(i1a, ca, total),
        And(ab, bb, i2),
        And(i1b, cb, i3),
        Or(i2, i3, carry),
    )


if __name__ == "__main__":
    a, b, c, total, carry = [Channel() for _ in range(5)]
    bits = [(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)]
    inputs = [Bits(channel, column) for channel, column in zip((a, b, c), zip(*bits))]
    Par(*inputs, fulladder(a, b, c, total, carry), Table(total, carry, len(bits))).start()
