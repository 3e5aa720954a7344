"""The dining philosophers as clients. A fork is a channel that keeps one message. A philosopher who holds a fork joins
the sending end of its channel, which tells the daemon that only this client can put the fork down. When all
philosophers hold their left fork and wait for the right one, STUCK proves that they will wait for ever.

make example NAME=philosophers-stuck
"""

from concurrent.futures import ThreadPoolExecutor

import sluice

NAMES = ["Plato", "Confucius", "Hypatia", "Averroes", "Spinoza"]


def fork(seat):
    return f"fork/{seat % len(NAMES)}"


def sit_down(seat):
    """Takes the left fork. From now on, only this philosopher can put it down."""
    hub = sluice.connect()
    hub.label(NAMES[seat], waits_all=True)  # a philosopher does nothing else while waiting
    hub.channel(fork(seat)).recv()
    return hub, hub.sender(fork(seat))


def report(waiter):
    """Returns what STUCK reports once all philosophers wait."""
    while len(waiter.waiters()) < len(NAMES):
        pass
    return waiter.stuck()


def main():
    waiter = sluice.connect(label="waiter")
    for seat in range(len(NAMES)):
        waiter.channel(fork(seat)).open(capacity=1).send("fork")
    philosophers = [sit_down(seat) for seat in range(len(NAMES))]
    with ThreadPoolExecutor(len(NAMES)) as pool:
        waits = [pool.submit(hub.channel(fork(seat + 1)).recv) for seat, (hub, _) in enumerate(philosophers)]
        names = {client["address"]: client["label"] for client in waiter.clients()}
        for cycle in report(waiter):
            print(f"{cycle['certainty']}: {len(cycle['steps'])} clients wait for each other")
            for step in sorted(cycle["steps"], key=lambda step: NAMES.index(step["label"])):
                print(
                    f"  {step['label']} waits to {step['operation']} {step['channel']}, for {names[step['waitsFor']]}"
                )

        # Another fork ends the deadlock: a philosopher with two forks dines, then puts the left one down for the
        # neighbour.
        print("the waiter brings another fork")
        waiter.channel(fork(0)).send("fork")
        for seat in reversed(range(len(NAMES))):
            waits[seat].result()
            print(f"{NAMES[seat]} dines")
            philosophers[seat][1].send("fork")
    print("no client is stuck" if not waiter.stuck() else "some are stuck")


main()
