"""A lock and a semaphore for clients of the daemon: a channel keeps one permit, or several.

make example NAME=lock-fenced

A client acquires a permit by receiving it under a lease, and releases it with NACK. So the permit returns by itself
when its holder dies or does not renew the lease in time (TOUCH). The fence of the lease is a fencing token: it grows
with each holder, also when the daemon restarts, so that a storage can refuse writes of an earlier holder.
"""

from threading import Thread

from sluice import Client


def create(name, permits):
    with Client() as client:
        client.ask(f"OPEN cap={permits} {name}")
        for _ in range(permits):
            client.send(name, b"permit")


class Storage:
    """A resource that refuses the writes of a holder whose lease has ended."""

    def __init__(self):
        self.fence = 0

    def write(self, who, fence):
        if fence < self.fence:
            return print("the storage refuses", who)
        self.fence = fence
        print("the storage accepts", who)


class Permit:
    """with Permit(client, "lock") as fencing_token: ..."""

    def __init__(self, client, name):
        self.client, self.name = client, name

    def __enter__(self):
        _, self.did, attributes = self.client.receive_leased(self.name, "10s")
        return int(attributes["fence"])

    def __exit__(self, *_):
        self.client.ask(f"NACK {self.did}")


def main():
    create("lock", permits=1)
    storage = Storage()
    with Client() as ann, Client() as bob:
        with Permit(ann, "lock") as fence:
            print("Ann has the lock")
            storage.write("Ann", fence)
            print("Bob tries:", bob.ask("RECV timeout=0 lock")[0][0])
        crash = Client()
        late = Permit(crash, "lock").__enter__()
        print("Cid has the lock")
        crash.die()
        print("Cid has lost the connection")
        with Permit(bob, "lock") as fence:
            print("Bob has the lock")
            storage.write("Bob", fence)
            storage.write("late Cid", late)

    create("room", permits=3)
    inside, most = [], []

    def guest(number):
        with Client() as client, Permit(client, "room"):
            inside.append(number)
            most.append(len(inside))
            client.ask("BARRIER parties=3 photograph")  # each guest waits until three are in the room
            inside.remove(number)

    guests = [Thread(target=guest, args=[number]) for number in range(9)]
    for thread in guests:
        thread.start()
    for thread in guests:
        thread.join()
    print(f"{len(most)} guests, at most {max(most)} in the room at once")


main()
