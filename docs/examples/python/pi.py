"""A worker farm that estimates pi at random. Workers take jobs under a lease and acknowledge them after they have sent
the result. One worker dies at its first job, which then goes to another worker.

make example NAME=pi

The result is the same every time, because each job has its own seed and is counted once.
"""

import random
from threading import Thread

from sluice import Client, Ended

JOBS, SHOTS = 40, 5_000


def farmer():
    with Client("farmer") as client:
        for seed in range(JOBS):
            client.send("jobs", str(seed).encode())  # returns when a worker has acknowledged the job
        client.ask("CLOSE jobs")


def worker(dies=False):
    client = Client("mortal" if dies else "worker")
    try:
        while True:
            job, did, attributes = client.receive_leased("jobs", "10s")
            if dies:
                print("a worker dies at its first job", flush=True)
                return client.die()
            chance = random.Random(int(job))
            hits = sum(chance.random() ** 2 + chance.random() ** 2 < 1 for _ in range(SHOTS))
            client.send("hits", f"{hits} {attributes['attempt']}".encode())
            client.ask(f"ACK {did}")
    except Ended:
        client.ask("QUIT")


def main():
    with Client("collector") as client:
        Thread(target=farmer).start()
        mortal = Thread(target=worker, args=[True])
        mortal.start()
        mortal.join()
        for _ in range(3):
            Thread(target=worker).start()
        results = [client.receive("hits").split() for _ in range(JOBS)]
    hits = sum(int(hits) for hits, _ in results)
    print(f"{JOBS} jobs are done, {sum(int(attempt) > 1 for _, attempt in results)} of them at the second attempt")
    print(f"pi is about {4 * hits / JOBS / SHOTS:.4f}")


main()
