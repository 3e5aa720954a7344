"""A web crawler, for gevent. Its twin for Sluice is Sources/Examples/InProcess/Crawler.swift.

make example NAME=crawler-gevent     runs this program
make example NAME=crawler            runs its twin
"""

import gevent
from gevent import socket
from gevent.pool import Pool
from gevent.queue import Queue
from gevent.server import StreamServer

SITE = {
    "/": ["/bread", "/cakes", "/opening-hours"],
    "/bread": ["/", "/bread/rye", "/bread/wheat"],
    "/bread/rye": ["/bread"],
    "/bread/wheat": ["/bread", "/prices"],
    "/cakes": ["/", "/cakes/wedding"],
}


def serve(connection, _address):
    path = connection.makefile().readline().split()[1]
    if path == "/opening-hours":
        gevent.sleep(3600)
    if path not in SITE:
        connection.sendall(b"HTTP/1.0 404 Not Found\r\n\r\n")
        return
    body = "".join(f"{link}\n" for link in SITE[path])
    connection.sendall(f"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n{body}".encode())


def fetch(path, address):
    try:
        with gevent.Timeout(0.3), socket.create_connection(address) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            reader = connection.makefile()
            status = reader.readline().strip()
            if status != "HTTP/1.0 200 OK":
                return path, f"the answer is {status}", []
            while reader.readline().strip():
                pass
            links = [line.strip() for line in reader]
            return path, f"{len(links)} {'link' if len(links) == 1 else 'links'}", links
    except gevent.Timeout:
        return path, "timed out", []
    except OSError as error:
        return path, str(error), []


server = StreamServer(("127.0.0.1", 0), serve, spawn=100)
server.start()

pages = Queue()
pool = Pool(4)
known = {"/"}
waiting = ["/"]
results = {}
while len(results) < len(known):
    for path in waiting:
        pool.spawn(lambda path: pages.put(fetch(path, server.address)), path)
    path, results[path], links = pages.get()
    waiting = [link for link in links if link not in known]
    known.update(waiting)
for path, result in sorted(results.items()):
    print(f"{path}: {result}")
server.stop(timeout=0)
