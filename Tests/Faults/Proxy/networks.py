"""Bad networks: each changes in one way how a proxy passes bytes on."""

import random

from wrong_servers import Right


class _Network(Right):
    def __init__(self, port):
        super().__init__(port)
        self.random = random.Random(7)


class Delay(_Network):
    """Delays each piece by a random time, and keeps the order."""

    def input(self, proxy, pipe, data):
        return self._late(proxy, pipe, pipe.server, data)

    def output(self, proxy, pipe, data):
        return self._late(proxy, pipe, pipe.client, data)

    def _late(self, proxy, pipe, side, data):
        queue = pipe.state.setdefault(side is pipe.client, [])
        queue.append(data)
        proxy.later(self.random.uniform(0, 0.02), lambda: proxy.put(side, queue.pop(0)))
        return b""


class _Sever(_Network):
    """Ends a connection after a random number of bytes."""

    def input(self, proxy, pipe, data):
        return self._some(proxy, pipe, pipe.server, data)

    def output(self, proxy, pipe, data):
        return self._some(proxy, pipe, pipe.client, data)

    def _some(self, proxy, pipe, side, data):
        left = pipe.state.setdefault("left", self.random.randrange(200, 20_000)) - len(data)
        pipe.state["left"] = left
        if left > 0:
            return data
        proxy.put(side, data[:left])
        self.sever(proxy, pipe)
        return b""


class Cut(_Sever):
    """Ends the connection with a FIN: everything before arrives."""

    def sever(self, proxy, pipe):
        proxy.close(pipe)


class Reset(_Sever):
    """Ends the connection with an RST: earlier bytes may be lost, too."""

    def sever(self, proxy, pipe):
        proxy.reset(pipe)


class Dribble(_Network):
    """Passes one byte at a time."""

    max_write_bytes = 1


NETWORKS = {"delay": Delay, "cut": Cut, "reset": Reset, "dribble": Dribble}
