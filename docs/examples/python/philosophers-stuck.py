"""The dining philosophers as clients. A fork is a channel that keeps one message. A philosopher who holds a fork joins
the sending end of its channel, which tells the daemon that only this client can put the fork down. When all
philosophers hold their left fork and wait for the right one, STUCK proves that they will wait for ever.

make example NAME=philosophers-stuck
"""

import json

from sluice import Client

NAMES = ["Plato", "Confucius", "Hypatia", "Averroes", "Spinoza"]


def fork(seat):
    return f"fork/{seat % len(NAMES)}"


def sit_down(seat):
    """Takes the left fork. From now on, only this philosopher can put it down."""
    client = Client(NAMES[seat])
    client.receive(fork(seat))
    client.ask(f"JOIN end=send {fork(seat)}")
    return client


def report(waiter):
    """Returns what STUCK reports once all philosophers wait."""
    while len(json.loads(waiter.ask("WAITERS format=json")[1])["waiters"]) < len(NAMES):
        pass
    return json.loads(waiter.ask("STUCK format=json")[1])["cycles"]


def main():
    waiter = Client("waiter")
    for seat in range(len(NAMES)):
        waiter.ask(f"OPEN cap=1 {fork(seat)}")
        waiter.send(fork(seat), b"fork")
    philosophers = [sit_down(seat) for seat in range(len(NAMES))]
    for seat, philosopher in enumerate(philosophers):
        philosopher.begin(f"RECV {fork(seat + 1)}")

    names = {philosopher.address: name for philosopher, name in zip(philosophers, NAMES, strict=True)}
    for cycle in report(waiter):
        print(f"{cycle['certainty']}: {len(cycle['steps'])} clients wait for each other")
        for step in sorted(cycle["steps"], key=lambda step: NAMES.index(step["label"])):
            print(f"  {step['label']} waits to {step['operation']} {step['channel']}, for {names[step['waitsFor']]}")

    # Another fork ends the deadlock: a philosopher with two forks dines, then puts the left one down for the neighbour.
    print("the waiter brings another fork")
    waiter.send(fork(0), b"fork")
    for seat in reversed(range(len(NAMES))):
        philosophers[seat].finish()
        print(f"{NAMES[seat]} dines")
        philosophers[seat].send(fork(seat), b"fork")
    print(waiter.ask("STUCK")[1].decode())


main()
