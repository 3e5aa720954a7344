"""A program for gevent. Its twin for Sluice, Sources/Examples/InProcess/GeventTwin.swift, has the same statements in
the same order and prints the same.

make example NAME=gevent-original      runs this program
make example NAME=gevent-twin          runs its twin
"""

import gevent
from gevent.event import AsyncResult
from gevent.pool import Pool
from gevent.queue import Channel, Queue

# Two greenlets and a queue that holds two messages.
stall = Queue(maxsize=2)


def supply():
    for fruit in ["apples", "pears", "plums"]:
        stall.put(fruit)
    stall.put(StopIteration)


def sell():
    for fruit in stall:
        print("sold:", fruit)
    return "sold out"


supplier = gevent.spawn(supply)
seller = gevent.spawn(sell)
print(seller.get())
supplier.join()

# A channel: put waits until another greenlet gets.
counter = Channel()
customer = gevent.spawn(lambda: "paid with " + counter.get())
counter.put("a coin")
print(customer.get())

# A result that several greenlets wait for.
news = AsyncResult()
readers = [gevent.spawn(lambda: news.get()) for _ in range(3)]
news.set("it rains")
for reader in readers:
    print("read:", reader.get())

# A timeout.
try:
    with gevent.Timeout(0.010):
        counter.get()
except gevent.Timeout:
    print("nothing for 10 ms")


# Kill.
def dream():
    try:
        gevent.sleep(3600)
    finally:
        print("woken up")


dreamer = gevent.spawn(dream)
gevent.sleep(0)
dreamer.kill()

# A pool of two.
for square in Pool(2).imap(lambda number: number * number, range(1, 5)):
    print("squared:", square)
