"""The daemon under test: `sluiced` on a port of its own, killed at the end."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import measure
from processes import ChildFailed, start

ROOT = Path(__file__).resolve().parents[2]
_PROXY = Path(__file__).parent / "Proxy" / "proxy.py"


def built_daemon():
    """Builds the release executable from this tree, and returns its path."""
    command = ["swift", "build", "-c", "release", "--package-path", ROOT, "--product", "sluiced"]
    if start(command, stdout=sys.stderr).wait() != 0:
        raise ChildFailed("sluiced does not build")
    return ROOT / ".build" / "release" / "sluiced"


def _variable(key):
    """Returns the environment variable that sets a key of the configuration."""
    return "SLUICED_" + key.upper().replace(".", "_").replace("-", "_")


def full_pipe():
    """Returns the descriptors of a pipe that takes no more bytes: its reading end, and its writing end."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, b"x" * 4096)
    os.set_blocking(writing, True)
    return [reading, writing]


@contextlib.contextmanager
def private_file(text):
    """Writes a file of users or principals that only this user may read, as the daemon demands. Gives its path."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        os.chmod(file.name, 0o600)
        yield file.name


class Daemon:
    """A context manager that runs a daemon.

    `settings` are keys of its configuration. With a `fault`, clients reach it through a proxy with that fault, and the
    resources of both are measured together. If it `may_crash`, its error output is discarded. It listens on `host`. Its
    `errors` are "full" (a disk without space), "unread" (a full pipe that nobody reads), "closed", or those of this
    program. With a `certificate`, the paths of it and of its key, it listens with TLS too, on `tls_port`. With `web`,
    it has a web door, on `web_port`. With a `path`, it listens there too, for all users.
    """

    def __init__(
        self,
        program,
        settings=None,
        fault=None,
        may_crash=False,
        host="127.0.0.1",
        errors=None,
        certificate=None,
        web=False,
        path=None,
    ):
        self._program = program
        self._host = host
        self._environment = {_variable(key): str(value) for key, value in (settings or {}).items()}
        self._fault = fault
        self._may_crash = may_crash
        self._errors = subprocess.DEVNULL if may_crash else None
        self._level = "debug" if errors else "critical"
        self._opened = []
        self._certificate, self._web, self._path = certificate, web, path
        #: The path of the socket to which clients connect.
        self.path = f"{path}-p" if fault else path
        self._wrapper = []
        if errors == "closed":
            self._wrapper = ["sh", "-c", 'exec "$0" "$@" 2>&-']
        elif errors:
            self._opened = [os.open("/dev/full", os.O_WRONLY)] if errors == "full" else full_pipe()
            self._errors = self._opened[-1]
        self._children = []

    def __enter__(self):
        try:
            options = ["--log-level", self._level, "--allow-public"]
            if self._certificate or self._path:
                options += ["--config", self._configuration()]
            else:
                options += ["--listen", f"{self._host}:0"]
            options += ["--web", f"{self._host}:0"] if self._web else []
            command = [*self._wrapper, self._program, *options]
            self.port = self._ready(command, self._environment)
            if self._certificate:
                self.tls_port = int(self._children[0].stdout.readline().rpartition(":")[2])
            if self._path:
                self._children[0].stdout.readline()
            if self._web:
                self.web_port = int(self._children[0].stdout.readline().rpartition(":")[2])
            if self._fault:
                self.port = self.behind(self._fault)
                if self._certificate:
                    self.tls_port = self.behind(self._fault, self.tls_port)
                if self._web:
                    self.web_port = self.behind(self._fault, self.web_port)
                if self._path:
                    self._ready([sys.executable, _PROXY, self._fault, self._path, 0, self._children[0].pid], {})
        except BaseException:
            self.__exit__()
            raise
        return self

    def _configuration(self):
        """Writes a configuration with two listeners, and returns its path."""
        if self._path:
            item = f'{{address: "unix:{self._path}", mode: "0666"}}'
            configuration = Path(self._path).with_name("sluiced.yaml")
        else:
            certificate, key = self._certificate
            # Its own certificate is that of an authority too.
            tls = f"{{certificate: {certificate}, key: {key}, client-ca: {certificate}, require-client: false}}"
            item = f'{{address: "{self._host}:0", tls: {tls}}}'
            configuration = Path(certificate).with_name("sluiced.yaml")
        configuration.write_text(f'listen: ["{self._host}:0", {item}]\n')
        return configuration

    def behind(self, fault, port=None):
        """Starts a proxy with the fault before this daemon, or before another port of it. Returns the proxy's port."""
        return self._ready([sys.executable, _PROXY, fault, self._host, port or self.port, self._children[0].pid], {})

    def _ready(self, command, environment):
        child = start(command, environment, stdout=subprocess.PIPE, stderr=self._errors)
        self._children.append(child)
        line = child.stdout.readline()
        if not line.startswith("ready tcp="):
            raise ChildFailed(f"{command[0]} ended before it was ready")
        return int(line.rpartition(":")[2])

    def __exit__(self, *_):
        crashes = [signal.SIGSEGV, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS]
        has_crashed = not self._may_crash and any(child.poll() in map(int.__neg__, crashes) for child in self._children)
        for child in reversed(self._children):
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            child.wait()
            child.stdout.close()
        for descriptor in self._opened:
            os.close(descriptor)
        self._opened = []
        if has_crashed:
            raise ChildFailed("the server has crashed")

    @property
    def pids(self):
        return [child.pid for child in self._children]

    # Measurements

    def cpu_seconds(self):
        return sum(map(measure.cpu_seconds, self.pids))

    def resident_bytes(self):
        return sum(map(measure.resident_bytes, self.pids))

    def descriptors(self):
        return sum(map(measure.descriptors, self.pids))

    # Faults

    def limit(self, kind, value):
        """Sets both limits of a resource of the running daemon, so that it cannot raise the limit again."""
        resource.prlimit(self._children[0].pid, kind, (value, value))

    def signal(self, number):
        """Sends a signal to the process that clients see; a proxy passes SIGTERM on. SIGKILL goes to all processes."""
        for child in self._children if number == signal.SIGKILL else self._children[-1:]:
            child.send_signal(number)

    def wait(self, seconds):
        """Returns the exit status, which is negative after a signal; None if the process has not ended in time."""
        try:
            return self._children[-1].wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return None
