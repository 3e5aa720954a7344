"""A client that times its handoffs: `probe.py PORT PAUSE [PID]`.

On SIGUSR1 it prints the latest ones as JSON: pairs of the time of a handoff, and the part of it for which this process,
or the thread of the server with that id, was ready but had no processor. Both are in seconds.
"""

import gc
import json
import os
import signal
import socket
import sys
import time

QUESTION = b"#1 recv timeout=1h probe\nsend probe are you there?\n"
ANSWER_BYTES = len(b"OK\n#1 MSG probe 14\nare you there?\n")


def delayed(schedules):
    """Returns the seconds for which the processes were ready to run, and other processes ran instead of them."""
    return sum(int(os.pread(schedule, 100, 0).split()[1]) for schedule in schedules) / 1e9


def main():
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    # If the server does not answer, the probe ends, and the battery notices that.
    connection.settimeout(20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pause_seconds = float(sys.argv[2])
    schedules = [os.open(f"/proc/{pid}/schedstat", os.O_RDONLY) for pid in ["self", *sys.argv[3:]]]
    latencies, wanted = [], [True]
    signal.signal(signal.SIGUSR1, lambda *_: wanted.append(True))
    gc.disable()
    while True:
        if wanted:
            wanted.clear()
            print(json.dumps(latencies), flush=True)
            latencies = []
        delay = -delayed(schedules)
        begin = time.perf_counter()
        connection.sendall(QUESTION)
        missing = ANSWER_BYTES
        while missing > 0:
            piece = connection.recv(missing)
            if not piece:
                sys.exit("the server closed the connection")
            missing -= len(piece)
        seconds = time.perf_counter() - begin
        delay += delayed(schedules)
        latencies.append((seconds, min(seconds, delay)))
        time.sleep(pause_seconds)


main()
