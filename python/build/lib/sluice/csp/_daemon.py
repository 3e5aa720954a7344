"""A hub for one program: a ``sluiced`` that ends with it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path

from sluice.csp._exceptions import ChannelConnectException
from sluice.testing import find_daemon

# The shell waits for the end of its input, which comes when this program and all processes that it has forked have
# ended in whatever way. Its own output is closed, so that this program notices if the daemon cannot start.
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
                "or put sluiced on the PATH to have a private one",
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

    def stop(self) -> None:
        """Ends it, if this process has started it."""
        if os.getpid() != self._owner or self._guard.stdin is None:
            return
        self._guard.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(10)
        if self._guard.stdout is not None:
            self._guard.stdout.close()
