"""The programs that are compared, and how to find, build and run each."""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from processes import ChildFailed, output_of, start

BENCHMARKS = Path(__file__).resolve().parent.parent
ROOT = BENCHMARKS.parent
SCRATCH = BENCHMARKS / ".build-bench"
#: Where deploy/install-dependencies.sh installs gevent.
VIRTUAL_ENVIRONMENT = SCRATCH / "venv"
GO_PROGRAM = SCRATCH / "go-benchmark"
GEVENT_PROGRAM = BENCHMARKS / "Peers" / "gevent" / "bench.py"


@dataclass(frozen=True)
class Contestant:
    """A program that takes a workload and a count, and prints the cost of one operation."""

    key: str
    title: str
    toolchain: str
    arguments: tuple = ()
    environment: tuple = ()
    #: The approximate memory of a parked task, so that a million tasks are only tried where they fit.
    parked_bytes: int = 3_000


CONTESTANTS = [
    Contestant("sluice", "Sluice", "swift", ("sluice",)),
    Contestant("go-1", "Go, GOMAXPROCS=1", "go", environment=(("GOMAXPROCS", "1"),)),
    Contestant("go", f"Go, GOMAXPROCS={os.cpu_count()} (default)", "go"),
    Contestant("gevent", "gevent", "gevent", parked_bytes=8_000),
    Contestant("asyncchannel-reactor", "AsyncChannel on the reactor", "swift", ("asyncchannel-reactor",)),
    Contestant("asyncchannel-pool", "AsyncChannel on Swift's pool", "swift", ("asyncchannel-pool",)),
]


class Toolbox:
    """The program and version of each toolchain, or the reason why it is missing."""

    def __init__(self):
        self.programs = {}
        self.versions = {}
        self.missing = {}

    def prepare(self, name, find):
        """Stores the program and version that `find` returns, or why it failed."""
        try:
            self.programs[name], self.versions[name] = find()
        except (ChildFailed, OSError) as failure:
            self.missing[name] = str(failure)

    def add_channel_contestants(self):
        self.prepare("swift", self._swift)
        self.prepare("go", self._go)
        self.prepare("gevent", self._gevent)

    def add_daemon(self):
        self.prepare("sluiced", lambda: ([_swift_product(ROOT, "sluiced")], "this tree"))

    def add_load_tester(self):
        self.prepare("load", lambda: ([_swift_product(ROOT, "sluice-load")], "this tree"))

    def _swift(self):
        program = _swift_product(BENCHMARKS, "ChannelBenchmark", SCRATCH)
        resolved = json.loads((BENCHMARKS / "Package.resolved").read_text(encoding="utf-8"))
        pinned = {pin["identity"]: pin["state"].get("version") for pin in resolved["pins"]}
        compiler = output_of(["swift", "--version"]).splitlines()[0]
        return [program], f"{compiler}; swift-async-algorithms {pinned['swift-async-algorithms']}"

    def _go(self):
        _require("go")
        SCRATCH.mkdir(exist_ok=True)
        output_of(["go", "build", "-o", GO_PROGRAM, "."], directory=BENCHMARKS / "Peers" / "go")
        return [GO_PROGRAM], output_of(["go", "version"]).strip()

    def _gevent(self):
        pythons = [sys.executable, shutil.which("python3"), VIRTUAL_ENVIRONMENT / "bin" / "python"]
        for python in filter(_has_gevent, pythons):
            version = "import gevent, sys; print(gevent.__version__, 'on Python', sys.version.split()[0])"
            return [python, GEVENT_PROGRAM], output_of([python, "-c", version]).strip()
        raise ChildFailed("gevent is not installed; make bench installs it")


def _require(program):
    if not shutil.which(program):
        raise ChildFailed(f"{program} is not installed")


def _has_gevent(python):
    try:
        output_of([python, "-c", "import gevent"])
    except (ChildFailed, OSError):
        return False
    return True


def _swift_product(package, product, scratch=None):
    """Builds a product in release, which can take minutes, with progress on standard error."""
    _require("swift")
    command = ["swift", "build", "-c", "release", "--package-path", package, "--product", product]
    if scratch:
        command += ["--scratch-path", scratch]
    if start(command, stdout=sys.stderr).wait() != 0:
        raise ChildFailed(f"{product} does not build")
    return Path(output_of([*command, "--show-bin-path"]).strip()) / product
