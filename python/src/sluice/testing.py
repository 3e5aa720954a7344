"""Starts a ``sluiced`` for tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

from sluice.errors import SluiceError


def find_daemon() -> str:
    """Returns the path of ``sluiced``: the environment variable ``SLUICED``, or one on the ``PATH``.

    In a checkout of Sluice, the one that was built last comes before the ``PATH``.
    """
    named = os.environ.get("SLUICED")
    if named:
        return named
    for parent in Path(__file__).resolve().parents:
        built = [parent / ".build" / kind / "sluiced" for kind in ("release", "debug")]
        found = [path for path in built if path.exists()]
        if found:
            return str(max(found, key=lambda path: path.stat().st_mtime))
    on_path = shutil.which("sluiced")
    if on_path:
        return on_path
    raise FileNotFoundError("no sluiced found: set SLUICED to its path, or put it on the PATH")


class Daemon:
    """Starts a ``sluiced``. Use it as a context manager, which kills it at the end.

    ``arguments`` are further flags. ``config`` is the text of a ``sluiced.yaml``. With port 0, the system chooses one;
    with None, the config or the arguments say where it listens. Raises ``SluiceError`` if it does not start.
    """

    def __init__(self, arguments: Sequence[str] = (), config: str | None = None, port: int | None = 0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sluice-")
        command = [find_daemon(), *arguments]
        if port is not None:
            command += ["--listen", f"127.0.0.1:{port}"]
        if config is not None:
            path = Path(self._folder.name) / "sluiced.yaml"
            path.touch(0o600)
            path.write_text(config)
            command += ["--config", str(path)]
        #: The last lines of its log.
        self.log: deque[str] = deque(maxlen=200)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._read_log, args=(self.process.stderr,), daemon=True).start()
        #: The addresses by their kind, as ``ready`` names them: tcp, tls, unix.
        self.addresses = self._wait_until_ready()

    @property
    def address(self) -> str:
        """Its address for ``sluice.connect``."""
        return self.addresses["tcp"]

    @property
    def port(self) -> int:
        """Its port."""
        return int(self.address.rpartition(":")[2])

    def _read_log(self, stream: IO[str] | None) -> None:
        for line in stream or ():
            self.log.append(line)

    def _wait_until_ready(self) -> dict[str, str]:
        if self.process.stdout is not None:
            for line in self.process.stdout:
                word, _, rest = line.strip().partition(" ")
                if word == "ready":
                    return dict(entry.split("=", 1) for entry in rest.split(" ") if "=" in entry)
        self.process.wait()
        self._folder.cleanup()
        raise SluiceError("sluiced did not start: " + "".join(self.log).strip())

    def signal(self, number: int) -> None:
        """Sends the process a signal."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """Lets it drain and end, also after SIGSTOP. Returns its exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        return self.wait()

    def kill(self) -> None:
        """Kills it."""
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        """Waits until it has ended, and kills it after 40 seconds. Returns its exit status."""
        try:
            return self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()
            self._folder.cleanup()

    def __enter__(self) -> Daemon:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.kill()
        else:
            self.wait()
