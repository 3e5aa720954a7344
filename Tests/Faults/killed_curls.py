#!/usr/bin/env python3
"""Kills curls that receive messages: `killed_curls.py HTTP-PORT TCP-PORT lease|none [COUNT]`.

COUNT messages (1 000 by default) stand in a buffer of a running daemon. Curls receive them, and about half of these are
killed at any point. One that has the whole message acknowledges it, if it has a lease. The last line tells how many
messages no curl got, and how many more than one.
"""

import collections
import random
import socket
import subprocess
import sys
import threading
import time

HTTP, TCP, MANNER = sys.argv[1:4]
COUNT = int(sys.argv[4]) if len(sys.argv) > 4 else 1000
BASE = f"http://127.0.0.1:{HTTP}"

taken = collections.Counter()
killed = 0
lock = threading.Lock()


def fill():
    with socket.create_connection(("127.0.0.1", int(TCP))) as hub:
        hub.sendall(b"open cap=%d jobs\n" % COUNT + b"".join(b"send jobs %d\n" % number for number in range(COUNT)))
        answers = b""
        while answers.count(b"\n") <= COUNT:
            answers += hub.recv(65536)
        assert answers == b"OK\n" * (COUNT + 1)


def curl(*arguments):
    return subprocess.Popen(["curl", "-sS", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def acknowledge(token):
    request = curl("-d", "", "-o", "/dev/null", "-w", "%{http_code}", f"{BASE}/d/{token}")
    return request.communicate()[0] == b"200"


def receive(seed):
    """Receives until three times in a row nothing has come: killed curls hold leases for two seconds."""
    global killed
    chance = random.Random(seed)
    misses = 0
    lease = "&lease=2s" if MANNER == "lease" else ""
    while misses < 3:
        receiver = curl("-w", "|%{http_code}|%header{sluice-delivery}", f"{BASE}/c/jobs?timeout=2s{lease}")
        if chance.random() < 0.5:
            time.sleep(chance.random() * 0.03)
            receiver.kill()
            with lock:
                killed += 1
        body, _, rest = receiver.communicate()[0].decode().partition("|")
        status, _, token = rest.partition("|")
        if receiver.returncode:
            continue
        if status == "204":
            misses += 1
        elif status == "200" and (not lease or acknowledge(token)):
            misses = 0
            with lock:
                taken[int(body)] += 1
                if sum(taken.values()) % 20 == 0:
                    print(f"{len(taken)} of {COUNT}", flush=True)


fill()
threads = [threading.Thread(target=receive, args=[seed]) for seed in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f"lost={COUNT - len(taken)} repeated={sum(taken.values()) - len(taken)} killed={killed}")
