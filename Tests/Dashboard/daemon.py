"""Runs a daemon with a web door, and speaks the line protocol with it."""

import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
import tempfile
import time

PROGRAM = os.environ.get("SLUICED", ".build/debug/sluiced")
LIMIT = 30.0


class Daemon:
    """A daemon on ports that the system chooses, with permissions for `principals` if there are any."""

    def __init__(self, principals=None, ports=(0, 0), hosts=None):
        self._files = tempfile.TemporaryDirectory(prefix="sluice-dashboard-")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SLUICED_")}
        if principals is not None:
            path = os.path.join(self._files.name, "principals.yaml")
            with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
                file.write(principals)
            environment["SLUICED_PRINCIPALS_FILE"] = path
        self.process = subprocess.Popen(
            [PROGRAM, "--listen", f"127.0.0.1:{ports[0]}", "--web", f"127.0.0.1:{ports[1]}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
        )
        self.port = self._port("tcp")
        self.web_port = self._port("http")
        self.url = f"http://127.0.0.1:{self.web_port}"

    def _port(self, kind):
        line = self.process.stdout.readline()
        match = re.fullmatch(rf"ready {kind}=127\.0\.0\.1:(\d+)\n", line)
        if match is None:
            raise AssertionError(f"expected the ready line of {kind}, not {line!r}")
        return int(match[1])

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self._files.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def connect(self, label=None):
        line = Line(self.port)
        if label:
            line.ok(f"name {label}")
        return line


class Line:
    """A connection of the line protocol."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT)
        self.file = self.socket.makefile("rb")
        host, number = self.socket.getsockname()
        self.address = f"{host}:{number}"

    def send(self, *lines):
        self.socket.sendall("".join(f"{line}\n" for line in lines).encode())

    def reply(self):
        line = self.file.readline()
        if not line:
            raise AssertionError("the daemon has closed the connection")
        return line.decode().rstrip("\n")

    def ask(self, line):
        self.send(line)
        return self.reply()

    def ok(self, *lines):
        """Sends many commands at once, each of which must be answered with OK."""
        self.send(*lines)
        for line in lines:
            reply = self.reply()
            if not reply.startswith("OK"):
                raise AssertionError(f"{line}: {reply}")

    def body(self):
        """Reads a reply with a body."""
        head = self.reply()
        count = int(re.search(r"(?:MSG \S+|DATA) (\d+)", head)[1])
        data = self.file.read(count + 1)[:-1]
        return head, data.decode()

    def report(self, command):
        """The rows of all pages of a report."""
        verb, _, rest = command.partition(" ")
        rows, after = [], ""
        while True:
            self.send(f"{verb} format=json {after}{rest}".rstrip())
            head, text = self.body()
            page = json.loads(text)
            rows += next((value for value in page.values() if isinstance(value, list)), [])
            more = re.search(r"more=(\S+)", head)
            if more is None:
                return rows
            after = f"after={more[1]} "

    def until(self, command, condition):
        """Waits until the rows of a report meet a condition."""
        deadline = time.monotonic() + LIMIT
        while not condition(rows := self.report(command)):
            if time.monotonic() > deadline:
                raise AssertionError(f"{command} did not become as expected: {rows}")
        return rows

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.file.close()
        self.socket.close()


def digest(token):
    return f"sha256:{hashlib.sha256(token.encode()).hexdigest()}"
