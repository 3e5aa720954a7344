"""A lock and a semaphore for clients of the daemon: a channel keeps one permit, or several.

make example NAME=lock-fenced

A client acquires a permit by receiving it under a lease, and releases it with NACK. So the permit returns by itself
when its holder dies or does not renew the lease in time (TOUCH). The attempt number of the permit is a fencing token:
it grows with each holder, so that a storage can refuse writes of an earlier holder.
"""

from threading import Thread

from sluice import Client


def create(name, permits):
    with Client() as client:
        client.ask(f"OPEN cap={permits} {name}")
        for _ in range(permits):
            client.send(name, b"permit")


class Permit:
    """with Permit(client, "lock") as fencing_token: ..."""

    def __init__(self, client, name):
        self.client, self.name = client, name

    def __enter__(self):
        _, self.did, attempt = self.client.receive_leased(self.name, "10s")
        return attempt

    def __exit__(self, *_):
        self.client.ask(f"NACK {self.did}")


def main():
    create("lock", permits=1)
    with Client() as ann, Client() as bob:
        with Permit(ann, "lock") as token:
            print("Ann has the lock, token", token)
            print("Bob tries:", bob.ask("RECV timeout=0 lock")[0][0])
        crash = Client()
        print("Cid has the lock, token", Permit(crash, "lock").__enter__())
        crash.die()
        print("Cid has died")
        with Permit(bob, "lock") as token:
            print("Bob has the lock, token", token)

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
