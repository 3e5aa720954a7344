"""HTTP receivers that keep their connections, and whose kernels confirm late."""

from battery import Figure, exactly, row
from http_clients import HTTPClient, get, post
from stopwatch import Stopwatch

#: Linux delays a confirmation by 40 ms or a little more, and the server asks for it every few milliseconds.
MOST_MS = 60
#: Long enough for a wrong server to delay it.
BODY = bytes(2000)


@row(
    "confirmations",
    "messages to an HTTP client that keeps its connection, and sends nothing until the sender has its answer",
    wrong={"sluggish": "longest wait of the sender"},
    timed=True,
)
def senders_to_a_kept_connection(conditions):
    count = conditions.count(full=200, quick=30)
    waits, statuses = [], []
    with conditions.daemon(web=True) as daemon:
        watch = Stopwatch("self", daemon.pids[0])
        with HTTPClient(daemon.web_port) as receiver, HTTPClient(daemon.web_port) as sender:
            for _ in range(count):
                receiver.send(get(b"/c/jobs"))
                with watch:
                    sender.send(post(b"/c/jobs", BODY))
                    receiver.response()
                    statuses.append(sender.response().status)
                waits.append((watch.seconds - watch.delayed_seconds) * 1000)
    yield exactly("sent", statuses.count(200), count)
    yield Figure("longest wait of the sender", max(waits), "ms", at_most=MOST_MS)
    yield Figure("median", sorted(waits)[count // 2], "ms")
