"""A chat server, for gevent. Its twin for Sluice is Sources/Examples/InProcess/Chat.swift.

make example NAME=chat-gevent     runs this program
make example NAME=chat            runs its twin
"""

import contextlib

import gevent
from gevent import socket
from gevent.queue import Full, Queue
from gevent.server import StreamServer

clients = []


def tell_all(line):
    for lines in clients:
        # A client that does not read loses lines, and holds up nobody.
        with contextlib.suppress(Full):
            lines.put_nowait(line)


def serve(connection, _address):
    reader = connection.makefile()
    name = reader.readline().strip()
    if not name:
        return
    lines = Queue(maxsize=100)
    clients.append(lines)
    tell_all(f"* {name} has joined")
    writer = gevent.spawn(lambda: [connection.sendall(f"{line}\n".encode()) for line in lines])
    with contextlib.suppress(ConnectionError):
        for text in reader:
            tell_all(f"{name}: {text.strip()}")
    clients.remove(lines)
    lines.put(StopIteration)
    writer.join()
    tell_all(f"* {name} has left")


class Client:
    def __init__(self, name, address):
        self.socket = socket.create_connection(address)
        self.reader = self.socket.makefile()
        self.write(name)

    def write(self, line):
        self.socket.sendall(f"{line}\n".encode())

    def read(self):
        with gevent.Timeout(10):
            return self.reader.readline().strip()

    def close(self):
        self.reader.close()
        self.socket.close()


server = StreamServer(("127.0.0.1", 0), serve, spawn=100)
server.start()

# A conversation of two clients, as Bob sees it.
ada = Client("Ada", server.address)
ada.read()
bob = Client("Bob", server.address)
print(bob.read())
ada.read()
ada.write("hello, Bob")
print(bob.read())
bob.write("hello, Ada")
print(bob.read())
ada.close()
print(bob.read())

bob.close()
server.stop(timeout=5)
print("the server has ended")
