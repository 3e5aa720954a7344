"""Receives in greenlets whose waits end by a Timeout of gevent, under monkey patching."""

from __future__ import annotations

# isort: skip_file
# ruff: noqa: E402
from gevent import monkey

monkey.patch_all()

import random
import sys

import gevent
from tally import Tally

import sluice

RECEIVERS = 10


def main(address: str, kind: str, timeouts: int) -> None:
    tally = Tally(address, kind)
    generator = random.Random(16)
    left = timeouts
    sender = gevent.spawn(tally.send)
    with sluice.connect(address) as hub:

        def receive_many() -> None:
            nonlocal left
            receive = tally.receiver(hub.channel("jobs"))
            while left > 0:
                try:
                    with gevent.Timeout(generator.random() * 0.001):
                        while True:
                            receive()
                except gevent.Timeout:
                    left -= 1

        gevent.joinall([gevent.spawn(receive_many) for _ in range(RECEIVERS)], raise_error=True)
        tally.stop()
        receive = tally.receiver(hub.channel("jobs"))
        try:
            while True:
                receive()
        except sluice.Closed:
            pass
        sender.get()
    print(tally.verdict())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
