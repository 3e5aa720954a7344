"""A drain beside HTTP clients that do not stop asking."""

from battery import row
from combined_floods import Floods
from great_commands import drained
from http_clients import get, post
from long_commands import Beside

REQUESTS = {
    "ends of leases": post(b"/d/0123456789abcdef0123456789abcdef") * 2000,
    "receives": get(b"/c/x?timeout=0") * 2000,
}


@row(
    "http-drain",
    "SIGTERM beside 3 000, and 9 000, HTTP clients that send requests without waiting for the responses",
    wrong={"bad-exit": "exit status"},
    timed=True,
)
def drain_beside_requests(conditions):
    for count in conditions.count(full=(3000, 9000), quick=(300,)):
        for name, data in REQUESTS.items():
            with (
                Beside(conditions, web=True) as beside,
                Floods(beside.daemon.web_port, [("write", data, count)], may_end=True),
            ):
                beside.watcher.await_info(lambda info, count=count: info["connections"] > count)
                yield from drained(beside, f"{name} of {count}", most_seconds=5)
