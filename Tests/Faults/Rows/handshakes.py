"""Clients that begin with a TLS handshake, which takes the server a thousand times as long as a short command."""

import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from battery import Figure, Skipped, exactly, row
from clients import Client
from combined_floods import Floods, longest_connect
from long_commands import LONGEST_WAIT_MS
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


@row(
    "slow-certificates",
    "one address begins handshakes, 4 at a time, with certificates whose keys take long to read",
    # It takes as long for a certificate as a server that reads such a key.
    wrong={"sluggish": "longest wait of a client that connects, on P-224"},
    timed=True,
)
def slow_certificates(conditions):
    seconds = conditions.count(full=4, quick=1)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = made_certificate(Path(folder))
        context = ssl.create_default_context(cafile=certificate)
        for name, curve, extra in (
            ("without names of their curves", "P-256", ["-pkeyopt", "ec_param_enc:explicit"]),
            ("on P-224", "P-224", []),
        ):
            slow, _ = made_certificate(Path(folder), "slow", curve, extra)
            chain = certificate.read_bytes() + slow.read_bytes() * 9 + key.read_bytes()
            with (
                conditions.daemon(certificate=(certificate, key)) as daemon,
                Floods(daemon.tls_port, [("shake-hands", chain, 4)]),
            ):
                # The thread that performs handshakes is one of those whose time without a processor does not count.
                time.sleep(0.5)
                wait = longest_connect(daemon, daemon.tls_port, seconds, context)
            yield Figure(f"longest wait of a client that connects, {name}", wait, "ms", at_most=LONGEST_WAIT_MS)


def made_certificate(folder, name="hub", curve="P-256", options=()):
    """Returns the paths of a self-signed certificate for 127.0.0.1, and of its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{curve}", *options, "-nodes"]
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
