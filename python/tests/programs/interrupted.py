"""Receives in the main thread, which SIGINT interrupts at random points."""

from __future__ import annotations

import _thread
import random
import sys
import threading

from tally import Tally

import sluice


def main(address: str, kind: str, interruptions: int) -> None:
    tally = Tally(address, kind)
    armed = threading.Event()
    ended = threading.Event()
    generator = random.Random(16)

    def interrupt() -> None:
        while True:
            armed.wait()
            if ended.is_set():
                return
            armed.clear()
            # Spins, so that the interruption hits any bytecode.
            for _ in range(generator.randrange(3000)):
                pass
            _thread.interrupt_main()

    sys.setswitchinterval(0.0002)
    threads = [threading.Thread(target=tally.send), threading.Thread(target=interrupt)]
    with sluice.connect(address) as hub:
        receive = tally.receiver(hub.channel("jobs"))
        for thread in threads:
            thread.start()
        seen = 0
        while seen < interruptions:
            try:
                armed.set()
                while True:
                    receive()
            except KeyboardInterrupt:
                seen += 1
        ended.set()
        armed.set()
        tally.stop()
        try:
            while True:
                receive()
        except sluice.Closed:
            pass
        for thread in threads:
            thread.join()
    print(tally.verdict())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
