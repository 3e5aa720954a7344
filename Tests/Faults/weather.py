"""Networks that are bad: each does one thing to what passes through a proxy."""

import random

from wrongs import Right


class _Weather(Right):
    def __init__(self, port):
        super().__init__(port)
        self.random = random.Random(7)


class Delay(_Weather):
    """Carries everything late, by a time that is another one for each piece; in order all the same."""

    def heard(self, proxy, pipe, data):
        return self._late(proxy, pipe, pipe.server, data)

    def answered(self, proxy, pipe, data):
        return self._late(proxy, pipe, pipe.client, data)

    def _late(self, proxy, pipe, side, data):
        queue = pipe.memory.setdefault(side is pipe.client, [])
        queue.append(data)
        proxy.later(self.random.uniform(0, 0.02), lambda: proxy.put(side, queue.pop(0)))
        return b""


class _Sever(_Weather):
    """Ends a connection at some byte, in the middle of whatever is said."""

    def heard(self, proxy, pipe, data):
        return self._some(proxy, pipe, pipe.server, data)

    def answered(self, proxy, pipe, data):
        return self._some(proxy, pipe, pipe.client, data)

    def _some(self, proxy, pipe, side, data):
        left = pipe.memory.setdefault("left", self.random.randrange(200, 20_000)) - len(data)
        pipe.memory["left"] = left
        if left > 0:
            return data
        proxy.put(side, data[:left])
        self.sever(proxy, pipe)
        return b""


class Cut(_Sever):
    """What was said before arrives, and then the end."""

    def sever(self, proxy, pipe):
        proxy.close(pipe)


class Reset(_Sever):
    """What was said before may be lost, too."""

    def sever(self, proxy, pipe):
        proxy.reset(pipe)


class Dribble(_Weather):
    """One byte at a time."""

    most_bytes = 1


WEATHERS = {"delay": Delay, "cut": Cut, "reset": Reset, "dribble": Dribble}
