"""PING over TCP on loopback: sluiced and Redis, under the same load generator."""

import socket
from contextlib import ExitStack

from processes import ChildFailed, Server, output_of
from report import Result, print_block

CONNECTIONS = 50
PIPELINED = 16

#: key, title, server, PingLoad's dialect. Redis answers two: its ratio should be taken from the faster one.
RACERS = [
    ("sluice", "sluiced, PING\\n", "sluiced", "sluice"),
    ("redis-inline", "Redis, inline: PING\\r\\n", "redis", "redis-inline"),
    ("redis-resp", "Redis, RESP: *1\\r\\n$4\\r\\nPING\\r\\n", "redis", "redis-resp"),
]


def run_ping(toolbox, rounds, seconds, failures):
    """Interleaved rounds, both servers up all the time. Returns the rates and the servers' processor time."""
    if "load" not in toolbox.programs:
        return []
    racers = [racer for racer in RACERS if racer[2] in toolbox.programs]
    rates = {key: Result("ping", key, title, "PING/s", higher_is_better=True) for key, title, _, _ in racers}
    costs = {key: Result("ping-cpu", key, title, "ns a PING") for key, title, _, _ in racers}
    loads = {}
    try:
        with ExitStack() as stack:
            servers = {name: stack.enter_context(server_of(name, toolbox)) for _, _, name, _ in racers}
            for _ in range(rounds):
                for key, _, name, dialect in racers:
                    rate, cost, busy = _run_round(servers[name], toolbox.programs["load"], dialect, seconds)
                    rates[key].values.append(rate)
                    costs[key].values.append(cost)
                    loads[key] = max(busy, loads.get(key, 0))
    except ChildFailed as failure:
        failures.append(f"ping: {failure}")
    for key, busy in loads.items():
        rates[key].note = f"load at most {busy:.0%} busy"
    print_block("PING over TCP (PING/s)", list(rates.values()))
    print(f"  {CONNECTIONS} connections, {PIPELINED} pipelined on each; {seconds} s a round, {rounds} of them each")
    print_block("the server's processor time (ns a PING)", list(costs.values()))
    return [*rates.values(), *costs.values()]


def server_of(name, toolbox):
    program = toolbox.programs[name][0]
    if name == "sluiced":
        return Server([program, "--listen", "127.0.0.1:0"], port=_port_of_sluiced, ready="ready tcp=")
    port = _free_port()
    command = [program, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no"]
    return Server(command, port=lambda _: port, ready="Ready to accept connections")


def _port_of_sluiced(ready_line):
    return int(ready_line.rpartition(":")[2])


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _run_round(server, load, dialect, seconds):
    """PINGs a second, the server's nanoseconds of processor time for each, and how busy the load generator was."""
    cpu_before = server.cpu_seconds()
    output = output_of([*load, server.port, dialect, CONNECTIONS, PIPELINED, seconds], timeout_seconds=seconds + 60)
    cpu_seconds = server.cpu_seconds() - cpu_before
    figures = {name: float(value) for name, value, _ in map(str.split, output.splitlines())}
    return (
        figures["requests"] / figures["elapsed"],
        cpu_seconds * 1e9 / figures["requests-with-warm-up"],
        figures["load-cpu"] / figures["elapsed"],
    )
