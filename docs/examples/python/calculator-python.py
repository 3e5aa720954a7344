"""A calculator service: callers send expressions, and workers answer them. The first worker dies before it has
answered; the next one gets its expression, and the caller does not notice. A call that is repeated with its id gets the
same answer, and nothing is computed again.

make example NAME=calculator-python

calculator-shell and calculator-remote do the same with bc and in Swift.
"""

import operator
from threading import Thread

from sluice import Client, Ended

OPERATORS = {"*": operator.mul, "^": operator.pow, "/": operator.floordiv}


def worker(dies=False):
    client = Client("mortal" if dies else "worker")
    try:
        while True:
            expression, did, _ = client.receive_leased("calculator", "10s")
            if dies:
                print("a worker dies before it answers", flush=True)
                return client.die()
            left, sign, right = expression.decode().split()
            client.answer(did, str(OPERATORS[sign](int(left), int(right))).encode())
    except Ended:
        client.ask("QUIT")


def identity(expression):
    """Returns an id for the expression, of the bytes that an id may have."""
    return "".join(byte if byte.isdigit() else "-" for byte in expression)


def main():
    with Client("caller") as client:
        mortal = Thread(target=worker, args=[True])
        mortal.start()
        client.begin_call("calculator", b"6 * 7", identity("6 * 7"))
        mortal.join()
        successor = Thread(target=worker)
        successor.start()
        print(f"6 * 7 = {client.finish()[1].decode()}", flush=True)
        for expression in ("2 ^ 10", "100 / 7"):
            answer = client.call("calculator", expression.encode(), identity(expression))
            print(f"{expression} = {answer.decode()}", flush=True)
        client.ask("CLOSE calculator")
        successor.join()
        # Nobody is there to compute this again.
        print(f"6 * 7 = {client.call('calculator', b'6 * 7', identity('6 * 7')).decode()}")


main()
