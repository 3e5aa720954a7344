"""The API of python-csp over the channels of a hub. Replaces its module ``csp.csp``.

    from sluice.csp.python_csp import *

    @process
    def source(cout):
        for number in range(3):
            cout.write(number)
        cout.poison()

    @process
    def sink(cin):
        while True:
            print(cin.read())

    numbers = Channel()
    Par(source(numbers), sink(numbers)).start()

``sluice.csp.python_csp.builtins``, ``guards`` and ``patterns`` replace ``csp.builtins``, ``csp.guards`` and
``csp.patterns``. ``sluice.csp.use`` names the hub.
"""

from sluice.csp.python_csp._alt import Alt, NoGuardInAlt
from sluice.csp.python_csp._channel import Channel, ChannelPoison, FileChannel, Guard
from sluice.csp.python_csp._process import (
    CSP,
    CSP_IMPLEMENTATION,
    CSPProcess,
    CSPServer,
    Par,
    Seq,
    Skip,
    forever,
    process,
    set_debug,
)

__all__ = [
    "CSP",
    "CSP_IMPLEMENTATION",
    "Alt",
    "CSPProcess",
    "CSPServer",
    "Channel",
    "ChannelPoison",
    "FileChannel",
    "Guard",
    "NoGuardInAlt",
    "Par",
    "Seq",
    "Skip",
    "forever",
    "process",
    "set_debug",
]
