"""A private hub: a ``sluiced`` that ends with its program."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path

from sluice.csp._exceptions import ChannelConnectException
from sluice.testing import find_daemon

# The shell reads until its input ends, which happens when this program has ended, even if it was killed. It closes its
# output, so that this program notices if the daemon does not start.
_GUARD = '"$@" & exec >&-; read _; kill $!; wait $!; rm -rf "$SLUICE_CSP_FOLDER"'


class PrivateHub:
    """Starts a ``sluiced`` on a Unix-domain socket that only this user can open."""

    def __init__(self) -> None:
        try:
            program = find_daemon()
        except FileNotFoundError:
            raise ChannelConnectException(
                None,
                "there is no hub: call sluice.csp.use('host:port') or set SLUICE_ADDRESS, "
                "or put sluiced on the PATH to get a private one",
            ) from None
        folder = tempfile.mkdtemp(prefix="sluice-csp-")
        self.address = f"unix:{Path(folder) / 'hub'}"
        self._owner = os.getpid()
        self._guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", program, "--listen", self.address, "--log-level", "error"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "SLUICE_CSP_FOLDER": folder},
            start_new_session=True,  # Ctrl-C is for this program.
        )
        output = self._guard.stdout
        if output is None or not any(line.startswith(b"ready") for line in output):
            self.stop()
            raise ChannelConnectException(self.address, f"{program} did not start")

    def release(self) -> None:
        """Closes a forked process's copy of the pipe, so that the daemon ends with the process that started it."""
        if self._guard.stdin is not None:
            self._guard.stdin.close()

    def stop(self) -> None:
        """Ends the daemon, if this process started it."""
        if os.getpid() != self._owner or self._guard.stdin is None:
            return
        self._guard.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(10)
        if self._guard.stdout is not None:
            self._guard.stdout.close()
