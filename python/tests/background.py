"""Runs functions in threads."""

from __future__ import annotations

import threading

#: How long a test waits for what must happen. Only a failure takes that long, however busy the machine is.
PATIENCE_SECONDS = 200


def in_thread(function, *arguments):
    """Starts a thread. Calling the result joins it, and returns what the function returns, or raises its exception."""
    box = []

    def run():
        try:
            box.append((function(*arguments), None))
        except BaseException as error:
            box.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def join():
        thread.join(PATIENCE_SECONDS)
        assert box, "the thread does not end"
        result, error = box[0]
        if error is not None:
            raise error
        return result

    return join


def wait_for_waiters(hub, number, channel=None):
    """Asks the server repeatedly until ``number`` operations wait."""
    while len(hub.waiters(channel)) != number:
        pass
