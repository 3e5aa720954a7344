"""The web door of the real daemon, for a Python program that has no client library but requests."""

from __future__ import annotations

import json

import pytest
import requests
from background import in_thread

from sluice.testing import Daemon

SECONDS = 60


@pytest.fixture
def door():
    """The address of the web door of a daemon."""
    with Daemon(["--web", "127.0.0.1:0"]) as daemon:
        assert daemon.process.stdout is not None
        line = daemon.process.stdout.readline().strip()
        assert line.startswith("ready http=")
        yield f"http://{line.partition('=')[2]}"


def test_requests_sends_and_receives_over_one_connection(door):
    def receive():
        with requests.Session() as session:
            return [session.get(f"{door}/c/numbers", timeout=SECONDS).content for _ in range(100)]

    received = in_thread(receive)
    with requests.Session() as session:
        for number in range(100):
            answer = session.post(f"{door}/c/numbers", data=str(number), timeout=SECONDS)
            assert (answer.status_code, answer.text) == (200, "ok\n")
    assert received() == [str(number).encode() for number in range(100)]


def test_requests_acknowledges_a_message_under_a_lease(door):
    sent = in_thread(lambda: requests.post(f"{door}/c/jobs", data=b"\0sweep\n", timeout=SECONDS))
    with requests.Session() as session:
        received = session.get(f"{door}/c/jobs", params={"lease": "1h"}, timeout=SECONDS)
        assert (received.status_code, received.content) == (200, b"\0sweep\n")
        token = received.headers["Sluice-Delivery"]
        assert session.post(f"{door}/d/{token}", timeout=SECONDS).status_code == 200
        assert session.post(f"{door}/d/{token}", timeout=SECONDS).status_code == 410
    assert sent().status_code == 200


def test_requests_reads_a_stream_of_messages(door):
    with requests.get(f"{door}/c/news", params={"stream": "1"}, stream=True, timeout=SECONDS) as stream:
        events = (line for line in stream.iter_lines(chunk_size=1) if line.startswith(b"data: "))
        for text in (b"one", b"two"):
            sent = in_thread(requests.post, f"{door}/c/news", text)
            assert next(events) == b"data: " + text
            assert sent().status_code == 200


def test_requests_reads_a_report(door):
    report = requests.get(f"{door}/v1/channels", timeout=SECONDS)
    assert report.headers["Content-Type"].startswith("application/json")
    assert json.loads(report.text)["channels"] == []
