"""Sends jobs to the workers of all hosts, and collects their results."""

from sluice.csp import *


@process
def farmer(cout, jobs):
    for job in range(jobs):
        cout(job)
    retire(cout)


@process
def harvester(cin):
    results = []
    try:
        while True:
            results.append(cin())
    except ChannelRetireException:
        return sorted(results)


jobs, results = Channel("jobs"), Channel("results")
print(Parallel(farmer(-jobs, 20), harvester(+results))[-1])
shutdown()
