"""A calculator service: callers send expressions, and workers answer them. The first worker dies before it has
answered; the next one gets its expression, and the caller does not notice. A call that is repeated with its id gets the
same answer, and nothing is computed again.

make example NAME=calculator-python

calculator-shell and calculator-remote do the same with bc and in Swift.
"""

import operator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import sluice

OPERATORS = {"*": operator.mul, "^": operator.pow, "/": operator.floordiv}


def worker(dies=False):
    with sluice.connect(label="mortal" if dies else "worker") as hub:
        for question in hub.channel("calculator").leased(10):
            if dies:
                print("a worker dies before it answers", flush=True)
                return hub.abort()
            left, sign, right = question.text.split()
            question.answer(str(OPERATORS[sign](int(left), int(right))))


def identity(expression):
    """Returns an id for the expression, of the bytes that an id may have."""
    return "".join(byte if byte.isdigit() else "-" for byte in expression)


def main():
    with sluice.connect(label="caller") as hub, ThreadPoolExecutor() as pool:
        calculator = hub.channel("calculator")
        mortal = Thread(target=worker, args=[True])
        mortal.start()
        first = pool.submit(calculator.call, "6 * 7", id=identity("6 * 7"))
        mortal.join()
        successor = Thread(target=worker)
        successor.start()
        print(f"6 * 7 = {first.result().decode()}", flush=True)
        for expression in ("2 ^ 10", "100 / 7"):
            answer = calculator.call(expression, id=identity(expression))
            print(f"{expression} = {answer.decode()}", flush=True)
        calculator.close()
        successor.join()
        # Nobody is there to compute this again.
        print(f"6 * 7 = {calculator.call('6 * 7', id=identity('6 * 7')).decode()}")


main()
