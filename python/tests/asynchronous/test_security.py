"""TLS, principals and Unix-domain sockets, on each asynchronous face."""

from __future__ import annotations

import hashlib
import re
import ssl
from pathlib import Path
from typing import Any

import pytest
from faces import FACES, Face, run

from sluice import errors
from sluice.testing import Daemon

GUARDED = f"""
principals:
  worker:
    tokens: ["sha256:{hashlib.sha256(b"w0rker").hexdigest()}"]
    allow: {{recv: ["jobs/"], send: ["jobs/"], inspect: own}}
"""


@pytest.mark.parametrize("face_name", FACES)
def test_messages_go_over_tls(face_name: str, certificate: tuple[Path, Path]) -> None:
    async def body(face: Face) -> None:
        address = "sluices://" + face.daemon.addresses["tls"]
        text = bytes(range(256)) * 2000
        async with face.connect(address, tls=str(certificate[0])) as hub:
            jobs = await hub.channel("jobs").open(capacity=10)
            for _ in range(10):
                await jobs.send(text)
            assert [await jobs.recv() for _ in range(10)] == [text] * 10
        async with face.connect(address, tls=ssl.create_default_context(cafile=str(certificate[0]))) as hub:
            await hub.ping()
        with pytest.raises(errors.ConnectionLost, match="certificate verify failed"):
            async with face.connect(address):
                pass
        with pytest.raises(errors.SluiceError):
            async with face.connect(face.daemon.addresses["tls"], connect_timeout=5):
                pass

    path, key = certificate
    config = f"listen:\n  - address: 127.0.0.1:0\n    tls:\n      certificate: {path}\n      key: {key}\n"
    with Daemon(config=config, port=None) as daemon:
        face = Face(face_name, daemon)
        run(face, body, face)


@pytest.mark.parametrize("face_name", FACES)
def test_a_principal_may_do_what_is_permitted(face_name: str) -> None:
    async def body(face: Face) -> None:
        async with face.connect(principal="worker", token="w0rker") as hub:
            with pytest.raises(errors.TimedOut):
                await hub.channel("jobs/mail").send(b"x", timeout=0)
            with pytest.raises(errors.Denied, match="SEND results"):
                await hub.channel("results").send(b"x", timeout=0)
            assert (await hub.clients())[0]["principal"] == "worker"
        refused: list[tuple[dict[str, Any], type[Exception]]] = [
            ({}, errors.AuthRequired),
            ({"principal": "worker", "token": "guess"}, errors.Denied),
        ]
        for credentials, error in refused:
            with pytest.raises(error):
                async with face.connect(**credentials):
                    pass
        with pytest.raises(errors.BadRequest):
            face.connect(principal="worker")

    with Daemon(config=GUARDED) as daemon:
        face = Face(face_name, daemon)
        run(face, body, face)


@pytest.mark.parametrize("face_name", FACES)
def test_a_client_connects_through_a_unix_socket(face_name: str, tmp_path: Path) -> None:
    async def body(face: Face) -> None:
        async with face.connect(f"unix:{tmp_path}/hub") as hub:
            assert re.search("unix", repr(hub))
            await hub.ping()

    with Daemon(["--listen", f"unix:{tmp_path}/hub"]) as daemon:
        face = Face(face_name, daemon)
        run(face, body, face)
