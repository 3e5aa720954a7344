"""Messages of any bytes, however the network splits them."""

from __future__ import annotations

from ..adapter import encoded
from ..hub import PlayedRequest
from ..stage import Stage, case

#: 1 MiB. Most bytes stand for themselves in an instruction, so that an adapter reads it fast.
_LARGE = (b"sluice" * 300 + b"\n#1 OK\r\n\x00\xff" + bytes(range(238))) * 512
assert len(_LARGE) == 1 << 20
BODIES: dict[str, tuple[str, bytes]] = {
    "text": ("a text", b"sweep the yard"),
    "empty": ("an empty body", b""),
    "lf": ("a body that is an LF", b"\n"),
    "ends-in-cr": ("a body that ends in CR", b"carriage return\r"),
    "begins-with-space": ("a body that begins and ends with spaces", b"  two spaces  "),
    "option": ("a body that looks like an option", b"timeout=1s"),
    "bar": ("a body that looks like another arm of a select", b"one | recv two | else"),
    "any-byte": ("a body with every byte", bytes(range(256))),
    "nul": ("a body of NULs", bytes(300)),
    "like-replies": ("a body that looks like replies", b"\nOK\n#1 OK\n#2 MSG jobs 1\nx\nERR framing no\n"),
    "utf-8": ("a body in UTF-8", "Zürich, 東京, 🚰".encode()),
    "1-mib": ("a body of 1 MiB", _LARGE),
}


def _cases(name: str, what: str, body: bytes) -> None:
    @case(f"send-{name}", f"A send brings {what} to the server as it is")
    def send(stage: Stage) -> None:
        stage.connect()
        operation = stage.tell(f"send jobs {encoded(body)}".rstrip())
        stage.request("SEND", "jobs", body=body).reply("OK")
        stage.expect(operation, "ok")

    @case(f"recv-{name}", f"A receive gets {what} as it is")
    def receive(stage: Stage) -> None:
        stage.connect()
        operation, request = stage.ask("recv jobs", "RECV", "jobs")
        request.reply("MSG jobs {N}", body)
        stage.expect(operation, f"message {encoded(body)}".rstrip())

    @case(f"call-{name}", f"A call sends {what} and gets it as an answer", "call")
    def call(stage: Stage) -> None:
        stage.connect()
        operation = stage.tell(f"call jobs {encoded(body)}".rstrip())
        stage.request("CALL", "jobs", body=body).reply("DATA {N}", body)
        stage.expect(operation, f"answer {encoded(body)}".rstrip())

    @case(f"answer-{name}", f"An acknowledgement answers with {what}", "lease")
    def answer(stage: Stage) -> None:
        stage.connect()
        received, request = stage.ask("recv lease=1m jobs", "RECV", "jobs")
        request.reply("MSG jobs {N} did=4.2 attempt=1 fence=9 call=yes", b"7")
        stage.expect(received, "message 7")
        operation = stage.tell(f"answer {received} {encoded(body)}".rstrip())
        acknowledged = stage.request("ACK", "4.2", body=body)
        if not body and "len" not in acknowledged.options:
            stage.hub.violations.append("an empty answer needs len=0: a bare ACK is no answer")
        acknowledged.reply("OK")
        stage.expect(operation, "ok")


for _name, (_what, _body) in BODIES.items():
    _cases(_name, _what, _body)


@case("split-bytes", "Replies may come byte by byte")
def split_bytes(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    request.reply("OK receivers=2", pieces=1)
    stage.expect(operation, "ok")
    operation, request = stage.ask("recv jobs", "RECV", "jobs")
    request.reply("MSG jobs {N}", b"sweep\nthe\r\nyard\n", pieces=1)
    stage.expect(operation, "message sweep%0Athe%0D%0Ayard%0A")
    operation, request = stage.ask("send timeout=1h jobs hello", "SEND", "jobs")
    request.reply("POISONED jobs the disk is full", pieces=1)
    stage.expect(operation, "poisoned")


@case("split-points", "A reply may be split in two at every byte")
def split_points(stage: Stage) -> None:
    stage.connect()
    body = b"OK\n#1\n"
    position = 1
    while True:
        operation, request = stage.ask("recv jobs", "RECV", "jobs")
        data = request.reply_bytes("MSG jobs {N}", body)
        if position >= len(data):
            request.connection.write(data)
            request.end()
            stage.expect(operation, f"message {encoded(body)}")
            return
        request.end()
        request.connection.write(data[:position], pieces=position)
        request.connection.write(data[position:])
        stage.expect(operation, f"message {encoded(body)}")
        position += 1


@case("one-segment", "A hundred replies may come in one segment", "concurrent")
def one_segment(stage: Stage) -> None:
    stage.connect()
    operations, requests = [], []
    for number in range(100):
        operation, request = stage.ask(f"recv jobs-{number}", "RECV", f"jobs-{number}")
        operations.append(operation)
        requests.append(request)
    write_together(requests, [b"job\n%d" % number for number in range(100)])
    for number, operation in enumerate(operations):
        stage.expect(operation, f"message job%0A{number}")


def write_together(requests: list[PlayedRequest], bodies: list[bytes]) -> None:
    """Writes the messages of several receives at once."""
    by_connection: dict[int, bytes] = {}
    for request, body in [(request, bodies[index]) for index, request in enumerate(requests)]:
        request.end()
        data = request.reply_bytes(f"MSG {request.request.name} {{N}}", body)
        by_connection[request.connection.number] = by_connection.get(request.connection.number, b"") + data
    for request in requests:
        request.connection.write(by_connection.pop(request.connection.number, b""))
