"""The API of PyCSP over the channels of a hub. Processes are threads, operating-system processes, or other programs.

    from sluice.csp import *

    @process
    def source(cout):
        for number in range(3):
            cout(number)
        retire(cout)

    @process
    def sink(cin):
        while True:
            print(cin())

    numbers = Channel()
    Parallel(source(-numbers), sink(+numbers))
    shutdown()

``use`` names the hub. ``sluice.csp.python_csp`` has the API of python-csp.
"""

from sluice.csp._channel import Channel, ChannelEndRead, ChannelEndWrite, poison, retire
from sluice.csp._context import current_process_id
from sluice.csp._exceptions import (
    ChannelBindException,
    ChannelConnectException,
    ChannelLostException,
    ChannelPoisonException,
    ChannelRetireException,
    ChannelSocketException,
    FatalException,
    InfoException,
)
from sluice.csp._guards import (
    Alternation,
    AltSelect,
    Choice,
    FairSelect,
    InputGuard,
    OutputGuard,
    PriSelect,
    Skip,
    SkipGuard,
    Timeout,
    TimeoutGuard,
    choice,
)
from sluice.csp._multiprocess import MultiProcess, multiprocess
from sluice.csp._network import use
from sluice.csp._process import Parallel, Process, Sequence, Spawn, process, shutdown

#: PyCSP programs read the implementation's name here.
version = (0, 9, 2, "sluice")


class Io:
    """Has no effect; PyCSP's implementation with greenlets needs it."""


def io(fn):  # type: ignore[no-untyped-def]
    """Has no effect; PyCSP's implementation with greenlets needs it for functions that block."""
    return fn


__all__ = [
    "AltSelect",
    "Alternation",
    "Channel",
    "ChannelBindException",
    "ChannelConnectException",
    "ChannelEndRead",
    "ChannelEndWrite",
    "ChannelLostException",
    "ChannelPoisonException",
    "ChannelRetireException",
    "ChannelSocketException",
    "Choice",
    "FairSelect",
    "FatalException",
    "InfoException",
    "InputGuard",
    "Io",
    "MultiProcess",
    "OutputGuard",
    "Parallel",
    "PriSelect",
    "Process",
    "Sequence",
    "Skip",
    "SkipGuard",
    "Spawn",
    "Timeout",
    "TimeoutGuard",
    "choice",
    "current_process_id",
    "io",
    "multiprocess",
    "poison",
    "process",
    "retire",
    "shutdown",
    "use",
    "version",
]
