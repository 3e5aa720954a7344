"""Receives or calls in greenlets whose waits end by a Timeout of gevent, under monkey patching."""

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

GREENLETS = 10


def main(address: str, kind: str, timeouts: int) -> None:
    tally = Tally(address, kind)
    generator = random.Random(16)
    left = timeouts
    other_side = gevent.spawn(tally.other_side)
    with sluice.connect(address) as hub:

        def play() -> None:
            nonlocal left
            step = tally.step(hub.channel("jobs"))
            while left > 0:
                try:
                    with gevent.Timeout(generator.random() * generator.choice((0.001, 0.01))):
                        while True:
                            step()
                except gevent.Timeout:
                    left -= 1

        gevent.joinall([gevent.spawn(play) for _ in range(GREENLETS)], raise_error=True)
        tally.end(hub.channel("jobs"))
        other_side.get()
    print(tally.verdict())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
