"""The concurrent sieve of Eratosthenes with PyCSP's API: a process for each prime passes on the numbers that its
prime does not divide. The first number that comes out of a filter is the next prime.

make example NAME=sieve-csp

Prints the primes up to 2 000, as `sieve` does. docs/csp.md describes sluice.csp.
"""

from sluice.csp import Channel, ChannelRetireException, Parallel, Spawn, process, retire, shutdown


@process
def count(cout, limit):
    for number in range(2, limit + 1):
        cout(number)
    retire(cout)


@process
def sieve(cin):
    try:
        while True:
            prime = cin()
            print(prime)
            rest = Channel()
            Spawn(filter_multiples(prime, cin, -rest))
            cin = +rest
    except ChannelRetireException:
        pass  # every number has come through


@process
def filter_multiples(prime, cin, cout):
    while True:
        number = cin()
        if number % prime:
            cout(number)


numbers = Channel()
Parallel(count(-numbers, 2000), sieve(+numbers))
shutdown()
