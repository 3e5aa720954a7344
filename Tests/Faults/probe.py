"""A client that times its handoffs: `probe.py PORT PAUSE [PID]`.

On SIGUSR1 it prints the latest ones as JSON: pairs of the time of a handoff, and the part of it for which this process,
or the thread of the server with that id, was ready but had no processor. Both are in seconds.
"""

import gc
import json
import signal
import socket
import sys
import time

from stopwatch import Stopwatch

QUESTION = b"#1 recv timeout=1h probe\nsend probe are you there?\n"
ANSWER_BYTES = len(b"OK\n#1 MSG probe 14\nare you there?\n")


def main():
    connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    # If the server does not answer, the probe ends, and the battery notices that.
    connection.settimeout(20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pause_seconds = float(sys.argv[2])
    watch = Stopwatch("self", *sys.argv[3:])
    latencies, wanted = [], [True]
    signal.signal(signal.SIGUSR1, lambda *_: wanted.append(True))
    gc.disable()
    while True:
        if wanted:
            wanted.clear()
            print(json.dumps(latencies), flush=True)
            latencies = []
        with watch:
            connection.sendall(QUESTION)
            missing = ANSWER_BYTES
            while missing > 0:
                piece = connection.recv(missing)
                if not piece:
                    sys.exit("the server closed the connection")
                missing -= len(piece)
        latencies.append((watch.seconds, watch.delayed_seconds))
        time.sleep(pause_seconds)


try:
    main()
except OSError as reason:
    # Also if the server has ended, whose schedule the stopwatch reads.
    sys.exit(f"the server does not answer the probe: {reason}")
