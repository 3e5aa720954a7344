"""Child processes that end with the driver."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys

#: Lets the kernel end a child with the driver, also when the driver is killed and no handler runs.
GUARD = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


class ChildFailed(Exception):
    """A child process failed, timed out, or printed an invalid result."""


def exit_on_signals():
    """Turns signals that end a program into `sys.exit`, so that every `finally` and `with` runs."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))


def start(command, environment=None, **options):
    return subprocess.Popen(
        [str(word) for word in [*GUARD, *command]],
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        text=True,
        **options,
    )


def output_of(command, environment=None, directory=None, timeout_seconds=600):
    """Returns a command's standard output; raises `ChildFailed` when the command fails."""
    child = start(command, environment, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        output, errors = child.communicate(timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        raise ChildFailed(f"{' '.join(map(str, command))}: no result in {timeout_seconds} s") from None
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    if child.returncode != 0:
        last = (errors.strip() or output.strip() or "no message").splitlines()[-1]
        raise ChildFailed(f"{' '.join(map(str, command))}: exit {child.returncode}: {last}")
    return output


class Server:
    """A server process that runs during a `with`.

    It is ready when it has printed a line that contains `ready`, from which `port` reads its port.
    """

    def __init__(self, command, ready, port):
        self.command = command
        self.ready = ready
        self.port_of = port

    def __enter__(self):
        self.process = start(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for line in self.process.stdout:
            if self.ready in line:
                self.port = self.port_of(line.strip())
                return self
        self.__exit__()
        raise ChildFailed(f"{self.command[0]} ended before it was ready")

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def cpu_seconds(self):
        """Returns the processor time that the server has used, in user and kernel mode."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def redis_server(wrapper=()):
    """Runs Redis, which writes nothing to the disk, on a free port. `wrapper` is a command that runs it."""
    for is_last in (False, False, True):
        port = free_port()
        command = [*wrapper, "redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"]
        server = Server(command, ready="Ready to accept connections", port=lambda _, port=port: port)
        try:
            server.__enter__()
            break
        except ChildFailed:
            # Another program may have taken the port first.
            if is_last:
                raise
    try:
        yield server
    finally:
        server.__exit__()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
