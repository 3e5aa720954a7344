"""Handlers for the tests of the worker."""

import sluice


def square(job):
    return str(int(job.body) ** 2)


async def double(job):
    return str(int(job.body) * 2)


def fail(job):
    raise ValueError("no " + job.text)


def refuse(job):
    raise sluice.Rejected("not mine")


def signal_and_hold(job):
    """Tells that it has begun, and ends when it may."""
    with sluice.connect() as hub:
        hub.channel("begun").send(job.raw)
        hub.channel("finish").recv()
