"""Hosts of their own: network namespaces, each at the far end of a virtual cable."""

import contextlib
import ctypes
import itertools
import os
import subprocess
import time
from pathlib import Path

from battery import Skipped
from processes import ChildFailed, output_of, start

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class FarHost:
    """A host for the time of a `with`, and this one's address on the cable between the two.

    Takes root, and a kernel that has such cables.
    """

    _numbers = itertools.count()

    def __init__(self):
        number = next(self._numbers)
        # Of the addresses that are kept for tests of networks, others than another battery has.
        network = f"198.{18 + number % 2}.{os.getpid() % 256}"
        self.near_address, self.address = f"{network}.1", f"{network}.2"
        self._near, self._far = f"sn{os.getpid()}-{number}", f"sf{os.getpid()}-{number}"

    def __enter__(self):
        self._holder = start(["unshare", "--net", "sleep", "600"], stderr=subprocess.DEVNULL)
        try:
            self._await_namespace()
            far = ["peer", "name", self._far, "netns", self._holder.pid]
            self._ip("link", "add", "name", self._near, "type", "veth", *far)
            self._plug(self._near, self.near_address)
            with self.inside():
                self._plug(self._far, self.address)
                self._ip("route", "add", "default", "via", self.near_address)
        except (ChildFailed, OSError) as reason:
            self.__exit__()
            raise Skipped(f"no network namespace can be made here: {reason}") from None
        return self

    def __exit__(self, *_):
        """The cable goes with the namespace, and that with the last of its sockets."""
        with contextlib.suppress(ChildFailed):
            self._ip("link", "delete", self._near)
        self._holder.kill()
        self._holder.wait()

    def _await_namespace(self):
        own = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{self._holder.pid}/ns/net").readlink() == own:
            if self._holder.poll() is not None:
                raise ChildFailed("unshare is not permitted")
            time.sleep(0.001)

    @contextlib.contextmanager
    def inside(self):
        """What is opened meanwhile is opened on that host."""
        with open("/proc/self/ns/net") as here, open(f"/proc/{self._holder.pid}/ns/net") as there:
            self._enter(there)
            try:
                yield
            finally:
                self._enter(here)

    def vanish(self):
        """Its end of the cable is pulled out: nothing comes from it any more, and nobody is told."""
        with self.inside():
            self._ip("link", "set", self._far, "down")

    @staticmethod
    def _enter(namespace):
        if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "cannot enter a network namespace")

    def _plug(self, device, address):
        self._ip("address", "add", f"{address}/24", "dev", device)
        self._ip("link", "set", device, "up")

    @staticmethod
    def _ip(*words):
        output_of(["ip", *words])
