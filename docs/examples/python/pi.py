"""A worker farm that estimates pi at random. Workers take jobs under a lease and acknowledge them after they have sent
the result. One worker dies at its first job, which then goes to another worker.

make example NAME=pi

The result is the same every time, because each job has its own seed and is counted once.
"""

import random
from threading import Thread

import sluice

JOBS, SHOTS = 40, 5_000


def farmer():
    with sluice.connect(label="farmer") as hub:
        jobs = hub.channel("jobs")
        for seed in range(JOBS):
            jobs.send(str(seed))  # returns when a worker has acknowledged the job
        jobs.close()


def worker(dies=False):
    with sluice.connect(label="mortal" if dies else "worker") as hub:
        for job in hub.channel("jobs").leased(10):
            if dies:
                print("a worker dies at its first job", flush=True)
                return hub.abort()
            with job:
                chance = random.Random(int(job.body))
                hits = sum(chance.random() ** 2 + chance.random() ** 2 < 1 for _ in range(SHOTS))
                hub.channel("hits").send(f"{hits} {job.attempt}")


def main():
    with sluice.connect(label="collector") as hub:
        Thread(target=farmer).start()
        mortal = Thread(target=worker, args=[True])
        mortal.start()
        mortal.join()
        for _ in range(3):
            Thread(target=worker).start()
        results = [hub.channel("hits").recv().split() for _ in range(JOBS)]
    hits = sum(int(hits) for hits, _ in results)
    print(f"{JOBS} jobs are done, {sum(int(attempt) > 1 for _, attempt in results)} of them at the second attempt")
    print(f"pi is about {4 * hits / JOBS / SHOTS:.4f}")


main()
