"""Works for the farmer, with four threads. Start as many of these as there are hosts."""

from sluice.csp import *


@process
def worker(cin, cout):
    while True:
        cout(cin() * 10)


jobs, results = Channel("jobs", connect=True), Channel("results", connect=True)
Parallel(4 * worker(+jobs, -results))
shutdown()
