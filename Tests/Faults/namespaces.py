"""Network namespaces: simulated hosts, and hosts with very many addresses."""

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


class Namespace:
    """A context manager that makes a network namespace, with nothing in it. Needs root."""

    def __enter__(self):
        self._holder = start(["unshare", "--net", "sleep", "600"], stderr=subprocess.DEVNULL)
        try:
            self._await_namespace()
            self._prepare()
        except (ChildFailed, OSError) as reason:
            self.__exit__()
            raise Skipped(f"cannot make a network namespace: {reason}") from None
        return self

    def __exit__(self, *_):
        self._holder.kill()
        self._holder.wait()

    def _prepare(self):
        """Makes what is in the namespace."""

    def _await_namespace(self):
        own = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{self._holder.pid}/ns/net").readlink() == own:
            if self._holder.poll() is not None:
                raise ChildFailed("unshare is not permitted")
            time.sleep(0.001)

    @contextlib.contextmanager
    def inside(self):
        """Opens sockets, and starts processes, in the namespace while the context lasts."""
        with open("/proc/self/ns/net") as here, open(f"/proc/{self._holder.pid}/ns/net") as there:
            self._enter(there)
            try:
                yield
            finally:
                self._enter(here)

    @staticmethod
    def _enter(namespace):
        if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "cannot enter a network namespace")

    @staticmethod
    def _ip(*words):
        output_of(["ip", *words])


class AllAddresses(Namespace):
    """A namespace in which every address of some networks of IPv6 belongs to this host."""

    def __init__(self, networks):
        self._networks = networks

    def _prepare(self):
        with self.inside():
            self._ip("link", "set", "lo", "up")
            Path("/proc/sys/net/ipv6/ip_nonlocal_bind").write_text("1", encoding="ascii")
            for network in self._networks:
                self._ip("-6", "route", "add", "local", network, "dev", "lo")


class FarHost(Namespace):
    """A context manager that makes a host in a network namespace, at `address`. This host is at `near_address`.

    Needs root, and a kernel with veth devices.
    """

    _numbers = itertools.count()

    def __init__(self):
        number = next(self._numbers)
        # From the addresses reserved for network tests; different for each process of this battery.
        network = f"198.{18 + number % 2}.{os.getpid() % 256}"
        self.near_address, self.address = f"{network}.1", f"{network}.2"
        self._near, self._far = f"sn{os.getpid()}-{number}", f"sf{os.getpid()}-{number}"

    def _prepare(self):
        far = ["peer", "name", self._far, "netns", self._holder.pid]
        self._ip("link", "add", "name", self._near, "type", "veth", *far)
        self._configure(self._near, self.near_address)
        with self.inside():
            self._configure(self._far, self.address)
            self._ip("route", "add", "default", "via", self.near_address)

    def __exit__(self, *_):
        """Removes the device. Its other end goes with the namespace, when the last socket in that is closed."""
        with contextlib.suppress(ChildFailed):
            self._ip("link", "delete", self._near)
        super().__exit__()

    def vanish(self):
        """Takes the host off the network without a FIN or RST to anyone."""
        with self.inside():
            self._ip("link", "set", self._far, "down")

    def _configure(self, device, address):
        self._ip("address", "add", f"{address}/24", "dev", device)
        self._ip("link", "set", device, "up")
