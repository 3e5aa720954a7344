"""Reports over HTTP beside very many channels."""

import time

from battery import Figure, exactly, row
from combined_floods import Floods
from http_clients import HTTPClient, get
from http_hoards import make_channels
from long_commands import LONGEST_WAIT_MS, Beside

#: Prometheus waits for 10 seconds by default.
MOST_SECONDS = 5
PAGES = 20
_ROUND = b"event: round\n"


@row(
    "http-reports",
    "one scrape, pages of channels, the stream of the dashboard, and 500 clients that scrape, beside 20 000 and "
    "200 000 channels",
    wrong={"slow-output": "longest wait over HTTP"},
    timed=True,
)
def reports_over_http(conditions):
    for count in conditions.count(full=(20_000, 200_000), quick=(5000,)):
        with Beside(conditions, web=True) as beside:
            make_channels(beside.watcher, count)
            seconds = {}

            def act(beside=beside, seconds=seconds):
                seconds["scrape"], status = _scraped(beside)
                seconds["page"] = _longest_page(beside)
                seconds["first round"], seconds["third round"] = _rounds(beside)
                seconds["status"] = status

            waits = beside.longest_waits(act)
            scrapes = conditions.count(full=500, quick=50)

            def scrape(beside=beside, scrapes=scrapes):
                with Floods(beside.daemon.web_port, [("write", get(b"/metrics") * 100, scrapes)]):
                    time.sleep(3)

            flooded = beside.longest_waits(scrape)
        name = f"{count:,}".replace(",", " ")
        yield exactly("status of the scrape", seconds["status"], 200)
        yield Figure(f"scrape beside {name}", seconds["scrape"], "s", at_most=MOST_SECONDS)
        yield Figure(f"page beside {name}", seconds["page"], "s", at_most=1)
        yield Figure(f"first round beside {name}", seconds["first round"], "s", at_most=30)
        yield Figure("third round", seconds["third round"], "s")
        yield Figure("longest wait", max(waits[0], flooded[0]), "ms", at_most=LONGEST_WAIT_MS)
        yield Figure("longest wait over HTTP", max(waits[1], flooded[1]), "ms", at_most=LONGEST_WAIT_MS)


def _scraped(beside):
    with HTTPClient(beside.daemon.web_port, "127.0.9.9") as client:
        begin = time.monotonic()
        response = client.request(get(b"/metrics"))
        return time.monotonic() - begin, response.status


def _longest_page(beside):
    """Returns how long a page of channels takes at most, in seconds."""
    longest, key = 0.0, None
    with HTTPClient(beside.daemon.web_port, "127.0.9.9") as client:
        for _ in range(PAGES):
            begin = time.monotonic()
            response = client.request(get(b"/v1/channels" + (b"?after=" + key if key else b"")))
            longest = max(longest, time.monotonic() - begin)
            key = response.header(b"sluice-more")
            if key is None:
                break
    return longest


def _rounds(beside):
    """Returns after how many seconds the first and the third round of the dashboard's stream are complete."""
    ends = []
    with HTTPClient(beside.daemon.web_port, "127.0.9.9") as client:
        client.send(get(b"/v1/live"))
        begin, tail = time.monotonic(), b""
        while len(ends) < 3:
            data = client.socket.recv(1 << 18)
            if not data:
                break
            data = tail + data
            ends += [time.monotonic() - begin] * data.count(_ROUND)
            tail = data[-len(_ROUND) + 1 :]
    ends += [float("inf")] * 3
    return ends[0], ends[2]
