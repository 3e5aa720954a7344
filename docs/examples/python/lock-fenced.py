"""A lock and a semaphore for clients of the daemon: a channel keeps one permit, or several.

make example NAME=lock-fenced

A client acquires a permit by receiving it under a lease, and releases it with NACK. So the permit returns by itself
when its holder dies or is frozen; the lease of any other holder is renewed by its client. The fence of the lease is a
fencing token: it grows with each holder, also when the daemon restarts, so that a storage can refuse writes of an
earlier holder.
"""

from contextlib import contextmanager
from threading import Thread

import sluice


def create(hub, name, permits):
    channel = hub.channel(name).open(capacity=permits)
    for _ in range(permits):
        channel.send("permit")


class Storage:
    """A resource that refuses the writes of a holder whose lease has ended."""

    def __init__(self):
        self.fence = 0

    def write(self, who, fence):
        if fence < self.fence:
            return print("the storage refuses", who)
        self.fence = fence
        print("the storage accepts", who)


@contextmanager
def permit(hub, name):
    """with permit(hub, "lock") as fencing_token: ..."""
    held = hub.channel(name).recv_leased(10)
    try:
        yield held.fence
    finally:
        held.nack()


def main():
    storage = Storage()
    with sluice.connect() as ann, sluice.connect() as bob:
        create(ann, "lock", permits=1)
        with permit(ann, "lock") as fence:
            print("Ann has the lock")
            storage.write("Ann", fence)
            try:
                bob.channel("lock").recv(timeout=0)
            except sluice.TimedOut:
                print("Bob tries: TIMEOUT")
        cid = sluice.connect()
        late = cid.channel("lock").recv_leased(10)
        print("Cid has the lock")
        cid.abort()
        print("Cid has lost the connection")
        with permit(bob, "lock") as fence:
            print("Bob has the lock")
            storage.write("Bob", fence)
            storage.write("late Cid", late.fence)
        create(bob, "room", permits=3)

    inside, most = [], []

    def guest(number):
        with sluice.connect() as hub, permit(hub, "room"):
            inside.append(number)
            most.append(len(inside))
            hub.barrier("photograph", parties=3)  # each guest waits until three are in the room
            inside.remove(number)

    guests = [Thread(target=guest, args=[number]) for number in range(9)]
    for thread in guests:
        thread.start()
    for thread in guests:
        thread.join()
    print(f"{len(most)} guests, at most {max(most)} in the room at once")


main()
