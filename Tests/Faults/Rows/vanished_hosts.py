"""Clients on hosts that lose their power or their network, without a FIN or RST."""

from battery import Figure, exactly, row
from clients import Client
from namespaces import FarHost
from stopwatch import Stopwatch


@row(
    "vanished",
    "a host with parked clients, one of which holds a lease, vanishes from the network",
    wrong={"trusting": "noticed after"},
)
def host_that_vanishes(conditions):
    count, silence = conditions.count(full=100, quick=20), conditions.count(full=8, quick=4)
    with FarHost() as far, FarHost() as steady:
        address = far.near_address
        with conditions.daemon(host=address, silence_seconds=silence) as daemon:
            near = [Client(daemon.port, address, host=address) for _ in range(3)]
            watcher, sender, successor = near
            others = _parked(steady, daemon.port, address, count, b"steady")
            clients = _parked(far, daemon.port, address, count, b"gone")
            holder = _client(far, daemon.port, address)
            holder.send(b"recv lease=1h work\n")
            sender.send(b"#s send work plough\n")
            first = holder.reply()
            successor.send(b"recv lease=1h work\n")
            watcher.await_info(lambda info: info["parked"] == 2 * count + 2)

            far.vanish()
            with Stopwatch("self", daemon.pids[0]) as watch:
                # Half of the clients are sent something, so that the kernel waits for their acknowledgement.
                for number in range(count // 2):
                    watcher.ask(b"send gone/%d hello\n" % number)
                for client in (sender, successor):
                    client.socket.settimeout(3 * silence)
                second = _reply_in_time(successor)
                if second:
                    successor.send(b"ack %s\n" % second.delivery)
                watcher.await_info(lambda info: info["connections"] == len(near) + count, 3 * silence, 0.05)
            noticed = watch.seconds - watch.delayed_seconds
            info = watcher.info()
            answer = _reply_in_time(sender)
            answered = sum(bool(other.ask(b"#p ping\n")) for other in others)
            for client in [*near, *others, *clients, holder]:
                client.close()
    gone = count + 1
    yield Figure(
        "noticed after", noticed if info["connections"] == len(near) + count else float("inf"), "s", silence + 2
    )
    yield exactly("counted as silent", info["endings"].get("silent", 0), gone)
    yield exactly("leased message to the next receiver", int(bool(first and second and second.body == first.body)), 1)
    yield exactly("its sender answered with OK", int(bool(answer and answer.word == "OK")), 1)
    yield exactly("other clients still served", answered, count)


def _client(host, port, address):
    with host.inside():
        return Client(port, host.address, host=address)


def _parked(host, port, address, count, name):
    clients = [_client(host, port, address) for _ in range(count)]
    for number, client in enumerate(clients):
        client.send(b"#w recv %s/%d\n" % (name, number))
    return clients


def _reply_in_time(client):
    try:
        return client.reply()
    except TimeoutError:
        return None
