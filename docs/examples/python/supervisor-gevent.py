"""A supervisor of subprocesses, for gevent. Its twin for Sluice is Sources/Examples/InProcess/Supervisor.swift.

make example NAME=supervisor-gevent     runs this program
make example NAME=supervisor            runs its twin
"""

import gevent
from gevent.event import Event
from gevent.subprocess import DEVNULL, PIPE, Popen, TimeoutExpired

SERVICES = {
    "greeter": "echo hello",
    "flaky": "echo attempt $ATTEMPT; test $ATTEMPT = 3",
    "hopeless": "echo trying; kill -9 $$",
    "server": "echo ready; exec sleep 3600",
}
MOST_ATTEMPTS = 3
stop = Event()


def supervise(command):
    """Runs the program until it has done its work, has failed too often, or is told to stop."""
    log = []
    for attempt in range(1, MOST_ATTEMPTS + 1):
        environment = {"ATTEMPT": str(attempt), "PATH": "/usr/bin:/bin"}
        process = Popen(["sh", "-c", command], stdin=DEVNULL, stdout=PIPE, env=environment, text=True)
        reader = gevent.spawn(lambda output: output.read().splitlines(), process.stdout)
        status = end(process)
        log += [*reader.get(), f"exit status {status}" if status >= 0 else f"signal {-status}"]
        if status == 0 or stop.is_set():
            return log
        gevent.sleep(0.02 * attempt)
    return [*log, "given up"]


def end(process):
    gevent.wait([process.result, stop], count=1)
    if not process.result.ready():
        process.terminate()
        try:
            process.wait(timeout=5)
        except TimeoutExpired:
            process.kill()
    return process.wait()


tasks = {name: gevent.spawn(supervise, command) for name, command in SERVICES.items()}
# The server is the only one that ends when it is told to.
gevent.joinall([task for name, task in tasks.items() if name != "server"])
stop.set()
for name, task in tasks.items():
    print(f"{name}: {', '.join(task.get())}")
