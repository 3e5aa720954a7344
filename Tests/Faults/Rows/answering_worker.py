"""A worker that answers calls with the squares of numbers: `answering_worker.py PORT COUNT NAME`.

It parks COUNT receives, prints a line, and answers each message some time after it has computed the answer.
"""

import re
import socket
import sys
import time

port, count, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].encode()
#: The time between the work and the answer, in which the worker is likely to be killed.
PAUSE_SECONDS = 0.0005

connection = socket.create_connection(("127.0.0.1", port))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
connection.sendall(b"".join(b"#%d recv lease=1h squares\n" % number for number in range(count)))
print("waiting", flush=True)
unread = b""
while data := connection.recv(1 << 16):
    unread += data
    end = 0
    for message in re.finditer(rb"#\d+ MSG squares \d+ did=(\S+) [^\n]*\n(\d+)\n", unread):
        answer = b"%d by %s" % (int(message[2]) ** 2, name)
        time.sleep(PAUSE_SECONDS)
        connection.sendall(b"ack %s %s\n" % (message[1], answer))
        end = message.end()
    unread = unread[end:]
