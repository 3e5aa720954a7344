"""How a connection begins and ends."""

from __future__ import annotations

from ..hub import GREETING, Connection
from ..results import Failed
from ..stage import LOST, Stage, case

#: What a client may say when the peer is of no use to it.
_REFUSED = ("error", "broken", "disconnected", "doubt")


@case("hello", "The first command of a connection is HELLO")
def hello(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    request.reply("OK")
    stage.expect(operation, "ok")
    for connection in stage.hub.connections:
        if connection.verbs[:1] != ["HELLO"]:
            raise Failed(f"the first command of a connection is {connection.verbs[0]}")


@case("greeting-split", "A greeting may come byte by byte")
def greeting_split(stage: Stage) -> None:
    stage.hub.automatic.discard("HELLO")
    operation = stage.tell("connect")
    first = stage.request("HELLO")
    stage.hub.automatic.add("HELLO")
    first.reply(GREETING, pieces=1)
    stage.expect(operation, "ok")


@case("greeting-additions", "A greeting may have features and keys that the client does not know")
def greeting_additions(stage: Stage) -> None:
    stage.hub.greeting = f"{GREETING},time-travel flavour=vanilla Future-Key-2=%20"
    stage.connect()
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    request.reply("OK")
    stage.expect(operation, "ok")


@case("greeting-plain", "A server without features is served")
def greeting_plain(stage: Stage) -> None:
    stage.hub.greeting = "OK version=1 epoch=7 max-line=8192 max-body=1048576 max-arms=64 max-tags=1024"
    stage.connect()
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    request.reply("OK")
    stage.expect(operation, "ok")


@case("features-offered", "HELLO names only additions that the server has announced")
def features_offered(stage: Stage) -> None:
    offered = {"receivers", "later"}
    stage.hub.greeting = GREETING.rpartition(" ")[0] + f" features={','.join(sorted(offered))}"
    stage.connect()
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    request.reply("OK")
    stage.expect(operation, "ok")
    for connection in stage.hub.connections:
        if others := connection.features - offered:
            raise Failed(f"HELLO names {', '.join(sorted(others))}, which the server has not announced")


@case("version-2", "A server of another version is refused, and gets no commands")
def version_2(stage: Stage) -> None:
    stage.hub.greeting = GREETING.replace("version=1", "version=2")
    stage.expect(stage.tell("connect"), *_REFUSED)
    stage.expect(stage.tell("send jobs hello"), *_REFUSED)
    if any("SEND" in connection.verbs for connection in stage.hub.connections):
        raise Failed("the client has sent a message to a server of version 2")


@case("greeting-refused", "A server that refuses HELLO ends connecting with its error")
def greeting_refused(stage: Stage) -> None:
    stage.hub.automatic.discard("HELLO")

    def refuse(connection: Connection) -> None:
        connection.write(b"ERR limit too many connections\n")
        connection.close()

    stage.hub.opening = refuse
    stage.expect(stage.tell("connect"), "error limit", "broken", "disconnected")


def _impostor(name: str, title: str, opening: bytes) -> None:
    @case(name, title)
    def impostor(stage: Stage) -> None:
        stage.hub.automatic.discard("HELLO")
        stage.hub.opening = lambda connection: connection.write(opening)
        stage.expect(stage.tell("connect"), *_REFUSED)


_impostor("other-http", "A web server ends connecting with an error", b"HTTP/1.1 400 Bad Request\r\n\r\n")
_impostor("other-ssh", "An SSH server ends connecting with an error", b"SSH-2.0-OpenSSH_9.2\r\n")
_impostor("other-redis", "A Redis server ends connecting with an error", b"-ERR unknown command\r\n")
_impostor("other-bytes", "Bytes that are no text end connecting with an error", b"\x15\x03\x03\x00\x02\x02\xff\n")


@case("greeting-lost", "A connection that ends instead of a greeting does not end in success or silence")
def greeting_lost(stage: Stage) -> None:
    def leave(connection: Connection) -> None:
        stage.hub.opening = None
        connection.close()

    stage.hub.opening = leave
    operation = stage.tell("connect")
    # A client may try again.
    outcome = stage.outcome(operation)
    if outcome == "ok" and len(stage.hub.connections) < 2:
        raise Failed("the client has connected to a server that has not answered")


@case("auth-required", "A server that requires credentials ends in its error")
def auth_required(stage: Stage) -> None:
    stage.hub.automatic = {"HELLO"}
    operation = stage.tell("connect")
    for _ in range(3):
        # The client may notice when it connects, or at its first operation.
        request = stage.outcome_or_request(operation)
        if request is not None:
            request.reply("ERR auth-required authenticate first: AUTH principal token")
        if stage.expect(operation, "error auth-required", "ok") != "ok":
            return
        operation = stage.tell("send jobs hello")
    raise Failed("the client takes 'ERR auth-required' for success")


@case("close", "A client that closes sends QUIT and reads to the end of the stream")
def close(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("send jobs hello", "SEND", "jobs")
    request.reply("OK")
    stage.expect(operation, "ok")
    connection = request.connection
    stage.hub.automatic.discard("QUIT")
    closing = stage.tell("close")
    quit_request = stage.request("QUIT")
    quit_request.reply("OK")
    connection.close()
    stage.expect(closing, "ok")


@case("close-waiting", "An operation that waits when the client is closed has one outcome", "concurrent")
def close_waiting(stage: Stage) -> None:
    stage.connect()
    operation, request = stage.ask("recv jobs", "RECV", "jobs")
    closing = stage.tell("close")
    stage.expect(closing, "ok")
    stage.expect(operation, "cancelled", "withdrawn", *LOST)
    stage.wait_for_end(request.connection)


@case("nobody", "An address where nobody listens ends connecting with an error")
def nobody(stage: Stage) -> None:
    stage.hub.refuse_connections()
    stage.expect(stage.tell("connect"), *_REFUSED)
