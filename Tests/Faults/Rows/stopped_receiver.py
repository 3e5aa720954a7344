"""A process that parks many receives, and prints a line: `stopped_receiver.py PORT COUNT sluice|redis`."""

import socket
import sys

port, count, dialect = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]


def connected():
    return socket.create_connection(("127.0.0.1", port))


if dialect == "redis":
    # A connection can have only one pending BLPOP.
    connections = [connected() for _ in range(count)]
    for connection in connections:
        connection.sendall(b"BLPOP jobs 0\r\n")
else:
    connections = [connected()]
    connections[0].sendall(b"".join(b"#%d recv lease=1h jobs\n" % number for number in range(count)))
print("waiting", flush=True)
connections[0].recv(1)
while True:
    connections[0].recv(1 << 16)
