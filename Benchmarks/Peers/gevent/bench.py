"""The channel benchmark's workloads in gevent: bench.py WORKLOAD COUNT prints "WORKLOAD VALUE UNIT".

Benchmarks/README.md describes the workloads, which are the same for every contestant. gevent's rendezvous channel is
`queue.Channel`; gevent has no select over channels, so those workloads are unsupported.
"""

import resource
import sys
from time import monotonic_ns

import gevent
from gevent import socket, subprocess
from gevent.lock import Semaphore
from gevent.queue import Channel


def ping_pong(count):
    """Returns the nanoseconds of `count` transfers between two greenlets over two channels."""
    ping, pong = Channel(), Channel()
    rounds = count // 2

    def echo():
        for _ in range(rounds):
            pong.put(ping.get() + 1)

    echoing = gevent.spawn(echo)
    begin = monotonic_ns()
    value = 0
    for _ in range(rounds):
        ping.put(value)
        value = pong.get()
    elapsed = monotonic_ns() - begin
    echoing.join()
    expect(value, rounds)
    return elapsed


def one_way(count):
    channel = Channel()

    def send():
        for value in range(count):
            channel.put(value)

    begin = monotonic_ns()
    sending = gevent.spawn(send)
    total = 0
    for _ in range(count):
        total += channel.get()
    elapsed = monotonic_ns() - begin
    sending.join()
    expect(total, count * (count - 1) // 2)
    return elapsed


def semaphore(count):
    mine, theirs = Semaphore(0), Semaphore(0)

    def answer():
        for _ in range(count // 2):
            theirs.acquire()
            mine.release()

    answering = gevent.spawn(answer)
    begin = monotonic_ns()
    for _ in range(count // 2):
        theirs.release()
        mine.acquire()
    elapsed = monotonic_ns() - begin
    answering.join()
    return elapsed


def mutex(count):
    lock = Semaphore(1)
    begin = monotonic_ns()
    for _ in range(count):
        lock.acquire()
        lock.release()
    return monotonic_ns() - begin


def barrier(count):
    """gevent has no barrier: each of two tasks releases a semaphore, and acquires that of the other one."""
    here, there = Semaphore(0), Semaphore(0)

    def meet(mine, other):
        for _ in range(count):
            mine.release()
            other.acquire()

    begin = monotonic_ns()
    meeting = gevent.spawn(meet, there, here)
    meet(here, there)
    meeting.join()
    return monotonic_ns() - begin


def nothing():
    pass


def spawn_join(count):
    begin = monotonic_ns()
    for _ in range(count):
        gevent.spawn(nothing).join()
    return monotonic_ns() - begin


def spawn_batch(count, batch=1000):
    begin = monotonic_ns()
    for _ in range(count // batch):
        gevent.joinall([gevent.spawn(nothing) for _ in range(batch)])
    return monotonic_ns() - begin


def park(count, channel):
    """Starts `count` greenlets that receive from `channel`; returns when all of them are parked there."""
    for _ in range(count):
        gevent.spawn(channel.get)
    while len(channel.getters) < count:
        gevent.sleep(0)


def release(count, channel):
    for _ in range(count):
        channel.put(None)
    gevent.wait()


def spawn_park(count, batch=10_000):
    elapsed = 0
    for _ in range(count // batch):
        channel = Channel()
        begin = monotonic_ns()
        park(batch, channel)
        elapsed += monotonic_ns() - begin
        release(batch, channel)
    return elapsed


def parked_bytes(count):
    """Returns the growth of the resident set while `count` greenlets are parked."""
    channel = Channel()
    before = resident_bytes()
    park(count, channel)
    after = resident_bytes()
    release(count, channel)
    return after - before


def sieve(count):
    """Returns the count-th prime, and the nanoseconds until it left the chain."""

    def number_source(out):
        number = 2
        while True:
            out.put(number)
            number += 1

    def keep_indivisible(prime, source, out):
        while True:
            number = source.get()
            if number % prime:
                out.put(number)

    begin = monotonic_ns()
    source = Channel()
    gevent.spawn(number_source, source)
    prime = 0
    for _ in range(count):
        prime = source.get()
        filtered = Channel()
        gevent.spawn(keep_indivisible, prime, source, filtered)
        source = filtered
    return prime, monotonic_ns() - begin


def offload(count):
    threads = gevent.get_hub().threadpool
    begin = monotonic_ns()
    total = sum(threads.apply(lambda: 1) for _ in range(count))
    elapsed = monotonic_ns() - begin
    expect(total, count)
    return elapsed


def datagram(count):
    here, there = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    here.bind(("127.0.0.1", 0))
    there.bind(("127.0.0.1", 0))

    def echo():
        for _ in range(count // 2):
            there.sendto(*there.recvfrom(8))

    echoing = gevent.spawn(echo)
    address = there.getsockname()
    begin = monotonic_ns()
    for _ in range(count // 2):
        here.sendto(b"datagram", address)
        here.recvfrom(8)
    elapsed = monotonic_ns() - begin
    echoing.join()
    return elapsed


def run_programs(count):
    begin = monotonic_ns()
    for _ in range(count):
        subprocess.call(["/bin/true"])
    return monotonic_ns() - begin


def resident_bytes():
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


def expect(got, wanted):
    if got != wanted:
        sys.exit(f"wrong result: expected {wanted}, but got {got}")


TIMED = {
    "ping-pong": ping_pong,
    "one-way": one_way,
    "semaphore": semaphore,
    "mutex": mutex,
    "barrier": barrier,
    "spawn-join": spawn_join,
    "spawn-batch": spawn_batch,
    "spawn-park": spawn_park,
    "offload": offload,
    "datagram": datagram,
    "subprocess": run_programs,
}


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: bench.py WORKLOAD COUNT")
    name, count = sys.argv[1], int(sys.argv[2])
    if name in TIMED:
        TIMED[name](count // 10)
        print(f"{name} {TIMED[name](count) / count:.1f} ns")
    elif name == "parked":
        print(f"{name} {parked_bytes(count) / count:.0f} B")
    elif name == "sieve":
        prime, elapsed = sieve(count)
        print(f"{name} {elapsed / 1e9:.3f} s\nlast-prime {prime} value")
    else:
        print(f"{name} - unsupported")


main()
