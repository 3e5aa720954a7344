"""Handoffs over HTTP, between two clients, beside nginx and webdis."""

import contextlib
import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from processes import ChildFailed, Server, free_port, output_of, redis_server, start
from report import Result, print_block

BODY = "sweep the yard"
#: The connections of each of the two wrks.
CONNECTIONS = 50


@dataclass(frozen=True)
class Place:
    """Where a message is sent, with which body, and where it is received."""

    send: str
    body: str
    receive: str


def run_web(toolbox, rounds, quick, failures):
    """Compares handoffs by two curls, and by two wrks with many connections. Returns the results."""
    if "sluiced" not in toolbox.programs or not shutil.which("curl"):
        return []
    clients = [("curl", "handoffs by two curls, one after the other", _curls)]
    if shutil.which("wrk"):
        clients.append(("wrk", f"handoffs by two wrks, {CONNECTIONS} connections each", _wrks))
    servers = [("sluice", "Sluice", lambda: _sluice(toolbox.programs["sluiced"][0]))]
    if shutil.which("nginx"):
        servers.append(("nginx", "nginx, a POST and a GET of fixed bytes", _nginx))
    if shutil.which("webdis") and shutil.which("redis-server"):
        servers.append(("webdis", "webdis and Redis, LPUSH and BRPOP", _webdis))
    everything = []
    for client, heading, measure in clients:
        results = [
            Result(f"web-{client}", key, title, "handoffs/s", higher_is_better=True) for key, title, _ in servers
        ]
        for _ in range(rounds):
            for result, (_, _, serve) in zip(results, servers, strict=True):
                try:
                    with serve() as place:
                        result.values.append(measure(place, quick))
                except (ChildFailed, OSError, subprocess.SubprocessError) as failure:
                    failures.append(f"{result.title}, {heading}: {failure}")
                    result.note = "failed: see the end"
        print_block(f"{heading}, a second", results)
        everything += results
    return everything


# Clients


def _curls(place, quick):
    """Returns the handoffs of one curl that sends and one that receives, each with one connection."""
    count = 500 if quick else 5000
    with tempfile.TemporaryDirectory() as folder:
        children = []
        begin = time.monotonic()
        try:
            for name, url, options in (("send", place.send, ["--data", place.body]), ("receive", place.receive, [])):
                path = Path(folder) / name
                path.write_text(f'url = "{url}"\n' * count, encoding="ascii")
                command = ["curl", "--silent", "--show-error", "--fail", *options, "--config", path]
                children.append(start(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
            for child in children:
                _, errors = child.communicate(timeout=120)
                if child.returncode != 0:
                    raise ChildFailed(f"curl: exit {child.returncode}: {errors.strip()[:200]}")
        finally:
            for child in children:
                child.kill()
                child.wait()
        return count / (time.monotonic() - begin)


def _wrks(place, quick):
    """Returns the receives of a wrk beside one that sends."""
    seconds = 1 if quick else 4
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "send.lua"
        script.write_text(f'wrk.method = "POST"\nwrk.body = "{place.body}"\n', encoding="ascii")
        options = ["--threads", "1", "--connections", CONNECTIONS]
        sender = start(
            ["wrk", *options, "--duration", f"{seconds + 1}s", "--script", script, place.send],
            stdout=subprocess.DEVNULL,
        )
        try:
            report = output_of(["wrk", *options, "--duration", f"{seconds}s", place.receive])
        finally:
            sender.kill()
            sender.wait()
    if "Non-2xx" in report:
        raise ChildFailed(f"wrk: {report.strip().splitlines()[-3]}")
    return float(re.search(r"Requests/sec:\s*([\d.]+)", report)[1])


# Servers


@contextlib.contextmanager
def _sluice(program):
    port = lambda line: int(line.rpartition(":")[2])  # noqa: E731
    with Server([program, "--listen", "127.0.0.1:0", "--web", "127.0.0.1:0"], "ready http=", port) as server:
        url = f"http://127.0.0.1:{server.port}/c/jobs"
        yield Place(url, BODY, url)


@contextlib.contextmanager
def _nginx():
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder) / "nginx.conf"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        # Without this limit, nginx ends a connection after 1 000 requests.
        configuration.write_text(
            f"worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/errors;\n"
            "events { worker_connections 1024; }\n"
            f"http {{ access_log off; keepalive_requests 1000000000; {paths}\n"
            f'server {{ listen 127.0.0.1:{port}; location / {{ return 200 "{BODY}"; }} }} }}\n',
            encoding="ascii",
        )
        with _serving(["nginx", "-e", f"{folder}/errors", "-c", configuration], port):
            url = f"http://127.0.0.1:{port}/"
            yield Place(url, BODY, url)


@contextlib.contextmanager
def _webdis():
    """Runs two webdis: in one alone, an LPUSH could wait behind a BRPOP that has the same connection to Redis."""
    with contextlib.ExitStack() as stack:
        redis = stack.enter_context(redis_server())
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        ports = [free_port(), free_port()]
        for number, port in enumerate(ports):
            configuration = Path(folder) / f"webdis{number}.json"
            settings = {"redis_host": "127.0.0.1", "redis_port": redis.port, "http_host": "127.0.0.1"}
            settings |= {"http_port": port, "threads": 1, "pool_size": CONNECTIONS, "daemonize": False}
            settings |= {"verbosity": 0, "logfile": f"{folder}/log{number}", "http_max_request_size": 1 << 20}
            configuration.write_text(json.dumps(settings), encoding="ascii")
            stack.enter_context(_serving(["webdis", configuration], port))
        yield Place(
            f"http://127.0.0.1:{ports[0]}/",
            f"LPUSH/jobs/{BODY.replace(' ', '%20')}",
            f"http://127.0.0.1:{ports[1]}/BRPOP/jobs/0",
        )


@contextlib.contextmanager
def _serving(command, port, seconds=10):
    """Runs a server, which is ready when it accepts connections."""
    child = start(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if child.poll() is not None or time.monotonic() > end:
                raise ChildFailed(f"{command[0]} does not accept connections")
            time.sleep(0.01)
        yield
    finally:
        child.terminate()
        child.wait()
