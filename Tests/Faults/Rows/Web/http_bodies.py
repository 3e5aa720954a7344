"""HTTP clients that have no credentials, and send long bodies all the same."""

import time

from battery import Figure, exactly, row
from clients import Client
from combined_floods import Floods
from daemon import private_file
from http_clients import HOST, HTTPClient, post
from long_commands import LONGEST_WAIT_MS
from stopwatch import Stopwatch

_BODY_BYTES = 900_000
#: What each client may make the server keep: its connection, and the 4 KiB that are read before the credentials are
#: checked.
_BYTES_EACH = 12 << 10
#: What connections that have just ended may take besides.
_BYTES_OF_ENDED = 4 << 20
#: The headers of a client without credentials, and of one with wrong credentials.
CREDENTIALS = {"no credentials": b"", "wrong credentials": b"Authorization: Bearer alice:guess\r\n"}


@row(
    "http-bodies",
    "9 000 HTTP clients without credentials, or with wrong ones, write bodies of 900 KB to a server that demands them",
    wrong={"keep-all": "RSS growth, no credentials"},
    timed=True,
)
def bodies_without_credentials(conditions):
    count = conditions.count(full=9000, quick=300)
    for name, header in CREDENTIALS.items():
        head = b"POST /c/x HTTP/1.1\r\n" + HOST + header + b"Content-Length: 1000000\r\n\r\n"
        with (
            private_file("alice s3cret\n") as users,
            conditions.daemon(users_file=users, web=True, connections=20_000) as daemon,
            Client(daemon.port, "127.0.9.3") as other,
            HTTPClient(daemon.web_port, "127.0.9.4") as asking,
        ):
            status = asking.request(post(b"/c/x", b"x", *header.splitlines())).status
            other.ask(b"auth alice s3cret\n")
            before, resident = other.info()["memoryBytes"], daemon.resident_bytes()
            data = head + bytes(_BODY_BYTES)
            with Floods(daemon.web_port, [("write", data, count, len(data))]):
                wait, charge, peak = _watched(other, daemon, conditions.count(full=8, quick=3))
        yield exactly(f"status, {name}", status, 401)
        most = (count * _BYTES_EACH + _BYTES_OF_ENDED) / (1 << 20)
        yield Figure(f"charge, {name}", (charge - before) / (1 << 20), "MiB", at_most=most)
        yield Figure(f"RSS growth, {name}", (peak - resident) / (1 << 20), "MiB", at_most=1.5 * most)
        yield Figure(f"longest wait, {name}", wait, "ms", at_most=LONGEST_WAIT_MS)


def _watched(client, daemon, seconds):
    """Returns the longest wait of a client for some seconds, and the greatest charge and memory."""
    watch = Stopwatch("self", daemon.pids[0])
    longest, charge, resident, looked_at = 0.0, 0, 0, 0.0
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        with watch:
            client.ask(b"ping\n")
        longest = max(longest, watch.seconds - watch.delayed_seconds)
        # Not each time, because reading the size stops the process for a moment.
        if now > looked_at + 0.2:
            looked_at = now
            charge, resident = max(charge, client.info()["memoryBytes"]), max(resident, daemon.resident_bytes())
        time.sleep(0.002)
    return longest * 1000, charge, resident
