"""A client that times what it asks for: `probe.py line|web PORT PAUSE [PID]`.

Over the line protocol, it sends a message to itself; over HTTP, it receives from a channel that has no message. On
SIGUSR1 it prints the latest times as JSON: pairs of the time until an answer, and the part of it for which this
process, or the thread of the server with that id, was ready but had no processor. Both are in seconds.
"""

import gc
import json
import signal
import socket
import sys
import time

from stopwatch import Stopwatch

#: By the protocol: the question, and the end of its answer.
QUESTIONS = {
    "line": (b"#1 recv timeout=1h probe\nsend probe are you there?\n", b"OK\n#1 MSG probe 14\nare you there?\n"),
    "web": (b"GET /c/probe?timeout=0 HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\r\n\r\n"),
}


def main():
    protocol, port, pause, *pids = sys.argv[1:]
    question, end = QUESTIONS[protocol]
    connection = socket.create_connection(("127.0.0.1", int(port)))
    # If the server does not answer, the probe ends, and the battery notices that.
    connection.settimeout(20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pause_seconds = float(pause)
    watch = Stopwatch("self", *pids)
    latencies, wanted = [], [True]
    signal.signal(signal.SIGUSR1, lambda *_: wanted.append(True))
    gc.disable()
    while True:
        if wanted:
            wanted.clear()
            print(json.dumps(latencies), flush=True)
            latencies = []
        with watch:
            connection.sendall(question)
            answer = b""
            while not answer.endswith(end):
                piece = connection.recv(1024)
                if not piece:
                    sys.exit("the server closed the connection")
                answer += piece
        latencies.append((watch.seconds, watch.delayed_seconds))
        time.sleep(pause_seconds)


try:
    main()
except OSError as reason:
    # Also if the server has ended, whose schedule the stopwatch reads.
    sys.exit(f"the server does not answer the probe: {reason}")
