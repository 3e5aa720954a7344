"""Clients that begin with a TLS handshake, which takes the server a thousand times as long as a short command."""

import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from battery import Figure, Skipped, exactly, row
from clients import Client
from measure import Probe, percentile_99

#: The threads that perform handshakes, one after the other.
THREADS = 8


@row(
    "handshakes",
    "2 000 TLS handshakes from one address, 8 at a time, beside a client that is connected",
    wrong={},
    timed=True,
)
def handshakes(conditions):
    count = conditions.count(full=2000, quick=200)
    with tempfile.TemporaryDirectory() as folder:
        certificate = made_certificate(Path(folder))
        with conditions.daemon(certificate=certificate) as daemon, Probe(daemon.port, server=daemon.pids[0]) as probe:
            probe.waits()
            time.sleep(2)
            usual = percentile_99(probe.waits())
            begin = time.monotonic()
            done = _shake_hands(daemon.tls_port, count, certificate)
            seconds = time.monotonic() - begin
            beside = percentile_99(probe.waits())
    yield exactly("handshakes", done, count)
    yield Figure("handshakes", done / seconds, "a second")
    yield Figure("others' p99", beside / usual, "x", at_most=2)


def made_certificate(folder):
    """Returns the paths of a self-signed certificate for 127.0.0.1, and of its key."""
    certificate, key = folder / "hub.pem", folder / "hub.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=hub", "-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        subprocess.run([*command, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    except FileNotFoundError:
        raise Skipped("openssl is not installed") from None
    return certificate, key


def _shake_hands(port, count, certificate):
    """Performs the handshakes, each of which is followed by a PING. Returns how many were answered."""
    answered = []

    def perform(number):
        # Without a session to resume, each handshake is a whole one.
        context = ssl.create_default_context(cafile=certificate[0])
        for _ in range(number):
            with Client(port, source="127.0.8.1") as client:
                client.socket = context.wrap_socket(client.socket, server_hostname="127.0.0.1")
                answered.append(client.ask(b"ping\n").word)

    threads = [threading.Thread(target=perform, args=(count // THREADS,)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answered.count("OK")
