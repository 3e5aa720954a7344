"""What the table of PyCSP in docs/idioms.md shows."""

from sluice.csp import *


@process
def add(a, b):
    return a + b


@process
def multiply(a, b):
    return a * b


@process
def square(n):
    return n * n


@process
def worker(cin):
    (-reports)(f"received: {cin()}")


@process
def foreman(cout):
    cout("sweep the yard")


reports = Channel("reports")
jobs = Channel("jobs")
cin, cout = +jobs, -jobs
Spawn(worker(cin))
Sequence(foreman(cout))
print((+reports)())
print(Parallel(add(3, 4), multiply(3, 4)))
print(Parallel([square(n) for n in (1, 2, 3)]))

urgent, results = +Channel(buffer=2), -Channel(buffer=2)
end, _ = AltSelect(InputGuard(urgent), InputGuard(cin), OutputGuard(results, 42))
print(end is results)
guard, _ = PriSelect(InputGuard(urgent), InputGuard(cin), SkipGuard())
print(type(guard).__name__)
print(TimeoutGuard(seconds=60).seconds)

Spawn(foreman(cout))
print(cin())
retire(cout)
try:
    cin()
except ChannelRetireException:
    print("retired")
poison(cin)
try:
    (-jobs)("too late")
except ChannelPoisonException:
    print("poisoned")
shutdown()
