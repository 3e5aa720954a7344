"""Child processes that never outlive the driver."""

import ctypes
import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class ChildFailed(Exception):
    """A child ended with an error, too late, or with an answer that makes no sense."""


def _die_with_parent():
    # Covers what no handler can: the driver killed by SIGKILL.
    if _libc:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def exit_on_signals():
    """Turns the signals that end a program into an exit, so that every `finally` and `with` is honoured."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))


def start(command, environment=None, **options):
    return subprocess.Popen(
        [str(word) for word in command],
        env=os.environ | (environment or {}),
        stdin=subprocess.DEVNULL,
        text=True,
        preexec_fn=_die_with_parent,
        **options,
    )


def output_of(command, environment=None, directory=None, timeout_seconds=600):
    """The standard output of a command that succeeds."""
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
    """A server process for the time of a `with`; ready once a line of its output, `ready` in it, tells its port."""

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
        """The processor time the server has used so far, in user and kernel mode."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
