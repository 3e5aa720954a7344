"""Receives, sends or calls in a thread that is interrupted at random: by SIGINT, or as by a killer of threads."""

from __future__ import annotations

import _thread
import ctypes
import random
import signal
import sys
import threading

from tally import Tally

import sluice


class Killed(BaseException):
    """What kills a thread."""


def main(address: str, kind: str, interruptions: int, where: str) -> None:
    tally = Tally(address, kind)
    armed = threading.Event()
    ended = threading.Event()
    generator = random.Random(16)
    victim = threading.get_ident()

    def interrupt() -> None:
        while True:
            armed.wait()
            if ended.is_set():
                return
            armed.clear()
            # Spins, so that the interruption hits any bytecode.
            for _ in range(generator.randrange(3000)):
                pass
            if where == "main":
                _thread.interrupt_main()
            else:
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(victim), ctypes.py_object(Killed))

    def play() -> None:
        nonlocal victim
        victim = threading.get_ident()
        threads = [threading.Thread(target=tally.other_side), threading.Thread(target=interrupt)]
        with sluice.connect(address) as hub:
            jobs = hub.channel("jobs")
            step = tally.step(jobs)
            for thread in threads:
                thread.start()
            seen = 0
            while seen < interruptions:
                try:
                    armed.set()
                    while True:
                        step()
                except (KeyboardInterrupt, Killed):
                    seen += 1
            ended.set()
            armed.set()
            tally.end(jobs)
            for thread in threads:
                thread.join()

    # A shell lets its background jobs ignore SIGINT.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.setswitchinterval(0.0002)
    if where == "main":
        play()
    else:
        player = threading.Thread(target=play)
        player.start()
        player.join()
    print(tally.verdict())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
