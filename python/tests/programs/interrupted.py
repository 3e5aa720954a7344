"""Receives or sends in a thread that is interrupted at random: the main one by SIGINT, another one as by a killer."""

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
        other = tally.receive if kind == "sender" else tally.send
        threads = [threading.Thread(target=other), threading.Thread(target=interrupt)]
        with sluice.connect(address) as hub:
            jobs = hub.channel("jobs")
            step = tally.sender(jobs) if kind == "sender" else tally.receiver(jobs)
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
            tally.stop()
            if kind == "sender":
                jobs.close()
            try:
                while True:
                    step()
            except sluice.Closed:
                pass
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
