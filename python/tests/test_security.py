"""TLS and principals."""

from __future__ import annotations

import hashlib
import ssl
import subprocess

import pytest

import sluice
from sluice.testing import Daemon


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A self-signed certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "server.pem", folder / "server.key"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ),
            *("-keyout", key, "-out", certificate, "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    key.chmod(0o600)
    return certificate, key


@pytest.fixture
def secure(certificate):
    """A daemon that serves TLS."""
    path, key = certificate
    config = f"""
listen:
  - address: 127.0.0.1:0
    tls:
      certificate: {path}
      key: {key}
"""
    with Daemon(config=config, port=None) as daemon:
        yield daemon


def test_messages_go_over_tls(secure, certificate):
    address = "sluices://" + secure.addresses["tls"]
    body = bytes(range(256)) * 2000
    with sluice.connect(address, tls=str(certificate[0])) as hub:
        jobs = hub.channel("jobs").open(capacity=10)
        for _ in range(10):
            jobs.send(body)
        assert [jobs.recv() for _ in range(10)] == [body] * 10
    context = ssl.create_default_context(cafile=str(certificate[0]))
    with sluice.connect(address, tls=context) as hub:
        hub.ping()


def test_an_unknown_authority_is_refused(secure):
    with pytest.raises(sluice.ConnectionLost, match="certificate verify failed"):
        sluice.connect("sluices://" + secure.addresses["tls"])


def test_a_client_without_tls_is_refused(secure):
    with pytest.raises(sluice.SluiceError):
        sluice.connect(secure.addresses["tls"])


@pytest.fixture
def guarded():
    """A daemon with the principal `worker`, whose token is `w0rker`."""
    digest = hashlib.sha256(b"w0rker").hexdigest()
    config = f"""
principals:
  worker:
    tokens: ["sha256:{digest}"]
    allow: {{recv: ["jobs/"], send: ["jobs/"], inspect: own}}
"""
    with Daemon(config=config) as daemon:
        yield daemon


def test_a_principal_may_do_what_is_permitted(guarded):
    with sluice.connect(guarded.address, principal="worker", token="w0rker") as hub:
        with pytest.raises(sluice.TimedOut):
            hub.channel("jobs/mail").send(b"x", timeout=0)
        with pytest.raises(sluice.Denied, match="SEND results"):
            hub.channel("results").send(b"x", timeout=0)
        assert hub.clients()[0]["principal"] == "worker"


def test_credentials_come_from_the_environment(guarded, monkeypatch):
    monkeypatch.setenv("SLUICE_PRINCIPAL", "worker")
    monkeypatch.setenv("SLUICE_TOKEN", "w0rker")
    monkeypatch.setenv("SLUICE_ADDRESS", guarded.address)
    with sluice.connect() as hub:
        hub.ping()


def test_a_client_without_credentials_is_refused(guarded):
    with pytest.raises(sluice.AuthRequired, match="principal= and token="):
        sluice.connect(guarded.address)


def test_a_wrong_token_is_refused(guarded):
    with pytest.raises(sluice.Denied):
        sluice.connect(guarded.address, principal="worker", token="guess")
    with pytest.raises(sluice.BadRequest):
        sluice.connect(guarded.address, principal="worker")
