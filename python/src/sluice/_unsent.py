"""How much of what was written to a socket is still on its way."""

from __future__ import annotations

import fcntl
import sys
import termios


def unacknowledged(descriptor: int) -> int:
    """Returns how many bytes the kernel keeps because the other host has not acknowledged them, 0 if it cannot say."""
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except (OSError, ValueError):
        return 0
