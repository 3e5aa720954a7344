"""Receives in threads with timeouts that run out about when a message comes."""

from __future__ import annotations

import random
import sys
import threading

from tally import Tally

import sluice

RECEIVERS = 8


def main(address: str, kind: str, timeouts: int) -> None:
    tally = Tally(address, kind)
    left = threading.Semaphore(timeouts)
    sender = threading.Thread(target=tally.send)
    with sluice.connect(address) as hub:
        jobs = hub.channel("jobs")

        def receive_many(seed: int) -> None:
            generator = random.Random(seed)
            while True:
                try:
                    timeout = generator.choice((0, 0.001, 0.002, 0.003))
                    if tally.is_leased:
                        with jobs.recv_leased(60, timeout=timeout) as job:
                            tally.received.append(job.raw)
                            job.ack()
                            tally.acknowledged.append(job.raw)
                    else:
                        tally.received.append(jobs.recv(timeout=timeout))
                except sluice.TimedOut:
                    if not left.acquire(blocking=False):
                        return

        threads = [threading.Thread(target=receive_many, args=(seed,)) for seed in range(RECEIVERS)]
        for thread in (sender, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        tally.end(jobs)
        sender.join()
    print(tally.verdict())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
