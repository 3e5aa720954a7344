"""An HTTP client beside clients of the line protocol, of another address, that send as much as they can."""

from battery import Figure, row
from combined_floods import INPUTS, waits_beside_floods
from long_commands import LONGEST_WAIT_MS, Beside


@row(
    "http-beside-lines",
    "500 connections of one address write commands of the line protocol as fast as they can, seven kinds in turn",
    wrong={"sluggish": "longest wait over HTTP, handoffs"},
    timed=True,
)
def floods_of_lines(conditions):
    seconds, writers = conditions.count(full=3, quick=1), conditions.count(full=500, quick=100)
    for kind, data in INPUTS.items():
        with Beside(conditions, web=True) as beside:
            floods = [("write", data, writers)]
            (_, web), connect = waits_beside_floods(beside, beside.port, floods, seconds, is_web=True)
        yield Figure(f"longest wait over HTTP, {kind}", web, "ms", at_most=LONGEST_WAIT_MS)
        yield Figure(f"longest wait of an HTTP client that connects, {kind}", connect, "ms", at_most=LONGEST_WAIT_MS)
